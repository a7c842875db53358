"""What hosts seem to be: clues weighed against each other, round by round.

A clue may ask what the other side is. So roles are found in rounds: what is sure enough in one
round counts as known in the next, until nothing changes. Naming habits count only beside traffic,
and declared roles are never questioned.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from auditor.infer.clues import ALONE, CLIENT, EITHER, SERVER
from auditor.infer.naming import HostNames
from auditor.infer.traces import traces_of
from auditor.records import address_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.evidence.names import Names
    from auditor.evidence.signatures import SignatureSet
    from auditor.infer.clues import Clue, ClueBook, Trace
    from auditor.judge.judged import Judged

_MOST_ROUNDS = 12
"""Roles that rest on each other could otherwise come and go for ever."""

_SUREST = 0.99
_MOST_SERVICES = 3
_MOST_EVIDENCE = 2
_NOBODY = frozenset({address_words("0.0.0.0"), address_words("::")})  # noqa: S104 - no socket is bound


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
    signatures: SignatureSet,
    threshold: float,
) -> list[Proposal]:
    """Propose roles for the hosts of which the site file says nothing.

    judged: with the roles known so far, so that a caller who adopts proposals has to judge again.
    threshold: from which confidence on, 0 to 1, a role counts as known to other clues.
    Proposals come by row of Hosts.table, then the surest first, down to what is worth mentioning.
    """
    hosts = judged.hosts
    traces = traces_of(judged, names, clues, signatures)
    finder = _Finder(judged, HostNames(judged, names), clues, traces)
    known = finder.declared
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
        if confidence >= min(clues.mention / 100, threshold) and not finder.implied(
            known[host], role
        ):
            evidence = finder.evidence(host, role, found_clues)
            proposals.append(Proposal(host, hosts.table[host].address, role, confidence, evidence))
    return sorted(proposals, key=lambda p: (p.host, -p.confidence, p.role))


@dataclass(slots=True)
class _Peer:
    """What one other host contributes to a clue."""

    flows: int = 0
    services: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A clue that holds for a host, and the hosts on the other side."""

    clue: Clue
    peers: Mapping[int, _Peer]
    roles: frozenset[str]
    """Of those that the clue asks of its peers, the ones that they hold."""


_Known = list[frozenset[str]]
"""By row of Hosts.table: the roles that count as known, without what they imply."""

_Found = dict[tuple[int, str], list[_Weighed]]
"""By row of Hosts.table and role: the clues that hold."""


