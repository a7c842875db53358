"""What a capture yields: batches of frames, and the facts of the whole."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FrameBatch:
    """Consecutive frames, of one capture or merged from several; all arrays have shape (n,).

    `data` may be borrowed, from a live capture: who keeps frame bytes beyond the batch copies them.
    """

    data: NDArray[np.uint8]
    """Frame i's captured bytes are data[offset[i] : offset[i] + captured_len[i]]; read-only here,
    whatever was given."""
    offset: NDArray[np.int64]
    captured_len: NDArray[np.int64]
    wire_len: NDArray[np.int64]
    """Length on the wire in bytes, never less than captured_len."""
    time_ns: NDArray[np.int64]
    """Nanoseconds since 1970 UTC."""
    linktype: NDArray[np.int32]
    """LINKTYPE_ number of the interface that captured the frame."""
    number: NDArray[np.int64]
    """1-based frame number in its capture, as Wireshark counts."""
    capture: NDArray[np.int32]
    """Index of the frame's capture in CaptureFacts.files."""
    linked: NDArray[np.int64] | None = None
    """Shape (n, 2): the control block of the frame's connection in a proxy that captured it, and
    the one of the connection that is this one's other side; 0 = none. None where no capture has
    any."""

    def __post_init__(self) -> None:
        """Make the bytes read-only: no stage changes a frame, and one kind compiles one kernel."""
        data = self.data.view()
        data.flags.writeable = False
        object.__setattr__(self, "data", data)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes as arguments, so that the bytes arrive read-only too."""
        return FrameBatch, tuple(getattr(self, each.name) for each in fields(self))

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.offset)

    def frame(self, row: int) -> bytes:
        """Copy the captured bytes of a frame."""
        start = int(self.offset[row])
        return self.data[start : start + int(self.captured_len[row])].tobytes()

    def select(self, rows: slice | NDArray[np.bool_] | NDArray[np.int64]) -> FrameBatch:
        """Narrow to some rows, or put them in another order, sharing the bytes."""
        return FrameBatch(
            self.data,
            self.offset[rows],
            self.captured_len[rows],
            self.wire_len[rows],
            self.time_ns[rows],
            self.linktype[rows],
            self.number[rows],
            self.capture[rows],
            None if self.linked is None else self.linked[rows],
        )


@dataclass(slots=True)
class CaptureFacts:
    """What is known of the captures as files; complete once they are read."""

    files: list[str] = field(default_factory=list)
    """Readable captures, as given or found, in the order of the sources."""
    frames: int = 0
    bytes: int = 0
    """Wire lengths, summed."""
    dropped: int | None = None
    """Frames that the capturing side says it lost; None where no file says anything."""
    truncated: bool = False
    """Some capture ends inside a record or is damaged before its end."""
    warnings: list[str] = field(default_factory=list)
    """One line each, such as `FILE: record 17 at byte 1234: ...`."""
    unreadable: list[str] = field(default_factory=list)
    """`SOURCE: reason` of every source of which nothing could be read."""
