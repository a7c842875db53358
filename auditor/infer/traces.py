"""Flows -> traces: alike flows of two hosts counted once, and only those that a clue asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.signature_model import Strength
from auditor.infer.clues import Level, Trace, covers
from auditor.judge.vocabulary import OUTCOMES, Outcome
from auditor.records import IPPROTO_TCP, TRANSPORT_NAMES, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.evidence.signatures import Recognised
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.infer.clues import ClueBook
    from auditor.judge.orient import Orientation

_PORTS = 1 << 16
_NUMBERS = {name: number for number, name in TRANSPORT_NAMES.items()}


@dataclass(frozen=True)
class Scene:
    """What is known before anybody's role is: the input of inference."""

    flows: Flows
    hosts: Hosts
    names: Names
    orientation: Orientation
    outcome: NDArray[np.uint8]
    """Shape (n flows,): indices into OUTCOMES."""
    recognised: Sequence[Recognised | None]
    """The protocol of each flow."""


def traces_of(scene: Scene, book: ClueBook) -> list[Trace]:
    """Gather the flows that some clue may ask for; in no order that means anything."""
    protocols = _protocols(scene)
    names = _names(scene, book)
    rows = np.flatnonzero(_wanted(scene, book, protocols) | (names.code > 0))
    if not len(rows):
        return []
    facts, orientation = scene.flows.facts, scene.orientation
    hosts = len(scene.hosts.table)
    pair, pair_of = np.unique(
        orientation.client[rows] * hosts + orientation.server[rows], return_inverse=True
    )
    # One integer per service: np.unique sorts these far faster than rows of a matrix.
    sizes = (1 << 8, _PORTS, len(protocols.words), 2, len(Level) + 1, len(names.words))
    columns = (
        facts["transport"][rows],
        orientation.server_port[rows] % _PORTS,
        protocols.code[rows],
        protocols.certain[rows],
        _levels(scene, protocols)[rows],
        names.code[rows],
    )
    key = np.zeros(len(rows), dtype=np.int64)
    for column, size in zip(columns, sizes, strict=True):
        key = key * size + column
    service, service_of = np.unique(key, return_inverse=True)
    both, counts = np.unique(pair_of * len(service) + service_of, return_counts=True)
    traces = []
    for each, count in zip(both.tolist(), counts.tolist(), strict=True):
        client, server = divmod(int(pair[each // len(service)]), hosts)
        rest, level_name = divmod(int(service[each % len(service)]), sizes[4] * sizes[5])
        level, name = divmod(level_name, sizes[5])
        rest, certain = divmod(rest, 2)
        rest, protocol = divmod(rest, sizes[2])
        transport, port = divmod(rest, _PORTS)
        traces.append(
            Trace(
                client,
                server,
                TRANSPORT_NAMES.get(transport, ""),
                port,
                protocols.words[protocol],
                bool(certain),
                Level(level),
                names.words[name],
                count,
            )
        )
    return traces


@dataclass(frozen=True)
class _Words:
    """A word per flow, as numbers; number 0 is no word."""

    words: list[str]
    code: NDArray[np.int64]
    certain: NDArray[np.bool_]


def _protocols(scene: Scene) -> _Words:
    known = {"": 0}
    code = np.zeros(len(scene.flows.facts), dtype=np.int64)
    certain = np.zeros(len(code), dtype=bool)
    for row, found in enumerate(scene.recognised):
        if found is not None:
            code[row] = known.setdefault(found.protocol, len(known))
            certain[row] = found.strength > Strength.WEAK
    return _Words(list(known), code, certain)


def _names(scene: Scene, book: ClueBook) -> _Words:
    """Take the names that flows carry themselves, as far as a clue knows them."""
    patterns = tuple(pattern for clue in book.clues for pattern in clue.names)
    known = {"": 0}
    strange: set[str] = set()
    code = np.zeros(len(scene.flows.facts), dtype=np.int64)
    for row, seen in enumerate(scene.names.own):
        for each in seen:
            name = each.name
            if name not in known and name not in strange:
                if covers(patterns, name):
                    known[name] = len(known)
                else:
                    strange.add(name)
            code[row] = known.get(name, code[row])
    return _Words(list(known), code, code > 0)


def _wanted(scene: Scene, book: ClueBook, protocols: _Words) -> NDArray[np.bool_]:
    """Mark the flows whose protocol or service some clue names."""
    asked = {word for clue in book.clues for word in clue.protocols}
    wanted = np.array([word in asked for word in protocols.words], dtype=bool)[protocols.code]
    transport = scene.flows.facts["transport"]
    port = scene.orientation.server_port
    for name in {service.transport for clue in book.clues for service in clue.services}:
        ports = np.zeros(_PORTS, dtype=bool)
        for clue in book.clues:
            for service in clue.services:
                if service.transport == name and service.low is not None:
                    ports[service.low : (service.high or service.low) + 1] = True
        wanted |= (transport == _NUMBERS[name]) & (port < _PORTS) & ports[port % _PORTS]
    return wanted


def _levels(scene: Scene, protocols: _Words) -> NDArray[np.int64]:
    """Say how far each conversation came."""
    flows, orientation = scene.flows, scene.orientation

    def outcome(*of: Outcome) -> NDArray[np.bool_]:
        return np.isin(scene.outcome, [OUTCOMES.index(each) for each in of])

    tcp = flows.facts["transport"] == IPPROTO_TCP
    client_data = (orientation.of_client(flows, "seen") & Seen.DATA) > 0
    server_data = (orientation.of_server(flows, "seen") & Seen.DATA) > 0
    # A scanner completes handshakes too; what was said shows that somebody meant it.
    answered = np.where(
        tcp,
        server_data & (outcome(Outcome.ESTABLISHED) | client_data | protocols.certain),
        outcome(Outcome.ANSWERED) | (orientation.reply_only & protocols.certain),
    )
    sent = np.where(tcp, client_data, ~outcome(Outcome.REFUSED))
    levels = np.select([answered, sent], [Level.ANSWER, Level.SENT], Level.ATTEMPT)
    return levels.astype(np.int64)