class _Finder:
    """The clues that fit some traffic, and the question which of them hold, given some roles."""

    def __init__(
        self, judged: Judged, names: HostNames, book: ClueBook, traces: Iterable[Trace]
    ) -> None:
        self._book = book
        self._closure = judged.book.closure
        named = _roles_by_name(judged)
        self.declared: _Known = [
            host.roles | named.get(row, frozenset()) for row, host in enumerate(judged.hosts.table)
        ]
        self._open = [
            not (host.listed or host.special or pair in _NOBODY or row in named)
            for row, (host, pair) in enumerate(
                zip(judged.hosts.table, judged.hosts.words, strict=True)
            )
        ]
        self._seen = _gather(book, traces)
        self._names = names
        self._called = {host: book.called(own) for host, own in names.all.items()}

    def weigh(self, known: _Known) -> _Found:
        """List which clues hold while these roles are known."""
        found: _Found = defaultdict(list)
        for (clue, host), peers in self._seen.items():
            if self._open[host] and self._allowed(clue, known[host]):
                counted = self._counted(clue, host, peers, known)
                if len(counted) >= clue.peers:
                    roles = frozenset().union(*(self._closure(known[peer]) for peer in counted))
                    found[host, clue.role].append(_Weighed(clue, counted, clue.peer & roles))
        for clue in self._book.clues:
            if clue.side == ALONE:
                for host, roles in enumerate(known):
                    if self._open[host] and self._allowed(clue, roles):
                        found[host, clue.role].append(_Weighed(clue, {}, frozenset()))
        return found

    def known(self, weighed: _Found, sure: float) -> _Known:
        """Add the roles that are sure enough to the declared ones."""
        roles: dict[int, set[str]] = defaultdict(set)
        for (host, role), clues in weighed.items():
            if self.confidence(host, role, clues) >= sure:
                roles[host].add(role)
        return [own | roles[host] for host, own in enumerate(self.declared)]

    def confidence(self, host: int, role: str, clues: Iterable[_Weighed]) -> float:
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

    def evidence(self, host: int, role: str, clues: Iterable[_Weighed]) -> tuple[str, ...]:
        """Put what speaks for a role into words."""
        strongest = sorted(clues, key=lambda each: (-each.clue.weight, each.clue.id))
        said = dict.fromkeys(self._say(each) for each in strongest)
        name = self._fitting_name(host, role)
        return (*said, f"is called {name}") if name else tuple(said)

    def _say(self, weighed: _Weighed) -> str:
        services = sorted({each for peer in weighed.peers.values() for each in peer.services})
        more = f" and {len(services) - _MOST_SERVICES} more" if services[_MOST_SERVICES:] else ""
        hosts = list(weighed.peers)
        peers = self._names.label(hosts[0]) if len(hosts) == 1 else f"{len(hosts):,} hosts"
        if weighed.roles:
            peers += f" ({', '.join(sorted(weighed.roles))})"
        return weighed.clue.says.format(
            services=", ".join(services[:_MOST_SERVICES]) + more, peers=peers
        )

    def _fitting_name(self, host: int, role: str) -> str:
        return self._called.get(host, {}).get(role, "")

    def _counted(
        self, clue: Clue, host: int, peers: Mapping[int, _Peer], known: _Known
    ) -> dict[int, _Peer]:
        """Keep the peers that count: of the role asked for; not those that serve just as much."""
        if clue.peer:
            return {
                peer: seen for peer, seen in peers.items() if clue.peer & self._closure(known[peer])
            }
        if clue.mutual or clue.side == EITHER:
            return dict(peers)
        return {
            peer: seen
            for peer, seen in peers.items()
            if seen.flows > self._flows(self._seen.get((clue, peer)), host)
        }

    def _allowed(self, clue: Clue, known: frozenset[str]) -> bool:
        """Hold the host's other roles against the clue; its own role must not speak for itself."""
        roles = self._closure(known - {clue.role})
        return not clue.unless & roles and (not clue.also or bool(clue.also & roles))

    @staticmethod
    def _flows(peers: Mapping[int, _Peer] | None, host: int) -> int:
        return peers[host].flows if peers is not None and host in peers else 0


def _roles_by_name(judged: Judged) -> dict[int, frozenset[str]]:
    """Map servers that the site file knows by name alone to the roles that it gives the name."""
    found: dict[int, frozenset[str]] = {}
    for number, kind in enumerate(judged.kinds.kinds):
        if kind.names.roles:
            for row in set(judged.orientation.server[judged.kinds.kind_of == number].tolist()):
                found[row] = found.get(row, frozenset()) | kind.names.roles
    return found


def _gather(book: ClueBook, traces: Iterable[Trace]) -> dict[tuple[Clue, int], dict[int, _Peer]]:
    """Collect, by clue and host, what each peer contributes."""
    seen: dict[tuple[Clue, int], dict[int, _Peer]] = defaultdict(dict)
    speaking: dict[str, list[Clue]] = defaultdict(list)
    for clue in book.clues:
        for protocol in clue.protocols or {""}:
            speaking[protocol].append(clue)
    fitting: dict[tuple[object, ...], list[Clue]] = {}
    for trace in traces:
        if trace.client == trace.server:
            continue
        kind = (trace.transport, trace.port, trace.protocol, trace.certain, trace.level, trace.name)
        if kind not in fitting:
            # Those that name no protocol go by the port or by a name.
            candidates = dict.fromkeys(speaking.get(trace.protocol, []) + speaking[""])
            fitting[kind] = [clue for clue in candidates if clue.fits(trace)]
        for clue in fitting[kind]:
            if clue.side in {SERVER, EITHER}:
                _add(seen[clue, trace.server], trace.client, trace)
            if clue.side in {CLIENT, EITHER}:
                _add(seen[clue, trace.client], trace.server, trace)
    return seen


def _add(peers: dict[int, _Peer], peer: int, trace: Trace) -> None:
    one = peers.setdefault(peer, _Peer())
    one.flows += trace.flows
    one.services.add(f"{trace.transport}/{trace.port}")
