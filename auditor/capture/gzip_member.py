"""A gzip member that yields everything before its damage."""

from __future__ import annotations

import zlib


class GzipMember:
    """One gzip member, with the interface of bz2.BZ2Decompressor."""

    def __init__(self) -> None:
        """Expect a member's header first."""
        self._inflate = zlib.decompressobj(wbits=31)
        self._error: zlib.error | None = None

    @property
    def eof(self) -> bool:
        """Whether the member's end was reached."""
        return self._inflate.eof

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more data."""
        return not self._inflate.unconsumed_tail and self._error is None

    @property
    def unused_data(self) -> bytes:
        """What followed the member's end."""
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return the next contents; raise zlib.error once those before the damage are out."""
        if self._error is not None:
            raise self._error
        data = self._inflate.unconsumed_tail + data
        before = self._inflate.copy()
        try:
            return self._inflate.decompress(data, max_length)
        except zlib.error as error:
            self._error = error
        return _until_damage(before, data)


def _until_damage(inflate: zlib._Decompress, data: bytes) -> bytes:
    """Decode byte by byte: zlib drops all that a failing call had decoded."""
    contents = bytearray()
    try:
        for at in range(len(data)):
            contents += inflate.decompress(data[at : at + 1])
    except zlib.error:
        pass
    return bytes(contents)
