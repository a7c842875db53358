"""The flow table whose work on packets is compiled; it gives the flows that FlowTable gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.compiled_facts import CompiledFacts
from auditor.flows.compiled_heads import CompiledHeads
from auditor.flows.facts import pair_up
from auditor.flows.keys import KEY, quote_key, unpack_keys
from auditor.flows.layout import ENTRY
from auditor.flows.links import Links
from auditor.flows.quotes import EarlyQuotes
from auditor.flows.result import Flows
from auditor.flows.table import HEAD_BUDGET
from auditor.kernel.flow_index import Table, build_index, find_flow
from auditor.kernel.flows import AT_ONCE, NEW_VLAN, Frames, add_packets
from auditor.records import IPPROTO_TCP, NO_TIME, Seen, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.decode.packets import Packets, Quote
    from auditor.kernel.heads import Payloads, Store

_INDEX_ROOM = 2
"""Places of the index for each flow that fits."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """What a table gave, and whom it forgot for want of room."""

    flows: Flows
    begun: NDArray[np.bool_]
    """Shape (n flows,): given for the first time."""
    evicted_attempts: int = 0
    evicted_flows: int = 0


class CompiledFlowTable:
    """Conversations, by canonical pair of endpoints and transport."""

    def __init__(self, head_budget: int = HEAD_BUDGET) -> None:
        """Keep about `head_budget` bytes of first payloads over all flows."""
        self._count = 0
        self.facts = CompiledFacts(4096)
        self._index = np.zeros(_INDEX_ROOM * len(self.facts.entries), np.int64)
        self._heads = CompiledHeads(head_budget)
        self._early = EarlyQuotes()
        self._links = Links()
        self._unreadable_quotes = 0
        self._keys = np.zeros(AT_ONCE, ENTRY)
        self._heard_s = np.empty(0)
        """By flow that the last flush kept: the clock when it last had packets."""
        self._was_given = np.zeros(0, dtype=bool)
        """Likewise: some flush has given it."""

    def update(self, packets: Packets) -> None:
        """Add the packets of status OK to their flows, and the errors that quote one."""
        self.enter(packets)

    def enter(self, packets: Packets) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Do what `update` says; give the slots and notes that auditor.kernel.flows sets."""
        rows, batch = packets.rows, packets.batch
        errors = packets.errors
        if errors is None:
            errors = int(np.count_nonzero(rows["status"] == Status.ICMP_ERROR))
        self._unreadable_quotes += errors - len(packets.quotes)
        count = len(rows)
        frames = Frames(rows, batch.number, batch.capture)
        slots, notes = np.empty(count, np.int64), np.empty(count, np.uint8)
        done = 0
        for quote in packets.quotes:
            self._add(frames, (done, quote.row), slots, notes)
            self._take_quote(quote)
            done = quote.row
        self._add(frames, (done, count), slots, notes)
        news = np.flatnonzero(notes & NEW_VLAN)
        if len(news):
            self._note_vlans(slots[news], rows["vlan"][news])
        self._heads.observe(batch, rows, slots, notes, len(self.facts.entries))
        if batch.linked is not None:
            in_flows = np.flatnonzero(rows["status"] == Status.OK)
            self._links.note(batch, in_flows, slots[in_flows])
        return slots, notes

    def open_pass(self, packets: int) -> tuple[Table, Store]:
        """Give the arrays, with room for so many packets, to a kernel that adds them by itself."""
        table = self._reserve(self._count + packets)
        return table, self._heads.opened(len(table.entries))

    def close_pass(
        self,
        count: int,
        escaped: Payloads | None,
        tagged: tuple[NDArray[np.int64], NDArray[np.uint32]] | None,
    ) -> None:
        """Do what is left to do once that kernel has added packets.

        count: flows that there are now. escaped: payloads that the general path must take. tagged:
        slots and VLAN ids of packets that note NEW_VLAN. None: there are none.
        """
        before, self._count = self._count, count
        if self._early.waiting and count > before:
            self._match_early(before)
        if tagged is not None:
            self._note_vlans(*tagged)
        if escaped is not None:
            self._heads.take_escaped(escaped, np.arange(len(escaped.slots)))

    def _note_vlans(self, slots: NDArray[np.int64], vlans: NDArray[np.uint32]) -> None:
        self.facts.vlans.update(np.unique(pair_up(slots >> 1, vlans)).tolist())

    @property
    def size(self) -> int:
        """Count the flows in the table."""
        return self._count

    def flush(
        self,
        now_s: float,
        *,
        idle_s: float,
        closed_s: float,
        most: int | None = None,
        patience_s: float = 0.0,
        prompt: frozenset[int] = frozenset(),
    ) -> Flushed:
        """Give the flows with packets since the last flush, counted from then on.

        Flows without a packet for `idle_s` are forgotten, closed ones after `closed_s`; the others
        go on, and know when and how they began. now_s: any clock that never goes back; packets
        count as of the flush that first gives them, whatever their own time.

        Beyond `most` flows, attempts are forgotten, then conversations, each the longest silent
        first, so that a flood of attempts pushes nobody out. What is forgotten has been given.

        patience_s: connections opened within such a span that said nothing yet wait for the next
        flush, so that their handshake is given along with what tells what they are; so do datagrams
        that were not answered yet. prompt: but for those from or to such a port.
        """
        count = self._count
        sides = self.facts.sides[: 2 * count].reshape(-1, 2)
        spoke = sides["packets"].sum(axis=1) > 0
        heard_s = np.full(count, now_s)
        heard_s[: len(self._heard_s)] = self._heard_s
        heard_s[spoke] = now_s
        known = len(self._heard_s)
        ripe = spoke.copy()
        if patience_s and known < count:
            ripe[known:] &= ~self._is_opening(slice(known, count), patience_s, prompt)
        flows, given = self._give(np.flatnonzero(ripe))
        was_given = np.zeros(count, dtype=bool)
        was_given[:known] = self._was_given
        begun = ~was_given[given]
        limit_s = np.where(self.facts.entries["closed"][:count] > 0, closed_s, idle_s)
        kept = np.flatnonzero(now_s - heard_s < limit_s)
        evicted = (0, 0)
        if most is not None and len(kept) > most:
            attempts = _attempts(self.facts.entries["transport"][kept], sides[kept])
            order = np.lexsort((heard_s[kept], ~attempts))
            surplus = order[: len(kept) - most]
            in_vain = int(np.count_nonzero(attempts[surplus]))
            evicted = (in_vain, len(surplus) - in_vain)
            kept = np.sort(kept[order[len(surplus) :]])
        self._heard_s = heard_s[kept]
        self._was_given = (was_given | ripe)[kept]
        self._keep(kept, ripe[kept])
        return Flushed(flows, begun, *evicted)

    def _is_opening(
        self, flows: slice, patience_s: float, prompt: frozenset[int]
    ) -> NDArray[np.bool_]:
        """Mark those that began lately: TCP that is open and without payload, others of one side.

        Their age is told by the time of packets; were that wrong, a flow would wait or not.
        """
        entries, sides = self.facts.entries[flows], self.facts.sides.reshape(-1, 2)[flows]
        is_tcp = entries["transport"] == IPPROTO_TCP
        silent = (sides["data_ns"] == NO_TIME).all(axis=1)
        one_sided = (sides["packets"] == 0).any(axis=1)
        if prompt and one_sided.any():
            ports = np.array(sorted(prompt), np.uint32)
            one_sided &= ~(np.isin(entries["a_port"], ports) | np.isin(entries["b_port"], ports))
        opening: NDArray[np.bool_] = np.where(is_tcp, silent & (entries["closed"] == 0), one_sided)
        latest_ns = sides["last_ns"].max()
        opening &= entries["time_ns"] > latest_ns - round(patience_s * 1e9)
        return opening

    def _keep(self, flows: NDArray[np.int64], given: NDArray[np.bool_]) -> None:
        """Forget all flows but some; given: those of them whose counts begin anew."""
        slots = np.stack([2 * flows, 2 * flows + 1], axis=1).ravel()
        self.facts.keep(flows, given, self._count)
        self._heads.keep(slots, 2 * len(self.facts.entries))
        self._count = len(flows)
        places = _INDEX_ROOM * len(self.facts.entries)
        if places == len(self._index):
            self._index[:] = 0
        else:
            self._index = np.zeros(places, np.int64)
        table = Table(self._index, self.facts.entries, self.facts.sides)
        build_index(table, 0, self._count)

    def finish(self) -> Flows:
        """Give the flows so far; the table may go on."""
        return self._give(np.arange(self._count), linked=True)[0]

    def close(self) -> Flows:
        """Give the flows; the table is at its end, so that not all of them are kept twice."""
        return self._give(np.arange(self._count), linked=True, last=True)[0]

    def _give(
        self, flows: NDArray[np.int64], *, linked: bool = False, last: bool = False
    ) -> tuple[Flows, NDArray[np.int64]]:
        """Give some flows in order, and which ones they are.

        linked: only where it is all of them. What links flows stands in files alone: a table that
        is flushed never has it. last: forget them meanwhile.
        """
        flows = self.facts.in_order(flows)
        facts = self.facts.records(flows)
        vlans = self.facts.vlan_ids(self._count)
        if last:
            self.facts, self._count = CompiledFacts(), 0
            self._index = np.zeros(_INDEX_ROOM * len(self.facts.entries), np.int64)
        heads = self._heads.list_of(np.concatenate([2 * flows, 2 * flows + 1]))
        given = Flows(
            facts=facts,
            heads_a=heads[: len(flows)],
            heads_b=heads[len(flows) :],
            vlans=[vlans.get(flow, ()) for flow in flows.tolist()] if vlans else [()] * len(flows),
            unmatched_errors=self._unreadable_quotes + self._early.unmatched,
            clipped_heads=self._heads.clipped,
            other_side=self._links.other_sides(facts, flows) if linked else None,
        )
        return given, flows

    def _add(
        self,
        frames: Frames,
        span: tuple[int, int],
        slots: NDArray[np.int64],
        notes: NDArray[np.uint8],
    ) -> None:
        before = self._count
        table = self._reserve(before + span[1] - span[0])
        self._count = add_packets(table, before, frames, span, self._keys, slots, notes)
        if self._early.waiting and self._count > before:
            self._match_early(before)

    def _reserve(self, flows: int) -> Table:
        """Make room for so many flows in all."""
        self.facts.reserve(flows)
        table = Table(self._index, self.facts.entries, self.facts.sides)
        places = _INDEX_ROOM * len(table.entries)
        if places > len(self._index):
            self._index = np.zeros(places, np.int64)
            table = table._replace(index=self._index)
            build_index(table, 0, self._count)
        return table

    def _match_early(self, first: int) -> None:
        """Hand over the errors that waited for the flows opened from `first` on."""
        opened = np.empty(self._count - first, KEY)
        for name in KEY.names or ():
            opened[name] = self.facts.entries[name][first : self._count]
        for flow, key in enumerate(opened.view(f"V{KEY.itemsize}").tolist(), first):
            early = self._early.take(key)
            if early and early.unreachable_a:
                self.facts.mark_unreachable(2 * flow)
            if early and early.unreachable_b:
                self.facts.mark_unreachable(2 * flow + 1)

    def _take_quote(self, quote: Quote) -> int:
        """Take an error's quotation; give the flow, -1 if there is none so far."""
        return self._quoted(*quote_key(quote), unreachable=quote.unreachable)

    def _quoted(self, key: bytes, from_b: bool, *, unreachable: bool) -> int:
        wanted = np.zeros(1, ENTRY)
        for name in KEY.names or ():
            wanted[name] = unpack_keys([key])[name]
        flow = find_flow(self._reserve(self._count), wanted[0])
        if flow < 0:
            self._early.add(key, from_b=from_b, unreachable=unreachable)
        elif unreachable:
            self.facts.mark_unreachable(2 * flow + from_b)
        return flow


def _attempts(transport: NDArray[np.uint8], sides: NDArray[np.void]) -> NDArray[np.bool_]:
    """Mark the flows in which not both sides are known to take part.

    A handshake that the client never ends proves no client: its address may be invented.
    """
    moved = (sides["seen"] & np.uint8(Seen.ACK | Seen.DATA | Seen.FIN)) > 0
    spoke = sides["first_ns"] != NO_TIME
    is_tcp = (transport == IPPROTO_TCP)[:, None]
    part = (is_tcp & moved) | (~is_tcp & spoke)
    attempts: NDArray[np.bool_] = ~part.all(axis=1)
    return attempts
