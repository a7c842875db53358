"""The names that DNS and DHCP had told of a flow's server before the flow began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group
from auditor.judge.told import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.evidence.names import SeenName
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation
    from auditor.judge.told import Told

_ANYBODY = 0
"""Number for every machine."""


@dataclass(frozen=True)
class ToldNames:
    """What was known of each flow's server; many flows know the same."""

    known: NDArray[np.int64]
    """Shape (n flows,): index into names."""
    names: list[tuple[SeenName, ...]]
    """The latest first: it is the one that the client will have meant. names[0] is empty."""


def told_names(told: Told, flows: Flows, hosts: Hosts, orientation: Orientation) -> ToldNames:
    """Find the names that were told to the client's machine of the server's address before."""
    known = np.zeros(len(flows.facts), np.int64)
    machines, machine = np.unique(hosts.machine, return_inverse=True)
    # A name that DHCP tells is not told to one client alone.
    to = np.append(machine + 1, NOBODY)[told.asker]
    to[told.is_kind("dhcp")] = _ANYBODY
    chosen = np.flatnonzero((told.host != NOBODY) & (to != NOBODY))
    if not len(chosen):
        return ToldNames(known, [()])
    timeline = _Timeline(told, chosen, to[chosen], len(machines) + 1)
    servers = np.zeros(len(machine), bool)
    servers[told.host[chosen]] = True
    rows = np.flatnonzero(servers[orientation.server])
    facts = flows.facts
    first_ns = np.minimum(facts["first_a_ns"][rows], facts["first_b_ns"][rows])
    server, client = orientation.server[rows], orientation.client[rows]
    to_machine = timeline.until(server, machine[client] + 1, first_ns)
    to_anybody = timeline.until(server, np.full(len(rows), _ANYBODY), first_ns)
    # By the numbers, so that nothing told comes first.
    both = group((to_machine, to_anybody))
    tuples = [
        (*timeline.names(int(to_machine[row])), *timeline.names(int(to_anybody[row])))
        for row in both.first.tolist()
    ]
    # Flows before which nothing was told are like those of other servers.
    some = (to_machine > 0) | (to_anybody > 0)
    known[rows] = np.where(some, both.group_of + 1, 0)
    return ToldNames(known, [(), *tuples])


class _Timeline:
    """Tellings one after another: by server, machine and time."""

    def __init__(
        self, told: Told, chosen: NDArray[np.int64], to: NDArray[np.int64], machines: int
    ) -> None:
        """Take some tellings and the machines told, whose numbers are smaller than `machines`."""
        self._machines = machines
        keys, times = self._key(told.host[chosen], to), told.time_ns[chosen]
        # Of names told together the first one is in question, so it stands last here.
        order = np.lexsort((-chosen, times, keys))
        self._seen, self._told = told.seen, chosen[order]
        found = group((keys[order],))
        self._keys = keys[order][found.first]
        self._starts = found.first
        self._times = np.unique(times)
        self._moments = self._moment(found.group_of, times[order])

    @property
    def length(self) -> int:
        """Count the tellings."""
        return len(self._told)

    def until(
        self, server: NDArray[np.int64], machine: NDArray[np.int64], time_ns: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Give the place behind what machines were told of servers until then; 0 = nothing."""
        key = self._key(server, machine)
        group = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        place = np.searchsorted(self._moments, self._moment(group, time_ns), side="right")
        told = (self._keys[group] == key) & (place > self._starts[group])
        return np.where(told, place, 0)

    def names(self, place: int) -> Sequence[SeenName]:
        """List what such a place stands for, the latest first."""
        if not place:
            return ()
        start = int(self._starts[np.searchsorted(self._starts, place) - 1])
        return [self._seen[each] for each in self._told[start:place][::-1].tolist()]

    def _key(self, server: NDArray[np.int64], machine: NDArray[np.int64]) -> NDArray[np.int64]:
        return server * self._machines + machine

    def _moment(self, group: NDArray[np.int64], time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put group and time into one number."""
        passed = np.searchsorted(self._times, time_ns, side="right")
        return group * (len(self._times) + 1) + passed
