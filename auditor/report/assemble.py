"""From what was decided to the tables of a report: the only place where the two meet.

Where rows agree in a value they share one object, lists included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group
from auditor.judge.vocabulary import OUTCOMES, Severity
from auditor.records import NO_TIME, WITH_PORTS, Tunnel, transport_name
from auditor.report.layouts import FINDINGS, FLOW_FACTS, FLOWS, HOSTS
from auditor.report.table import NO_NUMBER, Table, coded, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from auditor.infer.stage import Inference
    from auditor.judge.finding import Findings, Pattern
    from auditor.judge.judged import Judged
    from auditor.report.table import Column

_MOST_EVIDENCE = 5
"""Flows whose first frame a finding names."""


def flow_facts(judged: Judged, files: Sequence[str]) -> Table:
    """Build the flow table without judgement."""
    return Table.of(FLOW_FACTS, _facts(judged, files))


def flow_table(judged: Judged, files: Sequence[str], findings: Findings) -> Table:
    """Build the flow table."""
    orientation, payloads = judged.orientation, judged.payloads
    hosts, kind_of = judged.hosts, judged.kinds.kind_of
    kinds, judgements = judged.kinds.kinds, judged.judgements
    names = _names(len(hosts.machine), hosts.names)
    # Flows of a kind share their caveats, up to the doubt about their direction.
    caveats = [
        caveats
        for j in judgements
        for caveats in (list(j.caveats), sorted({*j.caveats, "direction-inferred"}))
    ]
    severities = [None, *(severity.word for severity in Severity)]
    verifications = [word.value for word in payloads.verification.words]
    columns: dict[str, Column] = {
        **_facts(judged, files),
        "client_name": coded(names, orientation.client),
        "server_name": _server_names(judged, names),
        "client_roles": coded([sorted(kind.client.roles) for kind in kinds], kind_of),
        "server_roles": coded(
            [sorted(kind.server.roles) or sorted(kind.names.roles) for kind in kinds],
            kind_of,
        ),
        "application": coded(payloads.application.words, payloads.application.code),
        "verification": coded(verifications, payloads.verification.code),
        "verdict": coded([j.verdict.value for j in judgements], kind_of),
        "caveats": coded(caveats, 2 * kind_of + orientation.inferred),
        "rows": coded([list(j.rows) for j in judgements], kind_of),
        "rule_ids": coded([list(j.rule_ids) for j in judgements], kind_of),
        "severity": coded(severities, _severities(len(kind_of), findings)),
    }
    return Table.of(FLOWS, columns)


def finding_table(judged: Judged, files: Sequence[str], findings: Findings) -> Table:
    """Build the findings."""
    facts = judged.flows.facts
    sizes = np.diff(findings.starts)
    rests = sizes > 0
    first, last = np.full(len(findings), NO_TIME), np.full(len(findings), -NO_TIME)
    packets, size = np.zeros((2, len(findings)), dtype=np.int64)
    flows, weights = sizes, judged.flows.weights
    if weights is not None and rests.any():
        flows = np.zeros_like(sizes)
        counted = np.add.reduceat(weights[findings.flows], findings.starts[:-1][rests])
        flows[rests] = np.maximum(counted, 1)
    if rests.any():
        begins = findings.starts[:-1][rests]
        first[rests] = np.minimum.reduceat(first_ns(judged)[findings.flows], begins)
        last[rests] = np.maximum.reduceat(last_ns(judged)[findings.flows], begins)
        for column, name in ((packets, "packets"), (size, "bytes")):
            both = facts[f"{name}_a"] + facts[f"{name}_b"]
            column[rests] = np.add.reduceat(both[findings.flows], begins)
    return Table.of(
        FINDINGS,
        {
            "finding_id": objects(findings.ids),
            "kind": _shared(findings, lambda p: p.kind),
            "severity": _shared(findings, lambda p: p.severity.word),
            "accepted": findings.shared(lambda p: p.accepted).astype(bool),
            "title": findings.texts(lambda p: p.title),
            "client": findings.client,
            "client_roles": _shared(findings, lambda p: list(p.client_roles)),
            "server": findings.server,
            "server_roles": _shared(findings, lambda p: list(p.server_roles)),
            "transport": _shared(findings, lambda p: p.transport),
            "port": findings.shared(lambda p: NO_NUMBER if p.port is None else p.port).astype(int),
            "flows": flows,
            "packets": packets,
            "bytes": size,
            "first_seen": first,
            "last_seen": last,
            "rows": _shared(findings, lambda p: list(p.rows)),
            "rule_ids": _shared(findings, lambda p: list(p.rule_ids)),
            "caveats": _shared(findings, lambda p: list(p.caveats)),
            "reason": findings.texts(lambda p: p.reason),
            "advice": findings.texts(lambda p: p.advice),
            "evidence": _evidence(judged, files, findings),
        },
    )


def host_table(judged: Judged, inference: Inference) -> Table:
    """Build the hosts: every address of the capture that is a host of its own."""
    hosts, facts = judged.hosts, judged.flows.facts
    count = len(hosts.machine)
    weights = judged.flows.weights
    flows = np.zeros(count, dtype=np.int64)
    size = np.zeros(count, dtype=np.int64)
    first = np.full(count, NO_TIME, dtype=np.int64)
    last = np.full(count, -NO_TIME, dtype=np.int64)
    for rows in (hosts.a, hosts.b):
        flows += np.bincount(rows, weights, count).astype(np.int64)
        np.add.at(size, rows, (facts["bytes_a"] + facts["bytes_b"]).astype(np.int64))
        np.minimum.at(first, rows, first_ns(judged))
        np.maximum.at(last, rows, last_ns(judged))
    learnt = judged.naming.of_hosts
    roles = objects(sorted(party.roles) for party in hosts.parties)[hosts.party]
    source = objects("inventory" if party.roles else None for party in hosts.parties)[hosts.party]
    confidence = np.where([bool(party.roles) for party in hosts.parties], 1.0, np.nan)[hosts.party]
    evidence = np.repeat(objects([[]]), count)
    for row, guesses in inference.sure().items():
        party = hosts.parties[hosts.party[row]]
        if not party.listed:
            roles[row] = sorted(party.roles | {p.role for p in guesses})
            source[row] = "inferred"
            confidence[row] = min(p.confidence for p in guesses)
            evidence[row] = [str(p) for p in guesses]
    kept = ~hosts.where(lambda party: bool(party.special))
    return Table.of(
        HOSTS,
        {
            "address": hosts.texts[kept],
            "name": _names(count, {row: seen.name for row, seen in learnt.items()})[kept],
            "name_source": _names(count, {row: seen.kind for row, seen in learnt.items()})[kept],
            "roles": roles[kept],
            "roles_source": source[kept],
            "confidence": confidence[kept],
            "evidence": evidence[kept],
            "flows": flows[kept],
            "bytes": size[kept],
            "first_seen": first[kept],
            "last_seen": last[kept],
        },
    )


def first_ns(judged: Judged) -> NDArray[np.int64]:
    """Give the time of each flow's first frame."""
    facts = judged.flows.facts
    first: NDArray[np.int64] = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
    return first


