"""Frames taken through every kernel a stretch at a time, while their rows are near.

What it does to a stretch is what the kernels do to a batch one after another. Of a ring, frames are
listed a stretch at a time as well: between its walk and what reads their headers they stay near.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.kernel.duplicates import find_copies
from auditor.kernel.flows import NEW_VLAN, Frames, add_packets
from auditor.kernel.frames import HEADERS_AHEAD, bring_headers, decode_frames
from auditor.kernel.heads import ESCAPED as ESCAPED_NOW
from auditor.kernel.heads import LONGEST_HEAD, Payloads, take_heads
from auditor.kernel.heads import USED as USED_BY_HEADS
from auditor.kernel.jit import compiled, part
from auditor.kernel.messages import LONGEST_MESSAGE, find_messages, keep_messages
from auditor.kernel.messages import USED as USED_BY_MESSAGES
from auditor.kernel.ring import walk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from auditor.kernel.flow_index import Table
    from auditor.kernel.frames import FrameColumns
    from auditor.kernel.heads import Store
    from auditor.kernel.messages import Messages
    from auditor.kernel.ring import Ring

STRETCH = 512
"""Frames; their rows fill a part of the first level of a processor's cache."""

FRAMES, FLOWS, COPIES, BYTES, FIRST_NS, LAST_NS, VLANS, ESCAPED, MOST_FLOWS = range(9)
"""Places in what a pass counts: frames taken; flows in the table; packets that are copies; bytes on
the wire; the first and the last time; packets that note NEW_VLAN; payloads that the twin must
take; and how many flows there may be, for which the table has room."""
COUNTS = 9

MOST_HEADS_BYTES = 2 * LONGEST_HEAD * (STRETCH + 1)
MOST_MESSAGES_BYTES = LONGEST_MESSAGE * STRETCH
"""Room that the heads and the messages of a stretch never exceed."""


class Desk(NamedTuple):
    """Where a stretch is worked on; all but `blank` and `keys` have shape (STRETCH,)."""

    blank: NDArray[np.void]
    """PACKET, shape (1,), zero."""
    rows: NDArray[np.void]
    """PACKET."""
    kinds: NDArray[np.uint8]
    """Notes of decode_frames."""
    keys: NDArray[np.void]
    """ENTRY, shape (AT_ONCE,)."""
    slots: NDArray[np.int64]
    notes: NDArray[np.uint8]
    """As add_packets sets them."""
    chosen: NDArray[np.int64]
    """Rows of packets, and what else comes one for each."""


class Memory(NamedTuple):
    """What lasts from batch to batch."""

    table: Table
    recent: NDArray[np.void]
    """As find_copies has it."""
    heads: Store
    messages: Messages
    ports: NDArray[np.uint8]
    """As find_messages has it."""
    status: NDArray[np.int64]
    """Frames by status."""


class Leftovers(NamedTuple):
    """What is left to others of what was taken; there is room for all frames of the pass."""

    vlan_slots: NDArray[np.int64]
    vlans: NDArray[np.uint32]
    """Of packets that note NEW_VLAN."""
    rows: NDArray[np.void]
    """PACKET, of payloads that the twin must take."""
    slots: NDArray[np.int64]
    """Their sides."""
    offset: NDArray[np.int64]
    """Where their frames begin."""


