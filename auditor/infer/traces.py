"""Flows -> traces: alike flows of two hosts counted once, and only those that a clue asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.infer.clues import Level, Trace, covers
from auditor.judge.vocabulary import Outcome
from auditor.records import IPPROTO_TCP, TRANSPORT_NAMES, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.evidence.signatures import SignatureSet
    from auditor.infer.clues import ClueBook
    from auditor.judge.judged import Judged

_PORTS = 1 << 16
_NUMBERS = {name: number for number, name in TRANSPORT_NAMES.items()}


def traces_of(
    judged: Judged, names: Names, book: ClueBook, signatures: SignatureSet
) -> list[Trace]:
    """Gather the flows that some clue may ask for; in no order that means anything."""
    asked = _asked_services(judged, book)
    protocols = _protocols(judged, signatures, asked)
    spoken = {word for clue in book.clues for word in clue.protocols}
    wanted = np.array([word in spoken for word in protocols.words], dtype=bool)[protocols.code]
    called = _names(names, book)
    rows = np.flatnonzero(wanted | asked | called.certain)
    if not len(rows):
        return []
    facts, orientation = judged.flows.facts, judged.orientation
    hosts = len(judged.hosts.table)
    pair, pair_of = np.unique(
        orientation.client[rows] * hosts + orientation.server[rows], return_inverse=True
    )
    # One integer per service: np.unique sorts these far faster than rows of a matrix.
    sizes = (1 << 8, _PORTS, len(protocols.words), 2, len(Level) + 1, len(called.words))
    found = (
        facts["transport"][rows],
        orientation.server_port[rows] % _PORTS,
        protocols.code[rows],
        protocols.certain[rows],
        _levels(judged, protocols)[rows],
        called.code[rows],
    )
    columns: list[NDArray[np.int64]] = [np.array(column, dtype=np.int64) for column in found]
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
                called.words[name],
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


def _protocols(judged: Judged, signatures: SignatureSet, asked: NDArray[np.bool_]) -> _Words:
    """Take what was recognised; and on the services asked for also what merely fits."""
    known = {"": 0}
    code = np.zeros(len(judged.flows.facts), dtype=np.int64)
    certain = np.zeros(len(code), dtype=bool)
    for row, protocol in enumerate(judged.payloads.application):
        if protocol is not None:
            code[row] = known.setdefault(protocol, len(known))
            certain[row] = True
    flows, client_is_a = judged.flows, judged.orientation.client_is_a
    for row in np.flatnonzero(asked & ~certain).tolist():
        heads = flows.heads_a[row], flows.heads_b[row]
        if any(heads):
            client, server = heads if client_is_a[row] else heads[::-1]
            transport = int(flows.facts["transport"][row])
            found = signatures.recognise(transport, client, server)
            code[row] = known.setdefault(found.protocol, len(known)) if found else 0
    return _Words(list(known), code, certain)


def _names(names: Names, book: ClueBook) -> _Words:
    """Take the names that flows carry themselves, as far as a clue knows them."""
    patterns = tuple(pattern for clue in book.clues for pattern in clue.names)
    known = {"": 0}
    strange: set[str] = set()
    code = np.zeros(len(names.own), dtype=np.int64)
    for row, seen in enumerate(names.own):
        for each in seen:
            name = each.name
            if name not in known and name not in strange:
                if covers(patterns, name):
                    known[name] = len(known)
                else:
                    strange.add(name)
            code[row] = known.get(name, code[row])
    return _Words(list(known), code, code > 0)


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
        asked |= (transport == _NUMBERS[name]) & (port < _PORTS) & ports[port % _PORTS]
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
