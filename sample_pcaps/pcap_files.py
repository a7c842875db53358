"""Write frames as pcap and pcapng, the same bytes each time."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wire import Frame

_ETHERNET = 1
_SNAPLEN = 262_144
_NANOSECONDS = 9
_COMMENT = 1


class Interface(NamedTuple):
    """A capture interface of a pcapng file."""

    name: str
    description: str = ""


def pcap(frames: Iterable[Frame], *, nanoseconds: bool = False, order: str = "<") -> bytes:
    """Render a classic pcap file; `order` is `<` or `>`."""
    magic, unit_ns = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, _SNAPLEN, _ETHERNET)]
    for frame in frames:
        seconds, rest_ns = divmod(frame.time_ns, 1_000_000_000)
        size = len(frame.data)
        parts.append(struct.pack(order + "IIII", seconds, rest_ns // unit_ns, size, size))
        parts.append(frame.data)
    return b"".join(parts)


def pcapng(
    frames: Iterable[Frame], interfaces: Sequence[Interface] = (Interface("span0"),), *,
    comment: str = "", maker: str = "sample_pcaps/build.py",
) -> bytes:  # fmt: skip
    """Render one section with nanosecond times; frames name their interface by index."""
    parts = [_section(comment, maker), *map(_interface, interfaces)]
    for frame in frames:
        size = len(frame.data)
        high, low = divmod(frame.time_ns, 1 << 32)
        body = struct.pack("<IIIII", frame.interface, high, low, size, size) + _padded(frame.data)
        parts.append(_block(6, body))
    return b"".join(parts)


def _section(comment: str, maker: str) -> bytes:
    options = _option(_COMMENT, comment.encode()) + _option(4, maker.encode())
    return _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options + bytes(4))


def _interface(interface: Interface) -> bytes:
    options = _option(2, interface.name.encode()) + _option(3, interface.description.encode())
    options += _option(9, bytes([_NANOSECONDS]))
    return _block(1, struct.pack("<HHI", _ETHERNET, 0, _SNAPLEN) + options + bytes(4))


def _option(code: int, value: bytes) -> bytes:
    """Render an option; an empty one is left out."""
    return struct.pack("<HH", code, len(value)) + _padded(value) if value else b""


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
