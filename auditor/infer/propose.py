"""What hosts seem to be: clues weighed against each other, round by round.

A clue may ask what the other side is. So roles are found in rounds: what is sure enough in one
round counts as known in the next, until nothing changes. Naming habits count only beside traffic,
and declared roles are never questioned.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from auditor.infer.clues import ALONE
from auditor.infer.naming import HostNames
from auditor.infer.ties import Ties, Weighed, ties
from auditor.infer.traces import traces_of
from auditor.records import address_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
    declared = _Declared(judged)
    if not declared.is_open.any():
        return []
    traces = traces_of(judged, names, clues, declared.is_open)
    finder = _Finder(judged, HostNames(judged, names), clues, traces, declared)
    known: _Known = {}
    weighed = finder.weigh(known)
    for _ in range(_MOST_ROUNDS):
        found = finder.known(weighed, threshold)
        if found == known:
            break
        known = found
        weighed = finder.weigh(known)
    proposals = []
    for (host, role), found_clues in weighed.items():
        confidence = finder.confidence(host, role, found_clues)
        roles = finder.roles(host, known)
        if confidence >= min(clues.mention / 100, threshold) and not finder.implied(roles, role):
            evidence = finder.evidence(host, role, found_clues)
            proposals.append(Proposal(host, hosts.texts[host], role, confidence, evidence))
    return sorted(proposals, key=lambda p: (p.host, -p.confidence, p.role))


_Known = dict[int, frozenset[str]]
"""By row of Hosts.table: the roles that count as known beside the declared ones."""

_Found = dict[tuple[int, str], list[Weighed]]
"""By row of Hosts.table and role: the clues that hold."""


class _Finder:
    """The clues that fit some traffic, and the question which of them hold, given some roles."""

    def __init__(
        self,
        judged: Judged,
        names: HostNames,
        book: ClueBook,
        traces: Traces,
        declared: _Declared,
    ) -> None:
        self._book = book
        self._closure = judged.book.closure
        self._declared = declared
        self._ties = [
            (clue, found)
            for clue in book.clues
            if clue.side != ALONE
            and len(found := ties(clue, traces).of_hosts(self._declared.is_open))
        ]
        self._names = names
        self._called = {host: book.called(own) for host, own in names.all.items()}

    def roles(self, host: int, known: _Known) -> frozenset[str]:
        """Give the roles that count as a host's."""
        return self._declared.roles(host) | known.get(host, frozenset())

    def weigh(self, known: _Known) -> _Found:
        """List which clues hold while these roles are known."""
        found: _Found = defaultdict(list)
        for clue, every in self._ties:
            of_role = every
            if clue.peer:
                of_role = every.with_peers(self._holding(clue.peer, known))
            hosts = of_role.hosts(clue.peers)
            allowed = self._allowed(clue, known)
            for host in hosts[allowed[hosts]].tolist():
                peers = of_role.of_host(host)
                held: set[str] = set()
                for peer in peers.peer.tolist() if clue.peer else ():
                    held |= self._closure(self.roles(peer, known))
                found[host, clue.role].append(Weighed(clue, peers, clue.peer & held))
        for clue in self._book.clues:
            if clue.side == ALONE:
                allowed = self._allowed(clue, known) & self._declared.is_open
                for host in np.flatnonzero(allowed).tolist():
                    found[host, clue.role].append(Weighed(clue, Ties.none(), frozenset()))
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
        # Of integers, so that the order of the clues makes no difference.
        doubt: float = prod(100 - weight for weight in weights) / 100 ** len(weights)
        return min(round(1 - doubt, 2), _SUREST)

    def implied(self, roles: frozenset[str], role: str) -> bool:
        """Say whether another role of the host says as much and more."""
        return role in self._closure(roles - {role})

    def evidence(self, host: int, role: str, clues: Iterable[Weighed]) -> tuple[str, ...]:
        """Put what speaks for a role into words."""
        strongest = sorted(clues, key=lambda each: (-each.clue.weight, each.clue.id))
        said = dict.fromkeys(self._say(each) for each in strongest)
        name = self._fitting_name(host, role)
        return (*said, f"is called {name}") if name else tuple(said)

    def _say(self, weighed: Weighed) -> str:
        services = weighed.peers.services
        more = f" and {len(services) - _MOST_SERVICES} more" if services[_MOST_SERVICES:] else ""
        hosts = weighed.peers.peer.tolist()
        peers = self._names.label(hosts[0]) if len(hosts) == 1 else f"{len(hosts):,} hosts"
        if weighed.roles:
            peers += f" ({', '.join(sorted(weighed.roles))})"
        return weighed.clue.says.format(
            services=", ".join(services[:_MOST_SERVICES]) + more, peers=peers
        )

    def _fitting_name(self, host: int, role: str) -> str:
        return self._called.get(host, {}).get(role, "")

    def _allowed(self, clue: Clue, known: _Known) -> NDArray[np.bool_]:
        """Hold hosts' other roles against the clue; its own role must not speak for itself."""

        def allows(roles: frozenset[str]) -> bool:
            others = self._closure(roles - {clue.role})
            return clue.unless.isdisjoint(others) and not (
                clue.also and clue.also.isdisjoint(others)
            )

        return self._declared.where(allows, known)

    def _holding(self, wanted: frozenset[str], known: _Known) -> NDArray[np.bool_]:
        """Mark the hosts that hold one of some roles."""
        return self._declared.where(lambda roles: bool(wanted & self._closure(roles)), known)


class _Declared:
    """The roles that the site file gives, by address or by name; many hosts share one set."""

    def __init__(self, judged: Judged) -> None:
        hosts, named = judged.hosts, _roles_by_name(judged)
        numbers: dict[frozenset[str], int] = {}
        of_party = [numbers.setdefault(party.roles, len(numbers)) for party in hosts.parties]
        self._set_of = np.array(of_party, dtype=np.int64)[hosts.party]
        for row, roles in named.items():
            own = hosts.parties[hosts.party[row]].roles | roles
            self._set_of[row] = numbers.setdefault(own, len(numbers))
        self._sets: list[frozenset[str]] = list(numbers)
        self.is_open = ~hosts.where(lambda party: party.listed or bool(party.special))
        """Shape (n hosts,): nobody says what the host is."""
        nobody = hosts.addresses.rows_of(_NOBODY)
        self.is_open[[*nobody[nobody >= 0].tolist(), *named]] = False

    def roles(self, host: int) -> frozenset[str]:
        """Give the declared roles of a host."""
        return self._sets[int(self._set_of[host])]

    def where(self, holds: Callable[[frozenset[str]], bool], known: _Known) -> NDArray[np.bool_]:
        """Mark the hosts of whose roles, declared and known, something holds."""
        found = np.array([holds(roles) for roles in self._sets], dtype=bool)[self._set_of]
        for host, roles in known.items():
            found[host] = holds(self.roles(host) | roles)
        return found


def _roles_by_name(judged: Judged) -> dict[int, frozenset[str]]:
    """Map servers that the site file knows by name alone to the roles that it gives the name."""
    found: dict[int, frozenset[str]] = {}
    for number, kind in enumerate(judged.kinds.kinds):
        if kind.names.roles:
            servers = judged.orientation.server[judged.kinds.groups.rows_of(number)]
            for row in np.unique(servers).tolist():
                found[row] = found.get(row, frozenset()) | kind.names.roles
    return found
