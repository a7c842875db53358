"""The child process in which pyshark works: `CAPTURE TSHARK SECONDS` in, one line of JSON out.

{"frames": [{"protocols": "eth:ip:tcp:tls", "details": ["..."]}, ...]}
{"reason": "..."}
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyshark.packet.fields import LayerField
    from pyshark.packet.layers.xml_layer import XmlLayer
    from pyshark.packet.packet import Packet

_BELOW = frozenset({"tcp", "udp", "icmp", "icmpv6", "sctp", "esp", "gre", "ip", "ipv6", "eth"})
"""Layers that the flow's own facts already tell."""

_REMARK = "_ws.expert"
_CHAT = 0x0020_0000
"""Severity of what Wireshark says of every connection, such as that it begins."""
_MOST_DETAILS = 4
_LONGEST = 300


def main(capture: str, tshark: str, seconds: str) -> int:
    """Dissect a capture and print the result."""
    try:
        answer: dict[str, object] = {"frames": _dissect(capture, tshark, float(seconds))}
    except ImportError as error:
        answer = {"reason": f"{error.name or 'pyshark'} is not installed"}
    except TimeoutError:
        answer = {"reason": f"no answer within {seconds} s"}
    except Exception as error:  # noqa: BLE001 - pyshark raises whatever its helpers raise
        lines = str(error).strip().splitlines() or [""]
        answer = {"reason": f"{type(error).__name__}: {lines[0]}"[:_LONGEST]}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


def _dissect(capture: str, tshark: str, seconds: float) -> list[dict[str, object]]:
    import pyshark  # noqa: PLC0415 - its absence is an answer too

    found: list[dict[str, object]] = []
    # Given a loop, pyshark looks for none and sets no child watcher, which Python 3.14 has not.
    loop = asyncio.new_event_loop()
    frames = pyshark.FileCapture(capture, eventloop=loop, tshark_path=tshark, keep_packets=False)
    try:
        try:
            frames.apply_on_packets(lambda packet: found.append(_told(packet)), timeout=seconds)
        finally:
            frames.close()
    except TimeoutError:
        raise
    except Exception:
        # pyshark can misread how tshark ended; what came before that stands.
        if not found:
            raise
    finally:
        loop.close()
    return found


def _told(packet: Packet) -> dict[str, object]:
    upper = [layer for layer in packet.layers if layer.layer_name not in _BELOW]
    details = [text for layer in upper for text in _first_line(layer)]
    details += [text for layer in packet.layers for text in _remarks(layer)]
    return {
        "protocols": str(packet.frame_info.protocols),
        "details": list(dict.fromkeys(details))[:_MOST_DETAILS],
    }


def _first_line(layer: XmlLayer) -> Iterator[str]:
    """Yield what a layer begins with; of a layer with several records each one's first line."""
    for name in layer._all_fields:  # noqa: SLF001 - pyshark's names lose the order and the empty name
        field = layer.get_field(name)
        if name.startswith(_REMARK) or not field.showname:
            continue
        for each in field.all_fields:
            yield _line(each)
        return


def _remarks(layer: XmlLayer) -> Iterator[str]:
    """Yield what Wireshark finds remarkable, such as a retransmission."""
    messages, gravity = (layer.get_field(f"{_REMARK}.{name}") for name in ("message", "severity"))
    if messages is None or gravity is None:
        return
    for message, severity in zip(messages.all_fields, gravity.all_fields, strict=False):
        if int(severity.show) > _CHAT:
            yield f"remark: {str(message.show).strip()[:_LONGEST]}"


def _line(field: LayerField) -> str:
    text = str(field.showname or field.show or "")
    return text.removesuffix("\\r\\n").strip()[:_LONGEST]


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:4]))