@compiled
def take_plain(
    frames: FrameColumns,
    ring: Ring,
    desk: Desk,
    memory: Memory,
    left: Leftovers,
    counts: NDArray[np.int64],
    first: int,
) -> tuple[int, int]:
    """Take frames from `first` on, or those of a ring; give which ones could not be taken.

    That is a stretch in which a frame is not plain (auditor.kernel.frames), or one whose flows,
    heads or messages might find no room; nothing is left, and both ends are the same, at the end.
    Of a ring, frames are listed in the columns a stretch at a time, and the last one stands there.

    counts: shape (COUNTS,), brought up to date.
    """
    is_ring = len(ring.at) > 0
    last = first
    while True:
        if is_ring:
            first, last = 0, walk(ring, frames, 0, STRETCH)
        else:
            first, last = last, min(last + STRETCH, len(frames.offset))
        if first == last or not _has_room(memory, counts, last - first):
            return first, last
        for i in range(last, min(last + HEADERS_AHEAD, len(frames.offset))):
            bring_headers(frames.data, frames.offset[i])
        rows = desk.rows[: last - first]
        noted = decode_frames(
            frames.data,
            frames.offset[first:last],
            frames.captured_len[first:last],
            frames.linktype[first:last],
            frames.time_ns[first:last],
            frames.wire_len[first:last],
            desk.blank,
            rows,
            desk.kinds,
        )
        if noted:
            return first, last
        counts[COPIES] += find_copies(rows, memory.recent, desk.chosen)
        counts[FLOWS] = add_packets(
            memory.table,
            counts[FLOWS],
            Frames(rows, frames.number[first:last], frames.capture[first:last]),
            (0, last - first),
            desk.keys,
            desk.slots,
            desk.notes,
        )
        _take_payloads(frames, (first, last), desk, memory, left, counts)
        _count(frames, (first, last), desk, memory, left, counts)


@part
def _has_room(memory: Memory, counts: NDArray[np.int64], frames: int) -> bool:
    """Say whether flows, heads and messages of a stretch of so many frames would find room."""
    heads, messages = memory.heads, memory.messages
    if counts[FLOWS] + frames > counts[MOST_FLOWS]:
        return False
    if heads.totals[USED_BY_HEADS] + MOST_HEADS_BYTES > len(heads.data):
        return False
    return messages.totals[USED_BY_MESSAGES] + MOST_MESSAGES_BYTES <= len(messages.data)


@part
def _take_payloads(
    frames: FrameColumns,
    span: tuple[int, int],
    desk: Desk,
    memory: Memory,
    left: Leftovers,
    counts: NDArray[np.int64],
) -> None:
    """Take heads and messages of the stretch on the desk."""
    count = span[1] - span[0]
    offset, rows = frames.offset[span[0] : span[1]], desk.rows[:count]
    payloads = Payloads(frames.data, offset, rows, desk.slots[:count], desk.notes[:count])
    totals = memory.heads.totals
    totals[ESCAPED_NOW] = 0
    take_heads(payloads, 0, memory.heads, desk.chosen)
    for each in range(totals[ESCAPED_NOW]):
        i, number = desk.chosen[each], counts[ESCAPED]
        left.rows[number], left.slots[number] = rows[i], desk.slots[i]
        left.offset[number] = offset[i]
        counts[ESCAPED] = number + 1
    chosen = find_messages(rows, memory.ports, desk.chosen)
    keep_messages(frames.data, offset, rows, desk.chosen[:chosen], memory.messages)


@part
def _count(
    frames: FrameColumns,
    span: tuple[int, int],
    desk: Desk,
    memory: Memory,
    left: Leftovers,
    counts: NDArray[np.int64],
) -> None:
    """Count the frames of the stretch on the desk, and note their new VLAN ids."""
    wire_bytes, first_ns, last_ns = 0, counts[FIRST_NS], counts[LAST_NS]
    for i in range(span[0], span[1]):
        row = desk.rows[i - span[0]]
        memory.status[row["status"]] += 1
        wire_bytes += frames.wire_len[i]
        first_ns, last_ns = min(first_ns, frames.time_ns[i]), max(last_ns, frames.time_ns[i])
        if desk.notes[i - span[0]] & NEW_VLAN:
            number = counts[VLANS]
            left.vlan_slots[number], left.vlans[number] = desk.slots[i - span[0]], row["vlan"]
            counts[VLANS] = number + 1
    counts[FRAMES] += span[1] - span[0]
    counts[BYTES] += wire_bytes
    counts[FIRST_NS], counts[LAST_NS] = first_ns, last_ns
