"""One capture from its first byte to its last: bounded reads, and damage of every kind."""

from __future__ import annotations

import struct
import tracemalloc
from unittest.mock import patch

import pytest
from capture_files import (
    NOON_NS,
    BytesReader,
    Frame,
    batches_of,
    enhanced,
    frame,
    frames_in,
    interface,
    numbered,
    open_bytes,
    pcap,
    pcap_header,
    pcap_record,
    pcapng,
    read_bytes,
    section,
)
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture import foreign
from auditor.capture.stream import FrameStream
from auditor.errors import CaptureError

frames_strategy = st.lists(
    st.builds(
        lambda seconds, ns, data, cut: Frame(seconds * 10**9 + ns, data, len(data) + cut),
        st.integers(0, 2**32 - 1),
        st.integers(0, 10**9 - 1),
        st.binary(max_size=80),
        st.integers(0, 2000),
    ),
    max_size=30,
)
orders = st.sampled_from(["<", ">"])
MIXED = [frame(bytes([number]) * (7 * number), at_ns=number * 1000) for number in range(12)]


@given(frames_strategy, orders, st.integers(1, 300), st.integers(30, 500))
def test_pcap_frames_come_back_as_they_went_in(
    frames: list[Frame], order: str, chunk: int, block_bytes: int
) -> None:
    """However the bytes arrive, and in whichever blocks they are read."""
    data = pcap(frames, order, unit_ns=1)

    assert read_bytes(data, chunk=chunk, block_bytes=block_bytes) == numbered(frames)


@given(frames_strategy, orders, st.integers(1, 300), st.integers(30, 500))
def test_pcapng_frames_come_back_as_they_went_in(
    frames: list[Frame], order: str, chunk: int, block_bytes: int
) -> None:
    """However the bytes arrive, and in whichever blocks they are read."""
    data = pcapng(frames, order)

    assert read_bytes(data, chunk=chunk, block_bytes=block_bytes) == numbered(frames)


@pytest.mark.parametrize("write", [pcap, pcapng])
def test_a_capture_cut_anywhere_is_read_up_to_there(write: object) -> None:
    """At every byte: the whole frames before the cut come out, and a torn one is reported."""
    data = pcap(MIXED) if write is pcap else pcapng(MIXED)
    header = 24 if write is pcap else len(pcapng([]))
    sizes = [
        len(pcap([each])) - 24 if write is pcap else len(pcapng([each])) - header for each in MIXED
    ]
    ends = [header + sum(sizes[:count]) for count in range(len(MIXED) + 1)]
    for cut in range(header, len(data) + 1):
        stream = open_bytes(data[:cut])
        whole = sum(end <= cut for end in ends) - 1

        assert frames_in(batches_of(stream)) == numbered(MIXED[:whole])
        assert stream.truncated == (cut not in ends)
        assert len(stream.warnings) == (cut not in ends)


@pytest.mark.parametrize("data", [pcap(MIXED), pcapng(MIXED)], ids=["pcap", "pcapng"])
def test_a_capture_cut_in_its_header_is_an_error(data: bytes) -> None:
    """Too little to tell anything from is never a traceback."""
    for cut in range(24):
        with pytest.raises(CaptureError):
            open_bytes(data[:cut])


@given(st.binary(max_size=400), st.sampled_from(["pcap", "pcapng", "nothing"]))
def test_random_bytes_never_raise_anything_else(noise: bytes, start: str) -> None:
    """Behind a sound header or without one, noise ends in frames, a warning or an error."""
    head = {"pcap": pcap([]), "pcapng": pcapng([]), "nothing": b""}[start]
    try:
        # Noise that looks like another format's is not to start a process each time.
        with patch.object(foreign, "find_tshark", return_value=None):
            stream = open_bytes(head + noise)
    except CaptureError:
        return
    for batch in batches_of(stream):
        assert (batch.offset >= 0).all()
        assert (batch.offset + batch.captured_len <= len(batch.data)).all()
        assert (batch.captured_len <= batch.wire_len).all()
        assert (batch.time_ns >= 0).all()


@given(
    st.sampled_from(["pcap", "pcapng"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)), min_size=1, max_size=3),
)
def test_frames_before_a_flipped_bit_are_intact(kind: str, flips: list[tuple[int, int]]) -> None:
    """Damage reaches neither back to the frames before it, nor out of the program."""
    ends = [len(pcap(MIXED[:n]) if kind == "pcap" else pcapng(MIXED[:n])) for n in range(13)]
    damaged = bytearray(pcap(MIXED) if kind == "pcap" else pcapng(MIXED))
    first = len(damaged)
    for place, bit in flips:
        at = ends[0] + place % (len(damaged) - ends[0])
        damaged[at] ^= 1 << bit
        first = min(first, at)

    frames = read_bytes(bytes(damaged))

    sound = sum(end <= first for end in ends) - 1
    assert frames[:sound] == numbered(MIXED[:sound])


