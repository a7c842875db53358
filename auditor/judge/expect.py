"""What the documents let one expect here, and whether it was seen.

Absence is judged per group of alternatives and pair of roles that the site declares: a paper that
says itself that not all ports need be open gives advice, not accusations.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.catalog.model import ANY_CITRIX
from auditor.hosts import BROADCAST
from auditor.judge.observed import declared_roles, documented_traffic, present_hosts
from auditor.judge.rulebook import OWN_PACKS
from auditor.judge.vocabulary import Coverage, Verdict
from auditor.records import transport_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule, Service
    from auditor.judge.judged import Judged

_PSEUDO = frozenset({BROADCAST})
_NEVER = frozenset({"optional", "planned", "never"})
_MAYBE = frozenset({Verdict.NEEDS_HOSTNAME, Verdict.UNKNOWN_ROLE})


@dataclass(frozen=True, slots=True)
class Watch:
    """What the capture as a whole could have shown."""

    duration_s: float
    lossless: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """One group of alternatives between one pair of roles, and what became of it."""

    group: str
    rules: tuple[Rule, ...]
    source: str
    destination: str
    status: Coverage
    strength: str | None
    why: str
    silent: tuple[int, ...] = ()
    """Rows of Hosts.table: hosts of the source role with traffic but none of this group."""
    silent_failed: frozenset[int] = frozenset()
    """Those of `silent` whose attempts were refused or unanswered."""
    silent_stands_out: bool = False
    """At least half of the role's hosts have traffic of the group."""
    flows: int = 0
    clients: int = 0
    servers: int = 0
    unseen: tuple[Service, ...] = ()
    """Services of an `all` group that are not seen."""


def expect(judged: Judged, watch: Watch) -> list[Expectation]:
    """Judge every group and declared pair of roles; empty without a site file."""
    site = judged.book.site
    if site is None:
        return []
    return _Expector(judged, watch).all()


