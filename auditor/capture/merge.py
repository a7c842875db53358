"""Several captures as one, in time order.

Frames of different files are merged by time, exactly. Each file keeps its own order: where its
clock steps back, the late frames stay behind the frame that they follow in the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.capture.opening import open_reader
from auditor.capture.stream import BLOCK_BYTES, FrameStream
from auditor.capture.urls import is_url
from auditor.capture.walk import BATCH_FRAMES
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from auditor.capture.batch import CaptureFacts

_SMALL_BLOCK_BYTES = 1 << 16
_OPEN_FILES = 32
"""Of more files that overlap, each further one is read in small blocks and closed in between."""

_BEFORE_ALL = -1
"""When a capture without frames begins."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which frames are wanted, by time in nanoseconds: from `since_ns` on, before `until_ns`."""

    since_ns: int | None = None
    until_ns: int | None = None

    def cut(self, batch: FrameBatch) -> FrameBatch:
        """Leave out the frames outside."""
        wanted = np.ones(len(batch), np.bool_)
        if self.since_ns is not None:
            wanted &= batch.time_ns >= self.since_ns
        if self.until_ns is not None:
            wanted &= batch.time_ns < self.until_ns
        return batch if wanted.all() else batch.select(wanted)


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one track, in its order."""

    frames: FrameBatch
    times: NDArray[np.int64]
    """Shape (n,); what they are merged by, never descending."""


class Track:
    """One capture of several, and where in time its reading stands."""

    def __init__(self, name: str, index: int, window: Window, facts: CaptureFacts) -> None:
        """Name a capture, which is `index` in the files of `facts`, without opening it."""
        self.index = index
        self.size = 0
        """Bytes of the file as it is stored; 0 if that is unknown."""
        self.packed = False
        """Whether it takes longer to come by its frames than to read them, once peeked at."""
        self.first_ns = _BEFORE_ALL
        """Time of its first frame, once peeked at."""
        self.next_ns = _BEFORE_ALL
        """Time of its next frame, or of one before it that was later."""
        self.crowded = False
        """Whether so many captures are being read that this one must do with little."""
        self.compiled = False
        """Whether kernels walk through it."""
        self.name = name
        self._window = window
        self._facts = facts
        self._stream: FrameStream | None = None
        self._consumed = 0
        self._peeked: FrameBatch | None = None
        self._ended = False
        self._batch: FrameBatch | None = None
        self._times: NDArray[np.int64] = np.empty(0, np.int64)  # next_ns of each row of the batch
        self._row = 0

    @property
    def reopenable(self) -> bool:
        """Whether it was peeked at and is still to be read from the start."""
        return self._stream is None and not self._ended

    @property
    def consumed(self) -> int:
        """Bytes read so far, of `size`."""
        if self._stream is None:
            return self._consumed
        return self._stream.source.consumed

    def open(self, block_bytes: int = BLOCK_BYTES) -> FrameStream:
        """Open the capture; raise CaptureError."""
        source = open_reader(self.name)
        self._stream = FrameStream(self.name, source, self.index, block_bytes)
        self.size = self._stream.source.size
        return self._stream

    def peek(self) -> None:
        """Find out when the capture begins; raise CaptureError.

        It is closed, to be read from the start later, unless it can be read only once.
        """
        stream = self.open(_SMALL_BLOCK_BYTES)
        batch = stream.read()
        if batch is not None:
            self.first_ns = int(batch.time_ns[0])
        self.packed = stream.packed or is_url(self.name)
        if stream.source.reopenable:
            stream.close()
            self._stream = None
        else:
            self._peeked = batch

    def load(self) -> bool:
        """Bring up the next frames if none are left; return whether there are any."""
        while self._row == len(self._times):
            batch = self._read()
            if batch is None:
                self.close()
                return False
            self._batch = self._window.cut(batch)
            self._times = np.maximum.accumulate(np.maximum(self._batch.time_ns, self.next_ns))
            self._row = 0
        self.next_ns = int(self._times[self._row])
        return True

    def _read(self) -> FrameBatch | None:
        """Return the next batch, opening the capture if need be; None at its end."""
        batch, self._peeked = self._peeked, None
        if batch is not None or self._ended:
            return batch
        try:
            stream = self._stream or self.open(_SMALL_BLOCK_BYTES if self.crowded else BLOCK_BYTES)
        except CaptureError as error:
            # It could be read when it was peeked at, and cannot now.
            self._facts.unreadable.append(str(error))
            return None
        stream.compiled = self.compiled
        batch = stream.read()
        if self.crowded:
            stream.source.rest()
        return batch

    def horizon_ns(self, rows: int) -> int:
        """Return the time up to which the next `rows` loaded frames, or all that are left, go."""
        return int(self._times[min(self._row + rows, len(self._times)) - 1])

    def take(self, until_ns: int, until_index: int) -> Part:
        """Return the loaded frames before `until_ns`, and at it if we come before `until_index`.

        There must be one.
        """
        assert self._batch is not None  # load() said so
        first = self._row
        side: Literal["left", "right"] = "right" if self.index <= until_index else "left"
        self._row = first + int(self._times[first:].searchsorted(until_ns, side))
        rows = slice(first, self._row)
        whole = first == 0 and self._row == len(self._times)
        return Part(self._batch if whole else self._batch.select(rows), self._times[rows])

    def close(self) -> None:
        """Close the capture, and enter into the facts what was found out."""
        if self._stream is not None and not self._ended:
            facts, stream = self._facts, self._stream
            facts.warnings.extend(stream.warnings)
            facts.truncated |= stream.truncated
            if stream.dropped is not None:
                facts.dropped = (facts.dropped or 0) + stream.dropped
            stream.close()
        if not self._ended:
            self._consumed = self._stream.source.consumed if self._stream else self.size
        # A thousand captures that were read keep no block each.
        self._stream = self._batch = None
        self._ended = True


def merged(tracks: Sequence[Track]) -> Generator[FrameBatch, None, None]:
    """Yield the frames of all tracks by time, those of equal times in the order of the tracks.

    Several must have been peeked at. A file is opened when its turn comes, and closed at its end.
    """
    waiting = sorted(tracks, key=lambda track: (track.first_ns, track.index), reverse=True)
    reading: list[Track] = []
    while waiting or reading:
        now_ns = min((track.next_ns for track in reading), default=None)
        if waiting and (now_ns is None or waiting[-1].first_ns <= now_ns):
            track = waiting.pop()
            track.crowded = len(reading) >= _OPEN_FILES
            if track.load():
                reading.append(track)
                reading.sort(key=lambda track: track.index)
            continue
        # Up to this place in the order, every frame of every file is at hand.
        rows = max(1, BATCH_FRAMES // len(reading))
        place = min((track.horizon_ns(rows), track.index) for track in reading)
        if waiting:
            place = min(place, (waiting[-1].first_ns, waiting[-1].index))
        involved = (track for track in reading if (track.next_ns, track.index) <= place)
        yield _join([track.take(*place) for track in involved])
        reading = [track for track in reading if track.load()]


def _join(parts: Sequence[Part]) -> FrameBatch:
    """Merge parts by time; of equal times in the order given."""
    if len(parts) == 1:
        return parts[0].frames
    batches = [part.frames for part in parts]
    spans = [_span(batch) for batch in batches]
    starts = np.cumsum([0, *(span.stop - span.start for span in spans)])
    offsets = [
        batch.offset + (start - span.start)
        for batch, span, start in zip(batches, spans, starts.tolist(), strict=False)
    ]
    joined = FrameBatch(
        np.concatenate([batch.data[span] for batch, span in zip(batches, spans, strict=True)]),
        np.concatenate(offsets),
        np.concatenate([batch.captured_len for batch in batches]),
        np.concatenate([batch.wire_len for batch in batches]),
        np.concatenate([batch.time_ns for batch in batches]),
        np.concatenate([batch.linktype for batch in batches]),
        np.concatenate([batch.number for batch in batches]),
        np.concatenate([batch.capture for batch in batches]),
        _join_links(batches),
    )
    times = np.concatenate([part.times for part in parts])
    return joined.select(np.argsort(times, kind="stable"))


def _join_links(batches: Sequence[FrameBatch]) -> NDArray[np.int64] | None:
    """Lay control blocks side by side, none where a batch has none; None where no batch has any."""
    if all(batch.linked is None for batch in batches):
        return None
    none = (np.zeros((len(batch), 2), np.int64) for batch in batches)
    pairs = zip(batches, none, strict=True)
    return np.concatenate([zero if b.linked is None else b.linked for b, zero in pairs])


def _span(batch: FrameBatch) -> slice:
    """Return where in its data the frames of a batch lie."""
    return slice(int(batch.offset[0]), int(batch.offset[-1] + batch.captured_len[-1]))
