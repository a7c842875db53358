"""Which files a user means by paths, directories, globs and more."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest
from capture_files import frame, pcap, pcapng

from auditor.capture import sources
from auditor.capture.sources import find_captures

CAPTURE = pcap([frame(b"x")])


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Make a directory of two captures, some other files, and a capture further down."""
    (tmp_path / "b.pcap").write_bytes(CAPTURE)
    (tmp_path / "a.dmp").write_bytes(gzip.compress(pcapng([])))
    (tmp_path / "notes.txt").write_text("not a capture")
    (tmp_path / "empty.pcap").touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.pcap").write_bytes(CAPTURE)
    return tmp_path


def test_paths_are_kept_as_given_and_in_order(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made absolute or sorted that the user wrote himself."""
    monkeypatch.chdir(directory)

    assert find_captures(["b.pcap", "./a.dmp", "-"]).names == ["b.pcap", "./a.dmp", "-"]


def test_a_directory_stands_for_its_captures(directory: Path) -> None:
    """Its captures are found by their contents, sorted by name; other files are passed over."""
    found = find_captures([str(directory)])

    assert found.names == [str(directory / "a.dmp"), str(directory / "b.pcap")]
    assert found.errors == []


def test_a_directory_without_captures_is_an_error(directory: Path) -> None:
    """The error says how many files were looked at."""
    (directory / "below" / "c.pcap").write_bytes(b"no longer one")
    found = find_captures([str(directory / "below")])

    assert found.names == []
    assert list(map(str, found.errors)) == [
        f"{directory / 'below'}: expected captures in this directory, found none among 1 files"
    ]


def test_captures_that_cannot_be_read_in_a_directory_are_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a one is no file to pass over in silence; broken gzip may be one."""
    (directory / "solaris").write_bytes(b"snoop\0\0\0" + bytes(100))
    (directory / "torn.gz").write_bytes(gzip.compress(CAPTURE)[:12])
    monkeypatch.setattr(sources, "find_tshark", lambda: None)
    found = find_captures([str(directory)])

    assert len(found.names) == 2
    snoop, torn = map(str, found.errors)
    assert snoop.startswith(
        f"{directory / 'solaris'}: expected a pcap or pcapng capture, found a sn"
    )
    assert torn.endswith("found that the gzip data ends early")


def test_captures_that_tshark_reads_count_where_it_is_installed(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event trace is named even so: tshark does not read it everywhere."""
    (directory / "solaris").write_bytes(b"snoop\0\0\0" + bytes(100))
    (directory / "windows").write_bytes(b"\0\0\1\0" + bytes(70) + b"\2\xc0" + bytes(100))
    monkeypatch.setattr(sources, "find_tshark", lambda: "/usr/bin/tshark")
    found = find_captures([str(directory)])

    assert str(directory / "solaris") in found.names
    assert [error.source for error in found.errors] == [str(directory / "windows")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_in_a_directory_are_passed_over(directory: Path) -> None:
    """Looking into a pipe would wait for ever."""
    os.mkfifo(directory / "pipe")

    assert len(find_captures([str(directory)]).names) == 2


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="needs a user whom permissions bind"
)
def test_files_of_a_directory_that_may_not_be_read_are_named(directory: Path) -> None:
    """Such a file may be the capture that matters."""
    (directory / "b.pcap").chmod(0)
    found = find_captures([str(directory)])

    assert [error.source for error in found.errors] == [str(directory / "b.pcap")]


def test_a_glob_stands_for_what_it_matches(directory: Path) -> None:
    """Matches are sorted, and a directory among them stands for its captures."""
    found = find_captures([str(directory / "b*")])

    assert found.names == [str(directory / "b.pcap"), str(directory / "below" / "c.pcap")]


def test_a_recursive_glob_goes_down(directory: Path) -> None:
    """Two asterisks stand for any directories."""
    found = find_captures([str(directory / "**" / "*.pcap")])

    assert [Path(name).name for name in found.names] == ["b.pcap", "c.pcap", "empty.pcap"]


def test_a_glob_that_matches_nothing_is_an_error(directory: Path) -> None:
    """The error repeats the pattern."""
    pattern = str(directory / "*.erf")

    assert list(map(str, find_captures([pattern]).errors)) == [
        f"{pattern}: expected captures of such a name, found none"
    ]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(directory: Path) -> None:
    """Brackets in a name that exists are part of the name."""
    odd = directory / "trace[1].pcap"
    odd.write_bytes(CAPTURE)

    assert find_captures([str(odd)]).names == [str(odd)]


def test_a_file_is_read_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file given by path, directory, glob and link is one capture, by its first name."""
    monkeypatch.chdir(directory)
    os.link("b.pcap", "link.pcap")
    found = find_captures(["./b.pcap", str(directory), "*.pcap", "b.pcap", "-", "-"])

    assert found.names == ["./b.pcap", str(directory / "a.dmp"), "empty.pcap", "-"] or (
        found.names == ["./b.pcap", str(directory / "a.dmp"), str(directory / "empty.pcap"), "-"]
    )


def test_a_path_that_does_not_exist_is_left_to_who_opens_it() -> None:
    """A missing file is found missing once, under its own name."""
    found = find_captures(["missing.pcap", "missing.pcap"])

    assert (found.names, found.errors) == (["missing.pcap"], [])
