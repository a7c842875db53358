"""Coverage and sessions as tables of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.report.layouts import COVERAGE, SESSIONS
from auditor.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.catalog.model import Service
    from auditor.judge.expect import Expectation
    from auditor.judge.judged import Judged
    from auditor.judge.sessions import Session

_WIDEST_LIST = 64
"""A range of more ports than this is listed by its two ends."""


def coverage_table(judged: Judged, expectations: Sequence[Expectation]) -> Table:
    """Build the coverage: one row per group and pair of roles."""
    table = judged.hosts.table
    return Table.of(
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


def session_table(judged: Judged, sessions: Sequence[Session]) -> Table:
    """Build the sessions: one row per pair of hosts."""
    facts = judged.flows.facts
    size = (facts["bytes_a"] + facts["bytes_b"]).astype(np.int64)
    return Table.of(
        SESSIONS,
        {
            "client": [s.client.label for s in sessions],
            "server": [s.server.label for s in sessions],
            "path": [s.path for s in sessions],
            "remark": [s.remark.value for s in sessions],
            "udp": [s.udp and s.udp.value for s in sessions],
            "tcp": [s.tcp and s.tcp.value for s in sessions],
            "notes": [list(s.notes) for s in sessions],
            "flows": [judged.flows.count(s.flows) for s in sessions],
            "bytes": [int(size[s.flows].sum()) for s in sessions],
            "first_seen": [s.first_ns for s in sessions],
            "last_seen": [s.last_ns for s in sessions],
            "rows": [list(s.rows) for s in sessions],
            "rule_ids": [list(s.rule_ids) for s in sessions],
            "flow_ids": [(s.flows + 1).tolist() for s in sessions],
        },
    )


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
