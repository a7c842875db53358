"""First payloads collected; the twin is auditor.flows.heads, which also takes what is not in order.

A stream whose segments come one after the other, as nearly all do, is put together here. A segment
that leaves a gap, or comes before what was taken for the beginning, makes its stream one of the
twin's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.flows import HEAD, ahead
from auditor.kernel.jit import compiled, part
from auditor.kernel.packing import copy_bytes
from auditor.records import IPPROTO_SCTP, IPPROTO_TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY, OPEN, DONE = range(3)
"""What a side's head is: not begun; incomplete; complete."""
ANCHORED, ELSEWHERE, TOLD = 8, 16, 32
"""Added where a SYN told the first byte's sequence number; where the twin has taken over; where a
SYN told it, and no byte has come."""

USED, HELD, CLIPPED, BUDGET, ESCAPED = range(5)
"""Places in Store.totals: bytes of `data` in use; bytes in heads; sides cut short for want of
memory; bytes that heads may take; packets that the twin must take."""

_SYN, _RST = 0x02, 0x04

LEAST_ROOM = 64
_NO_DISTANCE = -(1 << 40)

LONGEST_HEAD = 16 * 1024
SHORT_HEAD = 1024
HTTP_HEAD = 4096
TELLING_HEAD = 256
LEAST_HEAD = 64
LONGEST_DATAGRAM = 1500
SPARE_HEAD = 64
MOST_DATAGRAMS = 3

_SHORTEST_RECORD, _LONGEST_RECORD, _SHORTEST_HELLO = 4, (1 << 14) + 2048, 41
_NEWEST_MINOR, _LONGEST_SESSION_ID = 4, 32


class Store(NamedTuple):
    """The arrays that heads are kept in, by slot: 2 * flow, + 1 for endpoint b."""

    data: NDArray[np.uint8]
    """Shape (bytes,)."""
    at: NDArray[np.int64]
    """Shape (slots, 3): where each head begins in data."""
    length: NDArray[np.int32]
    """Shape (slots, 3): bytes of each; 0 = none."""
    start: NDArray[np.uint32]
    """Shape (slots,): sequence number of a stream's first byte."""
    state: NDArray[np.uint8]
    """Shape (slots,)."""
    free: NDArray[np.int64]
    """Shape (9,): by room, from LEAST_ROOM on, a place in data that a head has left, plus one; its
    first bytes lead to the next such place. 0 = none."""
    totals: NDArray[np.int64]
    """Shape (5,)."""


class Payloads(NamedTuple):
    """A batch, as take_heads wants it; all but `data` have shape (n,)."""

    data: NDArray[np.uint8]
    """Shape (bytes,)."""
    offset: NDArray[np.int64]
    """Where each frame begins in data."""
    rows: NDArray[np.void]
    """PACKET."""
    slots: NDArray[np.int64]
    """Slot of each packet; -1 for none."""
    notes: NDArray[np.uint8]
    """As auditor.kernel.flows sets them."""


@part
def _room(totals: NDArray[np.int64], taken: int) -> int:
    """Say how many bytes may be added to a side that has `taken`."""
    return LONGEST_HEAD if totals[HELD] < totals[BUDGET] else max(SPARE_HEAD - taken, 0)


@part
def _hello_end(head: NDArray[np.uint8]) -> int:
    """Find the end of the first handshake message, which may span records (RFC 8446, 5.1).

    If the record in which it ends is short, that is where the record ends.
    """
    missing = 4 + (np.int64(head[6]) << 16 | np.int64(head[7]) << 8 | np.int64(head[8]))
    position = 0
    while True:
        record_len = np.int64(head[position + 3]) << 8 | np.int64(head[position + 4])
        position += 5
        if missing <= record_len:
            record_end = position + record_len
            return record_end if record_end <= SHORT_HEAD else position + missing
        if position + record_len + 5 > head.shape[0] or record_len == 0:
            return position + missing + 5
        missing -= record_len
        position += record_len


@part
def _is_hello(head: NDArray[np.uint8]) -> bool:
    """Recognise a ClientHello or a ServerHello up to the length of its session id."""
    record_len = np.int64(head[3]) << 8 | np.int64(head[4])
    hello_len = np.int64(head[7]) << 8 | np.int64(head[8])
    return (
        head[0] == 0x16
        and head[1] == 3
        and head[2] <= _NEWEST_MINOR
        and _SHORTEST_RECORD <= record_len <= _LONGEST_RECORD
        and 1 <= head[5] <= 2
        and head[6] == 0
        and hello_len >= _SHORTEST_HELLO
        and head[9] == 3
        and head[10] <= _NEWEST_MINOR
        and head[43] <= _LONGEST_SESSION_ID
    )


