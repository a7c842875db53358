"""Flows of one table taken over by another, of the packets before; by auditor.flows.merging."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.kernel.flow_index import Table, find_flow, index_flow, open_flow
from auditor.kernel.flows import HEAD_PACKETS, NEW_VLAN
from auditor.kernel.jit import compiled, part
from auditor.records import Seen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SYN_SEEN = int(Seen.SYN | Seen.SYN_ACK)

NOT_LED = -1
"""In place of a side: the flow's first packet is no opening SYN."""


class Arrivals(NamedTuple):
    """Flows of a later table, in the order in which they opened there."""

    entries: NDArray[np.void]
    """ENTRY, shape (n,)."""
    sides: NDArray[np.void]
    """SIDE, shape (2 * n,)."""
    led_by: NDArray[np.int8]
    """Shape (n,): which side's opening SYN is the first packet; NOT_LED if none is."""
    led_seq: NDArray[np.uint32]
    """Shape (n,): its sequence number."""


@compiled
def begins_anew(table: Table, flow: int, arrivals: Arrivals, place: int) -> bool:
    """Say whether an arrival's opening SYN begins another connection than `flow`.

    As auditor.kernel.flows says it of a packet.
    """
    if arrivals.led_by[place] == NOT_LED or not table.entries[flow]["closed"]:
        return False
    side = table.sides[2 * flow + arrivals.led_by[place]]
    return not side["seen"] & _SYN_SEEN or side["syn_seq"] != arrivals.led_seq[place]


@compiled
def adopt(table: Table, count: int, arrivals: Arrivals, place: int) -> None:
    """Let an arrival be the flow number `count`, the newest of its key."""
    table.entries[count] = arrivals.entries[place]
    table.sides[2 * count] = arrivals.sides[2 * place]
    table.sides[2 * count + 1] = arrivals.sides[2 * place + 1]
    index_flow(table, count)


@compiled
def adopt_strangers(
    table: Table,
    count: int,
    arrivals: Arrivals,
    replayed: NDArray[np.uint8],
    pending: NDArray[np.uint8],
    targets: NDArray[np.int64],
) -> int:
    """Adopt the arrivals that are certainly new flows; give how many flows there are then.

    There must be room for all. replayed: shape (n,), those whose first packets will be added by
    themselves; for such a new flow a blank one is opened. pending: zeros, shape (count + n,), is
    set where a flow may go on in an arrival; whatever else arrives with the same key is left too.
    targets: shape (n,), is set to the new number of each arrival, or for one left to -1 - the flow
    that has its key.
    """
    known = count
    for place in range(targets.shape[0]):
        flow = find_flow(table, arrivals.entries[place])
        if flow < 0 and replayed[place]:
            flow = open_flow(table, count, arrivals.entries[place])
            pending[flow] = 1
            count += 1
        if flow >= 0 and (
            pending[flow] or (flow < known and not begins_anew(table, flow, arrivals, place))
        ):
            pending[flow] = 1
            targets[place] = -1 - flow
            continue
        adopt(table, count, arrivals, place)
        targets[place] = count
        count += 1
    return count


@part
def _join_side(side: np.void, later: np.void, told: np.void) -> None:
    """Add to a side what a later one holds beyond what was told of it already."""
    side["packets"] += later["packets"] - told["packets"]
    side["bytes"] += later["bytes"] - told["bytes"]
    side["acks"] += later["acks"] - told["acks"]
    side["gaps"] += later["gaps"] - told["gaps"]
    side["first_ns"] = min(side["first_ns"], later["first_ns"])
    side["last_ns"] = max(side["last_ns"], later["last_ns"])
    side["data_ns"] = min(side["data_ns"], later["data_ns"])
    if later["seen"] & _SYN_SEEN:
        side["syn_seq"] = later["syn_seq"]
    side["seen"] |= later["seen"]
    side["unreachable"] |= later["unreachable"]
    side["next_seq"], side["high_seq"] = later["next_seq"], later["high_seq"]
    side["hole_seq"], side["acked_seq"] = later["hole_seq"], later["acked_seq"]
    side["track"] = later["track"]


@compiled
def join_flows(
    table: Table,
    flows: NDArray[np.int64],
    arrivals: Arrivals,
    places: NDArray[np.int64],
    told: Arrivals,
    notes: NDArray[np.uint8],
) -> None:
    """Let arrivals, each the rest of an earlier flow, go on with it.

    flows, places: shape (m,). told: m flows of the packets that were added already. notes: shape
    (2 * m,), is set to NEW_VLAN where a side's VLAN ids are others than the flow's first ones.
    """
    for each in range(flows.shape[0]):
        entry, later = table.entries[flows[each]], arrivals.entries[places[each]]
        for end in range(2):
            side = table.sides[2 * flows[each] + end]
            there = arrivals.sides[2 * places[each] + end]
            notes[2 * each + end] = 0
            if there["vlan"] and there["vlan"] != side["vlan"]:
                if side["vlan"]:
                    notes[2 * each + end] = NEW_VLAN
                else:
                    side["vlan"] = there["vlan"]
            _join_side(side, there, told.sides[2 * each + end])
        entry["closed"] |= later["closed"]
        packets = entry["packets"] + later["packets"] - told.entries[each]["packets"]
        entry["packets"] = min(packets, HEAD_PACKETS)
        if later["time_ns"] < entry["time_ns"] or (
            later["time_ns"] == entry["time_ns"]
            and (
                later["capture"] < entry["capture"]
                or (
                    later["capture"] == entry["capture"]
                    and later["first_frame"] < entry["first_frame"]
                )
            )
        ):
            entry["time_ns"], entry["first_frame"] = later["time_ns"], later["first_frame"]
            entry["capture"], entry["tunnel_id"] = later["capture"], later["tunnel_id"]
            entry["tunnel"], entry["ip_version"] = later["tunnel"], later["ip_version"]


@compiled
def in_step(sides: NDArray[np.void], slot: int, other: np.void) -> bool:
    """Say whether two sides know the same of a stream, so that they will count the same."""
    side = sides[slot]
    track = side["track"]
    if track != other["track"]:
        return False
    if track & 1 and side["next_seq"] != other["next_seq"]:
        return False
    if track & 2 and (
        side["hole_seq"] != other["hole_seq"] or side["high_seq"] != other["high_seq"]
    ):
        return False
    return not track & 4 or side["acked_seq"] == other["acked_seq"]


@compiled
def flows_in_step(
    table: Table, flows: NDArray[np.int64], told: Arrivals, same: NDArray[np.uint8]
) -> None:
    """Set same, shape (m,), to whether each flow and its twin in `told` are in step, both sides."""
    for each in range(flows.shape[0]):
        same[each] = in_step(table.sides, 2 * flows[each], told.sides[2 * each]) and in_step(
            table.sides, 2 * flows[each] + 1, told.sides[2 * each + 1]
        )
