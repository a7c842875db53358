"""Findings of kind `missing`: a whole group that was not seen, or one host that is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge import wording
from auditor.judge.finding import CLIENT, NOBODY, Findings, Pattern
from auditor.judge.vocabulary import Coverage, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.catalog.model import Rule
    from auditor.hosts import Hosts, Party
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
    patterns = {id(each.pattern): each.pattern for each in found}
    place = {identity: number for number, identity in enumerate(patterns)}
    clients, servers = np.empty((2, len(found)), dtype=object)
    clients[:] = [each.client for each in found]
    servers[:] = [each.server for each in found]
    return Findings(
        hosts,
        tuple(patterns.values()),
        np.array([place[id(each.pattern)] for each in found], dtype=np.int64),
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
            pattern = _absence(expectation, Severity.MEDIUM if strong else Severity.LOW)
            yield _Absence(pattern, expectation.source, expectation.destination, NOBODY)
    for expectation in sorted(every, key=_share_of_silent):
        if expectation.status is Coverage.SEEN and expectation.silent_stands_out:
            yield from _silences(expectation, hosts)


def _share_of_silent(expectation: Expectation) -> float:
    """Say how common silence is: one of twelve tells more than one of two."""
    return len(expectation.silent) / max(len(expectation.silent) + expectation.clients, 1)


def _absence(expectation: Expectation, severity: Severity) -> Pattern:
    return _pattern(
        expectation,
        severity,
        f"expected, not seen: {expectation.source}",
        (expectation.source,),
        expectation.why,
    )


def _silences(expectation: Expectation, hosts: Hosts) -> Iterator[_Absence]:
    """List the silent hosts of a group; those of one party are told of in the same words."""
    patterns: dict[tuple[int, bool], Pattern] = {}
    rows = np.array(expectation.silent, dtype=np.int64)
    columns = rows.tolist(), hosts.party[rows].tolist(), hosts.labels[rows].tolist()
    for row, party, label in zip(*columns, strict=True):
        key = party, row in expectation.silent_failed
        if key not in patterns:
            patterns[key] = _silence(expectation, hosts.parties[party], failed=key[1])
        yield _Absence(patterns[key], label, expectation.destination, row)


def _silence(expectation: Expectation, party: Party, *, failed: bool) -> Pattern:
    what = "its attempts failed" if failed else "it never tried"
    return _pattern(
        expectation,
        Severity.MEDIUM if failed else Severity.LOW,
        f"silent: {CLIENT}",
        tuple(sorted(party.roles)),
        f"{what}, though most hosts of the role {expectation.source} do",
    )


def _pattern(
    expectation: Expectation,
    severity: Severity,
    title: str,
    client_roles: tuple[str, ...],
    why: str,
) -> Pattern:
    rules = expectation.rules
    services = expectation.unseen or tuple(
        dict.fromkeys(service for rule in rules for service in rule.services)
    )
    carried = [set(rule.caveats) for rule in rules]
    return Pattern(
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


def _purpose(rules: tuple[Rule, ...]) -> str:
    """Say what a group is for, by its best rule: not the plain or the doubtful half of it."""
    plain = {"insecure-alternative", "wildcard", "doubtful-transport"}
    best = next((rule for rule in rules if not plain & set(rule.caveats)), rules[0])
    return best.purpose
