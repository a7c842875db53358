"""What a part of the captures comes to, for a table that knows what was before it.

Whoever reads a part cannot know which of its flows began earlier, nor whether an opening SYN on
known ports begins another connection: that depends on a FIN that somebody else may have read. So
the part's own table is handed over as it is, and beside it the first packets of every TCP flow
that may go on with an earlier one. auditor.flows.merging decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.decode.packets import Packets
from auditor.flows.compiled import CompiledFlowTable
from auditor.flows.headlist import MOST_HEADS
from auditor.flows.quotes import EarlyQuotes
from auditor.flows.streams import LONGEST_HEAD
from auditor.flows.tcp import ACK, SYN
from auditor.kernel.flows import HEAD
from auditor.kernel.head_parts import gather
from auditor.kernel.merge import NOT_LED, Arrivals
from auditor.records import IPPROTO_TCP, PACKET, Seen, join, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.decode.packets import Quote
    from auditor.flows.compiled_heads import HeadsPart
    from auditor.flows.links import Trace

_Item = TypeVar("_Item", bound=np.generic)


@dataclass(frozen=True, slots=True)
class FlowsPart:
    """The flows of a part, numbered as they opened there."""

    arrivals: Arrivals
    heads: HeadsPart
    vlans: NDArray[np.int64]
    """As auditor.flows.facts.pair_up writes them, beside those in the sides."""
    early: list[tuple[bytes, bool, bool]]
    """ICMP errors that came before any packet of the flow that they quote: its key, whether b had
    sent the packet, whether it is an unreachable."""
    unreadable_quotes: int
    links: dict[Trace, int]
    """What control blocks frames told (auditor.flows.links), and how many."""
    datagrams: NDArray[np.uint8]
    """Shape (2 * flows, MOST_HEADS): with which packet of its flow, from 1 on, each head of a side
    came that is no stream; 0 where there is none."""
    log: Packets
    """First packets of TCP flows, of each all in which heads are looked for."""
    log_flows: NDArray[np.int64]
    """The flow of each."""


class _Deferred(EarlyQuotes):
    """Errors that are for somebody else to match."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[bytes, bool, bool]] = []

    def add(self, key: bytes, *, from_b: bool, unreachable: bool) -> None:
        self.told.append((key, from_b, unreachable))


