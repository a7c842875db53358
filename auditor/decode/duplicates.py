"""Frames that hold a packet which another frame already held: a mirror port's second look.

A switch that mirrors a port's both directions, or several ports, hands out what passes two of
them twice; two captures of one path do the same. The copies agree in all that a packet keeps on its
way (addresses, ports, TCP's numbers and flags, payload length, IP identification, checksum) and
may differ in MAC addresses, VLAN, TTL and tunnel.

What a host sends again is no copy. Almost every retransmission has an IP identification of its
own. Where there is none (IPv6, and some IPv4 packets that may not be fragmented) only TCP segments
that take up sequence numbers are told, and only if they come twice so soon that no sender can have
learnt of a loss meanwhile: a receiver repeats its acknowledgements word for word, and where the
network card fills in checksums, two datagrams of one length look the same without being it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.hashing import FACTORS
from auditor.records import IPPROTO_TCP, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

COPY_NS = 10_000_000
"""How far apart copies are at most: queues of a busy switch, and clocks of two captures, take
milliseconds; the shortest timers of TCP and of identifications that come round take longer."""

NAMELESS_COPY_NS = 1_000_000
"""The same for packets without an IP identification: less than a fast retransmission takes."""

PLACES_BITS = 14
"""The uppermost bits of a fingerprint are a packet's place among those seen lately, which the next
one takes: 2**14 hold 10 ms of 1.6 million packets a second, and fit a processor's cache."""

_FIN, _SYN, _RST = 0x01, 0x02, 0x04
LONG_AGO = -(1 << 62)


def fingerprints(rows: NDArray[np.void]) -> NDArray[np.uint64]:
    """Give a number for each PACKET row that copies of a packet share and hardly two packets.

    The fields that change from packet to packet stand in the lower halves: their differences then
    reach all 64 bits of a product.
    """
    words = (
        rows["src_hi"],
        rows["src_lo"],
        rows["dst_hi"],
        rows["dst_lo"],
        _joined(rows["dst_port"], rows["src_port"]),
        _joined(rows["tcp_ack"], rows["tcp_seq"]),
        _joined(rows["payload_len"], rows["identity"]),
        _joined(rows["transport"], rows["tcp_flags"]),
    )
    total = np.zeros(len(rows), np.uint64)
    for word, factor in zip(words, FACTORS, strict=True):
        total += word * factor
    return total


def reaches(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Give how far from each PACKET row a copy may be, in ns; 0 where none can be told.

    A later fragment has no transport header of its own, so nothing to be known by.
    """
    flags = rows["tcp_flags"]
    # Nobody repeats these within a millisecond; a reset answers every segment of a burst.
    counted = (rows["sent_len"] > 0) | (flags & (_SYN | _FIN) > 0)
    counted &= (rows["transport"] == IPPROTO_TCP) & (flags & _RST == 0) & (rows["identity"] > 0)
    named = rows["identity"] >> 16 > 0
    told = named | counted
    reach = np.where(named, COPY_NS, NAMELESS_COPY_NS)
    reach[~told | (rows["status"] != Status.OK) | (rows["payload_offset"] == 0)] = 0
    return reach


class Duplicates:
    """Finds copies in batches that follow each other."""

    def __init__(self, *, leave_out: bool = False) -> None:
        """Only count them, or give them the status that leaves them out of everything else."""
        self.count = 0
        self._leave_out = leave_out
        self._known = [0] * (1 << PLACES_BITS)
        self._times = [LONG_AGO] * (1 << PLACES_BITS)

    def mark(self, rows: NDArray[np.void]) -> None:
        """Count the copies among PACKET rows, whose status is set if they are to be left out."""
        copies = self._find(rows)
        self.count += len(copies)
        if self._leave_out:
            rows["status"][copies] = Status.DUPLICATE

    def _find(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        """Give the rows that are copies; remember the others."""
        reach = reaches(rows)
        judged = np.flatnonzero(reach)
        marks = fingerprints(rows[judged])
        places = (marks >> np.uint64(64 - PLACES_BITS)).astype(np.int64)
        columns = marks, places, rows["time_ns"][judged], reach[judged]
        known, times = self._known, self._times
        copies = []
        for row, mark, place, time_ns, within_ns in zip(
            judged.tolist(), *(column.tolist() for column in columns), strict=True
        ):
            if known[place] == mark and abs(time_ns - times[place]) <= within_ns:
                copies.append(row)
            else:
                known[place], times[place] = mark, time_ns
        return np.array(copies, np.int64)


def _joined(high: NDArray[np.generic], low: NDArray[np.generic]) -> NDArray[np.uint64]:
    return high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)
