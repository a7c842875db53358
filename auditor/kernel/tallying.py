"""Frames counted; the twin is auditor.decode.tally.Tally.count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def count_frames(
    status: NDArray[np.uint8],
    time_ns: NDArray[np.int64],
    capture: NDArray[np.int32],
    counts: NDArray[np.int64],
    extremes: NDArray[np.int64],
) -> bool:
    """Count frames by status; say whether they are all of one capture.

    status, time_ns, capture: shape (n,), at least one frame. counts: by status, is brought up to
    date. extremes: shape (2,), is set to the first and the last time.
    """
    first = last = time_ns[0]
    alike = True
    for i in range(time_ns.shape[0]):
        counts[np.uint64(status[i])] += 1
        first, last = min(first, time_ns[i]), max(last, time_ns[i])
        alike &= capture[i] == capture[0]
    extremes[0], extremes[1] = first, last
    return alike
