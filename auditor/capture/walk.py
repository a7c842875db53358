"""What walking through the bytes of a capture yields, whichever format it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from auditor.records import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

BATCH_FRAMES = 8192
"""Frames in a batch, at most: with BLOCK_BYTES it bounds what a stage holds at a time."""

MAX_TIME_NS = NO_TIME - 1
"""The latest time there is, in 2262; a later one is brought down to it, one before 1970 up to 0."""

_STANDARD_FRAME_BYTES = 1 << 18
_FRAME_BYTES = {
    231: 1 << 27,  # D-Bus: the longest message that its specification allows
    249: 1 << 27,  # USBPcap: transfers, not packets
    279: 1 << 23,  # Elektrobit high speed capture and replay
}


def frame_limit(linktype: int) -> int:
    """Return how many bytes of a frame can have been captured: more is damage.

    The bounds are those of libpcap and Wireshark, whose files these are.
    """
    return _FRAME_BYTES.get(linktype, _STANDARD_FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to be said of one place in a capture."""

    number: int
    """1-based frame number."""
    at: int
    """Where in the walked bytes the record begins."""
    text: str
    damage: bool = True
    """Whether frames are lost by it."""


@dataclass(slots=True)
class Walk:
    """One step through a capture: some frames, then a reason to stop."""

    end: int
    """Where the next step begins; what is before may be forgotten."""
    batch: FrameBatch | None = None
    need: int = 0
    """Bytes from `end` on without which the next step cannot begin; 0 if it can at once."""
    remarks: list[Remark] = field(default_factory=list)
    broken: bool = False
    """Whether nothing can be read after `end`."""

    def stop(self, number: int, text: str) -> None:
        """End the capture here, at frame `number`, for damage."""
        self.remarks.append(Remark(number, self.end, text))
        self.broken = True


def gather(
    data: NDArray[np.uint8], starts: NDArray[np.int64], layout: np.dtype[np.void]
) -> NDArray[np.void]:
    """Copy the structure that lies at each of `starts` in data; all must lie within it."""
    if not len(starts):
        return np.empty(0, layout)
    # A view with a structure at every byte, which overlap; only those asked for are copied.
    everywhere = np.ndarray((len(data) - layout.itemsize + 1,), layout, data, strides=(1,))
    return everywhere[starts]


class Walker(Protocol):
    """A capture format: finds the frames in bytes that someone else reads."""

    header_len: int
    """Bytes before the first record or block."""
    number: int
    """Frames found so far."""

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing side says it lost; None if it says nothing."""

    def walk(self, data: NDArray[np.uint8], at: int, *, compiled: bool = False) -> Walk:
        """Take the frames that are whole in data[at:], BATCH_FRAMES at most; by a kernel."""
