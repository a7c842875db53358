"""Frames taken through every kernel a stretch at a time, while their rows are near.

What it does to a stretch is what the kernels do to a batch one after another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.kernel.duplicates import find_copies
from auditor.kernel.flows import NEW_VLAN, Frames, add_packets
from auditor.kernel.frames import HEADERS_AHEAD, bring_headers, decode_frames
from auditor.kernel.heads import LONGEST_HEAD, USED, Payloads, take_heads
from auditor.kernel.jit import compiled
from auditor.kernel.messages import find_messages

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from auditor.kernel.flow_index import Table
    from auditor.kernel.heads import Store

STRETCH = 512
"""Frames; their rows fill a part of the first level of a processor's cache."""

FLOWS, COPIES, MESSAGES, BYTES, FIRST_NS, LAST_NS, VLANS = range(7)
"""Places in what a pass counts: flows in the table; packets that are copies; messages chosen; bytes
on the wire; the first and the last time; packets that note NEW_VLAN."""
COUNTS = 7

_MOST_HEADS_BYTES = 2 * LONGEST_HEAD * (STRETCH + 1)
"""Room that the heads of a stretch never exceed."""


class FrameColumns(NamedTuple):
    """A batch, as auditor.capture.batch.FrameBatch has it."""

    data: NDArray[np.uint8]
    offset: NDArray[np.int64]
    captured_len: NDArray[np.int64]
    wire_len: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    linktype: NDArray[np.int32]
    number: NDArray[np.int64]
    capture: NDArray[np.int32]


class Results(NamedTuple):
    """What is set of each frame; all but `blank`, `key` and `scratch` have shape (n,)."""

    blank: NDArray[np.void]
    """PACKET, shape (1,), zero."""
    rows: NDArray[np.void]
    """PACKET."""
    kinds: NDArray[np.uint8]
    """Notes of decode_frames."""
    key: NDArray[np.void]
    """ENTRY, shape (1,), to work in."""
    slots: NDArray[np.int64]
    notes: NDArray[np.uint8]
    """As add_packets sets them."""
    scratch: NDArray[np.int64]
    """Shape (STRETCH,)."""
    messages: NDArray[np.int64]
    """Its first items are set to the rows that may hold a message which tells names."""
    escaped: NDArray[np.int64]
    """As take_heads sets it."""


class Memory(NamedTuple):
    """What lasts from batch to batch."""

    table: Table
    recent: NDArray[np.void]
    """As find_copies has it."""
    heads: Store
    ports: NDArray[np.uint8]
    """As find_messages has it."""
    status: NDArray[np.int64]
    """Frames by status."""


@compiled
def take_plain(
    frames: FrameColumns,
    results: Results,
    memory: Memory,
    counts: NDArray[np.int64],
    first: int,
) -> int:
    """Take frames from `first` on; give where that ended.

    That is the batch's end, a stretch in which a frame is not plain (auditor.kernel.frames), or one
    whose heads might find no room. counts: shape (COUNTS,), brought up to date; the flow table must
    have room for as many flows more as there are frames.
    """
    count = len(frames.offset)
    while first < count:
        last = min(first + STRETCH, count)
        if memory.heads.totals[USED] + _MOST_HEADS_BYTES > len(memory.heads.data):
            return first
        rows = results.rows[first:last]
        for i in range(last, min(last + HEADERS_AHEAD, count)):
            bring_headers(frames.data, frames.offset[i])
        noted = decode_frames(
            frames.data,
            frames.offset[first:last],
            frames.captured_len[first:last],
            frames.linktype[first:last],
            frames.time_ns[first:last],
            frames.wire_len[first:last],
            results.blank,
            rows,
            results.kinds[first:last],
        )
        if noted:
            return first
        counts[COPIES] += find_copies(rows, memory.recent, results.scratch)
        counts[FLOWS] = add_packets(
            memory.table,
            counts[FLOWS],
            Frames(results.rows, frames.number, frames.capture),
            (first, last),
            results.key,
            results.slots,
            results.notes,
        )
        payloads = Payloads(
            frames.data,
            frames.offset[:last],
            results.rows[:last],
            results.slots[:last],
            results.notes[:last],
        )
        take_heads(payloads, first, memory.heads, results.escaped)
        chosen = find_messages(rows, memory.ports, results.messages[counts[MESSAGES] :])
        for place in range(counts[MESSAGES], counts[MESSAGES] + chosen):
            results.messages[place] += first
        counts[MESSAGES] += chosen
        for i in range(first, last):
            memory.status[results.rows[i]["status"]] += 1
            counts[BYTES] += frames.wire_len[i]
            counts[FIRST_NS] = min(counts[FIRST_NS], frames.time_ns[i])
            counts[LAST_NS] = max(counts[LAST_NS], frames.time_ns[i])
            counts[VLANS] += results.notes[i] & NEW_VLAN != 0
        first = last
    return first
