"""The index of a flow table: from the endpoints of a packet to its flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.hashing import FACTORS
from auditor.kernel.jit import compiled, part
from auditor.kernel.nearby import bring_near, bring_two
from auditor.records import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OK = int(Status.OK)


class Table(NamedTuple):
    """The arrays of a flow table."""

    index: NDArray[np.int64]
    """Shape (a power of two,): open addressing; 32 bits of hash over 32 bits of flow + 1; or 0."""
    entries: NDArray[np.void]
    """ENTRY, shape (flows that fit,)."""
    sides: NDArray[np.void]
    """SIDE, shape (2 * flows that fit,)."""


@part
def hash_key(entry: np.void) -> np.uint64:
    """Hash the endpoints and the transport of a record; all bits depend on all."""
    half = np.uint64(32)
    ports = np.uint64(entry["a_port"]) << half | np.uint64(entry["b_port"])
    value = (
        np.uint64(entry["a_hi"]) * FACTORS[0]
        + np.uint64(entry["a_lo"]) * FACTORS[1]
        + np.uint64(entry["b_hi"]) * FACTORS[2]
        + np.uint64(entry["b_lo"]) * FACTORS[3]
        + ports * FACTORS[4]
        + np.uint64(entry["transport"]) * FACTORS[5]
    )
    value = (value ^ (value >> half)) * FACTORS[0]
    return value ^ (value >> half)


@part
def _same(one: np.void, other: np.void) -> bool:
    """Compare the endpoints and the transports of two records."""
    return (
        one["b_lo"] == other["b_lo"]
        and one["a_lo"] == other["a_lo"]
        and one["a_port"] == other["a_port"]
        and one["b_port"] == other["b_port"]
        and one["transport"] == other["transport"]
        and one["a_hi"] == other["a_hi"]
        and one["b_hi"] == other["b_hi"]
    )


@part
def probe(table: Table, key: np.void, mixed: np.uint64) -> int:
    """Give the place in the index of a key that has this hash, or the free one for it."""
    mask = np.int64(table.index.shape[0] - 1)
    place = np.int64(mixed & np.uint64(mask))
    tag = np.int64(mixed >> np.uint64(32))
    while True:
        found = table.index[place]
        if found == 0:
            return place
        if (found >> 32) & 0xFFFFFFFF == tag and _same(
            table.entries[(found & 0xFFFFFFFF) - 1], key
        ):
            return place
        place = (place + 1) & mask


@part
def _set_index(table: Table, place: int, flow: int, mixed: np.uint64) -> None:
    """Let a place of the index lead to a flow whose key has this hash."""
    tag = mixed >> np.uint64(32)
    table.index[place] = np.int64(tag << np.uint64(32) | np.uint64(flow + 1))


@compiled
def find_flow(table: Table, key: np.void) -> int:
    """Give the newest flow of a key, -1 if there is none. key: ENTRY, its endpoints set."""
    return (table.index[probe(table, key, hash_key(key))] & 0xFFFFFFFF) - 1


@part
def index_flow(table: Table, flow: int) -> None:
    """Let the index lead from a flow's key to this flow."""
    key = table.entries[flow]
    mixed = hash_key(key)
    _set_index(table, probe(table, key, mixed), flow, mixed)


@compiled
def build_index(table: Table, first: int, last: int) -> None:
    """Enter the flows from `first` up to `last` into the index; of equal keys the last counts."""
    for flow in range(first, last):
        index_flow(table, flow)


@part
def read_key(row: np.void, key: np.void) -> int:
    """Set the canonical endpoints of a PACKET row in an ENTRY; give 1 if b sent it, else 0."""
    from_b = (row["src_hi"] > row["dst_hi"]) | (
        (row["src_hi"] == row["dst_hi"])
        & (
            (row["src_lo"] > row["dst_lo"])
            | ((row["src_lo"] == row["dst_lo"]) & (row["src_port"] > row["dst_port"]))
        )
    )
    # One side speaks as often as the other: what is chosen without a branch is never guessed wrong.
    key["transport"] = row["transport"]
    key["a_hi"] = row["dst_hi"] if from_b else row["src_hi"]
    key["a_lo"] = row["dst_lo"] if from_b else row["src_lo"]
    key["a_port"] = row["dst_port"] if from_b else row["src_port"]
    key["b_hi"] = row["src_hi"] if from_b else row["dst_hi"]
    key["b_lo"] = row["src_lo"] if from_b else row["dst_lo"]
    key["b_port"] = row["src_port"] if from_b else row["dst_port"]
    return np.int64(from_b)


@part
def begin_flow(table: Table, place: int, flow: int, key: np.void, mixed: np.uint64) -> None:
    """Open a flow, whose records are blank, at a place of the index; mixed: the key's hash."""
    entry = table.entries[flow]
    entry["a_hi"], entry["a_lo"], entry["a_port"] = key["a_hi"], key["a_lo"], key["a_port"]
    entry["b_hi"], entry["b_lo"], entry["b_port"] = key["b_hi"], key["b_lo"], key["b_port"]
    entry["transport"] = key["transport"]
    _set_index(table, place, flow, mixed)


@part
def open_flow(table: Table, flow: int, key: np.void) -> int:
    """Open a flow, whose records are blank, as the newest of its key; give it."""
    mixed = hash_key(key)
    begin_flow(table, probe(table, key, mixed), flow, key, mixed)
    return flow


@part
def bring_flows(
    table: Table,
    rows: NDArray[np.void],
    span: tuple[int, int],
    keys: NDArray[np.void],
    slots: NDArray[np.int64],
) -> None:
    """Ask for the records of flows to which packets in a span belong, all at once.

    The arguments are those of add_packets. keys: ENTRY, with one for each packet of the span, set
    to its endpoints, and in `closed` to whether b sent it. slots: is set to the hashes of keys.
    """
    mask = np.uint64(table.index.shape[0] - 1)
    for i in range(span[0], span[1]):
        if rows[i]["status"] == _OK:
            key = keys[i - span[0]]
            key["closed"] = read_key(rows[i], key)
            mixed = hash_key(key)
            bring_near(table.index, np.int64(mixed & mask))
            slots[i] = np.int64(mixed)
    for i in range(span[0], span[1]):
        if rows[i]["status"] == _OK:
            flow = (table.index[np.int64(np.uint64(slots[i]) & mask)] & 0xFFFFFFFF) - 1
            if flow >= 0:
                bring_near(table.entries, flow)
                bring_two(table.sides, 2 * flow)
