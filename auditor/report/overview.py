"""An audit in a few lines: what was read, what it amounts to, what it cannot show, what is next."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.vocabulary import ATTEMPTED, Coverage, Remark, Verdict
from auditor.report import quality
from auditor.report.table import NO_NUMBER
from auditor.report.text import byte_size, count, duration, listed
from auditor.times import minute_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.report.model import AuditInfo, CaptureInfo, FlowReport, Report
    from auditor.report.table import Table

_FINE = {
    Verdict.DOCUMENTED: "documented",
    Verdict.DOCUMENTED_ELSEWHERE: "documented elsewhere",
    Verdict.AMBIENT: "ambient",
}
_MENTION_DAMAGE_FROM = 0.01
_CARRIED: Mapping[str, str] = {
    Remark.EDT: "EDT",
    Remark.UDP_ONLY: "EDT",
    Remark.TCP_ONLY: "TCP only",
}
_ODD: Mapping[str, str] = {
    Remark.FELL_BACK: "fell back to TCP",
    Remark.TCP_APART: "tried UDP in vain",
    Remark.NEITHER: "got nowhere",
}
_MOST_PAIRS = 3
_DAMAGE_MEANS = {
    "malformed": "malformed, so in no flow",
    "unsupported": "of a kind that is not decoded, so in no flow",
    "truncated": "cut short when captured, so their payload proves nothing",
}


def captured(
    capture: CaptureInfo, flows: int, audit: AuditInfo, expression: str | None
) -> tuple[str, ...]:
    """Say which captures were read, when they were taken, and how much was in them."""
    names = ["standard input" if n == "-" else n for n in capture.files or audit.sources]
    sizes = [count(capture.frames, "frame"), byte_size(capture.bytes), count(flows, "flow")]
    if len(names) > 1:
        sizes.insert(0, count(len(names), "file"))
    if capture.first_ns is not None:
        times = f"{minute_text(capture.first_ns)}, {duration(capture.duration_s)}"
        sizes.insert(0, times)
    lines = [listed(names, 3), ", ".join(sizes)]
    span = _span_words(audit)
    if span:
        lines.append("only frames " + " and ".join(f"{word} {time}" for word, time in span))
    if expression is not None:
        lines.append(
            f"only flows where {expression}; coverage, hosts and sessions are of all flows"
        )
    return tuple(lines)


def _span_words(audit: AuditInfo) -> list[tuple[str, str]]:
    """Give the ends of the time that was asked for, each with the word for it."""
    ends = (("since", audit.since_ns), ("until", audit.until_ns))
    return [(word, time_text(time_ns)) for word, time_ns in ends if time_ns is not None]


def basis(audit: AuditInfo, hosts: Table) -> str:
    """Say what the traffic was held against."""
    if audit.hosts_file is not None:
        return f"paper edition {audit.edition}, site file {audit.hosts_file}"
    inferred = hosts.tally("roles_source")["inferred"]
    known = f"roles of {count(inferred, 'host')} are inferred" if inferred else "no role is known"
    return f"paper edition {audit.edition}; no site file: {known}, nothing can be called missing"


def warnings(capture: CaptureInfo, *, interrupted: bool, dedup: bool = False) -> tuple[str, ...]:
    """List what keeps a report from being whole."""
    lines = [f"not read: {source}" for source in capture.unreadable]
    if interrupted:
        lines.append("interrupted: this is what was read until then")
    lines.extend(capture.warnings)
    if capture.truncated and not capture.warnings:
        lines.append("a capture ends inside a record; it is reported up to there")
    if capture.dropped:
        lines.append(f"{count(capture.dropped, 'frame')} lost while capturing: absence proves less")
    lines.extend(quality.warnings(capture, dedup=dedup))
    for status, meaning in _DAMAGE_MEANS.items():
        frames = capture.frames_by_status.get(status, 0)
        if frames and frames >= capture.frames * _MENTION_DAMAGE_FROM:
            lines.append(f"{count(frames, 'frame')} {meaning}")
    return tuple(lines)


def outcome_text(by_outcome: Mapping[str, int]) -> str:
    """Say how conversations went; attempts that reached nobody stand apart, behind a semicolon."""
    reached = {w: n for w, n in by_outcome.items() if w not in ATTEMPTED}
    failed = {w: n for w, n in by_outcome.items() if w in ATTEMPTED}
    return "; ".join(filter(None, (_tally_text(reached), _tally_text(failed)))) or "none"


def _tally_text(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{number:,} {word}" for word, number in ordered if number)


def summary(report: Report) -> tuple[tuple[str, str], ...]:
    """Say in a line each how flows, outcomes, payload, sessions, coverage and hosts turned out."""
    counts, tables = report.summary, report.tables
    by_verdict = counts["by_verdict"]
    fine = {text: by_verdict[verdict] for verdict, text in _FINE.items()}
    rest = {verdict: number for verdict, number in by_verdict.items() if verdict not in _FINE}
    lines = [
        ("Flows", "; ".join(filter(None, (_tally_text(fine), _tally_text(rest)))) or "none"),
        ("Outcome", outcome_text(counts["by_outcome"])),
        ("Payload", _tally_text(counts["by_verification"]) or "none"),
    ]
    lines.extend(_sessions(tables["sessions"]))
    lines.extend(proxied(tables["flows"]))
    statuses = tables["coverage"].tally("status")
    of = {status: statuses[status.value] for status in Coverage}
    expected = sum(of[s] for s in (Coverage.SEEN, Coverage.BLOCKED, Coverage.MISSING))
    if expected:
        parts = {status.value: of[status] for status in (Coverage.BLOCKED, Coverage.MISSING)}
        text = f"{of[Coverage.SEEN]:,} of {count(expected, 'expected function')} seen"
        lines.append(("Coverage", ", ".join(filter(None, (text, _tally_text(parts))))))
    sources = tables["hosts"].tally("roles_source")
    known = {
        "in the site file": sources["inventory"],
        "with a role guessed from traffic": sources["inferred"],
        "without a role": sources[None],
    }
    lines.append(("Hosts", _tally_text(known) or "none"))
    return tuple(lines)


def _sessions(sessions: Table) -> Iterator[tuple[str, str]]:
    """Say how sessions are carried, and between whom where that is worth a look."""
    if not len(sessions):
        return
    ends = zip(sessions.values("client"), sessions.values("server"), strict=True)
    pairs = [f"{client} -> {server}" for client, server in ends]
    carried: dict[str, int] = {}
    odd: dict[str, list[str]] = {}
    for pair, remark in zip(pairs, sessions.values("remark"), strict=True):
        if remark in _CARRIED:
            carried[_CARRIED[remark]] = carried.get(_CARRIED[remark], 0) + 1
        else:
            odd.setdefault(_ODD[remark], []).append(pair)
    told = [f"{len(of):,} {text} ({listed(of, _MOST_PAIRS)})" for text, of in odd.items()]
    yield "Sessions", f"{len(pairs):,}: {', '.join(filter(None, (_tally_text(carried), *told)))}"
    paths = Counter(sessions.values("path"))
    if len(paths) > 1:
        yield "By path", _tally_text(paths)
    noted: dict[str, list[str]] = {}
    for pair, notes in zip(pairs, sessions.values("notes"), strict=True):
        for note in notes:
            noted.setdefault(note, []).append(pair)
    for note, of in noted.items():
        yield "Of note", f"{listed(of, _MOST_PAIRS)}: {note}"


def proxied(flows: Table) -> Iterator[tuple[str, str]]:
    """Say how many sessions a NetScaler's own trace shows from both sides."""
    linked = flows.array("linked_flow")
    own = np.flatnonzero(linked != NO_NUMBER)
    ends = zip(flows.array("flow_id")[own].tolist(), linked[own].tolist(), strict=True)
    pairs = sorted({(min(pair), max(pair)) for pair in ends})
    if pairs:
        told = listed((f"{one} + {other}" for one, other in pairs), _MOST_PAIRS)
        joined = f"{count(len(pairs), 'session')} through the NetScaler joined"
        yield "Proxied", f"{joined} (flows {told})"


