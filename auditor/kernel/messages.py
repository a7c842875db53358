"""The packets that may hold a message which tells names: found, and their payloads copied.

What such a message is auditor.evidence.tellings says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.jit import compiled
from auditor.kernel.packing import copy_bytes
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OK = int(Status.OK)
_SHORTEST = 12
_IN_STREAMS = 2

LONGEST_MESSAGE = 9_216
"""Bytes that are kept of one."""

KEPT, USED, LEFT_OUT = range(3)
"""Places in Messages.totals: messages kept; bytes of `data` in use; messages without a place."""


class Messages(NamedTuple):
    """The arrays that messages are kept in."""

    rows: NDArray[np.void]
    """PACKET, shape (most,): each as it came, but that payload_len says what is kept of it."""
    data: NDArray[np.uint8]
    """Shape (bytes,): the payloads, one behind the other."""
    totals: NDArray[np.int64]
    """Shape (3,)."""


@compiled
def find_messages(
    rows: NDArray[np.void], ports: NDArray[np.uint8], chosen: NDArray[np.int64]
) -> int:
    """List the rows that may hold one; give how many.

    rows: PACKET, shape (n,). ports: as MESSAGE_PORTS. chosen: shape (n,), is set.
    """
    count = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        port = ports[row["src_port"]]
        if port == 0 or row["status"] != _OK or row["payload_len"] < _SHORTEST:
            continue
        if row["transport"] == IPPROTO_UDP or (
            port == _IN_STREAMS and row["transport"] == IPPROTO_TCP
        ):
            chosen[count] = i
            count += 1
    return count


@compiled
def keep_messages(
    data: NDArray[np.uint8],
    offset: NDArray[np.int64],
    rows: NDArray[np.void],
    chosen: NDArray[np.int64],
    messages: Messages,
) -> int:
    """Copy the payloads of some packets; give how many there was room for.

    data: shape (bytes,). offset: shape (n,), where frames begin in it. rows: PACKET, shape (n,).
    chosen: shape (k,). What finds no place among the rows is counted; what finds none among the
    bytes is where the kernel stops.
    """
    totals = messages.totals
    for each in range(len(chosen)):
        row = rows[chosen[each]]
        size = min(np.int64(row["payload_len"]), LONGEST_MESSAGE)
        number, used = totals[KEPT], totals[USED]
        if number >= len(messages.rows):
            totals[LEFT_OUT] += 1
            continue
        if used + size > len(messages.data):
            return each
        begin = offset[chosen[each]] + np.int64(row["payload_offset"])
        copy_bytes(messages.data[used : used + size], data[begin : begin + size])
        messages.rows[number] = row
        messages.rows[number]["payload_len"] = size
        totals[KEPT], totals[USED] = number + 1, used + size
    return len(chosen)
