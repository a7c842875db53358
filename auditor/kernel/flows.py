"""Packets added to their flows; the twin is auditor.flows.table with what it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.flow_index import Table, begin_flow, bring_flows, probe
from auditor.kernel.jit import compiled, part
from auditor.records import IPPROTO_TCP, Seen, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_SEEN_SYN, _SEEN_SYN_ACK, _SEEN_FIN = int(Seen.SYN), int(Seen.SYN_ACK), int(Seen.FIN)
_SEEN_RST, _SEEN_ACK, _SEEN_DATA = int(Seen.RST), int(Seen.ACK), int(Seen.DATA)
_OK = int(Status.OK)

_SYNCED, _HOLE, _ACKED = 1, 2, 4
_NO_HOLE = 0xFF ^ _HOLE
"""Bits of a side's `track`: next_seq, hole_seq with high_seq, acked_seq are known."""
_REACH = 1 << 30
"""A sequence number further away than this is of another stream."""

AT_ONCE = 32
"""Packets whose flows are asked for together."""

HEAD_PACKETS = 64
"""Packets of a flow, from its first on, in which heads are looked for."""

NEW_VLAN, HEAD = 1, 2
"""What add_packets notes of a packet: its VLAN ids are others than its side's first ones; its
payload may belong to a head."""


class Frames(NamedTuple):
    """A batch, as add_packets wants it."""

    rows: NDArray[np.void]
    """PACKET, shape (n,)."""
    number: NDArray[np.int64]
    capture: NDArray[np.int32]


@part
def _starts_anew(entry: np.void, side: np.void, row: np.void) -> bool:
    """Say whether a segment begins another connection on the same ports (auditor.flows.table)."""
    if not entry["closed"] or row["tcp_flags"] & (_SYN | _ACK) != _SYN:
        return False
    known = side["seen"] & (_SEEN_SYN | _SEEN_SYN_ACK)
    return not known or side["syn_seq"] != row["tcp_seq"]


@part
def _seen_by(flags: int) -> int:
    """Give the Seen bits of a segment, DATA aside."""
    seen = 0
    if flags & _SYN:
        seen |= _SEEN_SYN_ACK if flags & _ACK else _SEEN_SYN
    if flags & _FIN:
        seen |= _SEEN_FIN
    if flags & _RST:
        seen |= _SEEN_RST
    if flags & (_ACK | _SYN | _RST) == _ACK:
        seen |= _SEEN_ACK
    return seen


@part
def _add_facts(entry: np.void, side: np.void, row: np.void, number: int, capture: int) -> None:
    """Add a packet to the sums, extremes and bits of its flow and side."""
    time_ns = row["time_ns"]
    is_tcp = row["transport"] == IPPROTO_TCP
    side["packets"] += np.uint64(1)
    side["bytes"] += np.uint64(row["wire_len"])
    side["first_ns"] = min(side["first_ns"], time_ns)
    side["last_ns"] = max(side["last_ns"], time_ns)
    seen = _seen_by(np.int64(row["tcp_flags"])) if is_tcp else 0
    # Payload beside SYN is not yet accepted by anyone, beside RST a message for people.
    if row["payload_len"] > 0 and not (is_tcp and row["tcp_flags"] & (_SYN | _RST)):
        side["data_ns"] = min(side["data_ns"], time_ns)
        seen |= _SEEN_DATA
    side["seen"] |= seen
    if time_ns > entry["time_ns"]:
        return
    earlier = time_ns < entry["time_ns"] or (
        capture < entry["capture"]
        or (capture == entry["capture"] and number < np.int64(entry["first_frame"]))
    )
    if earlier:
        entry["time_ns"], entry["first_frame"], entry["capture"] = time_ns, number, capture
        entry["tunnel_id"], entry["tunnel"] = row["tunnel_id"], row["tunnel"]
        entry["ip_version"] = row["ip_version"]


