"""What the host names seen for a flow's server amount to, flow by flow."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.names import SeenName
from auditor.evidence.patterns import Coverage, coverage
from auditor.judge.host_names import name_hosts
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


class _Weight(IntEnum):
    """What a kind of name can say of a server."""

    LOCAL = 0
    """Who it is to this site: a DHCP client names itself, so it never proves a cloud service."""
    ADDRESS = 1
    """Whose address it is."""
    OWN = 2
    """What the flow itself asked for."""


_WEIGHTS = {
    "sni": _Weight.OWN,
    "dtls-sni": _Weight.OWN,
    "quic-sni": _Weight.OWN,
    "http-host": _Weight.OWN,
    "dns": _Weight.ADDRESS,
    "inventory": _Weight.ADDRESS,
    "dhcp": _Weight.LOCAL,
}
"""Kinds of name that count. What hosts shout into their network (NetBIOS, LLMNR, mDNS) is shown
in the hosts table and proves nothing."""

_ANYBODY = -(1 << 62)
"""Stands for every machine: a DHCP name is not told to one client alone."""


@dataclass(frozen=True)
class Naming:
    """The names that count for each flow's server."""

    name_class: NDArray[np.int64]
    """Shape (n flows,): index into classes."""
    classes: list[NameClass]
    """classes[0] is that of a flow without any name."""
    shown: dict[int, SeenName]
    """Flow -> the name that speaks best for its server; only flows that have one."""
    of_hosts: dict[int, SeenName]
    """Row of the hosts -> the name that speaks best for the address; hints included."""


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
    judged: dict[frozenset[tuple[str, _Weight]], int] = {}
    name_class = np.zeros(len(flows.facts), dtype=np.int64)
    for row, seen in by_flow.items():
        counting = (name for name in seen if name.kind in _WEIGHTS)
        words = frozenset((name.name, _WEIGHTS[name.kind]) for name in counting)
        if not words:
            continue
        if words not in judged:
            judged[words] = classes.setdefault(_class(words, book), len(classes))
        name_class[row] = judged[words]
    shown = {row: seen[0] for row, seen in by_flow.items()}
    return Naming(name_class, list(classes), shown, name_hosts(shown, names, hosts, orientation))


def _lend(by_flow: dict[int, tuple[SeenName, ...]], flows: Flows, orientation: Orientation) -> None:
    """Give attempts without payload the names of their siblings."""
    facts = flows.facts
    empty = (facts["data_a_ns"] == NO_TIME) & (facts["data_b_ns"] == NO_TIME)
    named = np.unique(orientation.server[np.array(list(by_flow), dtype=np.int64)])
    borrowers = np.flatnonzero(empty & np.isin(orientation.server, named)).tolist()
    wanted = {_service(orientation, row) for row in borrowers}
    names: dict[tuple[int, int, int], dict[str, SeenName]] = defaultdict(dict)
    for row, seen in by_flow.items():
        service = _service(orientation, row)
        if service in wanted:
            names[service].update({name.name: name for name in seen})
    for row in borrowers:
        lent = names.get(_service(orientation, row))
        if lent:
            by_flow[row] = tuple(lent.values())


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
    """Add the names that DNS gave to the client's machine for the server's address before.

    The latest comes first: it is the one that the client will have meant.
    """
    machine_of = {pair: host.machine for pair, host in zip(hosts.words, hosts.table, strict=True)}
    row_of = {pair: row for row, pair in enumerate(hosts.words)}
    answers: dict[int, dict[int, list[SeenName]]] = defaultdict(lambda: defaultdict(list))
    for pair, seen in names.address_names.items():
        server = row_of.get(pair)
        if server is None:
            continue
        for name in seen:
            if name.kind == "dhcp":
                answers[server][_ANYBODY].append(name)
            elif name.asker in machine_of:
                answers[server][machine_of[name.asker]].append(name)
    for given in (given for by_machine in answers.values() for given in by_machine.values()):
        given.sort(key=lambda name: -name.time_ns)
    _declare(by_flow, hosts, orientation)
    if not answers:
        return
    first_ns = np.minimum(flows.facts["first_a_ns"], flows.facts["first_b_ns"])
    for row in np.flatnonzero(np.isin(orientation.server, list(answers))).tolist():
        machine = hosts.table[int(orientation.client[row])].machine
        told = answers[int(orientation.server[row])]
        given = [*told.get(machine, ()), *told.get(_ANYBODY, ())]
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


def _class(words: Iterable[tuple[str, _Weight]], book: RuleBook) -> NameClass:
    covered: set[tuple[str, bool]] = set()
    supported: set[tuple[str, bool]] = set()
    roles: set[str] = set()
    heaviest = _Weight.LOCAL
    for name, weight in words:
        heaviest = max(heaviest, weight)
        for pattern, any_depth in book.patterns if weight > _Weight.LOCAL else ():
            match coverage(pattern, name, any_depth=any_depth):
                case Coverage.COVERS:
                    covered.add((pattern, any_depth))
                case Coverage.SUPPORTS:
                    supported.add((pattern, any_depth))
        for entry in book.site.names if book.site else ():
            if coverage(entry.pattern, name, any_depth=True) is Coverage.COVERS:
                roles.update(entry.roles)
    return NameClass(
        frozenset(covered),
        frozenset(supported),
        frozenset(roles),
        own=heaviest is _Weight.OWN,
        seen=heaviest > _Weight.LOCAL,
    )
