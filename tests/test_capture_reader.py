"""Where bytes come from: files, pipes, standard input."""

from __future__ import annotations

import io
import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from capture_files import frame, frames_in, numbered, pcap

from auditor.capture import open_capture
from auditor.capture.opening import open_reader
from auditor.capture.reader import FileReader, StandardInput, os_reason
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = [frame(bytes([number]) * 50, at_ns=number * 1000) for number in range(20)]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard input a pipe, and give its other end."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "r", encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield writing


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    """Each read gives what was asked for, nothing at the end, and is counted."""
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    reader = FileReader(str(path))

    assert (reader.read(4), reader.consumed, reader.size) == (b"abcd", 4, 6)
    assert (reader.read(4), reader.read(4), reader.consumed) == (b"ef", b"", 6)
    reader.close()


def test_a_file_goes_on_after_a_rest(tmp_path: Path) -> None:
    """A file that was given back is opened where reading stood."""
    path = tmp_path / "x"
    path.write_bytes(b"abcdef")
    reader = FileReader(str(path))
    reader.read(2)
    reader.rest()

    assert reader.read(10) == b"cdef"
    reader.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_kept_open(tmp_path: Path) -> None:
    """What can be read only once is not given back, and has no size."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"abc",))
    writer.start()
    reader = FileReader(str(path))
    reader.read(1)
    reader.rest()

    assert (reader.read(10), reader.size, reader.reopenable) == (b"bc", 0, False)
    reader.close()
    writer.join()


def test_standard_input_gives_frames_before_it_ends(pipe: int) -> None:
    """A slow pipe is not waited for: what came is handed out at once."""
    data = pcap(FRAMES)
    os.write(pipe, data[:500])
    with open_capture(["-"]) as capture:
        first = next(capture)
        os.write(pipe, data[500:])
        os.close(pipe)
        rest = list(capture)

    assert 0 < len(first) < len(FRAMES)
    assert frames_in([first, *rest]) == numbered(FRAMES)
    assert capture.facts.files == ["-"]
    assert capture.position() == (len(data), 0)


def test_standard_input_may_arrive_byte_by_byte(pipe: int) -> None:
    """Headers and records that come in crumbs are put together."""
    data = pcap(FRAMES[:3])

    def trickle() -> None:
        for at in range(len(data)):
            os.write(pipe, data[at : at + 1])
        os.close(pipe)

    writer = threading.Thread(target=trickle)
    writer.start()
    with open_capture(["-"]) as capture:
        frames = frames_in(capture)
    writer.join()

    assert frames == numbered(FRAMES[:3])


@pytest.mark.skipif(not hasattr(os, "set_blocking"), reason="needs non-blocking pipes")
@pytest.mark.skipif(sys.platform == "win32", reason="select knows no pipes on Windows")
def test_standard_input_may_be_non_blocking(pipe: int) -> None:
    """A pipe that has nothing yet is waited for."""
    os.set_blocking(sys.stdin.fileno(), False)

    def write() -> None:
        os.write(pipe, b"late")
        os.close(pipe)

    timer = threading.Timer(0.05, write)
    timer.start()
    reader = StandardInput()

    assert (reader.read(10), reader.read(10)) == (b"late", b"")
    timer.join()


def test_standard_input_without_a_raw_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input that another program replaced by a buffer is read all the same."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pcap(FRAMES))))

    with open_capture(["-"]) as capture:
        assert frames_in(capture) == numbered(FRAMES)


def test_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service has no standard input at all."""
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(CaptureError, match="-: expected a capture on standard input, found it clo"):
        open_reader("-")


def test_a_terminal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types a capture."""
    stdin = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)

    with pytest.raises(CaptureError, match="-: expected a capture on standard input, found a term"):
        open_reader("-")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/such.pcap", "no/such.pcap: expected a capture, found no such file"),
        ("", ": expected the name of a capture, found an empty one"),
        ("a\0b", "'a\\x00b': expected a file name, found one with a null byte"),
    ],
)
def test_names_that_open_nothing_are_errors(name: str, message: str) -> None:
    """Each is one line that names the source."""
    with pytest.raises(CaptureError) as error:
        open_reader(name)

    assert str(error.value) == message


def test_the_operating_system_is_quoted_in_words() -> None:
    """Permissions and defects of a disk are told apart."""
    assert os_reason(PermissionError()) == "that it may not be read (permission denied)"
    assert os_reason(OSError(5, "Input/output error")) == (
        "that it cannot be read (input/output error)"
    )
