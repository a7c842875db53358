"""Compressed captures, read as their contents: gzip, zstd, lz4, xz and bzip2, by magic bytes."""

from __future__ import annotations

import bz2
import lzma
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from auditor.capture.gzip_member import GzipMember
from auditor.capture.reader import copy_into
from auditor.capture.zstd_frame import ZstdFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.capture.reader import ByteReader

INPUT_BYTES = 1 << 18
"""Compressed bytes read at a time."""

STEP_BYTES = 1 << 16
"""Contents asked for at a time: what a damaged xz, bzip2 or lz4 stream loses at most."""

XZ_MEMORY_BYTES = 1 << 28
"""What an xz stream may ask for; those of `xz -9` need a quarter of it."""

_MAGIC_BYTES = 6
_HEADER_BYTES = 28
"""The longest header that a capture format has."""


class Content(Protocol):
    """The contents of a capture, whatever they were wrapped in."""

    damage: str | None
    """Once the contents have ended: why they ended early; None where they did not."""

    def read(self, limit: int) -> bytes:
        """Return some bytes, hardly more than `limit`, none at the end; raise OSError."""

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer, and return how many, 0 at the end; raise OSError."""


class Member(Protocol):
    """One gzip member, zstd frame, xz stream ...: what bz2.BZ2Decompressor offers."""

    @property
    def eof(self) -> bool:
        """Whether the member's end was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without more data."""

    @property
    def unused_data(self) -> bytes | None:
        """What followed the member's end; lz4 says None for nothing."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return the next contents, about `max_length` bytes at most."""


@dataclass(frozen=True, slots=True)
class Compression:
    """A way to compress a file."""

    name: str
    magic: tuple[bytes, ...]
    start: Callable[[], Member]
    padded: bool = False
    """Whether zero bytes may follow a member."""


def _start_xz() -> Member:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)


def _start_lz4() -> Member:
    import lz4.frame  # noqa: PLC0415 - only an lz4 capture needs it

    member: Member = lz4.frame.LZ4FrameDecompressor()
    return member


# A multi-threaded zstd puts a skippable frame, the first of the last line's magics, in front.
COMPRESSIONS = (
    Compression("gzip", (b"\x1f\x8b\x08",), GzipMember, padded=True),
    Compression("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    Compression("xz", (b"\xfd7zXZ\0",), _start_xz, padded=True),
    Compression("lz4", (b"\x04\x22\x4d\x18",), _start_lz4),
    Compression(
        "zstd",
        (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))),
        ZstdFrame,
    ),
)


class _Plain:
    """Contents that are not compressed."""

    damage: str | None = None

    def __init__(self, source: ByteReader, head: bytes) -> None:
        """Hand out `head`, which was read to look at it, before the rest of `source`."""
        self._source = source
        self._head = head

    def read(self, limit: int) -> bytes:
        """Return some bytes, none at the end; raise OSError."""
        head, self._head = self._head, b""
        return head or self._source.read(limit)

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer, and return how many, 0 at the end; raise OSError."""
        if self._head:
            return copy_into(buffer, self.read(len(buffer)))
        return self._source.readinto(buffer)


class _Decompressed:
    """The contents of a compressed file: of all its members, one after the other."""

    def __init__(self, source: ByteReader, head: bytes, compression: Compression) -> None:
        """Decompress `head`, which was read to look at it, and the rest of `source`."""
        self.damage: str | None = None
        self._source = source
        self._input = head
        self.compression = compression
        self._member: Member | None = compression.start()
        self._spare = b""  # what was decompressed beyond the end of a buffer

    def read(self, limit: int) -> bytes:
        """Return what is at hand, waiting for more only if that is nothing; raise OSError."""
        pieces: list[bytes] = []
        missing = limit
        while missing > 0 and self._member is not None:
            if self._member.eof:
                self._next_member(self._member.unused_data or b"")
                continue
            if self._member.needs_input and not self._input:
                if pieces:
                    break
                self._input = self._source.read(INPUT_BYTES)
                if not self._input:
                    self._end(f"the {self.compression.name} data ends early")
                    break
            piece = self._step(self._member)
            if piece:
                pieces.append(piece)
                missing -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer: memoryview) -> int:
        """Put some bytes into a buffer, and return how many, 0 at the end; raise OSError."""
        data, self._spare = self._spare or self.read(len(buffer)), b""
        self._spare = data[len(buffer) :]
        return copy_into(buffer, data[: len(buffer)])

    def _step(self, member: Member) -> bytes:
        data, self._input = self._input, b""
        try:
            return member.decompress(data, STEP_BYTES)
        except MemoryError:
            self._end(f"the {self.compression.name} data asks for too much memory")
        except Exception as error:  # noqa: BLE001 - every library raises something else, one RuntimeError
            self._end(f"the {self.compression.name} data is damaged ({error})")
        return b""

    def _next_member(self, following: bytes) -> None:
        """Start the member that follows the one that ended, if there is one."""
        data = following + self._input
        self._input = b""
        while True:
            if self.compression.padded:
                data = data.lstrip(b"\0")
            if len(data) >= _MAGIC_BYTES:
                break
            more = self._source.read(INPUT_BYTES)
            if not more:
                break
            data += more
        if not data:
            self._end(None)
        elif data.startswith(self.compression.magic):
            self._input = data
            self._member = self.compression.start()
        else:
            self._end(f"other data follows the {self.compression.name} data")

    def _end(self, damage: str | None) -> None:
        self.damage = damage
        self._member = None


def compression_of(content: Content) -> str | None:
    """Name the compression that `content` was wrapped in; None where it was in none."""
    return content.compression.name if isinstance(content, _Decompressed) else None


def open_content(source: ByteReader, limit: int) -> Content:
    """Look at the head of `source`, read in pieces of at most `limit`; raise OSError."""
    head = source.read(limit)
    while 0 < len(head) < _MAGIC_BYTES:
        more = source.read(limit)
        if not more:
            break
        head += more
    for compression in COMPRESSIONS:
        if head.startswith(compression.magic):
            return _Decompressed(source, head, compression)
    return _Plain(source, head)


def read_head(content: Content, limit: int) -> bytes:
    """Read enough to tell what a file is, in pieces of at most `limit`; raise OSError."""
    head = b""
    while len(head) < _HEADER_BYTES:
        piece = content.read(limit)
        if not piece:
            break
        head += piece
    return head
