"""The names that DNS and DHCP had told of a flow's server before the flow began."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.evidence.names import Names, SeenName
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation

_ANYBODY = 0
"""Number for every machine: a DHCP name is not told to one client alone."""


@dataclass(frozen=True)
class ToldNames:
    """What was known of each flow's server; many flows know the same."""

    known: NDArray[np.int64]
    """Shape (n flows,): index into names."""
    names: list[tuple[SeenName, ...]]
    """The latest first: it is the one that the client will have meant. names[0] is empty."""


def told_names(flows: Flows, names: Names, hosts: Hosts, orientation: Orientation) -> ToldNames:
    """Find the names that were told to the client's machine of the server's address before."""
    known = np.zeros(len(flows.facts), np.int64)
    machines, machine = np.unique(hosts.machine, return_inverse=True)
    tellings = _tellings(names, hosts, machine + 1)
    if not tellings:
        return ToldNames(known, [()])
    timeline = _Timeline(tellings, len(machines) + 1)
    servers = np.zeros(len(machine), bool)
    servers[[server for server, _ in tellings]] = True
    rows = np.flatnonzero(servers[orientation.server])
    facts = flows.facts[rows]
    first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
    server, client = orientation.server[rows], orientation.client[rows]
    to_machine = timeline.until(server, machine[client] + 1, first_ns)
    to_anybody = timeline.until(server, np.full(len(rows), _ANYBODY), first_ns)
    both, first, of_row = np.unique(
        to_machine * (timeline.length + 1) + to_anybody, return_index=True, return_inverse=True
    )
    tuples = [
        (*timeline.names(int(to_machine[row])), *timeline.names(int(to_anybody[row])))
        for row in first.tolist()
    ]
    # Flows before which nothing was told are like those of other servers.
    known[rows] = np.where(both > 0, np.arange(len(both)) + 1, 0)[of_row]
    return ToldNames(known, [(), *tuples])


def _tellings(
    names: Names, hosts: Hosts, machine: NDArray[np.int64]
) -> dict[tuple[int, int], list[SeenName]]:
    """Collect names by row of the server and number of the machine told, the earliest first."""
    tellings: dict[tuple[int, int], list[SeenName]] = defaultdict(list)
    told_of = names.address_names
    askers = {name.asker for seen in told_of.values() for name in seen if name.asker is not None}
    rows = hosts.addresses.rows_of(askers)
    numbers = [int(machine[row]) if row >= 0 else -1 for row in rows.tolist()]
    machine_of: dict[tuple[int, int] | None, int] = dict(zip(askers, numbers, strict=True))
    servers = hosts.addresses.rows_of(told_of).tolist()
    for server, seen in zip(servers, told_of.values(), strict=True):
        for name in seen if server >= 0 else ():
            to = _ANYBODY if name.kind == "dhcp" else machine_of.get(name.asker, -1)
            if to >= 0:
                tellings[server, to].append(name)
    for told in tellings.values():
        # Of names told together the first one is in question, so it stands last here.
        told.reverse()
        told.sort(key=_time)
    return tellings


def _time(name: SeenName) -> int:
    return name.time_ns


class _Timeline:
    """Tellings one after another: by server, machine and time."""

    def __init__(self, tellings: dict[tuple[int, int], list[SeenName]], machines: int) -> None:
        """Take tellings; numbers of machines are smaller than `machines`."""
        self._machines = machines
        ordered = sorted(tellings)
        self._told = [name for each in ordered for name in tellings[each]]
        self._keys = self._key(*np.array(ordered, np.int64).T)
        sizes = np.array([len(tellings[each]) for each in ordered])
        self._starts = np.cumsum(sizes) - sizes
        times = np.array([name.time_ns for name in self._told], np.int64)
        self._times = np.unique(times)
        group = np.repeat(np.arange(len(ordered)), sizes)
        self._moments = self._moment(group, times)

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
        return self._told[start:place][::-1]

    def _key(self, server: NDArray[np.int64], machine: NDArray[np.int64]) -> NDArray[np.int64]:
        return server * self._machines + machine

    def _moment(self, group: NDArray[np.int64], time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put group and time into one number."""
        passed = np.searchsorted(self._times, time_ns, side="right")
        return group * (len(self._times) + 1) + passed
