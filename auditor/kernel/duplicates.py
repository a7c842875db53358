"""Copies of packets found; the twin is auditor.decode.duplicates, which says what a copy is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.hashing import FACTORS
from auditor.kernel.jit import compiled, part
from auditor.kernel.nearby import bring_near
from auditor.records import IPPROTO_TCP, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OK = int(Status.OK)
_FIN, _SYN, _RST = 0x01, 0x02, 0x04
_COPY_NS = 10_000_000
_NAMELESS_COPY_NS = 1_000_000
_PLACES_BITS = 14

_AT_ONCE = 32
"""Packets whose places are asked for together."""

RECENT = np.dtype([("fingerprint", "u8"), ("time_ns", "i8")])
"""A packet seen lately."""


@part
def _fingerprint(row: np.void) -> np.uint64:
    """Sum the words of a PACKET row, each times its factor, modulo 2**64."""
    half = np.uint64(32)
    ports = np.uint64(row["dst_port"]) << half | np.uint64(row["src_port"])
    numbers = np.uint64(row["tcp_ack"]) << half | np.uint64(row["tcp_seq"])
    content = np.uint64(row["payload_len"]) << half | np.uint64(row["identity"])
    kind = np.uint64(row["transport"]) << half | np.uint64(row["tcp_flags"])
    return (
        np.uint64(row["src_hi"]) * FACTORS[0]
        + np.uint64(row["src_lo"]) * FACTORS[1]
        + np.uint64(row["dst_hi"]) * FACTORS[2]
        + np.uint64(row["dst_lo"]) * FACTORS[3]
        + ports * FACTORS[4]
        + numbers * FACTORS[5]
        + content * FACTORS[6]
        + kind * FACTORS[7]
    )


@part
def _reach(row: np.void) -> int:
    """Give how far from a PACKET row a copy may be, in ns; 0 where none can be told."""
    if row["status"] != _OK or row["payload_offset"] == 0:
        return 0
    if row["identity"] >> 16:
        return _COPY_NS
    if row["identity"] == 0 or row["transport"] != IPPROTO_TCP or row["tcp_flags"] & _RST:
        return 0
    if row["sent_len"] > 0 or row["tcp_flags"] & (_SYN | _FIN):
        return _NAMELESS_COPY_NS
    return 0


@compiled
def find_copies(rows: NDArray[np.void], recent: NDArray[np.void], copies: NDArray[np.int64]) -> int:
    """Find the PACKET rows that are copies; give how many there are.

    recent: RECENT, shape (2**14,), by the uppermost bits of fingerprints; is brought up to date.
    copies: shape (n,); its first items are set to the rows found, the others to anything.
    """
    count = 0
    for first in range(0, len(rows), _AT_ONCE):
        last = min(first + _AT_ONCE, len(rows))
        for i in range(first, last):
            mark = _fingerprint(rows[i])
            bring_near(recent, np.int64(mark >> np.uint64(64 - _PLACES_BITS)))
            # No more copies than rows were found so far: what is set here is not yet needed.
            copies[i] = np.int64(mark)
        for i in range(first, last):
            row, mark = rows[i], np.uint64(copies[i])
            reach = _reach(row)
            if reach == 0:
                continue
            known = recent[np.int64(mark >> np.uint64(64 - _PLACES_BITS))]
            if known["fingerprint"] == mark and abs(row["time_ns"] - known["time_ns"]) <= reach:
                copies[count] = i
                count += 1
            else:
                known["fingerprint"], known["time_ns"] = mark, row["time_ns"]
    return count


UNSEEN, FIRST, REPLACED = range(3)
"""What is known of a place: no packet took it; only copies of the first one came; others did."""

SIGHTING = np.dtype([("fingerprint", "u8"), ("time_ns", "i8"), ("reach_ns", "i8")])
"""A packet that may be a copy of one that was seen before the first batch."""


@compiled
def note_first(
    rows: NDArray[np.void],
    first: NDArray[np.uint64],
    state: NDArray[np.uint8],
    sightings: NDArray[np.void],
) -> int:
    """Note the PACKET rows that may be copies of earlier packets than any; give how many.

    first, state: shape (2**14,), fingerprint of each place's first packet and what became of the
    place; are brought up to date. sightings: SIGHTING, shape (n,); its first items are set.
    """
    count = 0
    for i in range(len(rows)):
        row = rows[i]
        reach = _reach(row)
        if reach == 0:
            continue
        mark = _fingerprint(row)
        place = np.int64(mark >> np.uint64(64 - _PLACES_BITS))
        if state[place] == REPLACED:
            continue
        if state[place] == FIRST and first[place] != mark:
            state[place] = REPLACED
            continue
        first[place], state[place] = mark, FIRST
        sightings[count]["fingerprint"] = mark
        sightings[count]["time_ns"], sightings[count]["reach_ns"] = row["time_ns"], reach
        count += 1
    return count
