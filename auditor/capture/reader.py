"""Bytes of a file, a pipe or standard input, in bounded pieces."""

from __future__ import annotations

import os
import select
import stat
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from auditor.errors import CaptureError

if TYPE_CHECKING:
    from io import FileIO

STDIN = "-"


class ByteReader(Protocol):
    """Where the bytes of one capture come from, as they lie on disk or arrive."""

    consumed: int
    """Bytes handed out so far."""
    size: int
    """Bytes in all; 0 where that is unknown."""
    reopenable: bool
    """False for what can be read only once, such as a pipe."""

    def read(self, limit: int) -> bytes:
        """Return at least one and at most `limit` bytes, none at the end; raise OSError."""

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""

    def rest(self) -> None:
        """Give the operating system's handle back until the next read, if that can be done."""

    def close(self) -> None:
        """Give the handle back for good."""


class FileReader:
    """A file or a named pipe."""

    def __init__(self, path: str) -> None:
        """Open `path`; raise OSError."""
        self.path = Path(path)
        file = self._open()
        status = os.fstat(file.fileno())
        self._file: FileIO | None = file
        self.consumed = 0
        self.reopenable = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self.reopenable else 0

    def _open(self) -> FileIO:
        # Unbuffered: a pipe hands over what it has instead of waiting for a full block.
        return self.path.open("rb", buffering=0)

    def read(self, limit: int) -> bytes:
        """Return at least one and at most `limit` bytes, none at the end; raise OSError."""
        if self._file is None:
            self._file = self._open()
            self._file.seek(self.consumed)
        data = self._file.read(limit)
        self.consumed += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""
        if self._file is None:
            self._file = self._open()
            self._file.seek(self.consumed)
        count = self._file.readinto(buffer) or 0
        self.consumed += count
        return count

    def rest(self) -> None:
        """Close the file until the next read, which goes on where the last one ended."""
        if self.reopenable:
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class StandardInput:
    """Standard input, never closed by us."""

    reopenable = False
    size = 0

    def __init__(self) -> None:
        """Take over standard input; raise CaptureError if there is nothing to read from."""
        if sys.stdin is None or sys.stdin.closed:
            raise CaptureError(STDIN, "expected a capture on standard input, found it closed")
        if sys.stdin.isatty():
            raise CaptureError(STDIN, "expected a capture on standard input, found a terminal")
        # Unbuffered where that can be had: a slow pipe's frames are wanted as they come.
        self._file: IO[bytes] = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
        self.consumed = 0

    def read(self, limit: int) -> bytes:
        """Return at least one and at most `limit` bytes, none at the end; raise OSError."""
        data: bytes | None = self._file.read(limit)
        while data is None:
            # A non-blocking pipe (some shells and ssh leave one) has nothing yet.
            select.select([self._file], [], [])
            data = self._file.read(limit)
        self.consumed += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""
        return copy_into(buffer, self.read(len(buffer)))

    def rest(self) -> None:
        """Do nothing: what a pipe held would be lost."""

    def close(self) -> None:
        """Do nothing: standard input belongs to the process."""


def copy_into(buffer: memoryview, data: bytes) -> int:
    """Put data at the start of a buffer that is large enough, and return how much."""
    buffer[: len(data)] = data
    return len(data)


def os_reason(error: OSError) -> str:
    """Say in a few words why the operating system refused."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "that it may not be read (permission denied)"
    return f"that it cannot be read ({(error.strerror or str(error)).lower()})"
