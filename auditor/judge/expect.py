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
from auditor.hosts import BROADCAST, LOOPBACK
from auditor.judge.groups import group
from auditor.judge.observed import appearing_hosts, declared_roles, documented_traffic
from auditor.judge.past import span_text
from auditor.judge.rulebook import OWN_PACKS
from auditor.judge.vocabulary import Coverage, Verdict
from auditor.records import transport_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule, Service
    from auditor.judge.judged import Judged
    from auditor.judge.loss import Losses
    from auditor.judge.past import Key, Past

_PSEUDO = frozenset({BROADCAST, LOOPBACK})
_NEVER = frozenset({"optional", "planned", "never"})
_FEATURE = "feature:"
"""Begins the names of the groups that a declared feature forms."""

_NOT_SHOWN = "is not declared and not in evidence"

_NOBODY = np.zeros(0, dtype=np.int64)
_MAYBE = frozenset({Verdict.NEEDS_HOSTNAME, Verdict.UNKNOWN_ROLE})


@dataclass(frozen=True, slots=True)
class Watch:
    """What the capture as a whole could have shown."""

    duration_s: float
    lossless: bool
    losses: Losses | None = None
    """What acknowledgements tell of data that was not captured."""
    past: Past | None = None
    """What a history tells; None without one."""
    until_ns: int = 0
    """Time of the last frame, by which the history is read."""


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
    """Rows of Hosts.table: hosts of the source role that talk, but have no flow of this group.

    One row a machine.
    """
    silent_failed: frozenset[int] = frozenset()
    """Those of `silent` whose attempts were refused or unanswered."""
    silent_stands_out: bool = False
    """At least half of the role's hosts have flows of the group."""
    flows: int = 0
    clients: int = 0
    servers: int = 0
    unseen: tuple[Service, ...] = ()
    """Services of an `all` group that are not seen."""
    seen_lately: bool = False
    """Missing here, but a history tells that it was seen not long ago."""


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
        self.declared = declared_roles(judged)
        self.appearing = appearing_hosts(judged)
        talking = judged.hosts.talking
        self.present = {role: rows[talking[rows]] for role, rows in self.appearing.items()}
        self.traffic = documented_traffic(judged)
        self.served: NDArray[np.bool_] = ~judged.attempted
        self.features = self._features()

    def all(self) -> list[Expectation]:
        groups: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.book.rules:
            if rule.pack in OWN_PACKS:
                for group in rule.groups:
                    groups[group].append(rule)
        for feature in self.book.catalog.features.values():
            if feature.expects and self.features.get(feature.id):
                groups[f"{_FEATURE}{feature.id}"] = [
                    rule for rule in self.book.rules if rule.id in feature.expects
                ]
        found = []
        for group, rules in groups.items():
            members: dict[tuple[str, str], list[Rule]] = defaultdict(list)
            for rule in rules:
                for source in self._declared(rule.sources):
                    for destination in self._declared(rule.destinations):
                        members[source, destination].append(rule)
            found += [self._one(group, tuple(of), *pair) for pair, of in members.items()]
        return found

    def _declared(self, roles: Iterable[str]) -> list[str]:
        named: list[str] = []
        for role in roles:
            named += sorted(self.book.catalog.any_citrix) if role == ANY_CITRIX else [role]
        return [role for role in named if role in self.declared and role not in _PSEUDO]

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
            declared = site.features.get(feature.id) if site else None
            evident = bool(self.served[self._rows_of(kinds)].any())
            features[feature.id] = evident if declared is None else declared
        return features

    def _expected(self, rule: Rule, group: str) -> bool:
        if group.startswith(_FEATURE):
            return True
        if rule.need in _NEVER or ANY_CITRIX in rule.sources:
            return False
        if rule.feature:
            return self.features.get(rule.feature, False)
        return rule.need == "expected"

    def _one(
        self, group: str, members: tuple[Rule, ...], source: str, destination: str
    ) -> Expectation:
        rows, count = self._flows_of(members, source, destination), self.judged.flows.count
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
            flows=count(rows),
            clients=len(self._different(clients[rows])),
            servers=len(self._different(servers[rows])),
        )
        if wanted:
            found = self._with_silent(found, rows, served)
        if len(served) and not (needs_all and unseen):
            why = _count(count(served), "flow") if wanted else "seen, though nobody has to"
            return replace(found, status=Coverage.SEEN, why=why)
        if not wanted and not len(rows):
            return replace(found, status=Coverage.NOT_EXPECTED, why=self._excuse(members))
        if len(rows) and not len(served):
            why = f"{_count(count(rows), 'attempt')}, none got through"
            return replace(found, status=Coverage.BLOCKED, why=why)
        excuse = self._no_peer(source, destination)
        if excuse:
            return replace(found, status=Coverage.NOT_EXPECTED, why=excuse, silent=())
        if source not in self.appearing and destination not in self.appearing:
            why = "no host of either role in the capture"
            return replace(found, status=Coverage.UNOBSERVABLE, why=why)
        key = (group, source, destination)
        past = self.watch.past
        if past is not None and (lately := past.seen_lately(key, self.watch.until_ns)):
            return replace(found, why=lately, strength="weak", unseen=unseen, seen_lately=True)
        strength, why = self._strength(wanted, key)
        if len(served):
            seen = [str(s) for rule in wanted for s in rule.services if s not in unseen]
            why = f"{', '.join(seen)} seen, {', '.join(map(str, unseen))} not; {why}"
        return replace(found, why=why, strength=strength, unseen=unseen)

    def _flows_of(
        self, members: Iterable[Rule], source: str, destination: str
    ) -> NDArray[np.int64]:
        kinds = {
            kind
            for rule in members
            for kind in self.traffic.get((rule.id, source, destination), ())
        }
        return self._rows_of(kinds)

    def _rows_of(self, kinds: Iterable[int]) -> NDArray[np.int64]:
        """List the flows of some kinds, kind by kind."""
        parts = [self.judged.kinds.groups.rows_of(kind) for kind in kinds]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def _different(self, hosts: NDArray[np.int64]) -> NDArray[np.int64]:
        """List the different hosts among rows of Hosts.table."""
        among = np.zeros(len(self.judged.hosts.machine), dtype=bool)
        among[hosts] = True
        return np.flatnonzero(among)

    def _unseen(self, wanted: list[Rule], served: NDArray[np.int64]) -> tuple[Service, ...]:
        used = group(
            (
                self.judged.flows.facts["transport"][served],
                self.judged.orientation.server_port[served],
            )
        )
        rows = served[used.first]
        names = map(transport_name, self.judged.flows.facts["transport"][rows].tolist())
        services = set(zip(names, self.judged.orientation.server_port[rows].tolist(), strict=True))
        return tuple(
            service
            for rule in wanted
            for service in rule.services
            if not any(
                transport == service.transport and (service.low or 0) <= port <= (service.high or 0)
                for transport, port in services
            )
        )

    def _with_silent(
        self, found: Expectation, rows: NDArray[np.int64], served: NDArray[np.int64]
    ) -> Expectation:
        """Name the machines of the source role that have none of the group's flows."""
        hosts, orientation = self.judged.hosts, self.judged.orientation
        same = found.source == found.destination
        heard = self._machines(orientation.client[served])
        if same:
            heard = np.union1d(heard, self._machines(orientation.server[served]))
        present = self.present.get(found.source, _NOBODY)
        if not same:
            # What a host says to itself is in no capture.
            holds = hosts.where(lambda party: found.destination in party.roles)
            present = present[~holds[present]]
        machines, first = np.unique(hosts.machine[present], return_index=True)
        silent = np.sort(present[first[~np.isin(machines, heard)]])
        tried = np.isin(hosts.machine[silent], self._machines(orientation.client[rows]))
        return replace(
            found,
            silent=tuple(silent.tolist()),
            silent_failed=frozenset(silent[tried].tolist()),
            silent_stands_out=2 * len(silent) <= len(machines),
        )

    def _machines(self, hosts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.unique(self.judged.hosts.machine[self._different(hosts)])

    def _no_peer(self, source: str, destination: str) -> str:
        """Say why there is nobody to talk to; `` if there is."""
        ends = self.declared[source], self.declared[destination]
        if not all(ends) or len(ends[0] | ends[1]) > 1:
            return ""
        if source == destination:
            return "one host of the role: no peer to talk to"
        return "one host holds both roles: what it says to itself is in no capture"

    def _excuse(self, members: Iterable[Rule]) -> str:
        for rule in members:
            if rule.feature:
                declared = self.book.site.features if self.book.site else {}
                off = "the site file turns off" if rule.feature in declared else _NOT_SHOWN
                return f"only with {rule.feature}, which {off}"
            if rule.condition:
                how = "optional" if rule.need == "optional" else "conditional"
                return f"{how}: {rule.condition}"
        needs = {rule.need for rule in members}
        words = {"optional": "optional", "planned": "planned, not yet in use"}
        return next((words[n] for n in needs if n in words), "the document requires it of nobody")

    def _strength(self, wanted: list[Rule], key: Key) -> tuple[str, str]:
        _, source, destination = key
        watched_s, past = self.watch.duration_s, self.watch.past
        if past is not None:
            watched_s = max(watched_s, past.vain_s(key))
        ends = dict.fromkeys((source, destination))
        reasons = [
            f"no {role} was talking" for role in ends if not len(self.present.get(role, _NOBODY))
        ]
        cadence_s = max((rule.cadence_s for rule in wanted), default=0)
        if watched_s < cadence_s:
            reasons.append(f"{span_text(watched_s)} watched, {span_text(cadence_s)} needed")
        if not self.watch.lossless:
            reasons.append("frames were lost")
        if self.watch.losses is not None:
            seen = (self.appearing.get(role, ()) for role in (source, destination))
            reasons += self.watch.losses.doubts(*seen)
        if wanted and all(
            any(caveat.startswith("doubtful-") for caveat in rule.caveats) for rule in wanted
        ):
            reasons.append("the row itself is doubtful")
        if self._may_be_hidden(wanted, source, destination):
            reasons.append("a flow with an unknown end may be it")
        strength = "weak" if reasons else "strong"
        reasons = reasons or ["both roles were talking"]
        if past is not None and (in_vain := past.in_vain(key)):
            reasons.append(in_vain)
        return strength, "; ".join(reasons)

    def _may_be_hidden(self, wanted: list[Rule], source: str, destination: str) -> bool:
        ids = {rule.id for rule in wanted}
        for kind, judgement in zip(self.judged.kinds.kinds, self.judged.judgements, strict=True):
            if judgement.verdict in _MAYBE and ids & set(judgement.rule_ids):
                client = self.book.closure(kind.client.roles)
                server = self.book.closure(kind.server.roles)
                if (not client or source in client) and (not server or destination in server):
                    return True
        return False


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
