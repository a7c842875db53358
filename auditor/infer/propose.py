"""What hosts seem to be: clues weighed against each other, round by round.

A clue may ask what the other side is. So roles are found in rounds: what is sure enough in one
round counts as known in the next, until nothing changes. Naming habits count only beside traffic,
and declared roles are never questioned.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from auditor.infer.clues import ALONE
from auditor.infer.naming import HostNames
from auditor.infer.ties import Ties, Weighed, ties
from auditor.infer.traces import traces_of
from auditor.records import address_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.infer.clues import Clue, ClueBook
    from auditor.infer.traces import Traces
    from auditor.judge.judged import Judged

_MOST_ROUNDS = 12
"""Roles that rest on each other could otherwise come and go for ever."""

_SUREST = 0.99
_MOST_SERVICES = 3
_MOST_EVIDENCE = 2
_NOBODY = (address_words("0.0.0.0"), address_words("::"))  # noqa: S104 - no socket is bound


@dataclass(frozen=True, slots=True)
class Proposal:
    """A role that a host seems to have."""

    host: int
    """Row of Hosts.table."""
    address: str
    role: str
    confidence: float
    """0 to 1, in hundredths."""
    evidence: tuple[str, ...]
    """The clues in words, the strongest first; ends with the name where one fits."""

    def __str__(self) -> str:
        """Render as one line: the role, how sure it is, and the strongest clues."""
        said = list(self.evidence)
        if len(said) > _MOST_EVIDENCE:
            said[_MOST_EVIDENCE:] = [f"{len(said) - _MOST_EVIDENCE} more"]
        return f"{self.role} {self.confidence:.2f}: {'; '.join(said)}"


def infer_roles(
    judged: Judged,
    names: Names,
    clues: ClueBook,
    threshold: float,
) -> list[Proposal]:
    """Propose roles for the hosts of which the site file says nothing.

    judged: with the roles known so far, so that a caller who adopts proposals has to judge again.
    threshold: from which confidence on, 0 to 1, a role counts as known to other clues.
    Proposals come by row of Hosts.table, then the surest first, down to what is worth mentioning.
    """
    hosts = judged.hosts
    named = _roles_by_name(judged)
    is_open = _is_open(judged, named)
    if not is_open.any():
        return []
    declared = _declared(judged, named)
    traces = traces_of(judged, names, clues, is_open)
    finder = _Finder(judged, HostNames(judged, names), clues, traces, is_open)
    known: _Known = {}
    roles = declared
    weighed = finder.weigh(roles)
    for _ in range(_MOST_ROUNDS):
        found = finder.known(weighed, threshold)
        if found == known:
            break
        known = found
        roles = declared.with_more(known)
        weighed = finder.weigh(roles)
    proposals = []
    for (host, role), found_clues in weighed.items():
        confidence = finder.confidence(host, role, found_clues)
        worth_it = confidence >= min(clues.mention / 100, threshold)
        if worth_it and not finder.implied(roles.of(host), role):
            evidence = finder.evidence(host, role, found_clues, roles)
            proposals.append(Proposal(host, hosts.texts[host], role, confidence, evidence))
    return sorted(proposals, key=lambda p: (p.host, -p.confidence, p.role))


_Known = dict[int, frozenset[str]]
"""By row of Hosts.table: the roles that count as known beside the declared ones."""

_Found = dict[tuple[int, str], list[Weighed]]
"""By row of Hosts.table and role: the clues that hold."""


@dataclass(frozen=True, eq=False)
class _Roles:
    """The roles that count as each host's; many hosts share one set, of which all is asked once."""

    sets: tuple[frozenset[str], ...]
    set_of: NDArray[np.int64]
    """Shape (n hosts,): index into sets."""

    def of(self, host: int) -> frozenset[str]:
        """Give the roles of a host."""
        return self.sets[int(self.set_of[host])]

    def where(self, holds: Callable[[frozenset[str]], bool]) -> NDArray[np.bool_]:
        """Mark the hosts of whose roles something holds."""
        return np.array([holds(roles) for roles in self.sets], dtype=bool)[self.set_of]

    def with_more(self, more: Mapping[int, frozenset[str]]) -> _Roles:
        """Give some hosts roles beside those that they have."""
        numbers = {roles: number for number, roles in enumerate(self.sets)}
        set_of = self.set_of.copy()
        for host, roles in more.items():
            set_of[host] = numbers.setdefault(self.of(host) | roles, len(numbers))
        return _Roles(tuple(numbers), set_of)


