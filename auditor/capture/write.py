"""Writing captures: pcapng with nanoseconds, original link types, and comments for Wireshark."""

from __future__ import annotations

import struct
from typing import IO

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_ENHANCED_PACKET = 6

_COMMENT = 1
_APPLICATION = 4
_TIME_RESOLUTION = 9
_NANOSECONDS = b"\x09"

_LONGEST_TEXT = 0xFFFF
"""Bytes of an option; its length is a field of 16 bits."""


class PcapngWriter:
    """Writes one section, with an interface for each link type that its frames have.

    Texts become UTF-8 and are cut where an option ends; what they say is the caller's affair.
    """

    def __init__(self, out: IO[bytes], *, application: str = "", comment: str = "") -> None:
        """Begin the section: `application` wrote it, `comment` says what of it."""
        self._out = out
        self._interfaces: dict[int, int] = {}
        options = _text(_COMMENT, comment) + _text(_APPLICATION, application)
        head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        self._block(_SECTION, head, options)

    def write(
        self, frame: bytes, *, time_ns: int, wire_len: int, linktype: int, comment: str = ""
    ) -> None:
        """Add a frame that was `wire_len` bytes long before it was captured."""
        interface = self._interfaces.get(linktype)
        if interface is None:
            interface = self._interfaces[linktype] = len(self._interfaces)
            options = _option(_TIME_RESOLUTION, _NANOSECONDS)
            self._block(_INTERFACE, struct.pack("<HHI", linktype, 0, 0), options)
        high, low = divmod(time_ns, 1 << 32)
        head = struct.pack("<IIIII", interface, high, low, len(frame), wire_len)
        self._block(_ENHANCED_PACKET, head + _padded(frame), _text(_COMMENT, comment))

    def _block(self, kind: int, body: bytes, options: bytes) -> None:
        # Where there are options, an empty one ends them.
        content = body + (options + bytes(4) if options else b"")
        length = len(content) + 12
        self._out.write(struct.pack("<II", kind, length) + content + struct.pack("<I", length))


def _text(code: int, text: str) -> bytes:
    """Make an option of a text; of none, nothing."""
    if not text:
        return b""
    # Only a file name can hold what UTF-8 cannot express.
    data = text.encode("utf-8", "replace")
    if len(data) > _LONGEST_TEXT:
        data = data[: _LONGEST_TEXT - 3].decode("utf-8", "ignore").encode() + b"..."
    return _option(code, data)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
