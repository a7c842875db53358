"""The pipeline on one page: START READING HERE.

Data runs one way: bytes -> frames -> packets -> flows -> names, hosts -> orientation, verdicts ->
coverage -> findings -> report. No stage knows its neighbour.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from typing import TYPE_CHECKING

from auditor.capture.urls import hide
from auditor.errors import UsageError
from auditor.hosts import resolve
from auditor.infer.stage import infer
from auditor.judge.accept import accept
from auditor.judge.expect import Watch, expect
from auditor.judge.finding import FindingFlows
from auditor.judge.findings import find
from auditor.judge.judged import judge_flows
from auditor.judge.loss import measure_losses
from auditor.judge.rulebook import RuleBook
from auditor.judge.sessions import find_sessions
from auditor.judging import Judging, load_judging, read_catalog
from auditor.pace import Stopwatch, uncollected
from auditor.report import assemble, summaries
from auditor.report.model import AuditInfo, FlowReport, Report
from auditor.report.quality import loss_info
from auditor.times import parse_time
from auditor.traffic import READING, read_traffic

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from auditor.catalog.model import Catalog
    from auditor.engine import Engine
    from auditor.evidence.names import Names
    from auditor.infer.stage import Inference
    from auditor.judge.judged import Judged
    from auditor.judge.past import Past
    from auditor.site.model import Site
    from auditor.traffic import Progress, Reading, Traffic

    Source = str | PathLike[str]


@dataclass(frozen=True)
class Examined:
    """A report, and what it was made of."""

    report: Report
    judged: Judged
    names: Names
    inference: Inference


def audit(
    sources: Source | Sequence[Source],
    *,
    hosts: str | PathLike[str] | Site | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
    dedup: bool = False,
    past: Past | None = None,
) -> Report:
    """Audit captures: the whole program, in order.

    sources: captures, directories, globs, URLs or `-`. hosts: a site file, or one loaded. catalog:
    directories that add to the shipped rules or replace them, or a whole catalog. since, until:
    only frames from then on, and before then, as text or nanoseconds since 1970 UTC. Raises
    AuditError if nothing can be read; an interruption ends the reading, not the report. reading:
    how captures are read, which changes no result. dedup: leave out frames that hold a packet
    which another frame holds. past: what a history tells (auditor.outlets.store.keeper.read_past).
    """
    return examine(
        sources,
        hosts=hosts,
        catalog=catalog,
        edition=edition,
        since=since,
        until=until,
        progress=progress,
        reading=_deduped(reading, dedup=dedup),
        past=past,
        keep_heads=False,
    ).report


def examine(
    sources: Source | Sequence[Source],
    *,
    hosts: str | PathLike[str] | Site | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    threshold: float | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
    past: Past | None = None,
    keep_heads: bool = True,
) -> Examined:
    """Audit captures, and keep what the report was made of; everything else as for `audit`.

    threshold: from which confidence on an inferred role counts, 0 to 1; None = as the shipped
    clues say. Raises UsageError for any other number. keep_heads: first payloads too.
    """
    if threshold is not None and not 0 < threshold <= 1:
        raise UsageError(f"threshold: expected more than 0 and at most 1, found {threshold:g}")
    started_ns, watch = time.time_ns(), Stopwatch()
    judging = load_judging(hosts, catalog, edition, threshold)
    site = judging.site
    watch.lap("rules")
    macs = frozenset(mac for host in site.hosts for mac in host.macs) if site else frozenset()
    traffic = read_traffic(
        _listed(sources),
        macs=macs,
        since_ns=_time(since),
        until_ns=_time(until),
        progress=progress,
        reading=reading,
    )
    watch.lap("read")
    about = describe_audit(_listed(sources), judging, started_ns, traffic.engine)
    about = replace(about, since_ns=_time(since), until_ns=_time(until), dedup=reading.dedup)
    return conclude(traffic, judging, about, watch, past, keep_heads=keep_heads)


@uncollected()
def conclude(
    traffic: Traffic,
    judging: Judging,
    about: AuditInfo,
    watch: Stopwatch | None = None,
    past: Past | None = None,
    *,
    keep_heads: bool = True,
) -> Examined:
    """Judge traffic and report it: every stage that sees no frame.

    past: what a history tells of what is expected. keep_heads: otherwise the traffic loses its
    first payloads once they are read.
    """
    watch, site = watch or Stopwatch(), judging.site
    judged, inference = _judge(traffic, judging)
    if not keep_heads:
        traffic.flows = traffic.flows.without_heads()
        judged = replace(judged, flows=traffic.flows)
    info = traffic.capture
    listed = judged.hosts.where(lambda party: party.listed)
    if site is not None and len(listed) and not listed.any():
        count = len(listed)
        stranger = f"none of the {count} addresses seen is in the site file: nothing is judged"
        info = replace(info, warnings=(*info.warnings, stranger))
    losses = measure_losses(judged)
    info = replace(info, loss=loss_info(losses, judged, info.files))
    lossy = info.truncated or info.dropped or info.unreadable or traffic.interrupted
    extent = Watch(traffic.watched_s, not lossy, losses, past, info.last_ns or about.started_ns)
    expectations = expect(judged, extent)
    today = datetime.now(tz=UTC).date()
    findings = accept(find(judged, expectations), site, today)
    sessions = find_sessions(judged)
    watch.lap("judge")

    files = info.files
    tables = {
        "findings": assemble.finding_table(judged, files, findings),
        "flows": assemble.flow_table(judged, files, findings),
        "coverage": summaries.coverage_table(judged, expectations),
        "hosts": assemble.host_table(judged, inference),
        "sessions": summaries.session_table(judged, sessions),
    }
    watch.lap("report")
    about = replace(about, finished_ns=time.time_ns(), stage_s=watch.stage_s)
    report = Report(
        tables,
        capture=info,
        audit=about,
        finding_flows=FindingFlows(findings),
        interrupted=traffic.interrupted,
        weights=judged.flows.weights,
    )
    return Examined(report, judged, traffic.names, inference)


def read(
    sources: Source | Sequence[Source],
    *,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
) -> FlowReport:
    """Read captures into the flow table alone; the catalog's ports only help to find the client."""
    started_ns, watch = time.time_ns(), Stopwatch()
    rules = read_catalog(catalog, edition)
    watch.lap("rules")
    traffic = read_traffic(
        _listed(sources),
        since_ns=_time(since),
        until_ns=_time(until),
        progress=progress,
        reading=reading,
    )
    watch.lap("read")
    traffic.flows = traffic.flows.without_heads()
    judged = judge_flows(traffic.flows, traffic.names, resolve(traffic.flows), RuleBook(rules))
    watch.lap("orient")
    about = describe_audit(_listed(sources), Judging(rules), started_ns, traffic.engine)
    about = replace(about, since_ns=_time(since), until_ns=_time(until), dedup=reading.dedup)
    info = traffic.capture
    return FlowReport(
        {"flows": assemble.flow_facts(judged, info.files)},
        replace(info, loss=loss_info(measure_losses(judged), judged, info.files)),
        replace(about, stage_s=watch.stage_s),
        traffic.interrupted,
    )