class _Finder:
    """The clues that fit some traffic, and the question which of them hold, given some roles."""

    def __init__(
        self,
        judged: Judged,
        names: HostNames,
        book: ClueBook,
        traces: Traces,
        is_open: NDArray[np.bool_],
    ) -> None:
        self._book = book
        self._closure = judged.book.closure
        self._is_open = is_open
        self._ties = [
            (clue, found)
            for clue in book.clues
            if clue.side != ALONE and len(found := ties(clue, traces).of_hosts(is_open))
        ]
        self._names = names
        self._called = {host: book.called(own) for host, own in names.all.items()}

    def weigh(self, roles: _Roles) -> _Found:
        """List which clues hold while these roles are known."""
        found: _Found = defaultdict(list)
        for clue, every in self._ties:
            of_role = every
            if clue.peer:
                of_role = every.with_peers(self._holding(clue.peer, roles))
            hosts = of_role.hosts(clue.peers)
            allowed = self._allowed(clue, roles)
            for host in hosts[allowed[hosts]].tolist():
                found[host, clue.role].append(Weighed(clue, host, of_role))
        for clue in self._book.clues:
            if clue.side == ALONE:
                allowed = self._allowed(clue, roles) & self._is_open
                for host in np.flatnonzero(allowed).tolist():
                    found[host, clue.role].append(Weighed(clue, host, Ties.none()))
        return found

    def known(self, weighed: _Found, sure: float) -> _Known:
        """Give the roles that are sure enough."""
        roles: dict[int, set[str]] = defaultdict(set)
        for (host, role), clues in weighed.items():
            if self.confidence(host, role, clues) >= sure:
                roles[host].add(role)
        return {host: frozenset(of) for host, of in roles.items()}

    def confidence(self, host: int, role: str, clues: Iterable[Weighed]) -> float:
        """Give the chance that at least one of the clues is right, as if they knew no other."""
        weights = [weighed.clue.weight for weighed in clues]
        if self._fitting_name(host, role):
            weights.append(self._book.habit_weight)
        return _chance(tuple(weights))

    def implied(self, roles: frozenset[str], role: str) -> bool:
        """Say whether another role of the host says as much and more."""
        return role in self._closure(roles - {role})

    def evidence(
        self, host: int, role: str, clues: Iterable[Weighed], roles: _Roles
    ) -> tuple[str, ...]:
        """Put what speaks for a role into words, while these roles are known."""
        strongest = sorted(clues, key=lambda each: (-each.clue.weight, each.clue.id))
        said = dict.fromkeys(self._say(each, roles) for each in strongest)
        name = self._fitting_name(host, role)
        return (*said, f"is called {name}") if name else tuple(said)

    def _say(self, weighed: Weighed, roles: _Roles) -> str:
        ties_of_host, wanted = weighed.peers, weighed.clue.peer
        services = ties_of_host.services
        more = f" and {len(services) - _MOST_SERVICES} more" if services[_MOST_SERVICES:] else ""
        hosts = ties_of_host.peer.tolist()
        peers = self._names.label(hosts[0]) if len(hosts) == 1 else f"{len(hosts):,} hosts"
        if wanted:
            # A clue that asks for roles of its peers counts those peers alone that hold some.
            sets = map(self._closure, {roles.of(peer) for peer in hosts})
            peers += f" ({', '.join(sorted(wanted.intersection(frozenset().union(*sets))))})"
        return weighed.clue.says.format(
            services=", ".join(services[:_MOST_SERVICES]) + more, peers=peers
        )

    def _fitting_name(self, host: int, role: str) -> str:
        return self._called.get(host, {}).get(role, "")

    def _allowed(self, clue: Clue, roles: _Roles) -> NDArray[np.bool_]:
        """Hold hosts' other roles against the clue; its own role must not speak for itself."""

        def allows(own: frozenset[str]) -> bool:
            others = self._closure(own - {clue.role})
            return clue.unless.isdisjoint(others) and not (
                clue.also and clue.also.isdisjoint(others)
            )

        return roles.where(allows)

    def _holding(self, wanted: frozenset[str], roles: _Roles) -> NDArray[np.bool_]:
        """Mark the hosts that hold one of some roles."""
        return roles.where(lambda own: bool(wanted & self._closure(own)))


@lru_cache(4096)
def _chance(weights: tuple[int, ...]) -> float:
    """Give the chance that at least one of some percentages is right."""
    # Of integers, so that the order of the clues makes no difference.
    doubt: float = prod(100 - weight for weight in weights) / 100 ** len(weights)
    return min(round(1 - doubt, 2), _SUREST)


def _declared(judged: Judged, named: _Known) -> _Roles:
    """Take the roles that the site file gives, by address or by name."""
    hosts = judged.hosts
    numbers: dict[frozenset[str], int] = {}
    of_party = [numbers.setdefault(party.roles, len(numbers)) for party in hosts.parties]
    of_parties = _Roles(tuple(numbers), np.array(of_party, dtype=np.int64)[hosts.party])
    return of_parties.with_more(named)


def _is_open(judged: Judged, named: _Known) -> NDArray[np.bool_]:
    """Mark the hosts of which nobody says what they are."""
    hosts = judged.hosts
    is_open = ~hosts.where(lambda party: party.listed or bool(party.special))
    nobody = hosts.addresses.rows_of(_NOBODY)
    is_open[[*nobody[nobody >= 0].tolist(), *named]] = False
    return is_open


def _roles_by_name(judged: Judged) -> _Known:
    """Map servers that the site file knows by name alone to the roles that it gives the name."""
    found: dict[int, frozenset[str]] = {}
    for number, kind in enumerate(judged.kinds.kinds):
        if kind.names.roles:
            servers = judged.orientation.server[judged.kinds.groups.rows_of(number)]
            for row in np.unique(servers).tolist():
                found[row] = found.get(row, frozenset()) | kind.names.roles
    return found
