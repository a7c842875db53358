"""The pipeline on one page: START READING HERE.

Data runs one way: bytes -> frames -> packets -> flows -> names, hosts -> orientation, verdicts ->
coverage -> findings -> report. No stage knows its neighbour.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture import open_capture
from auditor.catalog.load import load_catalog, rules_directory
from auditor.catalog.model import Catalog
from auditor.decode.dissect import Decoder
from auditor.evidence.names import NameCollector
from auditor.flows import FlowTable
from auditor.hosts import resolve
from auditor.judge.accept import accept
from auditor.judge.expect import Watch, expect
from auditor.judge.findings import find
from auditor.judge.judged import judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.sessions import find_sessions
from auditor.judge.verify import Listener
from auditor.records import Status
from auditor.site.model import Site
from auditor.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from auditor.capture.batch import FrameBatch
    from auditor.evidence.names import Names
    from auditor.flows import Flows
    from auditor.judge.judged import Judged
    from auditor.report.model import AuditInfo, CaptureInfo, FlowReport, Report

    Source = str | PathLike[str]
    Progress = Callable[[int, int, int], None]
    """Called with bytes read, bytes in all (0 = unknown) and frames so far."""


@dataclass
class Traffic:
    """What the captures held, before anybody judges it."""

    flows: Flows
    names: Names
    macs: dict[str, set[tuple[int, int]]]
    capture: CaptureInfo
    interrupted: bool


@dataclass(frozen=True)
class Examined:
    """A report, and what it was made of."""

    report: Report
    judged: Judged
    names: Names


@dataclass
class Stopwatch:
    """Seconds that each stage took."""

    stage_s: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.stage_s[stage] = now - self._last
        self._last = now


def audit(
    sources: Source | Sequence[Source],
    *,
    hosts: str | PathLike[str] | Site | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Audit captures: the whole program, in order.

    sources: captures, directories, globs or `-`. hosts: a site file, or one loaded. catalog:
    directories that add to the shipped rules or replace them, or a whole catalog. since, until:
    only frames from then on, and before then, as text or nanoseconds since 1970 UTC. Raises
    AuditError if nothing can be read; an interruption ends the reading, not the report.
    """
    return examine(
        sources,
        hosts=hosts,
        catalog=catalog,
        edition=edition,
        since=since,
        until=until,
        progress=progress,
    ).report


def examine(
    sources: Source | Sequence[Source],
    *,
    hosts: str | PathLike[str] | Site | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
) -> Examined:
    """Audit captures, and keep what the report was made of; everything else as for `audit`."""
    from auditor.report import assemble  # noqa: PLC0415 - pandas is loaded while nothing waits
    from auditor.report.model import Report  # noqa: PLC0415

    started_ns, watch = time.time_ns(), Stopwatch()
    rules = _catalog(catalog, edition)
    site = _site(hosts, rules)
    watch.lap("rules")
    macs = frozenset(mac for host in site.hosts for mac in host.macs) if site else frozenset()
    traffic = _read(_listed(sources), macs, _time(since), _time(until), progress)
    watch.lap("read")

    endpoints = resolve(traffic.flows, site, traffic.macs)
    listener = Listener.load(rules_directory())
    judged = judge_flows(traffic.flows, traffic.names, endpoints, RuleBook(rules, site), listener)
    info = traffic.capture
    lossy = info.truncated or info.dropped or info.unreadable or traffic.interrupted
    expectations = expect(judged, Watch(info.duration_s, lossless=not lossy))
    today = datetime.now(tz=UTC).date()
    findings = accept(find(judged, expectations), site, today)
    sessions = find_sessions(judged)
    watch.lap("judge")

    files = info.files
    tables = (
        assemble.flow_table(judged, files, findings),
        assemble.finding_table(judged, files, findings),
        assemble.coverage_table(judged, expectations),
        assemble.host_table(judged),
        assemble.session_table(judged, sessions),
    )
    watch.lap("report")
    flow_ids = {finding.id: [row + 1 for row in finding.flows] for finding, _ in findings}
    about = _about(sources, rules, site, started_ns, watch)
    report = Report(
        *tables,
        capture=info,
        audit=about,
        finding_flows=flow_ids,
        interrupted=traffic.interrupted,
    )
    return Examined(report, judged, traffic.names)


