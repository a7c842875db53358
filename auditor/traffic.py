"""From captures to flows and names: every stage that sees frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture import open_capture
from auditor.engine import choose_engine
from auditor.evidence.names import NameCollector
from auditor.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.capture.batch import FrameBatch
    from auditor.engine import Engine, EngineName
    from auditor.evidence.names import Names
    from auditor.flows import Flows
    from auditor.report.model import CaptureInfo

    Progress = Callable[[int, int, int], None]
    """Called with bytes read, bytes in all (0 = unknown) and frames so far."""


@dataclass
class Traffic:
    """What the captures held, before anybody judges it."""

    flows: Flows
    names: Names
    macs: dict[str, set[tuple[int, int]]]
    capture: CaptureInfo
    watched_s: float
    """Seconds that some capture covers: captures with a gap between them did not watch the gap."""
    interrupted: bool
    engine: Engine


@dataclass(frozen=True, slots=True)
class Reading:
    """How captures are read; what comes out is the same, unless copies are left out."""

    engine: EngineName = "auto"
    announce: Callable[[str], None] | None = None
    """Is told what will take a while."""
    dedup: bool = False
    """Copies of packets count for nothing but their own number."""


READING = Reading()


def read_traffic(
    sources: Sequence[str],
    *,
    macs: frozenset[str] = frozenset(),
    since_ns: int | None = None,
    until_ns: int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
    meanwhile: Callable[[], None] = lambda: None,
) -> Traffic:
    """Read captures; after an interruption give what was read so far.

    macs: hardware addresses whose IP addresses are to be noted. meanwhile: is done in a thread
    while kernels leave the interpreter free, if ever they do.
    """
    collector, tally = NameCollector(), Tally()
    interrupted = False
    with open_capture(sources, since_ns=since_ns, until_ns=until_ns) as capture:
        engine = choose_engine(reading.engine, capture.size(), reading.announce)
        capture.compiled = engine.compiled
        decoder, table = engine.decoder(macs), engine.flow_table()
        copies = engine.duplicates(leave_out=reading.dedup)
        if engine.compiled:
            Thread(target=meanwhile, daemon=True).start()
        try:
            for packets in engine.ahead(map(decoder.decode, capture)):
                copies.mark(packets.rows)
                table.update(packets)
                collector.observe(packets)
                tally.count(packets.batch, packets.rows["status"])
                if progress is not None:
                    progress(*capture.position(), tally.frames)
        except KeyboardInterrupt:
            interrupted = True
        flows = table.finish()
        names = collector.finish(flows)
        capture.facts.warnings += _shortcomings(flows, names)
        from auditor.report.model import CaptureInfo  # noqa: PLC0415 - loads pandas

        info = CaptureInfo.of(
            capture.facts,
            first_ns=tally.first_ns,
            last_ns=tally.last_ns,
            frames_by_status=tally.by_status(),
            duplicates=copies.count,
        )
    return Traffic(
        flows, names, decoder.mac_addresses, info, tally.watched_s(), interrupted, engine
    )


def _shortcomings(flows: Flows, names: Names) -> list[str]:
    """Say what the bounds on memory left out."""
    counts = (
        (flows.clipped_heads, "sides of flows kept 64 bytes of payload only"),
        (names.forgotten, "host names were not kept"),
    )
    return [f"memory bound: {count:,} {what}" for count, what in counts if count]


@dataclass
class Tally:
    """Counts over all frames, whatever became of them."""

    frames: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    _spans: dict[int, list[int]] = field(default_factory=dict)
    _status: np.ndarray = field(default_factory=lambda: np.zeros(len(Status), dtype=np.int64))

    def count(self, frames: FrameBatch, status: np.ndarray) -> None:
        """Count the frames of a batch; status: of each, shape (n,)."""
        if not len(frames):
            return
        self.frames += len(frames)
        self._status += np.bincount(status, minlength=len(Status))
        first, last = int(frames.time_ns.min()), int(frames.time_ns.max())
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)
        capture = int(frames.capture[0])
        if (frames.capture == capture).all():
            self._extend_span(capture, first, last)
            return
        for capture in np.unique(frames.capture).tolist():
            times = frames.time_ns[frames.capture == capture]
            self._extend_span(capture, int(times.min()), int(times.max()))

    def _extend_span(self, capture: int, first_ns: int, last_ns: int) -> None:
        span = self._spans.setdefault(capture, [first_ns, last_ns])
        span[:] = min(span[0], first_ns), max(span[1], last_ns)

    def watched_s(self) -> float:
        """Sum what the spans of the captures cover together."""
        watched_ns, until_ns = 0, None
        for first, last in sorted(self._spans.values()):
            begin = first if until_ns is None else max(first, until_ns)
            watched_ns += max(last - begin, 0)
            until_ns = last if until_ns is None else max(last, until_ns)
        return watched_ns / 1e9

    def by_status(self) -> dict[str, int]:
        """Count the frames by status, as CaptureInfo names them."""
        counts = self._status.tolist()
        return {s.name.lower().replace("_", "-"): counts[s] for s in Status}
