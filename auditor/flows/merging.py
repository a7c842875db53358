"""A flow table that takes over the flows of parts, in the order of time.

The flows are those that one table would have of all packets. A flow of a part is taken over as it
is where nobody knows its key, or where it certainly begins anew. Any other goes on with the newest
flow of its key: sums and extremes are added; its first packets, which the part has logged, are
added by the table's own code, so that heads and acknowledgements go on where they stood. What
cannot be settled so is asked for: all packets of those flows, from a second reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from auditor.decode.packets import Packets
from auditor.flows.compiled import CompiledFlowTable
from auditor.flows.facts import VLAN_BITS, pair_up
from auditor.flows.heads import HEAD_PACKETS
from auditor.flows.layout import ENTRY, SIDE
from auditor.kernel import merge as kernel
from auditor.kernel.flows import NEW_VLAN
from auditor.records import IPPROTO_SCTP, IPPROTO_TCP, Seen, pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.flows.partial import FlowsPart

_MOST_DATAGRAMS = 3
_Item = TypeVar("_Item", bound=np.generic)
_GONE = -1


@dataclass(frozen=True, slots=True)
class Missing:
    """Flows of a part whose packets are needed themselves."""

    flows: NDArray[np.int64]
    """Their numbers in the part."""
    skip: NDArray[np.int64]
    """How many packets of each, from its first on, are known."""


@dataclass(slots=True)
class _Arrival:
    """A part on its way into the table."""

    part: FlowsPart
    targets: NDArray[np.int64]
    """By flow of the part: our flow that it is, or goes on with; _GONE where that is no matter."""
    skip: NDArray[np.int64]
    """By flow of the part: how many of its packets are known if they are missing; else -1."""
    logged: NDArray[np.int64]
    """By flow of the part: how many of its packets are in the log."""
    goes_on: dict[int, int] = field(default_factory=dict)
    """By flow of the part whose first packets were added by themselves: which of ours it is."""
    newest: dict[int, int] = field(default_factory=dict)
    """By flow of the part that goes on with one of ours: the newest of ours with its key."""

    @property
    def missing(self) -> Missing:
        flows = np.flatnonzero(self.skip >= 0)
        return Missing(flows, self.skip[flows])


class MergingTable(CompiledFlowTable):
    """Conversations of all parts so far."""

    def absorb(self, part: FlowsPart) -> Missing:
        """Take over a part; the packets of the flows returned are to be added by `complete`."""
        part = _writable(part)
        self._unreadable_quotes += part.unreadable_quotes
        for key, from_b, unreachable in part.early:
            self._quoted(key, from_b, unreachable=unreachable)
        count = len(part.arrivals.entries)
        arrival = _Arrival(
            part,
            np.empty(count, np.int64),
            np.full(count, -1, np.int64),
            np.bincount(part.log_flows, minlength=count),
        )
        leaders, flows, followers = self._adopt_strangers(arrival)
        tcp = part.arrivals.entries["transport"][leaders] == IPPROTO_TCP
        self._join_datagrams(arrival, leaders[~tcp], flows[~tcp])
        self._join_streams(arrival, leaders[tcp], flows[tcp])
        self._follow_on(arrival, followers)
        self._add_vlans(arrival)
        self._add_links(arrival)
        return arrival.missing

    def complete(self, packets: Packets) -> None:
        """Add packets that were missing, and errors that quote them, without the errors' rows."""
        self.enter(packets)
        self._unreadable_quotes += len(packets.quotes)

    def _adopt_strangers(
        self, arrival: _Arrival
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
        """Take over what are certainly new flows.

        Give of the others the first of each key, our newest flows of those keys, and what follows
        in the part with the same keys: each with the first.
        """
        before, targets = self._count, arrival.targets
        table = self._reserve(before + len(targets))
        pending = np.zeros(before + len(targets), np.uint8)
        arrivals = arrival.part.arrivals
        # Heads of such flows did not come: their first packets did.
        replayed = (arrival.logged > 0) & (arrivals.led_by == kernel.NOT_LED)
        self._count = kernel.adopt_strangers(
            table, before, arrivals, replayed.view(np.uint8), pending, targets
        )
        self._take_heads(arrival, np.flatnonzero(targets >= 0))
        if self._early.waiting and self._count > before:
            self._match_early(before)
        left = np.flatnonzero(targets < 0)
        flows = -1 - targets[left]
        targets[left] = _GONE
        _, firsts, groups = np.unique(flows, return_index=True, return_inverse=True)
        leaders = left[firsts]
        followers = [
            (int(place), int(leader))
            for place, leader in zip(left, leaders[groups], strict=True)
            if place != leader
        ]
        return leaders, flows[firsts], followers

    def _take_heads(self, arrival: _Arrival, places: NDArray[np.int64]) -> None:
        """Take over the heads of the part's flows at `places`, which are ours by now."""
        if len(places):
            ours = _both_sides(arrival.targets[places])
            self._heads.adopt(arrival.part.heads, _both_sides(places), ours)

    def _join_datagrams(
        self, arrival: _Arrival, places: NDArray[np.int64], flows: NDArray[np.int64]
    ) -> None:
        """Let flows of datagrams go on, with what heads can still be theirs."""
        entries, length = arrival.part.arrivals.entries, arrival.part.heads.length
        ours = self.facts.entries["packets"][flows].astype(np.int64)
        for each in np.flatnonzero(ours < HEAD_PACKETS).tolist():
            place, flow = int(places[each]), int(flows[each])
            sctp = entries["transport"][place] == IPPROTO_SCTP
            for end in (0, 1):
                theirs = 2 * place + end
                if not length[theirs, 0] or self._heads.is_done(2 * flow + end):
                    continue
                numbers = ours[each] + arrival.part.datagrams[theirs]
                self._heads.add_datagrams(
                    2 * flow + end,
                    arrival.part.heads,
                    theirs,
                    numbers <= HEAD_PACKETS,
                    1 if sctp else _MOST_DATAGRAMS,
                )
        self._join(arrival, places, flows, _nothing_told(len(places)))

    def _join_streams(
        self, arrival: _Arrival, places: NDArray[np.int64], flows: NDArray[np.int64]
    ) -> None:
        """Let TCP connections go on: by their first packets, then by the sums of the others."""
        part = arrival.part
        sides = part.arrivals.sides
        logged = arrival.logged[places]
        seen = sides["seen"][2 * places] | sides["seen"][2 * places + 1]
        resumed = seen & Seen.SYN != 0
        refused = sides["unreachable"][2 * places] | sides["unreachable"][2 * places + 1] != 0
        # Where a SYN may begin another flow, nobody knows which one an error or a link is of.
        unsure = refused & (self.facts.entries["closed"][flows] != 0)
        if part.links:
            unsure[:] = True
        unsure &= resumed
        ready = (logged > 0) & ~unsure
        arrival.skip[places[~ready]] = 0
        places, logged, resumed = places[ready], logged[ready], resumed[ready]
        if not len(places):
            return
        flows, told = self._replay(arrival, places)
        arrival.goes_on.update(zip(places.tolist(), flows.tolist(), strict=True))
        packets = sides["packets"][2 * places] + sides["packets"][2 * places + 1]
        whole = logged == packets.astype(np.int64)
        for end in (0, 1):
            marked = whole & (sides["unreachable"][2 * places + end] != 0)
            self.facts.sides["unreachable"][2 * flows[marked] + end] = 1
        in_step = np.empty(len(places), np.uint8)
        table = self._reserve(self._count)
        kernel.flows_in_step(table, flows, told, in_step)
        # Two trackers that know the same count the same from there on; a later SYN is uncertain.
        sure = ~whole & (in_step != 0) & ~resumed
        missing = ~whole & ~sure
        arrival.skip[places[missing]] = logged[missing]
        ends = _both_sides(np.flatnonzero(sure))
        rest = told._replace(entries=pick(told.entries, sure), sides=pick(told.sides, ends))
        self._join(arrival, places[sure], flows[sure], rest)
        arrival.newest.update(zip(places[whole].tolist(), flows[whole].tolist(), strict=True))

    def _replay(
        self, arrival: _Arrival, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], kernel.Arrivals]:
        """Add the logged packets of some flows; give our flows, and what a blank table has of them.

        Where a connection was closed before, those packets may turn out to begin another one.
        """
        part = arrival.part
        wanted = np.zeros(len(arrival.skip), np.bool_)
        wanted[places] = True
        chosen = np.flatnonzero(wanted[part.log_flows])
        log, theirs = part.log, part.log_flows[chosen]
        packets = Packets(log.batch.select(chosen), pick(log.rows, chosen))
        blank = CompiledFlowTable()
        number = np.empty(len(arrival.skip), np.int64)
        number[theirs] = blank.enter(packets)[0] >> 1
        told = number[places]
        known = kernel.Arrivals(
            pick(blank.facts.entries, told),
            pick(blank.facts.sides, _both_sides(told)),
            part.arrivals.led_by[places],
            part.arrivals.led_seq[places],
        )
        number[theirs] = self.enter(packets)[0] >> 1
        return number[places], known

    def _join(
        self,
        arrival: _Arrival,
        places: NDArray[np.int64],
        flows: NDArray[np.int64],
        told: kernel.Arrivals,
    ) -> None:
        """Add the sums and extremes of flows that go on with ours, beyond what was told."""
        notes = np.empty(2 * len(places), np.uint8)
        arrivals = arrival.part.arrivals
        kernel.join_flows(self._reserve(self._count), flows, arrivals, places, told, notes)
        news = np.flatnonzero(notes & NEW_VLAN)
        slots = 2 * places[news >> 1] + (news & 1)
        pairs = pair_up(flows[news >> 1], arrivals.sides["vlan"][slots])
        self.facts.vlans.update(pairs.tolist())
        arrival.targets[places] = flows
        arrival.newest.update(zip(places.tolist(), flows.tolist(), strict=True))

    def _follow_on(self, arrival: _Arrival, followers: list[tuple[int, int]]) -> None:
        """Take over what comes in the part after a flow that went on with one of ours."""
        arrivals = arrival.part.arrivals
        for place, leader in followers:
            newest = arrival.newest.get(leader)
            table = self._reserve(self._count + 1)
            if newest is None or not kernel.begins_anew(table, newest, arrivals, place):
                arrival.newest.pop(leader, None)
                arrival.skip[place] = 0
                continue
            kernel.adopt(table, self._count, arrivals, place)
            arrival.newest[leader] = arrival.targets[place] = self._count
            self._take_heads(arrival, np.array([place]))
            self._count += 1

    def _add_vlans(self, arrival: _Arrival) -> None:
        pairs = arrival.part.vlans
        flows = arrival.targets[pairs >> VLAN_BITS]
        ids = pairs & ((1 << VLAN_BITS) - 1)
        known = flows != _GONE
        self.facts.vlans.update(pair_up(flows[known], ids[known]).tolist())

    def _add_links(self, arrival: _Arrival) -> None:
        """Take over what frames told of control blocks, unless they are to come again."""
        for trace, frames in arrival.part.links.items():
            flow = arrival.goes_on.get(trace.flow, int(arrival.targets[trace.flow]))
            if flow != _GONE and arrival.skip[trace.flow] != 0:
                self._links.add(trace._replace(flow=flow), frames)


def _writable(part: FlowsPart) -> FlowsPart:
    """Copy what came as read-only memory: kernels are compiled for the other kind."""
    entries, sides, led_by, led_seq = part.arrivals
    return replace(
        part,
        arrivals=kernel.Arrivals(_own(entries), _own(sides), _own(led_by), _own(led_seq)),
        heads=replace(part.heads, data=_own(part.heads.data)),
        log=replace(part.log, rows=_own(part.log.rows)),
    )


def _own(column: NDArray[_Item]) -> NDArray[_Item]:
    return column if column.flags.writeable else column.copy()


def _both_sides(flows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the slots of some flows."""
    slots: NDArray[np.int64] = (2 * flows[:, None] + np.arange(2)).ravel()
    return slots


def _nothing_told(count: int) -> kernel.Arrivals:
    return kernel.Arrivals(
        np.zeros(count, ENTRY),
        np.zeros(2 * count, SIDE),
        np.full(count, kernel.NOT_LED, np.int8),
        np.zeros(count, np.uint32),
    )
