"""The tshark child: its bytes, its words, its end."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING

import pytest
from capture_files import BytesReader

from auditor.capture.compressed import open_content
from auditor.capture.tshark import Fed, Output, Tshark, find_tshark
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def child(directory: Path, script: str, fed: Fed | None = None) -> Tshark:
    """Start a shell script in the place of tshark; its third argument is the capture."""
    path = directory / "tshark"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Tshark("x.cap", str(path), Output(("-w", "-"), growth=2), 100, fed or "x.cap")


def everything(reader: Tshark) -> bytes:
    """Read a child to its end and close it."""
    pieces = []
    while data := reader.read(7):
        pieces.append(data)
    reader.close()
    return b"".join(pieces)


def test_tshark_is_looked_for_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty path has none."""
    for name in ("PATH", "ProgramFiles", "ProgramFiles(x86)"):
        monkeypatch.setenv(name, str(tmp_path))
    assert find_tshark() is None


def test_on_windows_wireshark_has_a_place_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its installer does not change the path."""
    installed = tmp_path / "Wireshark" / "tshark.exe"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert find_tshark() == str(installed)


@posix
def test_output_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    """The child is asked for the capture by name; how far it has come is told by what it wrote."""
    reader = child(tmp_path, 'printf "%s " "$@"')

    assert reader.reopenable
    assert everything(reader) == b"-n -r x.cap -w - "
    assert (reader.consumed, reader.size, reader.damage) == (8, 100, None)


@posix
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('echo "tshark: cut short" >&2; exit 2', "tshark says: cut short"),
        (
            'printf "Running as user root.\\ntshark: a\\n(b\\033)\\n" >&2; exit 1',
            "tshark says: a (b?)",
        ),
        ("exit 3", "tshark gave up with status 3"),
        ("kill -9 $$", "tshark was ended by signal 9"),
        ("echo odd >&2", None),
    ],
)
def test_how_a_child_ended_is_said_in_its_own_words(
    tmp_path: Path, script: str, words: str | None
) -> None:
    """One printable line, behind what it had written before."""
    reader = child(tmp_path, f"printf ok\n{script}")

    assert everything(reader) == b"ok"
    assert reader.damage == words


@posix
def test_a_child_that_complains_without_end_is_not_waited_for(tmp_path: Path) -> None:
    """Complaints fill no pipe; of them so much is told as fits in a line."""
    reader = child(tmp_path, "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1")

    assert everything(reader) == b""
    assert reader.damage is not None
    assert len(reader.damage) < 400


@posix
def test_closing_ends_a_child_that_goes_on(tmp_path: Path) -> None:
    """No process is left behind."""
    reader = child(tmp_path, "printf %09d $$; exec sleep 600")
    pid = int(reader.read(9))
    reader.rest()
    reader.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    """An error of the capture, since nothing of it can be read."""
    with pytest.raises(CaptureError, match=r"^x\.cap: expected tshark to run, found "):
        Tshark("x.cap", str(tmp_path / "none"), Output((), 1), 0, "x.cap")


def fed_with(data: bytes, *, head: int = 4) -> tuple[Fed, BytesReader]:
    """Make a source of which some bytes were looked at."""
    source = BytesReader(data, head)
    content = open_content(source, head)
    return Fed(source, content, content.read(head)), source


@posix
def test_a_child_can_be_fed(tmp_path: Path) -> None:
    """It gets the whole source through its standard input, more than a pipe holds."""
    data = bytes(range(256)) * 2000
    fed, source = fed_with(data, head=70_000)
    reader = child(tmp_path, 'test "$3" = - && cat', fed)

    assert not reader.reopenable
    assert everything(reader) == data
    assert (reader.damage, source.closed) == (None, True)


@posix
def test_damage_of_what_feeds_a_child_is_its_own(tmp_path: Path) -> None:
    """The child cannot know why its input ends."""
    fed, _ = fed_with(b"\xfd7zXZ\0" + bytes(100), head=200)
    reader = child(tmp_path, "cat; echo confused >&2; exit 1", fed)
    everything(reader)

    assert reader.damage is not None
    assert "xz data" in reader.damage


@posix
def test_an_error_while_feeding_is_told(tmp_path: Path) -> None:
    """A disk that fails half-way is no end of the capture."""
    fed, source = fed_with(b"x" * 100, head=10)

    def fail(_limit: int) -> bytes:
        raise OSError(5, "Input/output error")

    source.read = fail  # type: ignore[method-assign,assignment]  # the disk that fails
    reader = child(tmp_path, "cat", fed)

    assert everything(reader) == b"x" * 10
    assert reader.damage == "found that it cannot be read (input/output error)"


@posix
def test_a_child_may_leave_before_it_was_fed_up(tmp_path: Path) -> None:
    """Its own words count, not that of the pipe that it left."""
    fed, source = fed_with(b"x" * 1_000_000, head=100_000)
    reader = child(tmp_path, "echo 'tshark: never seen such' >&2; exit 2", fed)

    assert everything(reader) == b""
    assert reader.damage == "tshark says: never seen such"
    assert source.closed
