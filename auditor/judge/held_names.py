"""The names that flows hold themselves, and what siblings lend to attempts without payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.records import ECHO_ID, NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.evidence.own_names import OwnNames
    from auditor.flows import Flows
    from auditor.judge.orient import Orientation


class HeldNames:
    """Sets of names that flows hold, each with a number; 0 is the empty one."""

    def __init__(self, own: OwnNames) -> None:
        """Take the names of all flows."""
        self.own = own
        self._single = len(own.words) + 1
        self._several: dict[frozenset[int], int] = {}
        self._listed: list[frozenset[int]] = []

    def of_flows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give each flow's first entry, -1 for none, and the number of its set, both (n flows,)."""
        own = self.own
        entry = np.full(len(own), -1, dtype=np.int64)
        held = np.zeros(len(own), dtype=np.int64)
        begins = np.ones(len(own.flow), dtype=bool)
        begins[1:] = own.flow[1:] != own.flow[:-1]
        first = np.flatnonzero(begins)
        entry[own.flow[first]] = first
        held[own.flow[first]] = own.name[first] + 1
        for flow in np.unique(own.flow[~begins]).tolist():
            last = int(np.searchsorted(own.flow, flow, side="right"))
            held[flow] = self.number(own.name[entry[flow] : last].tolist())
        return entry, held

    def number(self, names: Iterable[int]) -> int:
        """Give the number of a set of places in the names' words."""
        wanted = frozenset(names)
        if len(wanted) == 1:
            return 1 + min(wanted)
        if wanted not in self._several:
            self._several[wanted] = self._single + len(self._several)
            self._listed.append(wanted)
        return self._several[wanted]

    def names(self, number: int) -> list[str]:
        """List the names of a set."""
        if not number:
            return []
        names = {number - 1} if number < self._single else self._listed[number - self._single]
        return [self.own.words[name] for name in names]


def lend(
    own: HeldNames,
    entry: NDArray[np.int64],
    held: NDArray[np.int64],
    flows: Flows,
    orientation: Orientation,
) -> NDArray[np.int64]:
    """Give attempts without payload the names of their siblings, as numbers of sets.

    entry: is set to the first of the names lent.
    """
    facts = flows.facts
    lent = np.zeros(len(facts), dtype=np.int64)
    empty = (facts["data_a_ns"] == NO_TIME) & (facts["data_b_ns"] == NO_TIME)
    named = np.zeros(len(facts) and int(orientation.server.max()) + 1, dtype=bool)
    named[orientation.server[held > 0]] = True
    borrowers = np.flatnonzero(empty & named[orientation.server])
    if not len(borrowers):
        return lent
    names = own.own
    wanted, borrowed = np.unique(_services(orientation, borrowers), return_inverse=True)
    service = _services(orientation, names.flow)
    place = np.minimum(np.searchsorted(wanted, service), len(wanted) - 1)
    lenders = np.flatnonzero(wanted[place] == service)
    # Of a name that several flows hold the first gives the place among the names, the last the
    # object.
    key = place[lenders] * len(names.words) + names.name[lenders]
    pairs, first = np.unique(key, return_index=True)
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    numbers = np.zeros(len(wanted), dtype=np.int64)
    firsts = np.full(len(wanted), -1)
    by_service: dict[int, list[int]] = {}
    for pair in np.argsort(first, kind="stable").tolist():
        by_service.setdefault(int(pairs[pair]) // len(names.words), []).append(pair)
    for each, those in by_service.items():
        numbers[each] = own.number(int(pairs[pair]) % len(names.words) for pair in those)
        firsts[each] = lenders[last[those[0]]]
    lent[borrowers] = numbers[borrowed]
    entry[borrowers] = np.where(numbers[borrowed] > 0, firsts[borrowed], entry[borrowers])
    return lent


def _services(orientation: Orientation, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put client, server and its port of some flows into one number each."""
    hosts = int(max(orientation.client.max(), orientation.server.max())) + 1
    pair = orientation.client[rows] * hosts + orientation.server[rows]
    return pair * (2 * ECHO_ID) + orientation.server_port[rows]
