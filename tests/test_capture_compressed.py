"""Compressed captures: every format, whole, torn, damaged and concatenated."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import lz4.frame
import pytest
import zstandard
from capture_files import BytesReader, batches_of, frame, frames_in, numbered, open_bytes, pcap
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture.compressed import open_content

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 1 << 20
RANDOM = random.Random(7)
FRAMES = [frame(RANDOM.randbytes(RANDOM.randrange(900)), at_ns=n * 1000) for n in range(400)]
CAPTURE = pcap(FRAMES)


def bzip2(data: bytes) -> bytes:
    """Compress in blocks of 100 kB: of a torn block nothing is left."""
    return bz2.compress(data, 1)


def zstd(data: bytes) -> bytes:
    """Compress with a checksum."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def zstd_stream(data: bytes) -> bytes:
    """Compress as a pipe does: without the size of the contents, without a checksum."""
    compressor = zstandard.ZstdCompressor(write_checksum=False, write_content_size=False)
    pieces = compressor.compressobj()
    return pieces.compress(data) + pieces.flush()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bzip2,
    "xz": lzma.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstd,
    "zstd stream": zstd_stream,
}
every_format = pytest.mark.parametrize("compress", COMPRESS.values(), ids=COMPRESS)


def contents(data: bytes, chunk: int | None = None) -> tuple[bytes, str | None]:
    """Return what compressed data holds, and its damage."""
    content = open_content(BytesReader(data, chunk), BLOCK)
    pieces = []
    while piece := content.read(BLOCK):
        pieces.append(piece)
    return b"".join(pieces), content.damage


@every_format
@pytest.mark.parametrize("plain", [b"", b"x", CAPTURE, bytes(3_000_000)])
def test_whole_data_comes_out_whole(compress: Callable[[bytes], bytes], plain: bytes) -> None:
    """Empty, tiny, ordinary and long contents are read without a word of damage."""
    assert contents(compress(plain)) == (plain, None)


@every_format
def test_data_may_arrive_byte_by_byte(compress: Callable[[bytes], bytes]) -> None:
    """A slow pipe is no damage."""
    assert contents(compress(b"slow" * 50), chunk=1) == (b"slow" * 50, None)


@every_format
def test_concatenated_data_is_read_on(compress: Callable[[bytes], bytes]) -> None:
    """What tools append to a compressed file belongs to it."""
    data = compress(b"one,") + compress(b"") + compress(b"two")

    assert contents(data) == (b"one,two", None)
    assert contents(data, chunk=3) == (b"one,two", None)


@every_format
def test_data_that_is_torn_anywhere_is_read_up_to_there(
    compress: Callable[[bytes], bytes],
) -> None:
    """At every cut the contents are a beginning of the whole, and the damage is told."""
    plain = b"some contents " * 9 + RANDOM.randbytes(20)
    whole = compress(plain)
    for end in range(6, len(whole)):
        found, damage = contents(whole[:end])
        assert plain.startswith(found)
        assert damage is not None
        assert damage.endswith("data ends early")


@every_format
def test_other_data_behind_is_told(compress: Callable[[bytes], bytes]) -> None:
    """The contents before foreign data are read, the rest is damage."""
    found, damage = contents(compress(b"contents") + b"something else")

    assert found == b"contents"
    assert damage is not None
    assert damage.startswith("other data follows")


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gzip", "xz"])
def test_padding_behind_is_no_damage(compress: Callable[[bytes], bytes]) -> None:
    """Tapes and block devices fill up gzip and xz data with zero bytes."""
    padded = compress(b"one") + bytes(512) + compress(b"two") + bytes(512)

    assert contents(padded) == (b"onetwo", None)


def test_skippable_zstd_frames_are_passed_over() -> None:
    """What a parallel zstd writes in front and what others write in between is no content."""
    skippable = b"\x5a\x2a\x4d\x18" + (100_000).to_bytes(4, "little") + bytes(100_000)

    assert contents(skippable + zstd(b"one") + skippable + zstd(b"two")) == (b"onetwo", None)


def test_a_wrong_gzip_checksum_costs_nothing() -> None:
    """All that was decoded before the damage is kept."""
    data = bytearray(gzip.compress(CAPTURE))
    data[-6] ^= 1

    found, damage = contents(bytes(data))

    assert found == CAPTURE
    assert damage is not None
    assert "incorrect data check" in damage


def test_a_wrong_zstd_checksum_costs_nothing() -> None:
    """All that was decoded before the damage is kept."""
    data = zstd(CAPTURE)

    found, damage = contents(data[:-1] + bytes([data[-1] ^ 1]))

    assert found == CAPTURE
    assert damage is not None
    assert "checksum" in damage


@given(st.sampled_from(sorted(COMPRESS)), st.data())
def test_damaged_data_is_never_an_exception(name: str, data: st.DataObject) -> None:
    """Whichever bytes are changed, reading ends with some contents."""
    damaged = bytearray(COMPRESS[name](b"contents " * 40))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    found, _ = contents(bytes(damaged))

    assert len(found) < 10_000_000


@every_format
def test_a_capture_is_read_through_its_compression(compress: Callable[[bytes], bytes]) -> None:
    """Frames come out of compressed captures as out of plain ones."""
    stream = open_bytes(compress(CAPTURE), chunk=5000)

    assert frames_in(batches_of(stream)) == numbered(FRAMES)
    assert (stream.warnings, stream.truncated) == ([], False)


@every_format
def test_a_torn_compressed_capture_is_reported_up_to_there(
    compress: Callable[[bytes], bytes],
) -> None:
    """The frames before the tear are intact, and the warning names the compression."""
    stream = open_bytes(compress(CAPTURE)[:-50_000])

    frames = frames_in(batches_of(stream))

    assert frames == numbered(FRAMES)[: len(frames)]
    assert stream.truncated
    assert stream.warnings[0].endswith("data ends early")


def test_a_tear_between_two_records_is_noticed() -> None:
    """A compressed file that ends early is truncated even if its last record is whole."""
    stream = open_bytes(gzip.compress(CAPTURE)[:-8])

    assert frames_in(batches_of(stream)) == numbered(FRAMES)
    assert stream.truncated


@every_format
def test_a_bomb_does_not_fill_the_memory(compress: Callable[[bytes], bytes]) -> None:
    """Contents a thousand times as long as the file are read in bounded pieces."""
    bomb = compress(bytes(60_000_000))
    content = open_content(BytesReader(bomb), BLOCK)
    length = 0
    tracemalloc.start()
    try:
        while piece := content.read(BLOCK):
            length += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert length == 60_000_000
    assert peak < 12_000_000


def test_an_xz_stream_that_asks_for_too_much_memory_is_damage() -> None:
    """A dictionary beyond the limit is refused in words."""
    dictionary = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}
    data = bytearray(lzma.compress(b"x", filters=[dictionary], check=lzma.CHECK_NONE))
    data[16] = 39  # a dictionary of 3 GiB, in a header of eight bytes and a checksum
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")

    found, damage = contents(bytes(data))

    assert found == b""
    assert damage is not None
    assert "emory" in damage
