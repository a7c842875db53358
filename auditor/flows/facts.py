"""The columns of the flow table: what each side sent, and each flow's earliest frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.keys import KEY, unpack_keys
from auditor.flows.tcp import RST, SEEN_BY_FLAGS, SYN
from auditor.records import FLOW, IPPROTO_TCP, NO_TIME, Seen

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

_SIDE = np.dtype(
    [
        ("packets", "u8"),
        ("bytes", "u8"),
        ("first_ns", "i8"),
        ("last_ns", "i8"),
        ("data_ns", "i8"),
        ("seen", "u1"),
        ("unreachable", "u1"),
    ],
    align=True,
)
_SIDE_BLANK = np.array([(0, 0, NO_TIME, -NO_TIME, NO_TIME, 0, 0)], _SIDE)

_EARLIEST = np.dtype(
    [
        ("time_ns", "i8"),
        ("first_frame", "u8"),
        ("capture", "u4"),
        ("tunnel_id", "u4"),
        ("ip_version", "u1"),
        ("tunnel", "u1"),
    ],
    align=True,
)
_NO_FRAME = np.iinfo(np.uint64).max
_NO_CAPTURE = np.iinfo(np.uint32).max
_EARLIEST_BLANK = np.array([(NO_TIME, _NO_FRAME, _NO_CAPTURE, 0, 0, 0)], _EARLIEST)

_VLAN_BITS = 32


class Facts:
    """Sums, extremes and bit sets by slot (2 * flow, + 1 for endpoint b) and by flow."""

    def __init__(self) -> None:
        """Begin without flows."""
        self._count = 0
        self._sides = np.repeat(_SIDE_BLANK, 512)
        self._earliest = np.repeat(_EARLIEST_BLANK, 256)
        self._vlans: set[int] = set()

    def open(self) -> None:
        """Make room for one more flow."""
        self._count += 1
        if self._count > len(self._earliest):
            self._sides = _doubled(self._sides, _SIDE_BLANK)
            self._earliest = _doubled(self._earliest, _EARLIEST_BLANK)

    def add(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        slots: NDArray[np.int64],
    ) -> None:
        """Add PACKET rows to their slots; `frames` are the rows' places in the batch."""
        sides = self._sides
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
            pairs = (slots[tagged] >> 1) << _VLAN_BITS | rows["vlan"][tagged]
            self._vlans.update(np.unique(pairs).tolist())

    def mark_unreachable(self, slot: int) -> None:
        """Note that a packet from this side was answered by an ICMP unreachable."""
        self._sides["unreachable"][slot] = 1

    def records(self, keys: list[bytes]) -> NDArray[np.void]:
        """Give all flows as (n,) FLOW records in the order in which they opened, like `keys`."""
        count = self._count
        flows = np.zeros(count, FLOW)
        endpoints = unpack_keys(keys[:count])
        for name in KEY.fields or ():
            flows[name] = endpoints[name]
        for side, letter in enumerate("ab"):
            for name in _SIDE.fields or ():
                stem, _, unit = name.partition("_")
                field = f"{stem}_{letter}_{unit}".rstrip("_")
                flows[field] = self._sides[name][side : 2 * count : 2]
        for name in ("first_frame", "capture", "tunnel_id", "ip_version", "tunnel"):
            flows[name] = self._earliest[name][:count]
        return flows

    def vlans(self) -> list[tuple[int, ...]]:
        """Give each flow's VLAN ids, an outer one before its inner one, in the order of flows."""
        ids: list[tuple[int, ...]] = [()] * self._count
        for pair in sorted(self._vlans):
            flow, outer, inner = pair >> _VLAN_BITS, pair & 0xFFFF, pair >> 16 & 0xFFFF
            ids[flow] += tuple(each for each in (outer, inner) if each and each not in ids[flow])
        return ids

    def _note_earliest(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        flows: NDArray[np.int64],
    ) -> None:
        """Describe each flow by its earliest frame; of equal times by the first in its capture."""
        early = np.flatnonzero(rows["time_ns"] <= self._earliest["time_ns"][flows])
        candidates = np.empty(len(early), _EARLIEST)
        candidates["first_frame"] = batch.number[frames[early]]
        candidates["capture"] = batch.capture[frames[early]]
        for name in ("time_ns", "tunnel_id", "ip_version", "tunnel"):
            candidates[name] = rows[name][early]
        keys = (candidates["first_frame"], candidates["capture"], candidates["time_ns"])
        order = np.lexsort((*keys, flows[early]))
        chosen, firsts = np.unique(flows[early][order], return_index=True)
        candidates = candidates[order][firsts]
        present = self._earliest[chosen]  # never earlier than its candidate
        better = (candidates["time_ns"] < present["time_ns"]) | (
            (candidates["capture"] < present["capture"])
            | (candidates["capture"] == present["capture"])
            & (candidates["first_frame"] < present["first_frame"])
        )
        self._earliest[chosen[better]] = candidates[better]


def _doubled(column: NDArray[np.void], blank: NDArray[np.void]) -> NDArray[np.void]:
    return np.concatenate([column, np.repeat(blank, len(column))])
