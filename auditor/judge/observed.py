"""Which roles a site declares, which of their hosts were heard, and what passed between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from auditor.catalog.model import ANY_CITRIX
from auditor.hosts import BROADCAST
from auditor.judge.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from auditor.hosts import Hosts
    from auditor.judge.judged import Judged

Pair = tuple[str, str, str]
"""Rule id, source role, destination role."""


def declared_roles(judged: Judged) -> Mapping[str, frozenset[int]]:
    """Map each role that the site file declares to its machines, as far as they are known.

    Host entries are counted whether they are in the capture or not, members of networks only as
    they appear there; a role that only names or silent networks give has no machine.
    """
    site = judged.book.site
    machines: dict[str, set[int]] = defaultdict(set)
    if site is not None:
        for entry, machine in zip(site.hosts, judged.hosts.entry_machines, strict=True):
            for role in entry.roles:
                machines[role].add(machine)
        for roles in (*(n.roles for n in site.networks), *(n.roles for n in site.names)):
            for role in roles:
                machines[role].update()
    for role, rows in hosts_by_role(judged.hosts).items():
        machines[role].update(judged.hosts.machine[rows].tolist())
    return {role: frozenset(known) for role, known in machines.items()}


def hosts_by_role(hosts: Hosts) -> Mapping[str, NDArray[np.int64]]:
    """Map each role that hosts of the capture hold to their rows."""
    found = {}
    for role in sorted({role for party in hosts.parties for role in party.roles}):
        holds = np.array([role in party.roles for party in hosts.parties], dtype=bool)
        rows = np.flatnonzero(holds[hosts.party])
        if len(rows):
            found[role] = rows
    return found


def appearing_hosts(judged: Judged) -> Mapping[str, NDArray[np.int64]]:
    """Map each declared role to the rows of its hosts in the capture, talking or not; ascending."""
    found = dict(hosts_by_role(judged.hosts))
    # A cloud service is known by its names, not by an address.
    for number, kind in enumerate(judged.kinds.kinds):
        if kind.names.roles:
            servers = np.unique(judged.orientation.server[judged.kinds.groups.rows_of(number)])
            for role in kind.names.roles:
                found[role] = np.union1d(found.get(role, servers), servers)
    return found


def documented_traffic(judged: Judged) -> Mapping[Pair, set[int]]:
    """Map (rule id, source role, destination role) to the kinds of flow that match it."""
    book = judged.book
    found: dict[Pair, set[int]] = defaultdict(set)
    for number, (kind, judgement) in enumerate(
        zip(judged.kinds.kinds, judged.judgements, strict=True)
    ):
        if judgement.verdict is not Verdict.DOCUMENTED:
            continue
        client = book.closure(kind.client.roles)
        server = book.closure(kind.server.roles | kind.names.roles)
        if kind.server.special == BROADCAST:
            server = frozenset()
        for rule in judgement.rules:
            sources = client if ANY_CITRIX in rule.sources else client & set(rule.sources)
            # Matched by name or by the broadcast address, the server stands for the row's peer.
            destinations = server & set(rule.destinations) or set(rule.destinations)
            for source in sources:
                for destination in destinations:
                    found[rule.id, source, destination].add(number)
    return found