class PartTable(CompiledFlowTable):
    """A flow table that also remembers what its successor needs."""

    def __init__(self) -> None:
        """Begin without flows."""
        super().__init__()
        self._deferred = self._early = _Deferred()
        self._led_by = np.full(4096, NOT_LED, np.int8)
        self._led_seq = np.zeros(4096, np.uint32)
        self._datagrams = np.zeros((8192, MOST_HEADS), np.uint8)
        self._logs: list[Packets] = []
        self._log_flows: list[NDArray[np.int64]] = []
        self.quoted: list[tuple[Quote, int]] = []
        """The latest batch's errors, and the flow of each or -1."""

    def place(self, packets: Packets) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Add packets; give the slots and notes that auditor.kernel.flows sets."""
        before = self._count
        self.quoted.clear()
        slots, notes = self.enter(packets)
        if self._count > before:
            self._note_leads(packets.rows, slots, before)
        return slots, notes

    def update(self, packets: Packets) -> None:
        """Add packets, and log those that a successor may need."""
        slots, notes = self.place(packets)
        early = np.flatnonzero(notes & HEAD)
        tcp = packets.rows["transport"][early] == IPPROTO_TCP
        self._log(packets, early[tcp], slots)
        self._note_datagrams(packets.rows["payload_len"][early[~tcp]], slots[early[~tcp]])

    def part(self) -> FlowsPart:
        """Give what there is, once."""
        count = self._count
        sides = self.facts.sides[: 2 * count]
        log, flows = join_packets(self._logs), _joined(self._log_flows)
        wanted = ~self._led_and_answered()[flows]
        if not wanted.all():
            log, flows = take_out(log, np.flatnonzero(wanted)), flows[wanted]
        # Who takes over a flow by its first packets finds its heads in them.
        replayed = np.zeros(count, np.bool_)
        replayed[flows] = True
        replayed &= self._led_by[:count] == NOT_LED
        return FlowsPart(
            Arrivals(
                self.facts.entries[:count], sides, self._led_by[:count], self._led_seq[:count]
            ),
            self._heads.part(np.repeat(~replayed, 2)),
            np.array(sorted(self.facts.vlans), np.int64),
            self._deferred.told,
            self._unreadable_quotes,
            self._links.traces,
            self._datagrams[: 2 * count],
            log,
            flows,
        )

    def _take_quote(self, quote: Quote) -> int:
        flow = super()._take_quote(quote)
        self.quoted.append((quote, flow))
        return flow

    def _note_leads(self, rows: NDArray[np.void], slots: NDArray[np.int64], before: int) -> None:
        """Note by which opening SYN each flow from `before` on begins, if by any."""
        while len(self._led_by) < self._count:
            self._led_by = np.append(self._led_by, np.full_like(self._led_by, NOT_LED))
            self._led_seq = np.append(self._led_seq, np.zeros_like(self._led_seq))
            self._datagrams = np.append(self._datagrams, np.zeros_like(self._datagrams), axis=0)
        news = np.flatnonzero(slots >= 2 * before)
        firsts = np.empty(self._count - before, np.int64)
        firsts[(slots[news[::-1]] >> 1) - before] = news[::-1]  # the last to be written stays
        flags, tcp = rows["tcp_flags"][firsts], rows["transport"][firsts] == IPPROTO_TCP
        led = tcp & (flags & (SYN | ACK) == SYN)
        ours = slice(before, self._count)
        self._led_by[ours] = np.where(led, slots[firsts] & 1, NOT_LED)
        self._led_seq[ours] = rows["tcp_seq"][firsts]

    def _led_and_answered(self) -> NDArray[np.bool_]:
        """Tell the flows that are seen from an opening SYN on, and whose SYN was accepted.

        Hardly ever does one go on with an earlier flow; where it does, the part is read again.
        """
        seen = self.facts.sides["seen"][: 2 * self._count]
        accepted = (seen[::2] | seen[1::2]) & Seen.SYN_ACK != 0
        led: NDArray[np.bool_] = accepted & (self._led_by[: self._count] != NOT_LED)
        return led

    def _note_datagrams(self, sizes: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Note which packets of their flows the first datagrams of each side are.

        sizes, slots: shape (n,), of a batch's packets in which heads may be that are no streams.
        """
        flows = slots >> 1
        numbers = self.facts.entries["packets"][flows] - _still_to_come(flows)
        filled = sizes > 0
        slots, numbers = slots[filled], numbers[filled]
        known = np.count_nonzero(self._datagrams[slots], axis=1)
        nth = known + _so_far(slots)
        kept = nth < MOST_HEADS
        self._datagrams[slots[kept], nth[kept]] = numbers[kept]

    def _log(self, packets: Packets, early: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Log the packets of TCP at the places `early`, unless no successor can need them."""
        flows = slots[early] >> 1
        unsure = ~self._led_and_answered()[flows]
        if unsure.any():
            self._logs.append(take_out(packets, early[unsure]))
            self._log_flows.append(flows[unsure])


def _so_far(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count for each item how often it came before."""
    order = np.argsort(items, kind="stable")
    ordered = items[order]
    count = np.empty(len(items), np.int64)
    count[order] = np.arange(len(items)) - np.searchsorted(ordered, ordered)
    return count


def _still_to_come(items: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count for each item how often it comes after."""
    return _so_far(items[::-1])[::-1]


def take_out(
    packets: Packets, places: NDArray[np.int64], bare: NDArray[np.bool_] | None = None
) -> Packets:
    """Copy some packets, without the frames around their payload, and without their quotes.

    bare: shape (places,), those whose payload nobody will ask for.
    """
    batch, rows = packets.batch, pick(packets.rows, places)
    lengths = np.minimum(rows["payload_len"], LONGEST_HEAD).astype(np.int64)
    if bare is not None:
        lengths[bare] = 0
    starts = batch.offset[places] + rows["payload_offset"]
    offsets = np.cumsum(lengths) - lengths
    data = np.empty(int(lengths.sum()), np.uint8)
    gather(batch.data, starts, lengths, data)
    rows["payload_offset"] = 0
    chosen = batch.select(places)
    return Packets(
        FrameBatch(
            data,
            offsets,
            lengths,
            chosen.wire_len,
            chosen.time_ns,
            chosen.linktype,
            chosen.number,
            chosen.capture,
        ),
        rows,
    )


def join_packets(several: Sequence[Packets]) -> Packets:
    """Lay packets that were taken out one behind the other."""
    batches = [each.batch for each in several]
    starts = np.cumsum([0, *(len(batch.data) for batch in batches)])
    offsets = [batch.offset + start for batch, start in zip(batches, starts, strict=False)]
    return Packets(
        FrameBatch(
            _joined([batch.data for batch in batches], np.uint8),
            _joined(offsets),
            _joined([batch.captured_len for batch in batches]),
            _joined([batch.wire_len for batch in batches]),
            _joined([batch.time_ns for batch in batches]),
            _joined([batch.linktype for batch in batches], np.int32),
            _joined([batch.number for batch in batches]),
            _joined([batch.capture for batch in batches], np.int32),
        ),
        join([np.empty(0, PACKET), *(each.rows for each in several)]),
    )


def _joined(
    columns: Sequence[NDArray[_Item]], kind: type[_Item | np.int64] = np.int64
) -> NDArray[_Item]:
    return np.concatenate([np.empty(0, kind), *columns])