@given(frames_strategy, st.binary(min_size=1, max_size=60))
def test_a_warning_names_the_place(frames: list[Frame], noise: bytes) -> None:
    """Whatever stands behind the last frame, the warning points at its first byte."""
    data = pcap(frames) + (b"\xff" * 16 + noise)
    stream = open_bytes(data)
    batches_of(stream)

    place = f"x.pcap: record {len(frames) + 1} at byte {len(pcap(frames))}: expected a frame of"
    assert stream.truncated
    assert [warning.startswith(place) for warning in stream.warnings] == [True]


@pytest.mark.parametrize(
    "claim",
    [
        pcap_header() + struct.pack("<IIII", 0, 0, 0xFFFF_FFFF, 0xFFFF_FFFF),
        pcap_header(link=231) + struct.pack("<IIII", 0, 0, 1 << 27, 1 << 27),
        section() + interface() + struct.pack("<III", 6, 0xFFFF_FFFC, 0),
        section() + interface() + struct.pack("<III", 0xBEEF, 0xFFFF_FFFC, 0),
        section() + interface(link=231) + struct.pack("<III", 6, 1 << 27, 0),
        section() + interface()[:8] + b"\xf0\xff\xff\xff" + interface()[8:],
    ],
    ids=["pcap", "dbus", "pcapng", "unknown block", "dbus block", "torn interface"],
)
def test_memory_does_not_depend_on_what_a_file_claims(claim: bytes) -> None:
    """A record of four gigabytes that is not there costs nothing."""
    data = claim + bytes(100_000)
    tracemalloc.start()
    try:
        stream = open_bytes(data)
        frames = batches_of(stream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert frames == []
    assert stream.truncated
    assert peak < 2_000_000


class EndlessReader(BytesReader):
    """A header and then the same records again and again, made while they are read."""

    def __init__(self, records: bytes, repeats: int) -> None:
        """Repeat `records`."""
        super().__init__(pcap_header())
        self._records = records
        self._left = repeats

    def read(self, limit: int) -> bytes:
        """Return the header, then the records once in each read."""
        head = super().read(limit)
        if head or not self._left:
            return head
        self._left -= 1
        return self._records


def test_memory_does_not_depend_on_the_length_of_a_file() -> None:
    """Sixty megabytes are read in the memory of a few blocks."""
    records = pcap_record(frame(bytes(1200))) * 800
    stream = FrameStream("x", EndlessReader(records, 60), 0)
    count = 0
    tracemalloc.start()
    try:
        while (batch := stream.read()) is not None:
            count += len(batch)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert count == 48_000
    assert peak < 6_000_000


def test_a_large_frame_of_a_link_type_that_has_them_is_read() -> None:
    """A transfer of several megabytes is put together from many reads."""
    large = bytes(3_000_000)
    data = section() + interface(link=249) + enhanced(NOON_NS // 1000, large)

    assert [each.data for each in read_bytes(data, chunk=100_000)] == [large]


class BrokenReader(BytesReader):
    """A disk that fails after some bytes."""

    def read(self, limit: int) -> bytes:
        """Return the next bytes, or fail."""
        data = super().read(limit)
        if not data:
            raise OSError(5, "Input/output error")
        return data


def test_a_disk_that_fails_is_damage() -> None:
    """What was read before is reported."""
    stream = FrameStream("x.pcap", BrokenReader(pcap(MIXED)), 0)

    assert frames_in(batches_of(stream)) == numbered(MIXED)
    assert stream.truncated
    assert stream.warnings[0].endswith("found that it cannot be read (input/output error)")


def test_a_disk_that_fails_at_once_is_an_error() -> None:
    """There is nothing to report, so the error names the file, which is closed."""
    source = BrokenReader(b"")
    with pytest.raises(CaptureError, match=r"x\.pcap: expected a capture, found that it cannot"):
        FrameStream("x.pcap", source, 0)

    assert source.closed


def test_a_compressed_file_without_contents_is_an_error() -> None:
    """The error says that the compression is at fault."""
    with pytest.raises(CaptureError, match="found that the gzip data ends early"):
        open_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\3")


@pytest.mark.parametrize("data", [pcap([]), pcapng([]), section()])
def test_a_capture_without_frames_is_no_error(data: bytes) -> None:
    """A header alone is a capture of nothing."""
    stream = open_bytes(data)

    assert batches_of(stream) == []
    assert (stream.truncated, stream.warnings) == (False, [])