def _judge(traffic: Traffic, judging: Judging) -> tuple[Judged, Inference]:
    """Judge the flows by the site file; without one, or if it says so, by inferred roles too."""
    site, book, listener = judging.site, judging.book, judging.listener
    hosts = resolve(traffic.flows, site, traffic.macs)
    try:
        judged = judge_flows(traffic.flows, traffic.names, hosts, book, listener)
        inference = infer(judged, traffic.names, judging.clues, judging.threshold)
        if (site is None or site.infer) and inference.sure():
            hosts = inference.adopted(hosts)
            judged = judge_flows(traffic.flows, traffic.names, hosts, book, listener)
    finally:
        listener.forget()
    return judged, inference


def read_flows(
    sources: Source | Sequence[Source],
    *,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
    dedup: bool = False,
) -> pd.DataFrame:
    """Give the flow table of captures as a pandas frame, as `auditor flows` prints it.

    Everything as for `audit`.
    """
    return read(
        sources,
        catalog=catalog,
        edition=edition,
        since=since,
        until=until,
        progress=progress,
        reading=_deduped(reading, dedup=dedup),
    ).flows


def _deduped(reading: Reading, *, dedup: bool) -> Reading:
    return replace(reading, dedup=True) if dedup else reading


def _time(given: str | int | None) -> int | None:
    return parse_time(given) if isinstance(given, str) else given


def _listed(sources: Source | Sequence[Source]) -> list[str]:
    if isinstance(sources, (str, PathLike)):
        sources = [sources]
    return [hide(str(source)) for source in sources]


def describe_audit(
    sources: Sequence[str], judging: Judging, started_ns: int, engine: Engine
) -> AuditInfo:
    """Say what a report is made with and from."""
    from auditor import __version__  # noqa: PLC0415 - the package imports this module

    return AuditInfo(
        version=__version__,
        edition=judging.rules.edition,
        catalog_digest=judging.rules.digest,
        sources=tuple(sources),
        started_ns=started_ns,
        finished_ns=time.time_ns(),
        hosts_file=judging.site.path if judging.site else None,
        engine=f"{engine.name} ({engine.why})",
    )
