"""Capture files that parts are made of, and a crew that needs no processes."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pcap_files import pcap
from wire import Frame

from auditor.parts.crew import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditor.traffic import Traffic

Result = TypeVar("Result")

START_NS = 1_772_438_400_000_000_000
STEP_NS = 1_000_000


class Done(NamedTuple):
    """Work that is done when it is sent for, with what it came to."""

    outcome: object

    def result(self) -> object:
        """Give or raise what it came to."""
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return pickle.loads(pickle.dumps(self.outcome))


class Here:
    """Does all work in this process, as two workers would whose memory is not ours."""

    size = 2

    def __init__(self, deadly: Callable[..., bool] = lambda *_: False) -> None:
        """Let work kill its worker where `deadly` says so of its function and arguments."""
        self.closed = False
        self.sent: list[str] = []
        self._deadly = deadly

    def send(self, work: Callable[..., Result], *arguments: object) -> Done:
        """Do some work."""
        self.sent.append(work.__name__)
        if self._deadly(work, *arguments):
            return Done(WorkerLostError("it died"))
        return Done(work(*pickle.loads(pickle.dumps(arguments))))

    def close(self) -> None:
        """Note that everybody goes home."""
        self.closed = True


def write_capture(path: Path, frames: Sequence[tuple[int, bytes]]) -> str:
    """Write frames, each with its time in steps; give the name of the file."""
    made = [Frame(START_NS + step * STEP_NS, frame, 0) for step, frame in frames]
    path.write_bytes(pcap(made, nanoseconds=True))
    return str(path)


def check_same(one: Traffic, other: Traffic) -> None:
    """Hold all that was read, however it was, against each other."""
    assert one.flows.facts.tolist() == other.flows.facts.tolist()
    for name in ("heads_a", "heads_b", "vlans", "unmatched_errors", "clipped_heads", "other_side"):
        assert getattr(one.flows, name) == getattr(other.flows, name), name
    assert one.names == other.names
    assert one.macs == other.macs
    assert one.capture == other.capture
    assert one.watched_s == other.watched_s
