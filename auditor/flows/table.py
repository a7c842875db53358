"""The flow table: packets in, one record of facts per conversation out.

Facts are sums, extremes and sets of bits, so that packets may come in any order. Three things
follow the order of arrival: where a pair of ports begins a new flow, what heads keep, and what
acknowledgements say of lost data.

Flows are numbered as they open; each side of one has a slot: 2 * flow for endpoint a, + 1 for b.
A host that talks to its own port is a alone.
"""

from __future__ import annotations

from array import array
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.facts import Facts
from auditor.flows.heads import HEAD_PACKETS, Heads
from auditor.flows.keys import KEY, canonical_keys, quote_key, unpack_keys
from auditor.flows.links import Links
from auditor.flows.loss import AckWatch
from auditor.flows.quotes import EarlyQuotes
from auditor.flows.result import Flows
from auditor.flows.tcp import FIN, RST, SYN, UNSEEN, is_opening
from auditor.records import IPPROTO_TCP, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.decode.packets import Packets, Quote

HEAD_BUDGET = 256 * 1024 * 1024


class FlowTable:
    """Conversations, by canonical pair of endpoints and transport."""

    def __init__(self, head_budget: int = HEAD_BUDGET) -> None:
        """Keep about `head_budget` bytes of first payloads over all flows."""
        self._newest: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._packets = array("q")
        self._closed = bytearray()
        self._syn_sequences = array("q")
        self._facts = Facts()
        self._heads = Heads(head_budget)
        self._acks = AckWatch()
        self._early = EarlyQuotes()
        self._links = Links()
        self._unreadable_quotes = 0

    def update(self, packets: Packets) -> None:
        """Add the packets of status OK to their flows, and the errors that quote one."""
        status = packets.rows["status"]
        errors = int(np.count_nonzero(status == Status.ICMP_ERROR))
        self._unreadable_quotes += errors - len(packets.quotes)
        frames = np.flatnonzero(status == Status.OK)
        rows = packets.rows[frames]
        keys, from_b = canonical_keys(rows)
        control = rows["tcp_flags"] * (rows["transport"] == IPPROTO_TCP)
        control[control & (SYN | FIN | RST) == 0] = 0
        steps = zip(keys, from_b.tolist(), control.tolist(), rows["tcp_seq"].tolist(), strict=True)
        flows: list[int] = []
        before = np.searchsorted(frames, [quote.row for quote in packets.quotes])
        for quote, place in zip(packets.quotes, before.tolist(), strict=True):
            flows += self._assign(islice(steps, place - len(flows)))
            self._take_quote(quote)
        flows += self._assign(steps)
        slots = 2 * np.array(flows, dtype=np.int64) + from_b
        self._facts.add(packets.batch, frames, rows, slots)
        young = self._count(flows)
        self._heads.observe(
            packets.batch, frames[young], rows[young], slots[young], len(self._keys)
        )
        self._follow_acks(rows, slots)
        if packets.batch.linked is not None:
            self._links.note(packets.batch, frames, slots)

    def finish(self) -> Flows:
        """Give the flows so far; the table may go on."""
        count = len(self._keys)
        endpoints = unpack_keys(self._keys)
        for name in KEY.names or ():
            self._facts.entries[name][:count] = endpoints[name]
        self._facts.set_losses(self._acks.counts().items())
        order = self._facts.in_order(np.arange(count))
        facts = self._facts.records(order)
        vlans = self._facts.vlan_ids(count)
        return Flows(
            facts=facts,
            heads_a=self._heads.list_of(2 * order),
            heads_b=self._heads.list_of(2 * order + 1),
            vlans=[vlans.get(flow, ()) for flow in order.tolist()],
            unmatched_errors=self._unreadable_quotes + self._early.unmatched,
            clipped_heads=self._heads.clipped,
            other_side=self._links.other_sides(facts, order),
        )

    def close(self) -> Flows:
        """Give the flows; the table is at its end."""
        return self.finish()

    def _assign(self, steps: Iterable[tuple[bytes, bool, int, int]]) -> list[int]:
        """Give the flow of each packet: key, sent by b, TCP flags if they matter, sequence."""
        newest = self._newest
        flows = []
        for key, from_b, control, sequence in steps:
            flow = newest.get(key)
            if flow is None:
                flow = self._open(key)
            if control:
                flow = self._follow(flow, from_b, control, sequence)
            flows.append(flow)
        return flows

    def _open(self, key: bytes) -> int:
        flow = self._newest[key] = len(self._keys)
        self._keys.append(key)
        self._packets.append(0)
        self._closed.append(False)
        self._syn_sequences.extend((UNSEEN, UNSEEN))
        self._facts.reserve(flow + 1)
        early = self._early.take(key)
        if early and early.unreachable_a:
            self._facts.mark_unreachable(2 * flow)
        if early and early.unreachable_b:
            self._facts.mark_unreachable(2 * flow + 1)
        return flow

    def _follow(self, flow: int, from_b: bool, flags: int, sequence: int) -> int:
        """Follow a connection's SYN, FIN and RST; give the flow that the segment belongs to.

        After a FIN or RST from either side a SYN begins a new flow, unless it repeats this side's
        last one: that is a client which tries a refused port again.
        """
        slot = 2 * flow + from_b
        if is_opening(flags) and self._closed[flow] and self._syn_sequences[slot] != sequence:
            flow = self._open(self._keys[flow])
            slot = 2 * flow + from_b
        if flags & SYN:
            self._syn_sequences[slot] = sequence
        if flags & (FIN | RST):
            self._closed[flow] = True
        return flow

    def _count(self, flows: list[int]) -> NDArray[np.int64]:
        """Count the packets of each flow; give the places of those among its first ones."""
        counts, young = self._packets, []
        for place, flow in enumerate(flows):
            if counts[flow] < HEAD_PACKETS:
                counts[flow] += 1
                young.append(place)
        return np.array(young, np.int64)

    def _follow_acks(self, rows: NDArray[np.void], slots: NDArray[np.int64]) -> None:
        tcp = np.flatnonzero(rows["transport"] == IPPROTO_TCP)
        names = "tcp_flags", "tcp_seq", "tcp_ack", "sent_len"
        columns = (rows[name][tcp].tolist() for name in names)
        for slot, flags, sequence, ack, sent_len in zip(slots[tcp].tolist(), *columns, strict=True):
            self._acks.follow(slot, flags, sequence, ack, sent_len)

    def _take_quote(self, quote: Quote) -> None:
        key, from_b = quote_key(quote)
        flow = self._newest.get(key)
        if flow is None:
            self._early.add(key, from_b=from_b, unreachable=quote.unreachable)
        elif quote.unreachable:
            self._facts.mark_unreachable(2 * flow + from_b)
