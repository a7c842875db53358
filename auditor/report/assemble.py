"""From what was decided to the tables of a report: the only place where the two meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.vocabulary import OUTCOMES
from auditor.records import NO_TIME, WITH_PORTS, Tunnel, transport_name
from auditor.report.frames import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS, SESSIONS, frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from auditor.catalog.model import Service
    from auditor.infer.stage import Inference
    from auditor.judge.expect import Expectation
    from auditor.judge.finding import Finding
    from auditor.judge.judged import Judged
    from auditor.judge.sessions import Session

_WIDEST_LIST = 64
"""A range of more ports than this is listed by its two ends."""

_MOST_EVIDENCE = 5
"""Flows whose first frame a finding names."""


def flow_facts(judged: Judged, files: Sequence[str]) -> pd.DataFrame:
    """Build the flow table without judgement."""
    return frame(FLOW_FACTS, _facts(judged, files))


def flow_table(
    judged: Judged, files: Sequence[str], findings: Sequence[tuple[Finding, bool]]
) -> pd.DataFrame:
    """Build the flow table; findings: each with whether it is accepted."""
    table = judged.hosts.table
    orientation = judged.orientation
    clients, servers = orientation.client.tolist(), orientation.server.tolist()
    kind_of = judged.kinds.kind_of.tolist()
    names = [host.name for host in table]
    roles = [sorted(host.roles) for host in table]
    shown = judged.naming.shown
    judgements = judged.judgements
    # Flows of a kind share their caveats, up to the doubt about their direction.
    caveats = [(list(j.caveats), sorted({*j.caveats, "direction-inferred"})) for j in judgements]
    columns: dict[str, list[object] | NDArray[np.generic]] = {
        **_facts(judged, files),
        "client_name": [names[row] for row in clients],
        "server_name": [
            names[server] or (shown[row].name if row in shown else None)
            for row, server in enumerate(servers)
        ],
        "client_roles": [roles[row] for row in clients],
        "server_roles": [
            roles[server] or sorted(judged.kinds.kinds[kind].names.roles)
            for server, kind in zip(servers, kind_of, strict=True)
        ],
        "application": list(judged.payloads.application),
        "verification": [word.value for word in judged.payloads.verification],
        "verdict": [judgements[kind].verdict.value for kind in kind_of],
        "caveats": [
            caveats[kind][inferred]
            for kind, inferred in zip(kind_of, orientation.inferred.tolist(), strict=True)
        ],
        "rows": [list(judgements[kind].rows) for kind in kind_of],
        "rule_ids": [list(judgements[kind].rule_ids) for kind in kind_of],
        "severity": _severities(len(clients), findings),
    }
    return frame(FLOWS, columns)


def finding_table(
    judged: Judged, files: Sequence[str], findings: Sequence[tuple[Finding, bool]]
) -> pd.DataFrame:
    """Build the findings; each comes with whether it is accepted."""
    facts = judged.flows.facts
    packets = (facts["packets_a"] + facts["packets_b"]).astype(np.int64)
    size = (facts["bytes_a"] + facts["bytes_b"]).astype(np.int64)
    first, last = _first(judged), _last(judged)
    places = _places(judged, files)

    def over(
        finding: Finding, values: NDArray[np.int64], fold: Callable[[NDArray[np.int64]], int]
    ) -> int:
        return int(fold(values[list(finding.flows)]))

    listed = [finding for finding, _ in findings]
    timed = [finding if finding.flows else None for finding in listed]
    return frame(
        FINDINGS,
        {
            "finding_id": [f.id for f in listed],
            "kind": [f.kind for f in listed],
            "severity": [f.severity.word for f in listed],
            "accepted": [accepted for _, accepted in findings],
            "title": [f.title for f in listed],
            "client": [f.client for f in listed],
            "client_roles": [list(f.client_roles) for f in listed],
            "server": [f.server for f in listed],
            "server_roles": [list(f.server_roles) for f in listed],
            "transport": [f.transport for f in listed],
            "port": [f.port for f in listed],
            "flows": [len(f.flows) for f in listed],
            "packets": [over(f, packets, np.sum) for f in listed],
            "bytes": [over(f, size, np.sum) for f in listed],
            "first_seen": [over(f, first, np.min) if f else None for f in timed],
            "last_seen": [over(f, last, np.max) if f else None for f in timed],
            "rows": [list(f.rows) for f in listed],
            "rule_ids": [list(f.rule_ids) for f in listed],
            "caveats": [list(f.caveats) for f in listed],
            "reason": [f.reason for f in listed],
            "advice": [f.advice for f in listed],
            "evidence": [[places(row) for row in f.flows[:_MOST_EVIDENCE]] for f in listed],
        },
    )


def coverage_table(judged: Judged, expectations: Sequence[Expectation]) -> pd.DataFrame:
    """Build the coverage: one row per group and pair of roles."""
    table = judged.hosts.table
    return frame(
        COVERAGE,
        {
            "group": [e.group for e in expectations],
            "rows": [sorted({r.row for r in e.rules if r.row is not None}) for e in expectations],
            "rule_ids": [[rule.id for rule in e.rules] for e in expectations],
            "product": [e.rules[0].product for e in expectations],
            "source_roles": [[e.source] for e in expectations],
            "destination_roles": [[e.destination] for e in expectations],
            "transport": [
                ",".join(dict.fromkeys(s.transport for r in e.rules for s in r.services))
                for e in expectations
            ],
            "ports": [_ports(e) for e in expectations],
            "status": [e.status.value for e in expectations],
            "strength": [e.strength for e in expectations],
            "why": [e.why for e in expectations],
            "silent": [[table[row].label for row in e.silent] for e in expectations],
            "flows": [e.flows for e in expectations],
            "clients": [e.clients for e in expectations],
            "servers": [e.servers for e in expectations],
        },
    )


def host_table(judged: Judged, inference: Inference) -> pd.DataFrame:
    """Build the hosts: every address of the capture that is a host of its own."""
    hosts, facts = judged.hosts, judged.flows.facts
    count = len(hosts.table)
    flows = np.bincount(hosts.a, minlength=count) + np.bincount(hosts.b, minlength=count)
    size = np.zeros(count, dtype=np.int64)
    first = np.full(count, NO_TIME, dtype=np.int64)
    last = np.full(count, -NO_TIME, dtype=np.int64)
    for rows in (hosts.a, hosts.b):
        np.add.at(size, rows, (facts["bytes_a"] + facts["bytes_b"]).astype(np.int64))
        np.minimum.at(first, rows, _first(judged))
        np.maximum.at(last, rows, _last(judged))
    learnt = judged.naming.of_hosts
    kept = [row for row, host in enumerate(hosts.table) if not host.special]
    table = [hosts.table[row] for row in kept]
    named = [learnt.get(row) for row in kept]
    sure = inference.sure()
    guessed = [[] if hosts.table[row].listed else sure.get(row, []) for row in kept]
    return frame(
        HOSTS,
        {
            "address": [host.address for host in table],
            "name": [seen.name if seen else None for seen in named],
            "name_source": [seen.kind if seen else None for seen in named],
            "roles": [
                sorted(host.roles | {p.role for p in guesses})
                for host, guesses in zip(table, guessed, strict=True)
            ],
            "roles_source": [
                "inferred" if guesses else "inventory" if host.roles else None
                for host, guesses in zip(table, guessed, strict=True)
            ],
            "confidence": [
                min(p.confidence for p in guesses) if guesses else 1.0 if host.roles else None
                for host, guesses in zip(table, guessed, strict=True)
            ],
            "evidence": [[str(p) for p in guesses] for guesses in guessed],
            "flows": flows[kept],
            "bytes": size[kept],
            "first_seen": first[kept],
            "last_seen": last[kept],
        },
    )


def session_table(judged: Judged, sessions: Sequence[Session]) -> pd.DataFrame:
    """Build the sessions: one row per pair of hosts."""
    facts = judged.flows.facts
    size = (facts["bytes_a"] + facts["bytes_b"]).astype(np.int64)
    return frame(
        SESSIONS,
        {
            "client": [s.client.label for s in sessions],
            "server": [s.server.label for s in sessions],
            "path": [s.path for s in sessions],
            "remark": [s.remark.value for s in sessions],
            "udp": [s.udp and s.udp.value for s in sessions],
            "tcp": [s.tcp and s.tcp.value for s in sessions],
            "notes": [list(s.notes) for s in sessions],
            "flows": [len(s.flows) for s in sessions],
            "bytes": [int(size[s.flows].sum()) for s in sessions],
            "first_seen": [s.first_ns for s in sessions],
            "last_seen": [s.last_ns for s in sessions],
            "rows": [list(s.rows) for s in sessions],
            "rule_ids": [list(s.rule_ids) for s in sessions],
            "flow_ids": [(s.flows + 1).tolist() for s in sessions],
        },
    )


def _facts(judged: Judged, files: Sequence[str]) -> dict[str, list[object] | NDArray[np.generic]]:
    facts, orientation = judged.flows.facts, judged.orientation
    first, last = _first(judged), _last(judged)
    addresses = [host.address for host in judged.hosts.table]
    transports = {number: transport_name(number) for number in set(facts["transport"].tolist())}
    return {
        "flow_id": np.arange(1, len(facts) + 1),
        "capture": [files[row] for row in facts["capture"].tolist()],
        "first_seen": first,
        "last_seen": last,
        "duration_s": (last - first) / 1e9,
        "transport": [transports[number] for number in facts["transport"].tolist()],
        "client_ip": [addresses[row] for row in orientation.client.tolist()],
        "client_port": _ports_of(judged, orientation.client_port),
        "server_ip": [addresses[row] for row in orientation.server.tolist()],
        "server_port": _ports_of(judged, orientation.server_port),
        "packets_out": orientation.of_client(judged.flows, "packets"),
        "packets_in": orientation.of_server(judged.flows, "packets"),
        "bytes_out": orientation.of_client(judged.flows, "bytes"),
        "bytes_in": orientation.of_server(judged.flows, "bytes"),
        "outcome": [OUTCOMES[code].value for code in judged.outcome.tolist()],
        "first_frame": facts["first_frame"].astype(np.int64),
        "vlan": [list(vlans) for vlans in judged.flows.vlans],
        "tunnel": _tunnels(judged),
        "linked_flow": _linked(judged),
    }


def _ports_of(judged: Judged, ports: NDArray[np.uint32]) -> list[object]:
    transports = judged.flows.facts["transport"].tolist()
    return [
        port if transport_name(number) in WITH_PORTS else None
        for number, port in zip(transports, ports.tolist(), strict=True)
    ]


def _tunnels(judged: Judged) -> list[object]:
    facts = judged.flows.facts
    return [
        f"{Tunnel(kind).name.lower()}:{number}" if kind else None
        for kind, number in zip(facts["tunnel"].tolist(), facts["tunnel_id"].tolist(), strict=True)
    ]


def _linked(judged: Judged) -> list[object]:
    flows = judged.flows
    if flows.other_side is None:
        return [None] * len(flows.facts)
    return [row + 1 if row >= 0 else None for row in flows.other_side]


def _first(judged: Judged) -> NDArray[np.int64]:
    facts = judged.flows.facts
    first: NDArray[np.int64] = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
    return first


def _last(judged: Judged) -> NDArray[np.int64]:
    facts = judged.flows.facts
    last: NDArray[np.int64] = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
    return last


def _places(judged: Judged, files: Sequence[str]) -> Callable[[int], str]:
    facts = judged.flows.facts
    return lambda row: f"{files[facts['capture'][row]]}:{facts['first_frame'][row]}"


def _severities(count: int, findings: Sequence[tuple[Finding, bool]]) -> list[object]:
    worst: list[object] = [None] * count
    for finding, _ in sorted(findings, key=lambda pair: pair[0].severity):
        for row in finding.flows:
            worst[row] = finding.severity.word
    return worst


def _ports(expectation: Expectation) -> list[object]:
    services = dict.fromkeys(s for rule in expectation.rules for s in rule.services)
    ports = (port for service in services for port in _listed(service))
    return list(dict.fromkeys(ports))


def _listed(service: Service) -> Sequence[int]:
    if service.low is None or service.high is None:
        return ()
    if service.high - service.low >= _WIDEST_LIST:
        return (service.low, service.high)
    return range(service.low, service.high + 1)