def last_ns(judged: Judged) -> NDArray[np.int64]:
    """Give the time of each flow's last frame."""
    facts = judged.flows.facts
    last: NDArray[np.int64] = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
    return last


def _facts(judged: Judged, files: Sequence[str]) -> dict[str, Column]:
    flows, orientation = judged.flows, judged.orientation
    facts, texts = flows.facts, judged.hosts.texts
    first, last = first_ns(judged), last_ns(judged)
    names = [transport_name(number) for number in range(256)]
    return {
        "flow_id": np.arange(1, len(facts) + 1),
        "capture": coded(files, facts["capture"]),
        "first_seen": first,
        "last_seen": last,
        "duration_s": (last - first) / 1e9,
        "transport": coded(names, facts["transport"]),
        "client_ip": coded(texts, orientation.client),
        "client_port": _ports(judged, orientation.client_port),
        "server_ip": coded(texts, orientation.server),
        "server_port": _ports(judged, orientation.server_port),
        "packets_out": orientation.of_client(flows, "packets"),
        "packets_in": orientation.of_server(flows, "packets"),
        "bytes_out": orientation.of_client(flows, "bytes"),
        "bytes_in": orientation.of_server(flows, "bytes"),
        "outcome": coded([outcome.value for outcome in OUTCOMES], judged.outcome),
        "first_frame": facts["first_frame"].astype(np.int64),
        "vlan": _vlans(flows.vlans),
        "tunnel": _tunnels(judged),
        "linked_flow": _linked(judged),
    }


