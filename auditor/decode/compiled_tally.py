"""Frames counted by a kernel; what comes out is what its parent counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.tally import Tally
from auditor.kernel.tallying import count_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch


class CompiledTally(Tally):
    """Sums and extremes, which merge in any order."""

    def note(self, frames: int, first_ns: int, last_ns: int) -> None:
        """Count some frames of the first capture, whose status a kernel has counted."""
        self.frames += frames
        self._widen(0, first_ns, last_ns)

    def count(self, frames: FrameBatch, status: NDArray[np.uint8]) -> None:
        """Count a batch, whose frames have these Status values."""
        if not len(frames):
            return
        self.frames += len(frames)
        extremes = np.empty(2, np.int64)
        if count_frames(status, frames.time_ns, frames.capture, self.status, extremes):
            self._widen(int(frames.capture[0]), *extremes.tolist())
        else:
            self._widen_each(frames)
