"""Plain frames taken through all that a watch does to each of them in one go.

Between two kernels over a whole batch the rows leave the processor's cache, and the interpreter has
its say; both cost more than what some of the kernels do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from auditor.capture.live.ring_frames import NO_RING, RingFrames
from auditor.evidence.tellings import MESSAGE_PORTS
from auditor.flows.layout import ENTRY
from auditor.kernel.flows import AT_ONCE
from auditor.kernel.frames import FrameColumns
from auditor.kernel.heads import Payloads
from auditor.kernel.single_pass import (
    BYTES,
    COPIES,
    COUNTS,
    ESCAPED,
    FIRST_NS,
    FLOWS,
    FRAMES,
    LAST_NS,
    MOST_FLOWS,
    STRETCH,
    VLANS,
    Desk,
    Leftovers,
    Memory,
    take_plain,
)
from auditor.records import NO_TIME, PACKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.capture.batch import FrameBatch
    from auditor.decode.compiled_duplicates import CompiledDuplicates
    from auditor.decode.compiled_tally import CompiledTally
    from auditor.flows.compiled import CompiledFlowTable
    from auditor.kernel.ring import Ring
    from auditor.live.messages import MessageKeeper

MOST_NEW_FLOWS = 8_192
"""More need not find room at once: a pass with more ends there, and the next one asks again."""


class _Frames(Protocol):
    """Frames as a pass takes them."""

    columns: FrameColumns
    ring: Ring
    first: int
    """Where in the columns to begin."""

    def __len__(self) -> int:
        """Count the frames that are left."""

    def stretch(self, listed: tuple[int, int], most: int) -> FrameBatch:
        """Make a batch of frames from listed[0] on, up to `most`, and let the next pass follow."""


class _Whole:
    """A batch whose frames are all listed."""

    ring = NO_RING

    def __init__(self, batch: FrameBatch) -> None:
        self._batch = batch
        self.columns = FrameColumns(
            batch.data,
            batch.offset,
            batch.captured_len,
            batch.wire_len,
            batch.time_ns,
            batch.linktype,
            batch.number,
            batch.capture,
        )
        self.first = 0

    def __len__(self) -> int:
        return len(self._batch) - self.first

    def stretch(self, listed: tuple[int, int], most: int) -> FrameBatch:
        self.first = min(listed[0] + most, len(self._batch))
        return self._batch.select(slice(listed[0], self.first))


class SinglePass:
    """Takes frames into a flow table and what else a watch keeps of packets."""

    def __init__(
        self, table: CompiledFlowTable, copies: CompiledDuplicates, keeper: MessageKeeper
    ) -> None:
        """Work for these; copies: must leave none out."""
        self._table = table
        self._copies = copies
        self._keeper = keeper
        self._desk = Desk(
            np.zeros(1, PACKET),
            np.empty(STRETCH, PACKET),
            np.empty(STRETCH, np.uint8),
            np.zeros(AT_ONCE, ENTRY),
            np.empty(STRETCH, np.int64),
            np.empty(STRETCH, np.uint8),
            np.empty(STRETCH, np.int64),
        )
        self._left = _leftovers(0)

    def take(
        self,
        frames: RingFrames | FrameBatch,
        tally: Callable[[], CompiledTally],
        reserve: Callable[[int], int],
        otherwise: Callable[[FrameBatch], None],
    ) -> int:
        """Take frames in their order, and count them; give the bytes on the wire of plain ones.

        tally: gives what counts them now. reserve: sees that so many more flows may be in the
        table, and gives how many of them may. otherwise: takes and counts stretches with frames
        that are not plain. Either of these two may begin another tally.
        """
        taken: _Frames = frames if isinstance(frames, RingFrames) else _Whole(frames)
        most, wire_bytes = STRETCH, 0
        while True:
            room = reserve(min(len(taken), MOST_NEW_FLOWS))
            most_flows = self._table.size + room
            (first, last), passed = self._pass(taken, tally(), room)
            wire_bytes += passed
            if first == last:
                return wire_bytes
            if self._table.size + last - first > most_flows:
                otherwise(taken.stretch((first, last), STRETCH))
                continue
            otherwise(taken.stretch((first, last), most))
            # Where tunnels are the rule, they are taken as a whole soon.
            most *= 2

    def _pass(
        self, frames: _Frames, tally: CompiledTally, room: int
    ) -> tuple[tuple[int, int], int]:
        """Take plain frames; give where those stand that could not be taken, and bytes.

        room: how many flows more there may be.
        """
        size = len(frames)
        if size > len(self._left.slots):
            self._left = _leftovers(size)
        counts = np.zeros(COUNTS, np.int64)
        counts[FIRST_NS], counts[LAST_NS] = NO_TIME, -NO_TIME
        counts[FLOWS] = self._table.size
        counts[MOST_FLOWS] = self._table.size + room
        table, heads = self._table.open_pass(room)
        memory = Memory(
            table,
            self._copies.recent,
            heads,
            self._keeper.opened(),
            MESSAGE_PORTS,
            tally.status,
        )
        stopped = take_plain(
            frames.columns, frames.ring, self._desk, memory, self._left, counts, frames.first
        )
        found = counts.tolist()
        self._copies.count += found[COPIES]
        self._close(frames, found)
        if found[FRAMES]:
            tally.note(found[FRAMES], found[FIRST_NS], found[LAST_NS])
        return stopped, found[BYTES]

    def _close(self, frames: _Frames, found: list[int]) -> None:
        """Do what the kernel has left to others."""
        left, vlans, escaped = self._left, found[VLANS], found[ESCAPED]
        payloads = None
        if escaped:
            payloads = Payloads(
                frames.columns.data,
                left.offset[:escaped],
                left.rows[:escaped],
                left.slots[:escaped],
                self._desk.notes,
            )
        tagged = (left.vlan_slots[:vlans], left.vlans[:vlans]) if vlans else None
        self._table.close_pass(found[FLOWS], payloads, tagged)


def _leftovers(frames: int) -> Leftovers:
    """Make room for what is left to others of so many frames; what is not used takes no memory."""
    return Leftovers(
        np.empty(frames, np.int64),
        np.empty(frames, np.uint32),
        np.empty(frames, PACKET),
        np.empty(frames, np.int64),
        np.empty(frames, np.int64),
    )
