"""Clues as values: what traffic speaks for which role, and how loudly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from auditor.evidence.patterns import Coverage, coverage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.catalog.model import Service

SERVER, CLIENT, EITHER, ALONE = "server", "client", "either", "alone"
"""The side of the flow on which a clue looks for its role; ALONE needs no flow."""

_WORD = re.compile("[a-z]+")

SIDES = (SERVER, CLIENT, EITHER, ALONE)


class Level(IntEnum):
    """How far a conversation came; the order counts."""

    ATTEMPT = 1
    """The client tried; nobody may have been there."""
    SENT = 2
    """The client sent what it had to say, and nothing says that it did not arrive."""
    ANSWER = 3
    """The server sent payload of its own."""


@dataclass(frozen=True, slots=True)
class TraceKind:
    """All that a clue asks of flows themselves, their ends apart."""

    transport: str
    port: int
    protocol: str
    """As recognised by payload; `` where nothing was."""
    certain: bool
    """The protocol was positively identified; else it merely fits."""
    level: Level
    name: str
    """The server's name in the flow's own payload, where some clue asks for such a name."""

    @property
    def service(self) -> str:
        """Write the service as `tcp/443`."""
        return f"{self.transport}/{self.port}"


@dataclass(frozen=True, slots=True)
class Trace:
    """All flows alike from one client to one server."""

    client: int
    """Row of Hosts.table."""
    server: int
    kind: TraceKind
    flows: int


@dataclass(frozen=True, slots=True, eq=False)
class Clue:
    """One kind of traffic that speaks for one role."""

    id: str
    role: str
    side: str
    weight: int
    """Percent: how often a host is what a clue says, had one nothing else to go by."""
    says: str
    """The evidence in words; `{peers}` and `{services}` stand for what was seen."""
    services: tuple[Service, ...] = ()
    protocols: frozenset[str] = frozenset()
    """None = an unrecognised payload on these services; the port alone has to speak."""
    names: tuple[str, ...] = ()
    """Patterns of which one has to cover, at any depth, the name that the client asked for."""
    peer: frozenset[str] = frozenset()
    """Roles of which the other side has to hold one."""
    peers: int = 1
    """So many different hosts are needed on the other side."""
    also: frozenset[str] = frozenset()
    """Roles of which the host itself has to hold one."""
    unless: frozenset[str] = frozenset()
    """Roles that explain the same traffic better, where the host holds one."""
    needs: Level = Level.ANSWER
    mutual: bool = False
    """Hosts of this role may serve each other, so that both directions count."""

    def fits(self, trace: TraceKind) -> bool:
        """Hold flows of a kind against what the clue asks of them."""
        if self.side == ALONE or trace.level < self.needs:
            return False
        if self.services and not any(_within(trace, service) for service in self.services):
            return False
        if self.names:
            return any(
                coverage(p, trace.name, any_depth=True) is Coverage.COVERS for p in self.names
            )
        if not self.protocols:
            return not trace.certain
        # Bytes that merely fit need the port to speak for them.
        return trace.protocol in self.protocols and (trace.certain or bool(self.services))


@dataclass(frozen=True, slots=True)
class Habit:
    """Words that people put into the names of hosts of a role."""

    role: str
    words: frozenset[str]


@dataclass(frozen=True)
class ClueBook:
    """All clues, and the measures by which they are used; weights are percent."""

    clues: tuple[Clue, ...]
    habits: tuple[Habit, ...]
    habit_weight: int
    threshold: int
    """From here on a role is taken to be the host's, unless the user wants another measure."""
    mention: int
    """Below this a role is not worth mentioning."""

    def called(self, names: Iterable[str]) -> dict[str, str]:
        """Map the roles that a host's names speak for to the first name that does."""
        found: dict[str, str] = {}
        for name in names:
            words = words_of(name)
            for habit in self.habits:
                if not habit.words.isdisjoint(words):
                    found.setdefault(habit.role, name)
        return found


def words_of(name: str) -> list[str]:
    """List the words in the first label of a host name: of `ctx-vda07.corp`, `ctx` and `vda`."""
    return _WORD.findall(name.partition(".")[0])


def covers(patterns: tuple[str, ...], name: str) -> bool:
    """Say whether one of the patterns covers a name, at any depth."""
    return any(coverage(each, name, any_depth=True) is Coverage.COVERS for each in patterns)


def _within(trace: TraceKind, service: Service) -> bool:
    if trace.transport != service.transport:
        return False
    if service.low is None or service.high is None:
        return True
    return service.low <= trace.port <= service.high
