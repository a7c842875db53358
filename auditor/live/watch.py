"""What is made of the ticks: judged flows, windows, and the report of the whole watch."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from auditor.engine import Engine
from auditor.evidence.names import Names
from auditor.hosts import resolve
from auditor.judge.judged import judge_flows
from auditor.live.ledger import Ledger
from auditor.live.messages import LastingNames, no_flows
from auditor.live.mishaps import Mishaps
from auditor.live.tick import Losses
from auditor.live.transfers import TransferMemory
from auditor.outlets.window import Counters, FailedWindow, Window
from auditor.pipeline import conclude, describe_audit
from auditor.records import IPPROTO_UDP
from auditor.report.model import CaptureInfo
from auditor.report.notices import SEVERITIES
from auditor.report.table import Table
from auditor.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.evidence.names import SeenName
    from auditor.judge.judged import Judged
    from auditor.judge.past import Past
    from auditor.judging import Judging
    from auditor.live.clock import Span
    from auditor.live.lane import Macs
    from auditor.live.tick import Limits, Tick
    from auditor.report.model import Report

_ENGINE = Engine(compiled=True, why="live")

_MOST_NOTICES = 100


class FlowSink(Protocol):
    """Takes judged flows as they come."""

    def write(self, judged: Judged, files: Sequence[str], names: Names, tick: Tick) -> None:
        """Write the flows of a tick; names: those that count for them, and all others."""


@dataclass
class _Frames:
    """Frames of a window, or of the whole watch."""

    first_ns: int | None = None
    last_ns: int | None = None

    def add(self, first_ns: int | None, last_ns: int | None) -> None:
        known = [time_ns for time_ns in (self.first_ns, first_ns) if time_ns is not None]
        self.first_ns = min(known, default=None)
        known = [time_ns for time_ns in (self.last_ns, last_ns) if time_ns is not None]
        self.last_ns = max(known, default=None)


class Watch:
    """Judges ticks, and reports windows and the whole; one thread calls it."""

    def __init__(
        self,
        interface: str,
        judging: Judging,
        limits: Limits,
        flow_sink: FlowSink | None = None,
        past: Callable[[], Past | None] = lambda: None,
        *,
        dedup: bool = False,
        mishaps: Mishaps | None = None,
    ) -> None:
        """flow_sink: takes every judged flow. past: gives what a history tells, at once.

        dedup: copies of packets are left out. mishaps: is told what went wrong and was survived.
        """
        self.interface = interface
        self._limits = limits
        self._flow_sink = flow_sink
        self._past = past
        self._dedup = dedup
        self._mishaps = mishaps or Mishaps()
        ports = judging.listener.promises.ports_of(IPPROTO_UDP, "tftp")
        self._transfers = TransferMemory(ports, limits.idle_s)
        self.judging = judging
        """What traffic is held against; to replace it counts for what is judged from then on."""
        self._started_ns = time.time_ns()
        self._names = LastingNames()
        self._run = Ledger(limits.most_records)
        self._open = Ledger(limits.most_records)
        self._run_frames, self._open_frames = _Frames(), _Frames()
        self._counters = self._counters_before = Counters()
        self._losses = Losses()
        self._failed = 0
        self._dropped_known = False
        self._macs: Macs = {}
        self._notices: list[str] = []
        self._began_s: float | None = None
        self._now_s = 0.0

    @property
    def prompt_ports(self) -> frozenset[int]:
        """Ports of UDP on which requests arrive that are answered by another port.

        They wait here for that, so that they are to be handed over before what answers them.
        """
        return self._transfers.ports

    def begin(self, now_s: float) -> None:
        """Note when the watch begins, by the steady clock."""
        self._began_s = self._now_s = now_s

    def take(self, tick: Tick) -> Window | FailedWindow | None:
        """Judge a tick; give the window that ends with it, if one does."""
        self._now_s = tick.taken_s
        self._counters, self._losses = tick.counters, tick.losses
        self._dropped_known = tick.dropped_known
        self._macs = tick.macs
        self._notices = [*self._notices, *tick.notices][:_MOST_NOTICES]
        self._open_frames.add(tick.first_ns, tick.last_ns)
        try:
            self._judge(tick)
        except Exception as error:  # noqa: BLE001 - the next tick may well be judged
            count = len(tick.flushed.flows.facts)
            self._failed += count
            self._mishaps.note(f"{count:,} flows were not judged", error, often=True)
        finally:
            self.judging.listener.forget()
        return self._end_window(tick.window) if tick.window else None

    def _judge(self, tick: Tick) -> None:
        self._names.observe(tick.messages, tick.taken_s)
        site = self.judging.site
        flows, begun = self._transfers.join(
            tick.flushed.flows,
            tick.flushed.begun,
            tick.taken_s,
            site=site,
            macs=self._macs,
            last=tick.last,
        )
        if not len(flows.facts):
            return
        names = self._names.of(flows)
        hosts = resolve(flows, site, self._macs)
        judged = judge_flows(flows, names, hosts, self.judging.book, self.judging.listener)
        self._open.add(judged, names, begun)
        if self._flow_sink is not None:
            try:
                self._flow_sink.write(judged, (self.interface,), names, tick)
            except Exception as error:  # noqa: BLE001 - what is written is beside the watch
                self._mishaps.note("flows were not written", error, often=True)

    def report(self) -> Report:
        """Report the whole watch up to now."""
        whole = self._run.copy()
        whole.absorb(self._open)
        frames = replace(self._run_frames)
        frames.add(self._open_frames.first_ns, self._open_frames.last_ns)
        watched_s = self._now_s - (self._began_s or 0.0)
        return self._conclude(whole, frames, Counters(), watched_s, whole=True)

    def _end_window(self, span: Span) -> Window | FailedWindow:
        lasted_s = (span.last_ns - span.first_ns) / 1e9
        ended, self._open = self._open, Ledger(self._limits.most_records)
        frames, self._open_frames = self._open_frames, _Frames()
        before, self._counters_before = self._counters_before, self._counters
        self._run_frames.add(frames.first_ns, frames.last_ns)
        try:
            report = self._conclude(ended, frames, before, lasted_s)
            self._run.absorb(ended)
        except Exception as error:  # noqa: BLE001 - the next window may well be reported
            # What cannot be reported must not spoil the report of everything, too.
            self._failed += len(ended)
            reason = self._mishaps.note("a window could not be reported", error)
            return FailedWindow(span.first_ns, span.last_ns, reason)
        try:
            report = _with_absences(report, self.report())
        except Exception as error:  # noqa: BLE001 - the window itself can be told
            self._mishaps.note("what is missing could not be told", error)
        counters = replace(self._counters, errors=self._mishaps.count)
        return Window(span.first_ns, span.last_ns, report, counters)

    def _conclude(
        self,
        ledger: Ledger,
        frames: _Frames,
        before: Counters,
        watched_s: float,
        *,
        whole: bool = False,
    ) -> Report:
        told = self._names.of(no_flows())
        names = Names(
            ledger.own_names(), _united(told.address_names, ledger.told_names()), told.forgotten
        )
        traffic = Traffic(
            ledger.flows(at_least=0 if whole else 1),
            names,
            self._macs,
            self._capture(ledger, frames, before),
            watched_s,
            interrupted=False,
            engine=_ENGINE,
        )
        about = describe_audit((self.interface,), self.judging, self._started_ns, _ENGINE)
        about = replace(about, dedup=self._dedup, live=True)
        return conclude(traffic, self.judging, about, past=self._past()).report

    def _capture(self, ledger: Ledger, frames: _Frames, before: Counters) -> CaptureInfo:
        now = self._counters
        by_status = {
            status: count - before.frames_by_status.get(status, 0)
            for status, count in now.frames_by_status.items()
        }
        return CaptureInfo(
            files=(self.interface,),
            frames=now.frames - before.frames,
            bytes=now.bytes - before.bytes,
            first_ns=frames.first_ns,
            last_ns=frames.last_ns,
            truncated=bool(ledger.forgotten or self._losses.evicted_flows or self._failed),
            dropped=now.dropped - before.dropped if self._dropped_known else None,
            warnings=(*self._notices, *self._shortcomings(ledger.forgotten)),
            frames_by_status=by_status,
            duplicates=now.duplicates - before.duplicates,
        )

    def _shortcomings(self, forgotten: int) -> list[str]:
        told = shortcomings(self._losses, forgotten)
        if self._failed:
            told.append(
                f"mistakes of the program left out {self._failed:,} flows; see what it said"
            )
        return told


def shortcomings(losses: Losses, forgotten: int) -> list[str]:
    """Say what bounds on memory and time left out."""
    counts = (
        (losses.evicted_attempts, "unanswered attempts left the flow table before their time"),
        (losses.evicted_flows, "conversations left the flow table; what follows is counted anew"),
        (losses.unjudged_flows, "flows were not judged, since judging was too far behind"),
        (losses.messages, "messages that may tell host names were not read"),
        (forgotten, "pairs of hosts were left out of the report, attempts first"),
    )
    return [f"bounds of the watch: {count:,} {what}" for count, what in counts if count]


def _united(
    one: dict[tuple[int, int], tuple[SeenName, ...]],
    other: dict[tuple[int, int], tuple[SeenName, ...]],
) -> dict[tuple[int, int], tuple[SeenName, ...]]:
    united = dict(one)
    for address, names in other.items():
        united[address] = tuple(sorted((*united.get(address, ()), *names), key=lambda n: n.time_ns))
    return united


def _with_absences(window: Report, whole: Report) -> Report:
    """Say of a window what the whole watch misses: five minutes show no absence."""
    own, missing = window.tables["findings"], whole.tables["findings"]
    own = own.take(~own.where("kind", {"missing"}))
    missing = missing.take(missing.where("kind", {"missing"}))
    findings = Table.joined([own, missing])
    loudness = [SEVERITIES.index(word) for word in findings.values("severity")]
    kept = set(own.values("finding_id"))
    links = {name: ids for name, ids in window.finding_flows.items() if name in kept}
    links |= {name: [] for name in missing.values("finding_id")}
    return replace(
        window,
        tables={**window.tables, "findings": findings.take(np.argsort(loudness, kind="stable"))},
        finding_flows=links,
    )
