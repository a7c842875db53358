"""The flow table: packets in, one record of facts per conversation out.

Facts are sums, extremes and sets of bits, so that packets may come in any order. Two things follow
the order of arrival: where a pair of ports begins a new flow, and what heads keep.

Flows are numbered as they open; each side of one has a slot: 2 * flow for endpoint a, + 1 for b.
A host that talks to its own port is a alone.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.facts import Facts
from auditor.flows.headlist import HeadList
from auditor.flows.heads import Heads
from auditor.flows.keys import canonical_keys, quote_key
from auditor.flows.quotes import EarlyQuotes
from auditor.flows.tcp import FIN, RST, SYN, UNSEEN, is_opening
from auditor.records import IPPROTO_TCP, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.decode.packets import Packets, Quote

_HEAD_BUDGET = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Flows:
    """All conversations; item i of every list belongs to facts[i]."""

    facts: NDArray[np.void]
    """Shape (n,), dtype auditor.records.FLOW, sorted by first time, then endpoints."""
    heads_a: HeadList
    """What endpoint a sent first. TCP, SCTP: at most one head; others: at most three datagrams."""
    heads_b: HeadList
    vlans: list[tuple[int, ...]]
    unmatched_errors: int
    """ICMP errors that quote a packet of no flow, or too little of one to tell."""
    clipped_heads: int = 0
    """Sides whose heads the memory budget cut short."""


class FlowTable:
    """Conversations, by canonical pair of endpoints and transport."""

    def __init__(self, head_budget: int = _HEAD_BUDGET) -> None:
        """Keep about `head_budget` bytes of first payloads over all flows."""
        self._newest: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._closed = bytearray()
        self._syn_sequences = array("q")
        self._facts = Facts()
        self._heads = Heads(head_budget, self._syn_sequences)
        self._early = EarlyQuotes()
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
        self._heads.observe(packets.batch, frames, rows, slots)

    def finish(self) -> Flows:
        """Give the flows so far; the table may go on."""
        facts = self._facts.records(self._keys)
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
        names = "first_frame", "transport", "b_port", "a_port", "b_lo", "b_hi", "a_lo", "a_hi"
        order = np.lexsort((*(facts[name] for name in names), first_ns))
        # An interruption can leave flows behind whose first packets were not added.
        order = order[facts["packets_a"][order] + facts["packets_b"][order] > 0]
        vlans = self._facts.vlans()
        flows = order.tolist()
        return Flows(
            facts=facts[order],
            heads_a=HeadList.of(self._heads.of(2 * flow) for flow in flows),
            heads_b=HeadList.of(self._heads.of(2 * flow + 1) for flow in flows),
            vlans=[vlans[flow] for flow in flows],
            unmatched_errors=self._unreadable_quotes + self._early.unmatched,
            clipped_heads=self._heads.clipped,
        )

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
        self._closed.append(False)
        self._syn_sequences.extend((UNSEEN, UNSEEN))
        self._facts.open()
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

    def _take_quote(self, quote: Quote) -> None:
        key, from_b = quote_key(quote)
        flow = self._newest.get(key)
        if flow is None:
            self._early.add(key, from_b=from_b, unreachable=quote.unreachable)
        elif quote.unreachable:
            self._facts.mark_unreachable(2 * flow + from_b)
