"""What the host names seen for a flow's server amount to, flow by flow."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.names import SeenName
from auditor.evidence.patterns import Coverage, coverage
from auditor.judge.rulebook import NameClass
from auditor.records import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation
    from auditor.judge.rulebook import RuleBook


_OWN = frozenset({"sni", "dtls-sni", "http-host", "quic-sni"})
"""Kinds of name that a flow carries itself."""


@dataclass(frozen=True)
class Naming:
    """The names that count for each flow's server."""

    name_class: NDArray[np.int64]
    """Shape (n flows,): index into classes."""
    classes: list[NameClass]
    """classes[0] is that of a flow without any name."""
    shown: dict[int, SeenName]
    """Flow -> the name that speaks best for its server; only flows that have one."""


def name_flows(
    flows: Flows, names: Names, hosts: Hosts, orientation: Orientation, book: RuleBook
) -> Naming:
    """Collect each flow's names and class them by the patterns they cover.

    A name in the flow's own payload counts for that flow, and for attempts without payload of the
    same client to the same service. A DNS answer counts for the address, from the moment at which
    that client received it.
    """
    by_flow: dict[int, tuple[SeenName, ...]] = {
        row: seen for row, seen in enumerate(names.own) if seen
    }
    _lend(by_flow, flows, orientation)
    _resolve(by_flow, flows, names, hosts, orientation)

    classes: dict[NameClass, int] = {NameClass(): 0}
    judged: dict[frozenset[tuple[str, bool]], int] = {}
    name_class = np.zeros(len(flows.facts), dtype=np.int64)
    for row, seen in by_flow.items():
        words = frozenset((name.name, name.kind in _OWN) for name in seen)
        if words not in judged:
            judged[words] = classes.setdefault(_class(words, book), len(classes))
        name_class[row] = judged[words]
    return Naming(name_class, list(classes), {row: seen[0] for row, seen in by_flow.items()})


def _lend(by_flow: dict[int, tuple[SeenName, ...]], flows: Flows, orientation: Orientation) -> None:
    """Give attempts without payload the names of their siblings."""
    if not by_flow:
        return
    facts = flows.facts
    services = {_service(orientation, row): seen for row, seen in by_flow.items()}
    empty = (facts["data_a_ns"] == NO_TIME) & (facts["data_b_ns"] == NO_TIME)
    servers = list({service[1] for service in services})
    for row in np.flatnonzero(empty & np.isin(orientation.server, servers)).tolist():
        seen = services.get(_service(orientation, row))
        if seen is not None:
            by_flow[row] = seen


def _service(orientation: Orientation, row: int) -> tuple[int, int, int]:
    return (
        int(orientation.client[row]),
        int(orientation.server[row]),
        int(orientation.server_port[row]),
    )


def _resolve(
    by_flow: dict[int, tuple[SeenName, ...]],
    flows: Flows,
    names: Names,
    hosts: Hosts,
    orientation: Orientation,
) -> None:
    """Add the names that DNS gave to the client for the server's address before the flow."""
    answers: dict[int, dict[int, list[SeenName]]] = defaultdict(lambda: defaultdict(list))
    row_of = {pair: row for row, pair in enumerate(hosts.words)}
    for pair, seen in names.address_names.items():
        server = row_of.get(pair)
        for name in seen if server is not None else ():
            asker = row_of.get(name.asker) if name.asker else None
            if asker is not None:
                answers[server][asker].append(name)  # type: ignore[index]
    _declare(by_flow, hosts, orientation)
    if not answers:
        return
    first_ns = np.minimum(flows.facts["first_a_ns"], flows.facts["first_b_ns"])
    for row in np.flatnonzero(np.isin(orientation.server, list(answers))).tolist():
        given = answers[int(orientation.server[row])].get(int(orientation.client[row]), [])
        known = tuple(name for name in given if name.time_ns <= first_ns[row])
        if known:
            by_flow[row] = by_flow.get(row, ()) + known


def _declare(
    by_flow: dict[int, tuple[SeenName, ...]], hosts: Hosts, orientation: Orientation
) -> None:
    """Add the names that the site file gives to servers; a name there is a name like any other."""
    named = {row: host.name for row, host in enumerate(hosts.table) if host.name}
    for row in np.flatnonzero(np.isin(orientation.server, list(named))).tolist():
        name = named[int(orientation.server[row])]
        by_flow[row] = (*by_flow.get(row, ()), SeenName(name, "inventory", 0, None))


def _class(words: Iterable[tuple[str, bool]], book: RuleBook) -> NameClass:
    covered: set[tuple[str, bool]] = set()
    supported: set[tuple[str, bool]] = set()
    roles: set[str] = set()
    own = False
    for name, from_payload in words:
        own |= from_payload
        for pattern, any_depth in book.patterns:
            match coverage(pattern, name, any_depth=any_depth):
                case Coverage.COVERS:
                    covered.add((pattern, any_depth))
                case Coverage.SUPPORTS:
                    supported.add((pattern, any_depth))
        for entry in book.site.names if book.site else ():
            if coverage(entry.pattern, name, any_depth=True) is Coverage.COVERS:
                roles.update(entry.roles)
    return NameClass(frozenset(covered), frozenset(supported), frozenset(roles), own, True)
