"""Frames that wait in a ring, listed as they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.kernel.frames import FrameColumns
from auditor.kernel.ring import ALIGNMENT, BLOCK, COOKED, LISTED, PACKET_HEADER, Ring, walk
from auditor.kernel.single_pass import STRETCH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


class RingFrames:
    """Frames that are borrowed of a ring; whoever lists them has them.

    They are listed a stretch at a time, in columns that are used again, so that headers are read
    while they are near. One such object serves a source all the time.
    """

    first = 0
    """Where listed frames stand in the columns."""

    def __init__(
        self, data: NDArray[np.uint8], blocks: int, linktype: int, *, cooked: bool, listed: int = 0
    ) -> None:
        """Borrow nothing yet.

        data: shape (bytes,), the ring. blocks: how many are borrowed at a time, at most. cooked:
        whether frames come without link headers. listed: frames that the source has given before.
        """
        totals = np.zeros(3, np.int64)
        totals[LISTED], totals[COOKED] = listed, cooked
        at, end, left = np.zeros((3, blocks), np.int64)
        self.ring = Ring(data, headers_over(data), at, end, left, totals)
        self._linktype = linktype
        self.columns = self._columns(STRETCH)
        """Where the next stretch is listed."""

    def borrow(self, blocks: Iterable[tuple[int, int, int]]) -> None:
        """Have other blocks: where each one's first header is, where it ends, its packets."""
        ring = self.ring
        ring.totals[BLOCK] = 0
        ring.left[:] = 0
        for place, (at, end, count) in enumerate(blocks):
            ring.at[place], ring.end[place], ring.left[place] = at, end, count

    def __len__(self) -> int:
        """Count the frames that are not listed yet; some may be left out then."""
        return int(self.ring.left.sum())

    @property
    def listed(self) -> int:
        """Count the frames that were listed since the source was opened."""
        return int(self.ring.totals[LISTED])

    def all(self) -> FrameBatch:
        """List all frames."""
        return self.stretch((0, 0), len(self))

    def stretch(self, listed: tuple[int, int], most: int) -> FrameBatch:
        """Make a batch of frames that are listed, and of those that follow, `most` in all.

        listed: the first of them in the columns, and where they end.
        """
        count = listed[1] - listed[0]
        columns, known = self._columns(max(count, most)), slice(*listed)
        columns.offset[:count] = self.columns.offset[known]
        columns.captured_len[:count] = self.columns.captured_len[known]
        columns.wire_len[:count] = self.columns.wire_len[known]
        columns.time_ns[:count] = self.columns.time_ns[known]
        columns.number[:count] = self.columns.number[known]
        return FrameBatch(*columns).select(slice(walk(self.ring, columns, count, most)))

    def _columns(self, count: int) -> FrameColumns:
        data = self.ring.data.view()
        data.flags.writeable = False
        offset, captured_len, wire_len, time_ns, number = np.empty((5, count), np.int64)
        linktype, capture = np.full(count, self._linktype, np.int32), np.zeros(count, np.int32)
        return FrameColumns(
            data, offset, captured_len, wire_len, time_ns, linktype, number, capture
        )


def listed(frames: FrameBatch | RingFrames) -> FrameBatch:
    """List what is not listed yet."""
    return frames.all() if isinstance(frames, RingFrames) else frames


def headers_over(data: NDArray[np.uint8]) -> NDArray[np.void]:
    """View bytes as PACKET_HEADER at every multiple of ALIGNMENT; they overlap."""
    fitting = (len(data) - PACKET_HEADER.itemsize) // ALIGNMENT + 1
    return np.ndarray((fitting,), PACKET_HEADER, data, strides=(ALIGNMENT,))


def _no_ring() -> Ring:
    data = np.zeros(2 * PACKET_HEADER.itemsize, np.uint8)
    at, end, left = np.zeros((3, 0), np.int64)
    return Ring(data, headers_over(data), at, end, left, np.zeros(3, np.int64))


NO_RING = _no_ring()
"""What a kernel is given where frames come otherwise."""