def read(
    sources: Source | Sequence[Source],
    *,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
) -> FlowReport:
    """Read captures into the flow table alone; the catalog's ports only help to find the client."""
    from auditor.report import assemble  # noqa: PLC0415 - as above
    from auditor.report.model import FlowReport  # noqa: PLC0415

    started_ns, watch = time.time_ns(), Stopwatch()
    rules = _catalog(catalog, edition)
    watch.lap("rules")
    traffic = _read(_listed(sources), frozenset(), _time(since), _time(until), progress)
    watch.lap("read")
    judged = judge_flows(traffic.flows, traffic.names, resolve(traffic.flows), RuleBook(rules))
    watch.lap("orient")
    return FlowReport(
        assemble.flow_facts(judged, traffic.capture.files),
        traffic.capture,
        _about(sources, rules, None, started_ns, watch),
        traffic.interrupted,
    )


def read_flows(sources: Source | Sequence[Source]) -> pd.DataFrame:
    """Give the flow table of captures as a pandas frame, as `auditor flows` prints it."""
    return read(sources).flows


def _read(
    sources: list[str],
    macs: frozenset[str],
    since_ns: int | None,
    until_ns: int | None,
    progress: Progress | None,
) -> Traffic:
    """Run the stages that see frames; after an interruption give what was read so far."""
    from auditor.report.model import CaptureInfo  # noqa: PLC0415 - as above

    table, decoder, collector, tally = FlowTable(), Decoder(macs), NameCollector(), _Tally()
    interrupted = False
    with open_capture(sources, since_ns=since_ns, until_ns=until_ns) as capture:
        try:
            for frames in capture:
                packets = decoder.decode(frames)
                table.update(packets)
                collector.observe(packets)
                tally.count(frames, packets.rows["status"])
                if progress is not None:
                    progress(*capture.position(), tally.frames)
        except KeyboardInterrupt:
            interrupted = True
        flows = table.finish()
        names = collector.finish(flows)
        capture.facts.warnings += _shortcomings(flows, names)
        info = CaptureInfo.of(
            capture.facts,
            first_ns=tally.first_ns,
            last_ns=tally.last_ns,
            frames_by_status=tally.by_status(),
        )
    return Traffic(flows, names, decoder.mac_addresses, info, interrupted)


def _shortcomings(flows: Flows, names: Names) -> list[str]:
    """Say what the bounds on memory left out."""
    counts = (
        (flows.clipped_heads, "sides of flows kept 64 bytes of payload only"),
        (names.forgotten, "host names were not kept"),
    )
    return [f"memory bound: {count:,} {what}" for count, what in counts if count]


@dataclass
class _Tally:
    """Counts over all frames, whatever became of them."""

    frames: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    _status: np.ndarray = field(default_factory=lambda: np.zeros(len(Status), dtype=np.int64))

    def count(self, frames: FrameBatch, status: np.ndarray) -> None:
        if not len(frames):
            return
        self.frames += len(frames)
        self._status += np.bincount(status, minlength=len(Status))
        first, last = int(frames.time_ns.min()), int(frames.time_ns.max())
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)

    def by_status(self) -> dict[str, int]:
        counts = self._status.tolist()
        return {s.name.lower().replace("_", "-"): counts[s] for s in Status}


def _time(given: str | int | None) -> int | None:
    return parse_time(given) if isinstance(given, str) else given


def _listed(sources: Source | Sequence[Source]) -> list[str]:
    if isinstance(sources, (str, PathLike)):
        return [str(sources)]
    return [str(source) for source in sources]


def _catalog(given: Sequence[str | PathLike[str]] | Catalog, edition: str | None) -> Catalog:
    if isinstance(given, Catalog):
        return given
    return load_catalog([Path(directory) for directory in given], edition=edition)


def _site(given: str | PathLike[str] | Site | None, catalog: Catalog) -> Site | None:
    if given is None or isinstance(given, Site):
        return given
    from auditor.site.load import load_site  # noqa: PLC0415 - only where there is a site file

    return load_site(Path(given), catalog)


def _about(
    sources: Source | Sequence[Source],
    catalog: Catalog,
    site: Site | None,
    started_ns: int,
    watch: Stopwatch,
) -> AuditInfo:
    from auditor import __version__  # noqa: PLC0415 - the package imports this module
    from auditor.report.model import AuditInfo  # noqa: PLC0415

    return AuditInfo(
        version=__version__,
        edition=catalog.edition,
        catalog_digest=catalog.digest,
        sources=tuple(_listed(sources)),
        started_ns=started_ns,
        finished_ns=time.time_ns(),
        hosts_file=site.path if site else None,
        stage_s=watch.stage_s,
    )