def hidden(coverage: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Gather what cannot be judged by the reason, and by the pair of roles."""
    rows = coverage.take(coverage.where("status", {Coverage.UNOBSERVABLE}))
    reasons: dict[str, dict[str, list[str]]] = {}
    columns = ("why", "source_roles", "destination_roles", "transport", "ports")
    for why, sources, destinations, transport, ports in zip(
        *map(rows.values, columns), strict=True
    ):
        pair = f"{'/'.join(sources)} -> {'/'.join(destinations)}"
        service = f"{transport}/{ports_text(ports)}" if ports else transport
        reasons.setdefault(why or "", {}).setdefault(pair, []).append(service)
    return tuple(
        (why, tuple(f"{pair} {' '.join(dict.fromkeys(of))}" for pair, of in pairs.items()))
        for why, pairs in reasons.items()
    )


def ports_text(ports: Iterable[int]) -> str:
    """Write ports as people do, `80,443` or `6910-6930`."""
    runs: list[list[int]] = []
    for port in ports:
        if runs and port == runs[-1][-1] + 1:
            runs[-1].append(port)
        else:
            runs.append([port])
    parts = (f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
    return ",".join(parts)


def proposals(hosts: Table) -> tuple[tuple[str, str], ...]:
    """Name the hosts to which traffic gives a role, by role, with the confidence of each."""
    guessed = hosts.take(hosts.where("roles_source", {"inferred"}))
    by_role: dict[str, list[str]] = {}
    columns = ("address", "name", "roles", "confidence")
    for address, name, roles, confidence in zip(*map(guessed.values, columns), strict=True):
        text = f"{name or address} ({confidence:.2f})"
        for role in roles:
            by_role.setdefault(role, []).append(text)
    return tuple((role, listed(by_role[role], 4)) for role in sorted(by_role))


def nothing(report: Report) -> str:
    """Say why there is nothing to tell; `` if there is."""
    if len(report.tables["flows"]):
        return ""
    if report.filter is not None:
        return "No flow answers to the filter."
    return (
        "No conversations: nothing to judge."
        if report.capture.frames
        else "No frames: nothing to judge."
    )


def next_steps(report: Report, example: int | None) -> tuple[tuple[str, str], ...]:
    """Give what leads on; example: the row of a finding that is worth a closer look."""
    steps, live = [], report.audit.live
    if report.audit.hosts_file is None and len(report.tables["flows"]):
        sources = "CAPTURE" if live else shlex.join(report.audit.sources)
        how = f"auditor hosts infer {sources} -o hosts.yaml"
        steps.append(("who is who", f"{how}, correct it, then add --hosts hosts.yaml"))
    if example is not None:
        [finding] = report.tables["findings"].take([example]).rows()
        flow_id = report.finding_flows[finding["finding_id"]][0]
        if not live:
            steps.append(("one flow in full", _explain(report, flow_id)))
        if finding["port"] is not None:
            port = f"{finding['port']}/{finding['transport']}"
            steps.append(("who may use a port", f"auditor explain {port}"))
    if len(report.tables["flows"]):
        output = shlex.quote(f"{_stem(report.audit.sources)}.json")
        steps.append(("everything, as data", f"add --output {output}"))
    return tuple(steps)


def provenance(report: Report | FlowReport) -> tuple[tuple[str, str], ...]:
    """Say which tool made the report of what, and where its time went."""
    audit, capture = report.audit, report.capture
    took_s = (audit.finished_ns - audit.started_ns) / 1e9
    stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in audit.stage_s.items())
    return (
        ("Files", ", ".join(capture.files) or "none"),
        ("Frames", _tally_text(capture.frames_by_status) or "none"),
        *quality.provenance(capture),
        ("Rules", f"edition {audit.edition}, sha256 {audit.catalog_digest}"),
        ("Made", f"{minute_text(audit.started_ns)} by {audit.tool} {audit.version}"),
        ("Engine", audit.engine or "none"),
        ("Took", f"{took_s:.2f} s" + (f": {stages}" if stages else "")),
    )


def _explain(report: Report, flow_id: int) -> str:
    """Write the command that tells all of a flow; standard input cannot be read again."""
    sources = report.audit.sources
    if "-" in sources:
        return f"add --filter 'flow_id == {flow_id}' --format json"
    words = ["auditor", "explain", *sources, "--flow", str(flow_id)]
    if report.audit.hosts_file is not None:
        words += ["--hosts", report.audit.hosts_file]
    if report.audit.dedup:
        words.append("--dedup")
    # Flows are numbered within the time that was asked for.
    words += [word for name, time in _span_words(report.audit) for word in (f"--{name}", time)]
    return shlex.join(words)


def _stem(sources: Sequence[str]) -> str:
    stem = Path(sources[0]).name.partition(".")[0] if len(sources) == 1 else ""
    return stem if stem and stem.strip("-*?") else "report"