class _Expector:
    def __init__(self, judged: Judged, watch: Watch) -> None:
        self.judged = judged
        self.watch = watch
        self.book = judged.book
        self.declared, self.machines = declared_roles(judged)
        self.present = present_hosts(judged)
        self.traffic = documented_traffic(judged)
        served = ~judged.attempted
        self.served: NDArray[np.bool_] = served
        self.features = self._features()

    def all(self) -> list[Expectation]:
        groups: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.book.rules:
            if rule.pack in OWN_PACKS:
                for group in rule.groups:
                    groups[group].append(rule)
        for feature in self.book.catalog.features.values():
            if feature.expects and self.features.get(feature.id):
                groups[f"feature:{feature.id}"] = [
                    rule for rule in self.book.rules if rule.id in feature.expects
                ]
        found = []
        for group, rules in groups.items():
            pairs = dict.fromkeys(
                (source, destination)
                for rule in rules
                for source in rule.sources
                for destination in rule.destinations
                if self._declares(source) and self._declares(destination)
            )
            for source, destination in pairs:
                members = tuple(
                    rule
                    for rule in rules
                    if destination in rule.destinations
                    and (source in rule.sources or ANY_CITRIX in rule.sources)
                )
                found.append(self._one(group, members, source, destination))
        return found

    def _declares(self, role: str) -> bool:
        if role == ANY_CITRIX:
            return bool(self.declared & self.book.catalog.any_citrix)
        return role in self.declared or role in _PSEUDO

    def _features(self) -> dict[str, bool]:
        site = self.book.site
        features: dict[str, bool] = {}
        for feature in self.book.catalog.features.values():
            kinds = [
                number
                for number, judgement in enumerate(self.judged.judgements)
                if judgement.verdict is Verdict.DOCUMENTED
                and any(rule.id in feature.proven_by for rule in judgement.rules)
            ]
            evident = bool((np.isin(self.judged.kinds.kind_of, kinds) & self.served).any())
            declared = site.features.get(feature.id) if site else None
            features[feature.id] = evident if declared is None else declared
        return features

    def _expected(self, rule: Rule, group: str) -> bool:
        if group.startswith("feature:"):
            return True
        if rule.need in _NEVER or ANY_CITRIX in rule.sources:
            return False
        if rule.feature:
            return self.features.get(rule.feature, False)
        return rule.need == "expected"

    def _one(
        self, group: str, members: tuple[Rule, ...], source: str, destination: str
    ) -> Expectation:
        rows = self._flows_of(members, source, destination)
        served = rows[self.served[rows]]
        wanted = [rule for rule in members if self._expected(rule, group)]
        unseen = self._unseen(wanted, served)
        needs_all = any(rule.group_mode == "all" for rule in wanted)
        clients, servers = self.judged.orientation.client, self.judged.orientation.server
        found = Expectation(
            group,
            members,
            source,
            destination,
            Coverage.MISSING,
            None,
            "",
            flows=len(rows),
            clients=len(np.unique(clients[rows])),
            servers=len(np.unique(servers[rows])),
        )
        if len(served) and not (needs_all and unseen):
            if not wanted:
                return replace(found, status=Coverage.SEEN, why="seen, though not expected")
            silent = self._silent(source, destination, served)
            failed = set(self.judged.orientation.client[rows].tolist()) & set(silent)
            return replace(
                found,
                status=Coverage.SEEN,
                why=_count(len(served), "flow"),
                silent=silent,
                silent_failed=frozenset(failed),
                silent_stands_out=2 * len(silent) <= len(self.present.get(source, ())),
            )
        if not wanted and not len(rows):
            return replace(found, status=Coverage.NOT_EXPECTED, why=self._excuse(members))
        if len(rows) and not len(served):
            why = f"{_count(len(rows), 'attempt')}, none got through"
            return replace(found, status=Coverage.BLOCKED, why=why)
        if self._single(members, source, destination):
            why = "one host of the role: no peer to talk to"
            return replace(found, status=Coverage.NOT_EXPECTED, why=why)
        here = self.present.get(source, frozenset()), self.present.get(destination, frozenset())
        if not any(here) and not len(rows):
            why = "no host of either role in the capture"
            return replace(found, status=Coverage.UNOBSERVABLE, why=why)
        strength, why = self._strength(wanted, source, destination)
        if len(served):
            seen = [str(s) for rule in wanted for s in rule.services if s not in unseen]
            why = f"{', '.join(seen)} seen, {', '.join(map(str, unseen))} not; {why}"
        return replace(found, why=why, strength=strength, unseen=unseen)

    def _flows_of(
        self, members: Iterable[Rule], source: str, destination: str
    ) -> NDArray[np.int64]:
        kinds = sorted(
            {
                kind
                for rule in members
                for kind in self.traffic.get((rule.id, source, destination), ())
            }
        )
        return np.flatnonzero(np.isin(self.judged.kinds.kind_of, kinds))

    def _unseen(self, wanted: list[Rule], served: NDArray[np.int64]) -> tuple[Service, ...]:
        protocol = self.judged.flows.facts["transport"][served].tolist()
        ports = self.judged.orientation.server_port[served].tolist()
        used = {(transport_name(t), port) for t, port in zip(protocol, ports, strict=True)}
        return tuple(
            service
            for rule in wanted
            for service in rule.services
            if not any(
                transport == service.transport and (service.low or 0) <= port <= (service.high or 0)
                for transport, port in used
            )
        )

    def _silent(self, source: str, destination: str, served: NDArray[np.int64]) -> tuple[int, ...]:
        heard = set(self.judged.orientation.client[served].tolist())
        if source == destination:
            heard |= set(self.judged.orientation.server[served].tolist())
        table = self.judged.hosts.table
        machines = {table[row].machine for row in heard}
        quiet: dict[int, int] = {}
        for row in sorted(self.present.get(source, ())):
            machine = table[row].machine
            if machine not in machines:
                quiet.setdefault(machine, row)
        return tuple(quiet.values())

    def _single(self, members: Iterable[Rule], source: str, destination: str) -> bool:
        return (
            source == destination
            and all(rule.same_role for rule in members)
            and self.machines.get(source, 0) < 2
        )

    def _excuse(self, members: Iterable[Rule]) -> str:
        for rule in members:
            if rule.feature and not self.features.get(rule.feature):
                return f"only with {rule.feature}, which is not declared and not in evidence"
            if rule.condition:
                return f"conditional: {rule.condition}"
        needs = {rule.need for rule in members}
        words = {"optional": "optional", "planned": "planned, not yet in use"}
        return next((words[n] for n in needs if n in words), "the document requires it of nobody")

    def _strength(self, wanted: list[Rule], source: str, destination: str) -> tuple[str, str]:
        ends = dict.fromkeys((source, destination))
        reasons = [f"no {role} was talking" for role in ends if not self.present.get(role)]
        cadence_s = max((rule.cadence_s for rule in wanted), default=0)
        if self.watch.duration_s < cadence_s:
            reasons.append(f"{_span(self.watch.duration_s)} watched, {_span(cadence_s)} needed")
        if not self.watch.lossless:
            reasons.append("frames were lost")
        if wanted and all(
            any(caveat.startswith("doubtful-") for caveat in rule.caveats) for rule in wanted
        ):
            reasons.append("the row itself is doubtful")
        if self._may_be_hidden(wanted, source, destination):
            reasons.append("a flow with an unknown end may be it")
        if reasons:
            return "weak", "; ".join(reasons)
        return "strong", "both roles were talking"

    def _may_be_hidden(self, wanted: list[Rule], source: str, destination: str) -> bool:
        ids = {rule.id for rule in wanted}
        for kind, judgement in zip(self.judged.kinds.kinds, self.judged.judgements, strict=True):
            if judgement.verdict in _MAYBE and ids & set(judgement.rule_ids):
                client, server = kind.client.roles, kind.server.roles
                if (not client or source in client) and (not server or destination in server):
                    return True
        return False


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
