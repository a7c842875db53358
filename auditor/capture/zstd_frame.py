"""A zstd frame, decoded block by block.

The library bounds nothing that one call returns, and does not tell a frame that was cut short
from a whole one. But a block decodes to 128 KiB at most, and a frame is whole once its last block
and its checksum were there; so the blocks are found here (RFC 8878, section 3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_SKIPPABLE = b"\x2a\x4d\x18"  # after a first byte 0x50 ... 0x5f


class ZstdFrame:
    """One zstd frame or skippable frame, with the interface of bz2.BZ2Decompressor."""

    def __init__(self) -> None:
        """Expect a frame's magic first."""
        import zstandard  # noqa: PLC0415 - only a zstd capture needs it

        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._parts = self._walk()
        self._in_pieces = False  # whether the next part is wanted as it comes, not whole
        self._wanted = next(self._parts)
        self._skippable = False
        self._pending = b""
        self.eof = False
        self.needs_input = True

    @property
    def unused_data(self) -> bytes:
        """What followed the frame's end."""
        return self._pending

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002 - a block is bounded
        """Return the contents of the next part; raise zstandard.ZstdError."""
        self._pending += data
        self.needs_input = len(self._pending) < (1 if self._in_pieces else self._wanted)
        if self.needs_input:
            return b""
        part, self._pending = self._pending[: self._wanted], self._pending[self._wanted :]
        try:
            self._wanted = self._parts.send(part)
        except StopIteration:
            self.eof = True
        return self._frame.decompress(part) if part and not self._skippable else b""

    def _walk(self) -> Generator[int, bytes, None]:
        """Ask for the frame's parts by their sizes, each known from the parts before it."""
        start = yield 5
        if start[1:4] == _SKIPPABLE:
            self._skippable = True
            yield from self._pass(int.from_bytes(start[4:] + (yield 3), "little"))
            return
        descriptor = start[4]
        single_segment = descriptor >> 5 & 1
        dictionary_id = (0, 1, 2, 4)[descriptor & 3]
        content_size = (single_segment, 2, 4, 8)[descriptor >> 6]
        yield 1 - single_segment + dictionary_id + content_size
        last = 0
        while not last:
            header = int.from_bytes((yield 3), "little")
            last, kind, size = header & 1, header >> 1 & 3, header >> 3
            yield from self._pass(1 if kind == 1 else size)  # a run is stored as its one byte
        yield 4 * (descriptor >> 2 & 1)  # the checksum

    def _pass(self, size: int) -> Generator[int, bytes, None]:
        """Ask for a part of which nothing has to be known, in pieces: a torn one may still help."""
        self._in_pieces = True
        while size:
            size -= len((yield size))
        self._in_pieces = False
