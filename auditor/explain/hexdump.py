"""Bytes as people read them: hexadecimal beside printable ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PER_LINE = 16
_HALF = 8


def hexdump(data: bytes) -> Iterator[str]:
    """Yield lines of 16 bytes, with their offset; whatever is not printable ASCII is a dot."""
    for start in range(0, len(data), _PER_LINE):
        line = data[start : start + _PER_LINE]
        halves = (line[:_HALF].hex(" "), line[_HALF:].hex(" "))
        yield f"{start:04x}  {halves[0]:<23}  {halves[1]:<23}  {printable(line)}"


def printable(data: bytes) -> str:
    """Write bytes as ASCII, a dot for each that is not printable."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
