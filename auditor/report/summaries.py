"""Coverage and sessions as tables of a report."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.sessions import BEST_FIRST, REMARKS
from auditor.report.layouts import COVERAGE, SESSIONS
from auditor.report.table import Table, coded, objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.catalog.model import Service
    from auditor.judge.conversations import Conversations
    from auditor.judge.expect import Expectation
    from auditor.judge.judged import Judged
    from auditor.judge.sessions import Sessions

_WIDEST_LIST = 64
"""A range of more ports than this is listed by its two ends."""


def coverage_table(judged: Judged, expectations: Sequence[Expectation]) -> Table:
    """Build the coverage: one row per group and pair of roles."""
    labels = judged.hosts.labels
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
            "silent": [labels[list(e.silent)].tolist() for e in expectations],
            "flows": [e.flows for e in expectations],
            "clients": [e.clients for e in expectations],
            "servers": [e.servers for e in expectations],
        },
    )


def session_table(judged: Judged, sessions: Sessions) -> Table:
    """Build the sessions: one row per pair of hosts."""
    facts, weights = judged.flows.facts, judged.flows.weights
    talks, labels = sessions.talks, judged.hosts.labels
    flows = np.diff(talks.starts)
    if weights is not None:
        flows = np.maximum(_sums(weights, talks), 1)
    outcomes = [outcome and outcome.value for outcome in BEST_FIRST]
    flow_ids, starts = (talks.flows + 1).tolist(), talks.starts.tolist()
    return Table.of(
        SESSIONS,
        {
            "client": labels[talks.client],
            "server": labels[talks.server],
            "path": coded([cited.path for cited in sessions.cited], sessions.cited_of),
            "remark": coded([remark.value for remark in REMARKS], sessions.remark),
            "udp": coded(outcomes, sessions.udp),
            "tcp": coded(outcomes, sessions.tcp),
            "notes": coded([list(cited.notes) for cited in sessions.cited], sessions.cited_of),
            "flows": flows,
            "bytes": _sums((facts["bytes_a"] + facts["bytes_b"]).astype(np.int64), talks),
            "first_seen": sessions.first_ns,
            "last_seen": sessions.last_ns,
            "rows": coded([list(cited.rows) for cited in sessions.cited], sessions.cited_of),
            "rule_ids": coded(
                [list(cited.rule_ids) for cited in sessions.cited], sessions.cited_of
            ),
            "flow_ids": objects(flow_ids[begin:end] for begin, end in pairwise(starts)),
        },
    )


def _sums(values: NDArray[np.int64], talks: Conversations) -> NDArray[np.int64]:
    """Sum the values of the flows of each conversation; values: by row of the flow table."""
    if not len(talks):
        return np.zeros(0, dtype=np.int64)
    sums: NDArray[np.int64] = np.add.reduceat(values[talks.flows], talks.starts[:-1])
    return sums


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
