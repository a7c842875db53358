"""Captures opened together: facts, errors, windows of time, and real files."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from capture_files import (
    NOON_NS,
    block,
    enhanced,
    frame,
    frames_in,
    interface,
    numbered,
    option,
    pcap,
    pcapng,
    section,
)
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.capture.reader import FileReader
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = [frame(bytes(10 * number), at_ns=number * 1000) for number in range(10)]


def write(path: Path, data: bytes) -> str:
    """Write a file and return its name."""
    path.write_bytes(data)
    return str(path)


def test_the_facts_count_frames_and_bytes_on_the_wire(tmp_path: Path) -> None:
    """Wire lengths are summed, not what was captured."""
    name = write(tmp_path / "x.pcap", pcap([frame(b"ab", wire_len=1000), frame(b"c")]))
    with open_capture([name]) as capture:
        list(capture)

    facts = capture.facts
    assert (facts.files, facts.frames, facts.bytes) == ([name], 2, 1001)
    assert (facts.dropped, facts.truncated, facts.warnings, facts.unreadable) == (
        None,
        False,
        [],
        [],
    )


def test_a_header_alone_is_a_capture_of_nothing(tmp_path: Path) -> None:
    """No batch, no error, no warning; alone and among others."""
    empty = write(tmp_path / "empty.pcap", pcap([]))
    full = write(tmp_path / "full.pcap", pcap(FRAMES))
    with open_capture([empty]) as capture:
        assert list(capture) == []
    with open_capture([full, empty]) as both:
        assert frames_in(both) == numbered(FRAMES)

    assert capture.facts.files == [empty]
    assert both.facts.files == [full, empty]


def test_a_window_of_time_includes_its_start_and_excludes_its_end(tmp_path: Path) -> None:
    """Frames outside are not counted, those inside keep their numbers."""
    name = write(tmp_path / "x.pcap", pcap(FRAMES))
    with open_capture([name], since_ns=NOON_NS + 2000, until_ns=NOON_NS + 4000) as capture:
        frames = frames_in(capture)

    assert frames == numbered(FRAMES)[2:4]
    assert (capture.facts.frames, capture.facts.bytes) == (2, 50)


@pytest.mark.parametrize("limits", [(NOON_NS + 10**9, None), (None, NOON_NS), (5, 5)])
def test_a_window_without_frames_is_a_capture_of_nothing(
    tmp_path: Path, limits: tuple[int | None, int | None]
) -> None:
    """No empty batches are handed out."""
    names = [write(tmp_path / "x", pcap(FRAMES)), write(tmp_path / "y", pcap(FRAMES))]
    with open_capture(names, since_ns=limits[0], until_ns=limits[1]) as capture:
        assert list(capture) == []


def test_damage_in_one_of_several_files_leaves_the_others_whole(tmp_path: Path) -> None:
    """The warning names the file, and the facts say that something is missing."""
    torn = write(tmp_path / "torn.pcap", pcap(FRAMES)[:-1])
    whole = write(tmp_path / "whole.pcap", pcap(FRAMES))
    with open_capture([torn, whole]) as capture:
        assert len(frames_in(capture)) == 19

    assert capture.facts.truncated
    assert capture.facts.warnings == [
        f"{torn}: record 10 at byte 528: expected 106 bytes, found 105 before the end of the file"
    ]


def test_losses_of_several_files_add_up(tmp_path: Path) -> None:
    """Files that say nothing of losses add nothing."""
    lost = option(4, (3).to_bytes(8, "little"))
    some = section() + interface() + enhanced(NOON_NS // 1000, b"", options=lost)
    statistics = block(5, bytes(12) + option(5, (4).to_bytes(8, "little")))
    names = [
        write(tmp_path / "1", some),
        write(tmp_path / "2", pcap(FRAMES)),
        write(tmp_path / "3", section() + interface() + statistics),
    ]
    with open_capture(names) as capture:
        list(capture)

    assert capture.facts.dropped == 7


def test_an_unreadable_one_of_several_sources_is_named(tmp_path: Path) -> None:
    """The rest is read, and its captures are numbered without gaps."""
    text = write(tmp_path / "a.txt", b"No. Time")
    good = write(tmp_path / "b.pcap", pcap(FRAMES))
    with open_capture([text, "missing.pcap", good, "http://host/x"]) as capture:
        batches = list(capture)

    facts = capture.facts
    assert facts.files == [good]
    assert {index for batch in batches for index in batch.capture.tolist()} == {0}
    assert sorted(line.rpartition(": ")[0] for line in facts.unreadable) == sorted(
        [text, "missing.pcap", "http://host/x"]
    )


def test_nothing_readable_is_one_error_with_a_line_for_each(tmp_path: Path) -> None:
    """Every source has its reason."""
    empty = write(tmp_path / "empty", b"")
    with pytest.raises(CaptureError) as error:
        open_capture([empty, "missing.pcap"])

    assert str(error.value).splitlines() == [
        f"{empty}: expected a pcap or pcapng capture, found an empty file",
        "missing.pcap: expected a capture, found no such file",
    ]


def test_no_source_at_all_is_wrong_usage() -> None:
    """An empty list is a mistake of the caller."""
    with pytest.raises(UsageError):
        open_capture([])


@pytest.mark.parametrize("several", [False, True])
def test_an_interrupt_leaves_facts_of_what_was_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """Ctrl-C passes through, and the capture can be closed and reported."""
    frames = [frame(bytes(1000), at_ns=number * 1000) for number in range(3000)]
    names = [write(tmp_path / "1", pcap(frames)), write(tmp_path / "2", pcap(frames))]
    capture = open_capture(names if several else names[:1])
    first = next(capture)

    def interrupt(_reader: FileReader, _buffer: memoryview) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(FileReader, "readinto", interrupt)
    handed_out = [first]
    with pytest.raises(KeyboardInterrupt), capture:
        handed_out.extend(capture)

    count = sum(map(len, handed_out))
    assert capture.facts.frames == count
    assert capture.facts.bytes == 1000 * count
    assert not capture.facts.truncated


def test_the_position_goes_from_nothing_to_all(tmp_path: Path) -> None:
    """Bytes read of bytes in all, over all files."""
    names = [write(tmp_path / "1", pcap(FRAMES)), write(tmp_path / "2", pcapng(FRAMES))]
    total = sum(len(data) for data in (pcap(FRAMES), pcapng(FRAMES)))
    with open_capture(names) as capture:
        assert capture.position() == (0, total)
        list(capture)
        assert capture.position() == (total, total)


def test_a_closed_capture_is_at_its_end(tmp_path: Path) -> None:
    """Nothing is read after closing."""
    capture = open_capture([write(tmp_path / "x", pcap(FRAMES))])
    capture.close()

    assert list(capture) == []


def test_opening_captures_loads_nothing_heavy(tmp_path: Path) -> None:
    """A plain capture needs neither pandas nor dpkt nor a compression library."""
    name = write(tmp_path / "x", pcap(FRAMES))
    script = (
        "import sys; from auditor.capture import open_capture;"
        f"list(open_capture([{name!r}]));"
        "print({'pandas', 'dpkt', 'zstandard', 'lz4'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "set()"


def real_captures() -> list[dict[str, str]]:
    """List the reference captures; none where they are absent."""
    index = SHARED / "captures" / "INDEX.tsv"
    if not index.is_file():
        return []
    return list(csv.DictReader(io.StringIO(index.read_text("utf-8")), delimiter="\t"))


@needs_shared
def test_every_sound_capture_has_the_frames_that_wireshark_counts() -> None:
    """Of hundreds of captures by other tools each gives all its frames, without a warning."""
    differing = {}
    for row in real_captures():
        if row["status"] != "ok" or row["file_type"].startswith("nstrace"):
            continue
        found = outcome(str(SHARED / "captures" / row["file"]))
        if found != (int(row["packets"]), False):
            differing[row["file"]] = (found, row["packets"])

    assert differing == {}


MORE_THAN_WIRESHARK = {
    # It took this for a variant of Red Hat 6.1; its records are plausible only as standard ones.
    "crash-exception-cast-constructed-record": 2,
    # Link type 281 is not known to its old version.
    "brcm-tag-stp.pcap": 4,
    "brcm-tag.pcap": 15,
}


@needs_shared
def test_every_damaged_capture_ends_in_a_report_or_an_error() -> None:
    """What Wireshark reads of it is read here too, and the damage is told."""
    for row in real_captures():
        if row["status"] == "ok":
            continue
        name = str(SHARED / "captures" / row["file"])
        agreed = [n for end, n in MORE_THAN_WIRESHARK.items() if row["file"].endswith(end)]
        count, damaged = outcome(name)

        assert [count] == (agreed or [int(row["packets"])]), name
        assert damaged or "brcm" in name


def outcome(name: str) -> tuple[int, bool]:
    """Return how many frames a capture has, and whether anything is wrong with it."""
    try:
        with open_capture([name]) as capture:
            return sum(map(len, capture)), capture.facts.truncated
    except CaptureError as error:
        return 0, str(error).startswith(f"{name}: expected ")
