"""Alerts appended to a file, and to standard output: one JSON line each."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from auditor.outlets.delivery import UnreachableError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from auditor.outlets.sinks.message import Message

_LINE_END = b"\n"


class FileSink:
    """Append to a file, each line whole and on disk; follow it when logrotate moves it."""

    keeps = True
    local = True

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        """Take the file; it is made when the first line comes. sync: each line, to the disk."""
        self.path = path
        self._sync = sync
        self._file: int | None = None

    @property
    def place(self) -> str:
        """Name the file."""
        return str(self.path)

    address = place

    def send(self, message: Message) -> None:
        """Append a line, or leave the file as it was."""
        file = self._opened()
        end = os.fstat(file).st_size
        line = message.line.encode() + _LINE_END
        try:
            if end and not _ends_in_line_end(file, end):
                line = _LINE_END + line
            written = os.write(file, line)
            if self._sync and written == len(line):
                os.fsync(file)
        except OSError:
            _cut(file, end)
            raise
        if written < len(line):
            _cut(file, end)
            raise UnreachableError(f"only {written} of {len(line)} bytes fit on the disk")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        """Give the descriptor of the file that has the name now."""
        if self._file is not None:
            try:
                there, ours = self.path.stat(), os.fstat(self._file)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return self._file
            except FileNotFoundError:
                pass
            self.close()
        # Findings name hosts and what is wrong with them: not for everybody on the machine.
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        return self._file


def _ends_in_line_end(file: int, end: int) -> bool:
    """Say whether the last line is whole: a kill or a power cut may have left half of one."""
    os.lseek(file, end - 1, os.SEEK_SET)
    return os.read(file, 1) == _LINE_END


def _cut(file: int, end: int) -> None:
    with contextlib.suppress(OSError):
        os.ftruncate(file, end)


class StreamSink:
    """Print to standard output, or to another open stream."""

    keeps = False
    local = False
    place = address = "standard output"

    def __init__(self, stream: TextIO | None = None) -> None:
        """Take the stream; None = standard output as it is when a line comes."""
        self._stream = stream

    def send(self, message: Message) -> None:
        """Print a line."""
        stream = self._stream or sys.stdout
        try:
            stream.write(message.line + "\n")
            stream.flush()
        except BrokenPipeError as error:
            raise UnreachableError("the reader has gone") from error
        except ValueError as error:
            raise UnreachableError(str(error)) from error

    def close(self) -> None:
        """Leave the stream open: it is not ours."""
