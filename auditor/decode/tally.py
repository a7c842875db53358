"""Counts over all frames, whatever became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch


@dataclass
class Tally:
    """Sums and extremes, which merge in any order."""

    frames: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    """First and last time of each capture, by its index."""
    status: np.ndarray = field(default_factory=lambda: np.zeros(len(Status), dtype=np.int64))
    """Frames by Status."""

    def count(self, frames: FrameBatch, status: NDArray[np.uint8]) -> None:
        """Count a batch, whose frames have these Status values."""
        if not len(frames):
            return
        self.frames += len(frames)
        self.status += np.bincount(status, minlength=len(Status))
        capture = int(frames.capture[0])
        if (frames.capture == capture).all():
            self._widen(capture, int(frames.time_ns.min()), int(frames.time_ns.max()))
        else:
            self._widen_each(frames)

    def add(self, other: Tally) -> None:
        """Count what somebody else has counted."""
        self.frames += other.frames
        self.status += other.status
        for capture, span in other.spans.items():
            self._widen(capture, *span)

    def watched_s(self) -> float:
        """Sum what the spans of the captures cover together."""
        watched_ns, until_ns = 0, None
        for first, last in sorted(self.spans.values()):
            begin = first if until_ns is None else max(first, until_ns)
            watched_ns += max(last - begin, 0)
            until_ns = last if until_ns is None else max(last, until_ns)
        return watched_ns / 1e9

    def by_status(self) -> dict[str, int]:
        """Give the frames by the name of their status."""
        counts = self.status.tolist()
        return {s.name.lower().replace("_", "-"): counts[s] for s in Status}

    def _widen_each(self, frames: FrameBatch) -> None:
        """Widen the spans of the captures that the frames are of."""
        for capture in np.unique(frames.capture).tolist():
            times = frames.time_ns[frames.capture == capture]
            self._widen(capture, int(times.min()), int(times.max()))

    def _widen(self, capture: int, first: int, last: int) -> None:
        span = self.spans.get(capture, (first, last))
        self.spans[capture] = min(span[0], first), max(span[1], last)
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)
