"""What every live source offers, and what can be asked of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.capture.batch import FrameBatch
    from auditor.capture.live.ring_frames import RingFrames

LiveFrames: TypeAlias = "FrameBatch | RingFrames"
"""What a live source gives at a time."""

TICK_S = 0.2
"""Longest time that a source keeps control while there are no frames."""

ANY = "any"
"""Name that stands for all interfaces of a Linux machine."""


class InterfaceState(Enum):
    """What is known of the interface that frames come from."""

    UP = "up"
    NO_LINK = "up, without a link"
    DOWN = "down"
    GONE = "gone"


STATE_NOTICES = {
    InterfaceState.UP: "up again",
    InterfaceState.NO_LINK: "up, but without a link: no cable, or the other end is down",
    InterfaceState.DOWN: "down; waiting for it to come up",
    InterfaceState.GONE: "gone; waiting for one of that name",
}
"""How a source tells of a state that its interface has come into."""


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to listen."""

    bpf: str | None = None
    """A filter as pcap-filter(7) describes; it runs in the kernel. None passes every frame."""
    ring_mb: int = 128
    """Memory for frames that wait to be read, in MiB, for each worker."""
    workers: int = 1
    """Sources that share the frames among them; both directions of a flow go to the same one."""
    promiscuous: bool = True
    """Whether to take frames that are not meant for this machine."""


class LiveSource(Protocol):
    """Frames of a network interface, as they come.

    An interface that goes down, goes away or changes its name does not end it: it is told in
    `notices`, and frames go on when the interface is back.
    """

    interface: str
    """The interface's present name, or the last one it had."""

    @property
    def state(self) -> InterfaceState:
        """What is known of the interface, no older than a second."""

    @property
    def dropped(self) -> int | None:
        """Frames lost so far for want of memory or time; None where that is not known yet."""

    def read(self) -> LiveFrames | None:
        """Return the next frames; None when TICK_S passed without one.

        Their data is borrowed until the next call, and of a ring some may be left out as they are
        listed. FrameBatch.capture is 0, `linked` None, frames are numbered from 1 on in each
        source. Raise CaptureError when no more can come.
        """

    def notices(self) -> list[str]:
        """Take the lines that tell what happened since the last call."""

    def rest(self) -> Iterator[LiveFrames]:
        """Listen to nothing more, and give what has come by now, borrowed as above."""

    def close(self) -> None:
        """Stop listening; `dropped` stays."""
