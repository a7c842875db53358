"""What the host names seen for a flow's server amount to, flow by flow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.names import SeenName
from auditor.evidence.patterns import Coverage
from auditor.judge.groups import group
from auditor.judge.held_names import HeldNames, lend
from auditor.judge.host_names import name_hosts
from auditor.judge.rulebook import NameClass
from auditor.judge.shown import ShownNames
from auditor.judge.told import Told
from auditor.judge.told_names import told_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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

_Word = tuple[str, _Weight]


@dataclass(frozen=True)
class Naming:
    """The names that count for each flow's server."""

    name_class: NDArray[np.int64]
    """Shape (n flows,): index into classes."""
    classes: list[NameClass]
    """classes[0] is that of a flow without any name."""
    shown: ShownNames
    of_hosts: dict[int, SeenName]
    """Row of the hosts -> the name that speaks best for the address; hints included."""


def name_flows(
    flows: Flows, names: Names, hosts: Hosts, orientation: Orientation, book: RuleBook
) -> Naming:
    """Collect each flow's names and class them by the patterns they cover.

    A name in the flow's own payload counts for that flow, and for attempts without payload of the
    same client to the same service. A name that the site file gives to the server is a name like
    any other. A DNS answer counts for the address, from the moment at which that client received
    it.
    """
    own = HeldNames(names.own)
    entry, held = own.of_flows()
    lent = lend(own, entry, held, flows, orientation)
    declared, of_host = _declared(hosts)
    given = of_host[orientation.server]
    of_addresses = Told.of(names, hosts)
    told = told_names(of_addresses, flows, hosts, orientation)
    phase = np.select([held > 0, lent > 0, given > 0, told.known > 0], [0, 1, 2, 3], 4)
    held = np.where(lent > 0, lent, held)

    classes: dict[NameClass, int] = {NameClass(): 0}
    judged: dict[frozenset[_Word], int] = {frozenset(): 0}
    name_class = np.zeros(len(flows.facts), dtype=np.int64)
    rows, alike, firsts = _alike((held, given, told.known), phase)
    of_group = np.zeros(len(firsts), dtype=np.int64)
    for number, row in enumerate(firsts):
        words = frozenset((name, _Weight.OWN) for name in own.names(int(held[row])))
        words |= _weigh((*declared[given[row]], *told.names[told.known[row]]))
        if words not in judged:
            judged[words] = classes.setdefault(_class(words, book), len(classes))
        of_group[number] = judged[words]
    name_class[rows] = of_group[alike]

    first_told = len(names.own.flow) + len(declared)
    entry = np.where((entry < 0) & (given > 0), len(names.own.flow) + given, entry)
    entry = np.where((entry < 0) & (told.known > 0), first_told + told.known, entry)
    nobody = SeenName("", "inventory", 0, None)
    heads = [each[0] if each else nobody for each in (*declared, *told.names)]
    shown = ShownNames(entry, names.own, heads)
    of_hosts = name_hosts(shown, of_addresses, hosts, orientation)
    return Naming(name_class, list(classes), shown, of_hosts)


def _declared(hosts: Hosts) -> tuple[list[tuple[SeenName, ...]], NDArray[np.int64]]:
    """Give the names of the site file, the first of them none, and the place of each host's."""
    names = hosts.names
    of_host = np.zeros(len(hosts.machine), dtype=np.int64)
    of_host[list(names)] = np.arange(len(names)) + 1
    return [(), *((SeenName(name, "inventory", 0, None),) for name in names.values())], of_host


def _alike(
    columns: Sequence[NDArray[np.int64]], phase: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[int]]:
    """Gather the flows that agree in all columns.

    phase: flows come by this, then by row; those of phase 4 not at all. Gives their rows, the
    number of each one's group, and the first row of each group, groups in the order of these.
    """
    rows = np.flatnonzero(phase < 4)
    rows = rows[np.argsort(phase[rows].astype(np.uint8), kind="stable")]
    found = group([column[rows] for column in columns]).by_first()
    return rows, found.group_of, rows[found.first].tolist()


def _weigh(seen: Iterable[SeenName]) -> frozenset[_Word]:
    """Take the names that count, each with what it weighs."""
    return frozenset((each.name, _WEIGHTS[each.kind]) for each in seen if each.kind in _WEIGHTS)


def _class(words: Iterable[tuple[str, _Weight]], book: RuleBook) -> NameClass:
    covered: set[tuple[str, bool]] = set()
    supported: set[tuple[str, bool]] = set()
    roles: set[str] = set()
    heaviest = _Weight.LOCAL
    for name, weight in words:
        heaviest = max(heaviest, weight)
        if weight > _Weight.LOCAL:
            for pattern, how_far in book.name_patterns.holding(name):
                (covered if how_far is Coverage.COVERS else supported).add(pattern)
        for (given, _), _ in book.site_patterns.holding(name):
            roles |= book.roles_by_name[given]
    return NameClass(
        frozenset(covered),
        frozenset(supported),
        frozenset(roles),
        own=heaviest is _Weight.OWN,
        seen=heaviest > _Weight.LOCAL,
    )