def _ports(judged: Judged, ports: NDArray[np.uint32]) -> NDArray[np.int64]:
    has_ports = np.array([transport_name(number) in WITH_PORTS for number in range(256)])
    return np.where(has_ports[judged.flows.facts["transport"]], ports.astype(np.int64), NO_NUMBER)


def _vlans(vlans: Sequence[tuple[int, ...]]) -> Column:
    known = {tags: number for number, tags in enumerate(dict.fromkeys(vlans))}
    code = np.fromiter(map(known.__getitem__, vlans), dtype=np.int64, count=len(vlans))
    return coded(list(map(list, known)), code)


def _tunnels(judged: Judged) -> Column:
    facts = judged.flows.facts
    found = group((facts["tunnel"], facts["tunnel_id"]))
    ends = facts[found.first]
    names = [
        f"{Tunnel(kind).name.lower()}:{number}" if kind else None
        for kind, number in zip(ends["tunnel"].tolist(), ends["tunnel_id"].tolist(), strict=True)
    ]
    return coded(names, found.group_of)


def _linked(judged: Judged) -> NDArray[np.int64]:
    """Give the flow_id of each flow's other side, where a capture tells of one."""
    flows = judged.flows
    if flows.other_side is None:
        return np.full(len(flows.facts), NO_NUMBER)
    other = np.array(flows.other_side, dtype=np.int64)
    return np.where(other >= 0, other + 1, NO_NUMBER)


def _names(count: int, names: Mapping[int, str]) -> NDArray[np.object_]:
    """Lay out names by row, None where there is none."""
    column = np.full(count, None, dtype=object)
    column[list(names)] = list(names.values())
    return column


def _server_names(judged: Judged, names: NDArray[np.object_]) -> Column:
    """Give servers the name of the site file, else the one that the flow shows."""
    server, shown = judged.orientation.server, judged.naming.shown.texts()
    nameless = np.ones(len(names), dtype=bool)
    nameless[list(judged.hosts.names)] = False
    words, before = [*shown.words, *names], len(shown.words)
    return coded(
        words, np.where(nameless[server], shown.code.astype(np.int64) % before, server + before)
    )


def _shared(findings: Findings, of: Callable[[Pattern], object]) -> Column:
    """Give what findings of one pattern have in common."""
    return coded([of(pattern) for pattern in findings.patterns], findings.pattern_of)


def _evidence(judged: Judged, files: Sequence[str], findings: Findings) -> NDArray[np.object_]:
    """Name the first frames of each finding's first flows."""
    facts = judged.flows.facts
    sizes = np.minimum(np.diff(findings.starts), _MOST_EVIDENCE)
    ends = np.cumsum(sizes)
    starts = ends - sizes
    within = np.arange(len(ends) and ends[-1]) - np.repeat(starts, sizes)
    rows = findings.flows[np.repeat(findings.starts[:-1], sizes) + within]
    places = [
        f"{files[capture]}:{frame_number}"
        for capture, frame_number in zip(
            facts["capture"][rows].tolist(), facts["first_frame"][rows].tolist(), strict=True
        )
    ]
    return objects(
        places[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    )


def _severities(count: int, findings: Findings) -> NDArray[np.int64]:
    """Give each flow the worst severity of its findings, 0 where there is none."""
    worst = np.zeros(count, dtype=np.int64)
    of_flow = np.repeat(findings.severity, np.diff(findings.starts))
    for severity in Severity:
        worst[findings.flows[of_flow == severity]] = severity
    return worst
