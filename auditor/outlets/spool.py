"""A queue of entries that outlives the process: one file each, first in, first out, bounded."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import AuditError
from auditor.outlets.durable import clear_unfinished, sync_directory, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import BinaryIO

MOST_BYTES = 64 * 1024 * 1024
MOST_ENTRIES = 10_000
MOST_ASIDE = 100
"""Entries that the other side will never take; kept for a person to look at."""

_WAITING = ".entry"
_ASIDE = ".refused"
_LOCK = "lock"


@dataclass(slots=True)
class Entry:
    """One thing to send."""

    sequence: int
    size: int
    content: bytes | None
    """None = on disk, where it is safe; else held here because the disk would not take it."""


class Spool:
    """Keep entries in order until they are sent; threads may share it.

    Without a directory everything stays in memory. What the disk does not take stays in memory
    too, until it does. When the spool is full the oldest entry goes and is counted: what is
    recent is what somebody can still act on. Raises AuditError if the directory cannot be used or
    another process uses it.
    """

    def __init__(
        self,
        directory: Path | None,
        *,
        most_bytes: int = MOST_BYTES,
        most_entries: int = MOST_ENTRIES,
    ) -> None:
        """Take over what an earlier process left in `directory`."""
        self.dropped = 0
        """Entries lost: the spool was full, or a file of it could not be read."""
        self.refused = 0
        """Entries set aside."""
        self.problem: str | None = None
        """Why entries are held in memory; None while the disk takes them."""
        self._directory = directory
        self._most_bytes = most_bytes
        self._most_entries = most_entries
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._next = 1
        self._guard = threading.Lock()
        self._lock: BinaryIO | None = None
        if directory is not None:
            try:
                directory.mkdir(mode=0o750, parents=True, exist_ok=True)
                self._lock = _lock(directory)
                self._take_over(directory)
            except OSError as error:
                self.close()
                reason = error.strerror or error
                raise AuditError(f"{directory}: cannot hold a queue: {reason}") from error

    def __len__(self) -> int:
        """Count the entries that wait."""
        return len(self._entries)

    @property
    def safe(self) -> bool:
        """Say whether everything that waits is on disk."""
        with self._guard:
            return all(entry.content is None for entry in self._entries)

    def put(self, contents: Iterable[bytes]) -> None:
        """Add entries in order; on return they are on disk, unless `problem` says otherwise."""
        with self._guard:
            for content in contents:
                entry = Entry(self._next, len(content), content)
                self._next += 1
                self._entries.append(entry)
                self._bytes += entry.size
            self._bound()
            self._settle()

    def settle(self) -> None:
        """Try again to put on disk what it would not take."""
        with self._guard:
            self._settle()

    def head(self) -> Entry | None:
        """Give the oldest entry with its content, or None."""
        with self._guard:
            while self._entries:
                entry = self._entries[0]
                if entry.content is not None:
                    return entry
                try:
                    content = self._path(entry).read_bytes()
                except OSError:
                    self._forget_head()
                    self.dropped += 1
                    continue
                return Entry(entry.sequence, entry.size, content)
            return None

    def done(self, entry: Entry) -> None:
        """Forget an entry that was sent."""
        with self._guard:
            # While it was being sent, a full spool may have let go of it.
            if self._entries and self._entries[0].sequence == entry.sequence:
                self._forget_head()

    def set_aside(self, entry: Entry) -> None:
        """Take an entry out of the queue that the other side refuses for good; keep its file."""
        self.refused += 1
        if self._directory is None or entry.content is None:
            self.done(entry)
            return
        try:
            aside = self._path(entry).with_suffix(_ASIDE)
            write_whole(aside, entry.content)
            for path in sorted(self._directory.glob(f"*{_ASIDE}"))[:-MOST_ASIDE]:
                path.unlink(missing_ok=True)
        except OSError:
            self.dropped += 1
        self.done(entry)

    def close(self) -> None:
        """Let another process have the directory; the entries stay."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_over(self, directory: Path) -> None:
        clear_unfinished(directory)
        for path in sorted(directory.glob(f"*{_WAITING}")):
            if path.stem.isdecimal():
                self._entries.append(Entry(int(path.stem), path.stat().st_size, None))
                self._bytes += self._entries[-1].size
        names = [*directory.glob(f"*{_WAITING}"), *directory.glob(f"*{_ASIDE}")]
        self._next = 1 + max((int(p.stem) for p in names if p.stem.isdecimal()), default=0)
        self._bound()

    def _bound(self) -> None:
        while self._entries and (
            len(self._entries) > self._most_entries or self._bytes > self._most_bytes
        ):
            self._forget_head()
            self.dropped += 1

    def _forget_head(self) -> None:
        entry = self._entries.popleft()
        self._bytes -= entry.size
        if self._directory is not None and entry.content is None:
            # What cannot be removed is sent once more by the next process.
            with suppress(OSError):
                self._path(entry).unlink(missing_ok=True)

    def _settle(self) -> None:
        if self._directory is None:
            return
        written = False
        try:
            for entry in self._entries:
                if entry.content is not None:
                    write_whole(self._path(entry), entry.content, sync_name=False)
                    entry.content = None
                    written = True
            if written:
                sync_directory(self._directory)
            self.problem = None
        except OSError as error:
            self.problem = f"{self._directory}: {error.strerror or error}"

    def _path(self, entry: Entry) -> Path:
        assert self._directory is not None
        return self._directory / f"{entry.sequence:020d}{_WAITING}"


def _lock(directory: Path) -> BinaryIO:
    """Hold the directory for this process, as long as the file stays open."""
    held = (directory / _LOCK).open("ab")
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        return held
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise AuditError(f"{directory}: in use by another auditor") from None
    return held