@part
def _tells_at_once(head: NDArray[np.uint8]) -> bool:
    """Recognise the beginnings of CGP and SMB."""
    if head[0] == 0:
        return head[4] >= 0xFC and head[5] == 83 and head[6] == 77 and head[7] == 66
    cgp = head[0] == 0x1A and head[1] == 67 and head[2] == 71 and head[3] == 80
    return cgp and head[4] == 47 and head[5] == 48 and head[6] == 49


@part
def _is_http(head: NDArray[np.uint8]) -> bool:
    """Recognise a request line: a method in capitals, maybe with underscores, and a target."""
    at = 0
    while at < 17 and 65 <= head[at] <= 90:
        at += 1
    if not 3 <= at <= 16:
        return False
    while head[at] == 95:  # _
        at += 1
        letters = at
        while at < head.shape[0] - 2 and 65 <= head[at] <= 90:
            at += 1
        if at == letters:
            return False
    return head[at] == 32 and 33 <= head[at + 1] <= 126


@compiled
def wanted_length(head: NDArray[np.uint8]) -> int:
    """Say how many bytes are worth keeping of a head that so far is this (auditor.flows.streams).

    head: shape (bytes,).
    """
    if head.shape[0] < LEAST_HEAD:
        return SHORT_HEAD
    if _is_hello(head):
        return min(max(_hello_end(head), LEAST_HEAD), LONGEST_HEAD)
    if _tells_at_once(head):
        return TELLING_HEAD
    if head.shape[0] < SHORT_HEAD:
        return SHORT_HEAD
    if head[0] == 0x16 and head[1] == 3:
        return min(max(_hello_end(head), SHORT_HEAD), LONGEST_HEAD)
    if _is_http(head):
        for at in range(min(head.shape[0], HTTP_HEAD) - 3):
            if head[at] == 13 and head[at + 1] == 10 and head[at + 2] == 13 and head[at + 3] == 10:
                return max(at + 4, SHORT_HEAD)
        return HTTP_HEAD
    response = 0x80 <= head[4] <= 0x87 and (head[5] <= 0x3F or 0x80 <= head[5] <= 0xBF)
    if response and head[6] == 0 and head[7] == 1:
        length = 2 + (np.int64(head[0]) << 8 | np.int64(head[1]))
        return min(max(length, SHORT_HEAD), LONGEST_HEAD)
    return SHORT_HEAD


@part
def _size_class(length: int) -> int:
    """Give the place in Store.free for a head of some bytes."""
    room, number = LEAST_ROOM, 0
    while room < length:
        room *= 2
        number += 1
    return number


@part
def allocate(store: Store, length: int) -> int:
    """Find room for a head of some bytes."""
    number = _size_class(length)
    at = store.free[number] - 1
    if at < 0:
        at = store.totals[USED]
        store.totals[USED] += LEAST_ROOM << number
        return at
    following = 0
    for i in range(8):
        following |= np.int64(store.data[at + i]) << (8 * i)
    store.free[number] = following
    return at


@part
def _release(store: Store, at: int, length: int) -> None:
    """Give back the room of a head of some bytes."""
    number = _size_class(length)
    following = store.free[number]
    for i in range(8):
        store.data[at + i] = (following >> (8 * i)) & 0xFF
    store.free[number] = at + 1


@part
def _append(store: Store, slot: int, source: NDArray[np.uint8]) -> None:
    """Append bytes to the first head of a side, moving it where there is more room."""
    held = np.int64(store.length[slot, 0])
    length = held + source.shape[0]
    at = store.at[slot, 0]
    if held == 0 or _size_class(length) > _size_class(held):
        moved = allocate(store, length)
        copy_bytes(store.data[moved : moved + held], store.data[at : at + held])
        if held:
            _release(store, at, held)
        store.at[slot, 0] = at = moved
    copy_bytes(store.data[at + held : at + length], source)
    store.length[slot, 0] = length
    store.totals[HELD] += source.shape[0]


