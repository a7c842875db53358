"""Big-endian fields of a message, read one after another and never beyond its end."""

from __future__ import annotations


class Cursor:
    """A place in some bytes; whatever lies behind the end reads as zero or as nothing."""

    __slots__ = ("_bytes", "_end", "_place", "whole")

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._bytes = data
        self._place = 0
        self._end = len(data)
        self.whole = True
        """False for a block that claims more than there is."""

    @property
    def left(self) -> int:
        """Count the bytes ahead."""
        return self._end - self._place

    def take(self, length: int) -> bytes:
        """Give the next `length` bytes, or what is left of them."""
        start = self._place
        self.skip(length)
        return self._bytes[start : self._place]

    def rest(self) -> bytes:
        """Give all that is left."""
        return self.take(self.left)

    def skip(self, length: int) -> None:
        """Pass `length` bytes, or what is left of them."""
        self._place = min(self._place + length, self._end)

    def number(self, width: int) -> int:
        """Read a number of `width` bytes; 0 where fewer are left."""
        field = self.take(width)
        return int.from_bytes(field, "big") if len(field) == width else 0

    def variable(self) -> int:
        """Read a number that tells its own width, as QUIC writes them (RFC 9000 section 16)."""
        first = self.number(1)
        more = (1 << (first >> 6)) - 1
        return (first & 0x3F) << 8 * more | self.number(more)

    def block(self, width: int) -> Cursor:
        """Pass a length of `width` bytes and as many bytes as it says; give those."""
        length = self.number(width)
        inner = Cursor(self._bytes)
        inner._place = self._place
        inner.whole = length <= self.left
        self.skip(length)
        inner._end = self._place
        return inner
