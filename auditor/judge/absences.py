"""Findings of kind `missing`: a whole group that was not seen, or one host that is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge import wording
from auditor.judge.finding import NOBODY, Findings, Pattern
from auditor.judge.vocabulary import Coverage, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.catalog.model import Rule
    from auditor.hosts import Host, Hosts
    from auditor.judge.expect import Expectation

_ADVICE = (
    "If this site needs it, look at the sender's configuration and the way between; if not, "
    "nothing is wrong."
)


@dataclass(frozen=True, slots=True)
class _Absence:
    """What is missing, and between whom."""

    pattern: Pattern
    client: str
    server: str
    row: int
    """Row of the hosts: of the silent host, or NOBODY."""


def absences(expectations: Iterable[Expectation], hosts: Hosts) -> Findings:
    """List what is missing: whole groups first, then silent hosts, the most singular first."""
    found = list(_absences(list(expectations), hosts))
    clients, servers = np.empty((2, len(found)), dtype=object)
    clients[:] = [each.client for each in found]
    servers[:] = [each.server for each in found]
    return Findings(
        hosts,
        tuple(each.pattern for each in found),
        np.arange(len(found)),
        clients,
        servers,
        np.array([each.row for each in found], dtype=np.int64),
        np.full(len(found), NOBODY),
        np.zeros(0, dtype=np.int64),
        np.zeros(len(found) + 1, dtype=np.int64),
    )


def _absences(every: Sequence[Expectation], hosts: Hosts) -> Iterator[_Absence]:
    for expectation in every:
        if expectation.status is Coverage.MISSING and not expectation.seen_lately:
            strong = expectation.strength == "strong"
            yield _absence(expectation, Severity.MEDIUM if strong else Severity.LOW)
    for expectation in sorted(every, key=_share_of_silent):
        if expectation.status is Coverage.SEEN and expectation.silent_stands_out:
            for row in expectation.silent:
                failed = row in expectation.silent_failed
                yield _silence(expectation, hosts.table[row], row, failed=failed)


def _share_of_silent(expectation: Expectation) -> float:
    """Say how common silence is: one of twelve tells more than one of two."""
    return len(expectation.silent) / max(len(expectation.silent) + expectation.clients, 1)


def _absence(expectation: Expectation, severity: Severity) -> _Absence:
    return _finding(
        expectation,
        severity,
        f"expected, not seen: {expectation.source}",
        expectation.source,
        (expectation.source,),
        expectation.why,
    )


def _silence(expectation: Expectation, host: Host, row: int, *, failed: bool) -> _Absence:
    what = "its attempts failed" if failed else "it never tried"
    return _finding(
        expectation,
        Severity.MEDIUM if failed else Severity.LOW,
        f"silent: {host.label}",
        host.label,
        tuple(sorted(host.roles)),
        f"{what}, though most hosts of the role {expectation.source} do",
        row,
    )


def _finding(
    expectation: Expectation,
    severity: Severity,
    title: str,
    client: str,
    client_roles: tuple[str, ...],
    why: str,
    row: int = NOBODY,
) -> _Absence:
    rules = expectation.rules
    services = expectation.unseen or tuple(
        dict.fromkeys(service for rule in rules for service in rule.services)
    )
    carried = [set(rule.caveats) for rule in rules]
    pattern = Pattern(
        "missing",
        severity,
        f"{title} -> {expectation.destination} {wording.services_text(services)}",
        client_roles,
        (expectation.destination,),
        services[0].transport,
        services[0].low,
        rules,
        tuple(sorted({rule.row for rule in rules if rule.row is not None})),
        tuple(rule.id for rule in rules),
        tuple(sorted(set.intersection(*carried))),
        f"{_purpose(rules)}: {why}",
        _ADVICE,
    )
    return _Absence(pattern, client, expectation.destination, row)


def _purpose(rules: tuple[Rule, ...]) -> str:
    """Say what a group is for, by its best rule: not the plain or the doubtful half of it."""
    plain = {"insecure-alternative", "wildcard", "doubtful-transport"}
    best = next((rule for rule in rules if not plain & set(rule.caveats)), rules[0])
    return best.purpose