@compiled
def take_datagram(store: Store, slot: int, payload: NDArray[np.uint8], most: int) -> None:
    """Add a datagram's payload to those of a side; its sum is bounded."""
    taken, count = 0, 0
    while count < most and store.length[slot, count] > 0:
        taken += store.length[slot, count]
        count += 1
    length = min(payload.shape[0], LONGEST_DATAGRAM)
    room = _room(store.totals, taken)
    kept = min(length, room)
    if kept > 0:
        at = store.totals[USED]
        copy_bytes(store.data[at : at + kept], payload[:kept])
        store.at[slot, count], store.length[slot, count] = at, kept
        store.totals[USED] += kept
        store.totals[HELD] += kept
    if length > room:
        store.totals[CLIPPED] += 1
        store.state[slot] = DONE
    elif count + 1 == most:
        store.state[slot] = DONE


@part
def _take_segment(store: Store, slot: int, distance: int, payload: NDArray[np.uint8]) -> None:
    """Add a segment that begins `distance` bytes after its stream does, and leaves no gap."""
    held = np.int64(store.length[slot, 0])
    room = _room(store.totals, held)
    skipped = held - distance  # bytes that are there already
    usable = min(min(payload.shape[0], room) - skipped, LONGEST_HEAD - held)
    if held == 0 and usable > 0:
        usable = min(usable, wanted_length(payload[:usable]))
    if usable > 0:
        _append(store, slot, payload[skipped : skipped + usable])
    held = np.int64(store.length[slot, 0])
    at = store.at[slot, 0]
    wanted = wanted_length(store.data[at : at + held])
    if payload.shape[0] > room:
        store.totals[CLIPPED] += 1
    elif held < wanted:
        return
    final = min(held, wanted)
    store.length[slot, 0] = final
    store.totals[HELD] -= held - final
    if at + (LEAST_ROOM << _size_class(held)) == store.totals[USED]:
        store.totals[USED] = at + (LEAST_ROOM << _size_class(final))
    store.state[slot] = DONE


@part
def _distance(store: Store, slot: int, row: np.void) -> int:
    """Say how far from its stream's start a segment begins; _NO_DISTANCE if it is the twin's."""
    state = store.state[slot]
    sequence = np.int64(row["tcp_seq"])
    if state == EMPTY:
        store.state[slot] = OPEN
        store.start[slot] = sequence
    elif state == EMPTY | TOLD:
        store.state[slot] = OPEN | ANCHORED
    distance = ahead(sequence, np.int64(store.start[slot]))
    if distance < 0 and store.state[slot] & ANCHORED:
        return distance
    return distance if 0 <= distance <= store.length[slot, 0] else _NO_DISTANCE


@compiled
def take_heads(payloads: Payloads, first: int, store: Store, escaped: NDArray[np.int64]) -> int:
    """Take the payloads of packets from `first` on; give where it stopped for want of room.

    escaped: shape (n,): is set to the packets that the twin must take, as many as totals[ESCAPED]
    says; their sides are ELSEWHERE from then on.
    """
    count = payloads.slots.shape[0]
    for i in range(first, count):
        if not payloads.notes[i] & HEAD:
            continue
        slot, row = payloads.slots[i], payloads.rows[i]
        state, is_tcp = store.state[slot], row["transport"] == IPPROTO_TCP
        size = np.int64(row["payload_len"])
        flags = row["tcp_flags"] if is_tcp else 0
        if flags & _SYN and size == 0 and state in (EMPTY, EMPTY | TOLD):
            store.start[slot] = (np.int64(row["tcp_seq"]) + 1) & 0xFFFFFFFF
            store.state[slot] = EMPTY | TOLD
            continue
        if flags & _SYN and size == 0 and state == OPEN | ANCHORED and store.length[slot, 0] > 0:
            continue  # a stream that has begun stays where it began
        opens = flags & _SYN
        if state == DONE or not (opens or (size > 0 and not flags & _RST)):
            continue
        if store.totals[USED] + 2 * LONGEST_HEAD > store.data.shape[0]:
            return i
        begin = payloads.offset[i] + np.int64(row["payload_offset"])
        payload = payloads.data[begin : begin + min(size, LONGEST_HEAD)]
        if not is_tcp:
            most = 1 if row["transport"] == IPPROTO_SCTP else MOST_DATAGRAMS
            take_datagram(store, slot, payload, most)
            continue
        distance = _NO_DISTANCE
        if not (state & ELSEWHERE or opens):
            distance = _distance(store, slot, row)
        if distance != _NO_DISTANCE:
            _take_segment(store, slot, distance, payload)
        else:
            store.state[slot] |= ELSEWHERE
            escaped[store.totals[ESCAPED]] = i
            store.totals[ESCAPED] += 1
    return count
