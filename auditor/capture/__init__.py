"""Where frames come from: captures of any kind, as one sequence of batches in time order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from auditor.capture.batch import CaptureFacts, FrameBatch
from auditor.capture.merge import Track, Window, merged
from auditor.capture.sources import find_captures
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import TracebackType

__all__ = ["Capture", "CaptureFacts", "FrameBatch", "open_capture"]


class Capture:
    """Captures opened together: iterate for their frames, then ask for the facts.

    Whatever ends the iteration, an interrupt included, `facts` tells of all batches handed out;
    what is known of a file as a whole is in it when that file has been read, or on closing.
    """

    def __init__(
        self, tracks: Sequence[Track], facts: CaptureFacts, window: Window | None = None
    ) -> None:
        """Read `tracks`, which enter what they find out into `facts`; they keep to `window`."""
        self.facts = facts
        self.window = window or Window()
        self.compiled = False
        """Whether kernels walk through the files; to be set before the iteration begins."""
        self._tracks = tracks
        self._batches: Generator[FrameBatch, None, None] | None = None

    def __enter__(self) -> Self:
        """Return the capture itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Iterator[FrameBatch]:
        """Iterate over the batches, once."""
        return self

    def __next__(self) -> FrameBatch:
        """Return the next batch, of one file, never empty."""
        if self._batches is None:
            for track in self._tracks:
                track.compiled = self.compiled
            self._batches = merged(self._tracks)
        batch = next(self._batches)
        self.facts.frames += len(batch)
        self.facts.bytes += int(batch.wire_len.sum())
        return batch

    def size(self) -> int | None:
        """Return the bytes of all files as stored; None if that is unknown."""
        sizes = [track.size for track in self._tracks]
        return sum(sizes) if all(sizes) else None

    def position(self) -> tuple[int, int]:
        """Return the bytes read and the bytes in all, as stored; 0 in all if that is unknown."""
        return sum(track.consumed for track in self._tracks), self.size() or 0

    def apart(self) -> Sequence[Track] | None:
        """Return the files if others can read them too, none of it read yet; None if not."""
        return self._tracks if all(track.reopenable for track in self._tracks) else None

    def close(self) -> None:
        """Close all files; nothing more can be read."""
        if self._batches is not None:
            self._batches.close()
        for track in self._tracks:
            track.close()


def open_capture(
    sources: Sequence[str], *, since_ns: int | None = None, until_ns: int | None = None
) -> Capture:
    """Open files, directories, globs, URLs and "-" (standard input) as one capture in time order.

    Frames before `since_ns`, and from `until_ns` on, are left out. Raise CaptureError if there is
    nothing that can be read; unreadable ones of several sources are named in the facts.
    """
    if not sources:
        raise UsageError("expected a capture, found no source")
    found = find_captures(sources)
    facts = CaptureFacts()
    window = Window(since_ns, until_ns)
    errors = found.errors
    tracks: list[Track] = []
    for name in found.names:
        track = Track(name, len(tracks), window, facts)
        try:
            if len(found.names) > 1:
                track.peek()
            else:
                track.open()
        except CaptureError as error:
            errors.append(error)
        else:
            tracks.append(track)
            facts.files.append(name)
    if not tracks:
        raise _joined(errors)
    facts.unreadable.extend(map(str, errors))
    return Capture(tracks, facts, window)


def _joined(errors: Sequence[CaptureError]) -> CaptureError:
    """Make one error of several, a line each."""
    lines = [errors[0].reason, *map(str, errors[1:])]
    return CaptureError(errors[0].source, "\n".join(lines))
