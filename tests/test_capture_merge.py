"""Several captures as one: exact order in time, whatever overlaps."""

from __future__ import annotations

import gzip
import os
import random
import sys
import tempfile
from pathlib import Path

import pytest
from capture_files import Frame, frame, frames_in, pcap, pcapng
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture import open_capture

times_strategy = st.lists(st.integers(0, 50), max_size=30)


def write(path: Path, times: list[int], tag: bytes) -> str:
    """Write a capture of frames at these nanoseconds after noon, which say whose they are."""
    frames = [frame(tag + bytes([row % 256]), at_ns=time) for row, time in enumerate(times)]
    path.write_bytes(pcapng(frames))
    return str(path)


def merged(names: list[str]) -> list[Frame]:
    """Read several captures."""
    with open_capture(names) as capture:
        return frames_in(capture)


@given(st.lists(times_strategy.map(sorted), min_size=2, max_size=5))
def test_files_in_order_are_merged_into_order(files: list[list[int]]) -> None:
    """All frames come out by time; those of equal times by file, then by place in the file."""
    with tempfile.TemporaryDirectory() as directory:
        names = [
            write(Path(directory) / str(index), times, bytes([index]))
            for index, times in enumerate(files)
        ]
        frames = merged(names)

    everything = [
        (time, index, number)
        for index, times in enumerate(files)
        for number, time in enumerate(times, 1)
    ]
    base = frame(b"").time_ns
    assert [(each.time_ns - base, each.data[0], each.number) for each in frames] == sorted(
        everything
    )


@given(st.lists(times_strategy, min_size=2, max_size=4))
def test_the_order_inside_a_file_is_kept(files: list[list[int]]) -> None:
    """Clocks that step back neither lose frames nor reorder those of their file."""
    with tempfile.TemporaryDirectory() as directory:
        names = [
            write(Path(directory) / str(index), times, bytes([index]))
            for index, times in enumerate(files)
        ]
        frames = merged(names)

    for index, times in enumerate(files):
        numbers = [each.number for each in frames if each.data[0] == index]
        assert numbers == list(range(1, len(times) + 1))


def test_files_are_taken_by_their_first_times(tmp_path: Path) -> None:
    """A rotated capture is read in the order of its parts, however they are named."""
    late = write(tmp_path / "1", [20, 30], b"l")
    early = write(tmp_path / "2", [1, 10], b"e")
    with open_capture([late, early]) as capture:
        frames = frames_in(capture)

    assert [each.data[:1] for each in frames] == [b"e", b"e", b"l", b"l"]
    assert capture.facts.files == [late, early]


def test_a_batch_tells_from_which_file_each_frame_is(tmp_path: Path) -> None:
    """Frames of files that overlap share batches; capture is the index of the file."""
    names = [write(tmp_path / "1", [1, 3, 5], b"a"), write(tmp_path / "2", [2, 4, 6], b"b")]
    with open_capture(names) as capture:
        batches = list(capture)

    captures = [index for batch in batches for index in batch.capture.tolist()]
    assert captures == [0, 1, 0, 1, 0, 1]
    assert len(batches) < 6


def test_long_overlapping_files_come_in_full_batches(tmp_path: Path) -> None:
    """Two captures of one time, frame against frame, do not fall apart into crumbs."""
    names = [
        write(tmp_path / "even", list(range(0, 40_000, 2)), b"e"),
        write(tmp_path / "odd", list(range(1, 40_000, 2)), b"o"),
    ]
    with open_capture(names) as capture:
        batches = list(capture)
    frames = frames_in(batches)

    assert [each.time_ns - frames[0].time_ns for each in frames] == list(range(40_000))
    assert len(batches) <= 12


def test_compressed_and_plain_files_are_merged(tmp_path: Path) -> None:
    """The first time of a compressed capture is found as well."""
    plain = write(tmp_path / "plain", [10], b"p")
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(pcap([frame(b"z", at_ns=1000), frame(b"y")])))

    assert [each.data[:1] for each in merged([plain, str(packed)])] == [b"p", b"z", b"y"]


def open_files() -> int:
    """Count the files that this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - entries vanish while they are listed


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_few_files_are_open_at_once(tmp_path: Path) -> None:
    """Captures one after the other are open one after the other; of many that overlap, some."""
    chooser = random.Random(3)
    apart = [write(tmp_path / f"a{n}", [n * 10, n * 10 + 5], b"a") for n in range(60)]
    together = [
        write(tmp_path / f"t{n}", sorted(chooser.choices(range(10_000), k=2000)), b"t")
        for n in range(60)
    ]
    before = open_files()
    for names, limit in ((apart, 3), (together, 35)):
        seen = []
        with open_capture(names) as capture:
            for _ in capture:
                seen.append(open_files() - before)  # noqa: PERF401 - counted while it is open
        assert max(seen) <= limit
        assert open_files() == before


def test_many_overlapping_files_are_merged_exactly(tmp_path: Path) -> None:
    """Beyond the number of files that stay open, none is lost and none misplaced."""
    chooser = random.Random(5)
    names = [
        write(tmp_path / f"{n:02}", sorted(chooser.choices(range(100_000), k=300)), bytes([n]))
        for n in range(50)
    ]
    frames = merged(names)

    times = [each.time_ns for each in frames]
    assert len(frames) == 15_000
    assert times == sorted(times)


def test_a_file_that_vanishes_before_its_turn_is_named(tmp_path: Path) -> None:
    """It was there when it was looked at, and is not when it is opened again."""
    early = write(tmp_path / "1", [1], b"a")
    late = write(tmp_path / "2", [2], b"b")
    with open_capture([early, late]) as capture:
        next(capture)
        Path(late).unlink()
        rest = list(capture)

    assert rest == []
    assert capture.facts.unreadable == [f"{late}: expected a capture, found no such file"]