@part
def ahead(sequence: int, start: int) -> int:
    """Measure how far `sequence` lies ahead of `start`, across the wrap at 2**32."""
    return (((sequence - start) + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@part
def _follow_stream(side: np.void, row: np.void) -> None:
    """Move on what is expected next from the sender of a segment (auditor.flows.loss)."""
    flags = np.int64(row["tcp_flags"])
    start = np.int64(row["tcp_seq"])
    length = np.int64(row["sent_len"]) + (flags >> 1 & 1) + (flags & 1)
    end = (start + length) & 0xFFFFFFFF
    distance = ahead(start, np.int64(side["next_seq"]))
    if not side["track"] & _SYNCED or abs(distance) > _REACH:
        side["next_seq"] = end
        side["track"] = (side["track"] | _SYNCED) & _NO_HOLE
        return
    if distance > 0:
        if length == 0:
            return
        if not side["track"] & _HOLE:
            side["hole_seq"], side["high_seq"] = start, end
            side["track"] |= _HOLE
        else:
            if ahead(start, np.int64(side["hole_seq"])) < 0:
                side["hole_seq"] = start
            if ahead(end, np.int64(side["high_seq"])) > 0:
                side["high_seq"] = end
        return
    if ahead(end, np.int64(side["next_seq"])) > 0:
        side["next_seq"] = end
    _close_hole(side)


@part
def _close_hole(side: np.void) -> None:
    """Join what lies behind a hole, once what was expected has come up to it."""
    if not side["track"] & _HOLE:
        return
    if ahead(np.int64(side["next_seq"]), np.int64(side["hole_seq"])) >= 0:
        if ahead(np.int64(side["high_seq"]), np.int64(side["next_seq"])) > 0:
            side["next_seq"] = side["high_seq"]
        side["track"] &= _NO_HOLE


@part
def _follow_ack(side: np.void, ack: int) -> None:
    """Hold an acknowledgement against what its receiver was seen to send (auditor.flows.loss)."""
    if not side["track"] & _SYNCED:
        return
    step = ahead(ack, np.int64(side["acked_seq"]))
    if not side["track"] & _ACKED or abs(step) > _REACH:
        side["acked_seq"] = ack
        side["track"] |= _ACKED
        return
    if step <= 0:
        return
    side["acked_seq"] = ack
    side["acks"] += 1
    if 0 < ahead(ack, np.int64(side["next_seq"])) <= _REACH:
        side["gaps"] += 1
        side["next_seq"] = ack
        _close_hole(side)


@part
def _add_tcp(sides: NDArray[np.void], slot: int, row: np.void) -> None:
    """Add what only TCP segments tell: sequence numbers."""
    flags = np.int64(row["tcp_flags"])
    if flags & _SYN:
        sides[slot]["syn_seq"] = row["tcp_seq"]
    if flags & _RST:
        return
    _follow_stream(sides[slot], row)
    if flags & _ACK:
        _follow_ack(sides[slot ^ 1], np.int64(row["tcp_ack"]))


@compiled
def add_packets(
    table: Table,
    count: int,
    frames: Frames,
    span: tuple[int, int],
    keys: NDArray[np.void],
    slots: NDArray[np.int64],
    notes: NDArray[np.uint8],
) -> int:
    """Add the packets of status OK in a span of a batch; give how many flows there are then.

    count: flows so far; there must be room for as many more as the span has packets. span: first
    row, and the one behind the last. keys: ENTRY, shape (AT_ONCE,), to work in. slots: shape (n,),
    is set to 2 * flow, + 1 if b sent the packet; -1 for packets of no flow. notes: shape (n,), is
    set to the sum of NEW_VLAN and HEAD.
    """
    for first in range(span[0], span[1], AT_ONCE):
        last = min(first + AT_ONCE, span[1])
        bring_flows(table, frames.rows, (first, last), keys, slots)
        for i in range(first, last):
            row, mixed = frames.rows[i], np.uint64(slots[i])
            slots[i], notes[i] = -1, 0
            if row["status"] != _OK:
                continue
            key = keys[i - first]
            from_b = np.int64(key["closed"])
            place = probe(table, key, mixed)
            flow = (table.index[place] & 0xFFFFFFFF) - 1
            is_tcp = row["transport"] == IPPROTO_TCP
            if flow < 0 or (
                is_tcp and _starts_anew(table.entries[flow], table.sides[2 * flow + from_b], row)
            ):
                flow = count
                count += 1
                begin_flow(table, place, flow, key, mixed)
            slot = 2 * flow + from_b
            entry, side = table.entries[flow], table.sides[slot]
            _add_facts(entry, side, row, frames.number[i], frames.capture[i])
            if is_tcp:
                _add_tcp(table.sides, slot, row)
                if row["tcp_flags"] & (_FIN | _RST):
                    entry["closed"] = 1
            if row["vlan"] and row["vlan"] != side["vlan"]:
                if side["vlan"]:
                    notes[i] = NEW_VLAN
                else:
                    side["vlan"] = row["vlan"]
            if entry["packets"] < HEAD_PACKETS:
                entry["packets"] += 1
                notes[i] |= HEAD
            slots[i] = slot
    return count
