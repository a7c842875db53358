"""The columns of the flow table: what each side sent, and each flow's earliest frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.layout import ENTRY, ENTRY_BLANK, SIDE_BLANK
from auditor.flows.tcp import RST, SEEN_BY_FLAGS, SYN
from auditor.records import FLOW, IPPROTO_TCP, Seen, opaque, pick

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

VLAN_BITS = 32
"""How many bits of a pair, as pair_up writes it, the VLAN ids take."""
_LEAST_ROOM = 4096
_SPARE_ROOM = 16
"""Times the flows that there were, from which on room is given back."""
_AT_A_TIME = 1 << 14
"""Flows written while their memory is at hand."""
_TIE_BREAKERS = "first_frame", "transport", "b_port", "a_port", "b_lo", "b_hi", "a_lo", "a_hi"
"""The last one counts most."""
_EARLIEST = ("time_ns", "first_frame", "capture", "tunnel_id", "ip_version", "tunnel")


class Facts:
    """Sums, extremes and bit sets by slot (2 * flow, + 1 for endpoint b) and by flow."""

    def __init__(self, flows: int = 256) -> None:
        """Begin without flows, with room for some."""
        self.entries = np.repeat(ENTRY_BLANK, flows)
        """ENTRY, shape (flows that fit,)."""
        self.sides = np.repeat(SIDE_BLANK, 2 * flows)
        """SIDE, shape (2 * flows that fit,)."""
        self.vlans: set[int] = set()
        """Flow and VLAN ids, as `pair_up` writes them, beside those in `sides`."""

    def reserve(self, flows: int) -> None:
        """Make room for so many flows in all."""
        room = len(self.entries)
        while room < flows:
            room *= 2
        if room > len(self.entries):
            self.entries = _extended(self.entries, ENTRY_BLANK, room)
            self.sides = _extended(self.sides, SIDE_BLANK, 2 * room)

    def add(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        slots: NDArray[np.int64],
    ) -> None:
        """Add PACKET rows to their slots; `frames` are the rows' places in the batch."""
        sides = self.sides
        times = rows["time_ns"]
        np.add.at(sides["packets"], slots, 1)
        np.add.at(sides["bytes"], slots, rows["wire_len"].astype(np.uint64))
        np.minimum.at(sides["first_ns"], slots, times)
        np.maximum.at(sides["last_ns"], slots, times)
        tcp = rows["transport"] == IPPROTO_TCP
        # Payload beside SYN is not yet accepted by anyone, beside RST a message for people.
        quiet = tcp & (rows["tcp_flags"] & (SYN | RST) != 0)
        data = (rows["payload_len"] > 0) & ~quiet
        np.minimum.at(sides["data_ns"], slots[data], times[data])
        seen = np.where(tcp, SEEN_BY_FLAGS[rows["tcp_flags"]], 0) | np.where(data, Seen.DATA, 0)
        news = np.flatnonzero(seen & ~sides["seen"][slots])
        np.bitwise_or.at(sides["seen"], slots[news], seen[news].astype(np.uint8))
        self._note_earliest(batch, frames, rows, slots >> 1)
        tagged = np.flatnonzero(rows["vlan"])
        if len(tagged):
            self.vlans.update(np.unique(pair_up(slots[tagged] >> 1, rows["vlan"][tagged])).tolist())

    def mark_unreachable(self, slot: int) -> None:
        """Note that a packet from this side was answered by an ICMP unreachable."""
        self.sides["unreachable"][slot] = 1

    def in_order(self, flows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Order flows by first time, then endpoints; leave out those without a packet.

        An interruption can leave flows behind whose first packets were not added.
        """
        sides = self.sides.reshape(-1, 2)
        flows = flows[(sides["packets"][flows] > 0).any(axis=1)]
        first_ns = sides["first_ns"][flows].min(axis=1)
        # Flows begin nearly in order, and hardly ever together: one key sorts nearly all of them.
        order = np.argsort(first_ns, kind="stable")
        flows, first_ns = flows[order], first_ns[order]
        alike = first_ns[1:] == first_ns[:-1]
        tied = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
        together = flows[tied]
        keys = (self.entries[name][together] for name in _TIE_BREAKERS)
        flows[tied] = together[np.lexsort((*keys, first_ns[tied]))]
        return flows

    def records(self, flows: NDArray[np.int64]) -> NDArray[np.void]:
        """Give some flows, as FLOW records in that order."""
        records = np.zeros(len(flows), FLOW)
        for first in range(0, len(flows), _AT_A_TIME):
            part = slice(first, first + _AT_A_TIME)
            self._fill(records[part], flows[part])
        return records

    def vlan_ids(self, count: int) -> dict[int, tuple[int, ...]]:
        """Give the VLAN ids of those of the first `count` flows that have any, outer ones first."""
        ids: dict[int, tuple[int, ...]] = {}
        slots = np.flatnonzero(self.sides["vlan"][: 2 * count])
        first = pair_up(slots >> 1, self.sides["vlan"][slots]).tolist()
        for pair in sorted(self.vlans.union(first)):
            flow, outer, inner = pair >> VLAN_BITS, pair & 0xFFFF, pair >> 16 & 0xFFFF
            known = ids.get(flow, ())
            ids[flow] = known + tuple(each for each in (outer, inner) if each and each not in known)
        return ids

    def keep(self, flows: NDArray[np.int64], given: NDArray[np.bool_], count: int) -> None:
        """Forget all flows but some, which take their order.

        given: shape of flows, those of which what was counted begins anew. count: flows so far.

        What the next packets are held against stays, and how it began: flags, sequence numbers,
        VLANs, first times, the earliest frame.
        """
        if self.vlans:
            numbers = {flow: number for number, flow in enumerate(flows.tolist())}
            pairs = ((numbers.get(pair >> VLAN_BITS), pair) for pair in self.vlans)
            low = (1 << VLAN_BITS) - 1
            self.vlans = {new << VLAN_BITS | pair & low for new, pair in pairs if new is not None}
        slots = np.stack([2 * flows, 2 * flows + 1], axis=1).ravel()
        entries, sides = pick(self.entries, flows), pick(self.sides, slots)
        for name in ("packets", "bytes", "last_ns", "acks", "gaps"):
            sides[name][np.repeat(given, 2)] = SIDE_BLANK[name]
        kept, room = len(flows), len(self.entries)
        if room > max(_LEAST_ROOM, _SPARE_ROOM * count):
            room = max(_LEAST_ROOM, 1 << (2 * count).bit_length())
            self.entries = _extended(entries, ENTRY_BLANK, room)
            self.sides = _extended(sides, SIDE_BLANK, 2 * room)
            return
        # What has grown once will grow again: memory that is new costs more than what is moved.
        for column, some, blank, each in (
            (self.entries, entries, ENTRY_BLANK, 1),
            (self.sides, sides, SIDE_BLANK, 2),
        ):
            whole = opaque(column)
            whole[: each * kept] = opaque(some)
            whole[each * kept : each * count] = opaque(blank)

    def set_losses(self, counts: Iterable[tuple[int, tuple[int, int]]]) -> None:
        """Enter acknowledgements and gaps by slot."""
        for slot, (acks, gaps) in counts:
            self.sides["acks"][slot], self.sides["gaps"][slot] = acks, gaps

    def _fill(self, records: NDArray[np.void], flows: NDArray[np.int64]) -> None:
        """Write flows into FLOW records."""
        entries = self.entries[flows]
        for name in ENTRY.names or ():
            if name in (FLOW.names or ()):
                records[name] = entries[name]
        for side, letter in enumerate("ab"):
            mine = self.sides[2 * flows + side]
            for name in ("packets", "bytes", "seen", "unreachable", "acks", "gaps"):
                records[f"{name}_{letter}"] = mine[name]
            for name in ("first", "last", "data"):
                records[f"{name}_{letter}_ns"] = mine[f"{name}_ns"]

    def _note_earliest(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        flows: NDArray[np.int64],
    ) -> None:
        """Describe each flow by its earliest frame; of equal times by the first in its capture."""
        early = np.flatnonzero(rows["time_ns"] <= self.entries["time_ns"][flows])
        candidates = np.empty(len(early), ENTRY)
        candidates["first_frame"] = batch.number[frames[early]]
        candidates["capture"] = batch.capture[frames[early]]
        for name in ("time_ns", "tunnel_id", "ip_version", "tunnel"):
            candidates[name] = rows[name][early]
        keys = (candidates["first_frame"], candidates["capture"], candidates["time_ns"])
        order = np.lexsort((*keys, flows[early]))
        chosen, firsts = np.unique(flows[early][order], return_index=True)
        candidates = candidates[order][firsts]
        present = self.entries[chosen]  # never earlier than its candidate
        better = (candidates["time_ns"] < present["time_ns"]) | (
            (candidates["capture"] < present["capture"])
            | (candidates["capture"] == present["capture"])
            & (candidates["first_frame"] < present["first_frame"])
        )
        for name in _EARLIEST:
            self.entries[name][chosen[better]] = candidates[name][better]


def pair_up(flows: NDArray[np.int64], vlans: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Write flows and the VLAN ids of their packets as one number each."""
    return flows << VLAN_BITS | vlans


def _extended(column: NDArray[np.void], blank: NDArray[np.void], length: int) -> NDArray[np.void]:
    extended = np.empty(length, column.dtype)
    whole = opaque(extended)
    whole[: len(column)] = opaque(column)
    whole[len(column) :] = opaque(blank)
    return extended
