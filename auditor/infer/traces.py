"""Flows -> traces: alike flows of two hosts counted once, and only those that a clue asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np

from auditor.infer.clues import Level, Trace, TraceKind, covers
from auditor.judge.groups import group
from auditor.judge.vocabulary import Outcome
from auditor.records import IPPROTO_TCP, TRANSPORT_NAMES, TRANSPORT_NUMBERS, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.infer.clues import ClueBook
    from auditor.judge.judged import Judged

_PORTS = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Traces(Sequence[Trace]):
    """Traces as columns of shape (n,); an item is made when it is asked for."""

    client: NDArray[np.int64]
    """Rows of Hosts.table."""
    server: NDArray[np.int64]
    kind: NDArray[np.int64]
    """Index into kinds."""
    flows: NDArray[np.int64]
    """How many are alike."""
    kinds: tuple[TraceKind, ...]

    @classmethod
    def none(cls) -> Traces:
        """Give no traces."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing, ())

    def __len__(self) -> int:
        """Count the traces."""
        return len(self.client)

    @overload
    def __getitem__(self, row: int) -> Trace: ...
    @overload
    def __getitem__(self, row: slice) -> list[Trace]: ...
    def __getitem__(self, row: int | slice) -> Trace | list[Trace]:
        """Make a trace, or some."""
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        ends = int(self.client[row]), int(self.server[row])
        return Trace(*ends, self.kinds[self.kind[row]], int(self.flows[row]))


def traces_of(
    judged: Judged, names: Names, book: ClueBook, hosts: NDArray[np.bool_] | None = None
) -> Traces:
    """Gather the flows that some clue may ask for; in no order that means anything.

    hosts: shape (n hosts,): only flows with such a host at one end; None = all.
    """
    asked = _asked_services(judged, book)
    protocols = _protocols(judged, asked)
    spoken = {word for clue in book.clues for word in clue.protocols}
    wanted = np.array([word in spoken for word in protocols.words], dtype=bool)[protocols.code]
    called = _names(names, book)
    rows = np.flatnonzero(wanted | asked | called.certain)
    if hosts is not None:
        orientation = judged.orientation
        rows = rows[hosts[orientation.client[rows]] | hosts[orientation.server[rows]]]
    if not len(rows):
        return Traces.none()
    facts, orientation = judged.flows.facts, judged.orientation
    port = orientation.server_port[rows] % _PORTS
    level = _levels(judged, protocols)[rows]
    spoken_by = protocols.code[rows], protocols.certain[rows]
    columns = (facts["transport"][rows], port, *spoken_by, level, called.code[rows])
    alike = group(columns)
    kinds = tuple(
        TraceKind(
            TRANSPORT_NAMES.get(transport, ""),
            port,
            protocols.words[protocol],
            certain,
            Level(level),
            called.words[name],
        )
        for transport, port, protocol, certain, level, name in zip(
            *(column[alike.first].tolist() for column in columns), strict=True
        )
    )
    client, server = orientation.client[rows], orientation.server[rows]
    found = group((client, server, alike.group_of))
    first = found.first
    flows = np.bincount(found.group_of, minlength=len(found))
    return Traces(client[first], server[first], alike.group_of[first], flows, kinds)


@dataclass(frozen=True)
class _Words:
    """A word per flow, as numbers; number 0 is no word."""

    words: list[str]
    code: NDArray[np.int64]
    certain: NDArray[np.bool_]


def _protocols(judged: Judged, asked: NDArray[np.bool_]) -> _Words:
    """Take what was recognised; and on the services asked for also what merely fits."""
    payloads = judged.payloads
    certain = payloads.application.code >= 0
    code = np.where(certain | asked, payloads.likeliest.code, -1).astype(np.int64) + 1
    return _Words(["", *(word for word in payloads.likeliest.words if word)], code, certain)


def _names(names: Names, book: ClueBook) -> _Words:
    """Take the names that flows carry themselves, as far as a clue knows them."""
    patterns = tuple(pattern for clue in book.clues for pattern in clue.names)
    own = names.own
    known = [name for name in own.words if covers(patterns, name)]
    number = {name: place for place, name in enumerate(known, 1)}
    of_word = np.array([number.get(name, 0) for name in own.words], dtype=np.int64)
    code = np.zeros(len(own), dtype=np.int64)
    called = of_word[own.name] > 0
    # Of several that a clue knows, the last is taken.
    code[own.flow[called]] = of_word[own.name[called]]
    return _Words(["", *known], code, code > 0)


def _asked_services(judged: Judged, book: ClueBook) -> NDArray[np.bool_]:
    """Mark the flows whose service some clue names."""
    transport = judged.flows.facts["transport"]
    port = judged.orientation.server_port
    asked = np.zeros(len(transport), dtype=bool)
    services = {service for clue in book.clues for service in clue.services}
    for name in {service.transport for service in services}:
        ports = np.zeros(_PORTS, dtype=bool)
        for service in services:
            if service.transport == name and service.low is not None:
                ports[service.low : (service.high or service.low) + 1] = True
        asked |= (transport == TRANSPORT_NUMBERS[name]) & (port < _PORTS) & ports[port % _PORTS]
    return asked


def _levels(judged: Judged, protocols: _Words) -> NDArray[np.int64]:
    """Say how far each conversation came."""
    flows, orientation = judged.flows, judged.orientation

    tcp = flows.facts["transport"] == IPPROTO_TCP
    client_data = (orientation.of_client(flows, "seen") & Seen.DATA) > 0
    server_data = (orientation.of_server(flows, "seen") & Seen.DATA) > 0
    # A scanner completes handshakes too; what was said shows that somebody meant it.
    established, replied = (
        judged.with_outcome([each]) for each in (Outcome.ESTABLISHED, Outcome.ANSWERED)
    )
    answered = np.where(
        tcp,
        server_data & (established | client_data | protocols.certain),
        replied | (orientation.reply_only & protocols.certain),
    )
    sent = np.where(tcp, client_data, ~judged.with_outcome([Outcome.REFUSED]))
    levels = np.select([answered, sent], [Level.ANSWER, Level.SENT], Level.ATTEMPT)
    return levels.astype(np.int64)
