"""First payloads by kernel; what it cannot put in order goes through the general path."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.columns import doubled, lengthened, placed
from auditor.flows.headlist import MOST_HEADS, HeadList
from auditor.flows.heads import Heads
from auditor.flows.streams import LONGEST_HEAD, StreamHead
from auditor.flows.tcp import UNSEEN
from auditor.kernel import heads as kernel
from auditor.kernel.head_parts import move_heads, pack_heads, unpack_heads
from auditor.records import pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

_FIRST_BYTES = 1 << (27 if sys.platform == "win32" else 29)
"""Memory that is not written to costs nothing, but counts for something on Windows; to move the
heads costs more than to put them together."""
_LEAST_BYTES = 1 << 27
"""Where that is not to be had, or soon is needless."""
_SPARE_ROOM = 4
"""Times the bytes that are wanted, from which on room is given back."""

_SIZE_CLASSES = (LONGEST_HEAD // kernel.LEAST_ROOM).bit_length()


@dataclass(frozen=True, slots=True)
class HeadsPart:
    """Heads on their way to another table; of arrays, item i belongs to slot i."""

    data: NDArray[np.uint8]
    """The bytes of all heads, one behind the other."""
    length: NDArray[np.int32]
    start: NDArray[np.uint32]
    state: NDArray[np.uint8]
    """As auditor.kernel.heads.Store has them."""
    streams: dict[int, StreamHead]
    """By slot: those that are the general path's."""
    clipped: int

    def at(self) -> NDArray[np.int64]:
        """Give where each head begins in `data`."""
        ends = np.cumsum(self.length.ravel(), dtype=np.int64).reshape(self.length.shape)
        return ends - self.length


class CompiledHeads:
    """Heads by slot, as auditor.flows.heads.Heads has them."""

    def __init__(self, budget: int) -> None:
        """Hold about `budget` bytes."""
        self._general = Heads(budget)
        totals = np.zeros(5, np.int64)
        totals[kernel.BUDGET] = budget
        self._store = kernel.Store(
            _first_room(),
            np.zeros((0, MOST_HEADS), np.int64),
            np.zeros((0, MOST_HEADS), np.int32),
            np.zeros(0, np.uint32),
            np.zeros(0, np.uint8),
            np.zeros(_SIZE_CLASSES, np.int64),
            totals,
        )
        self._before: NDArray[np.uint8] | None = None
        """Where the heads were before they were moved; whom they were given may still look."""

    @property
    def clipped(self) -> int:
        """Sides of which the budget allowed less than was there."""
        return int(self._store.totals[kernel.CLIPPED]) + self._general.clipped

    def list_of(self, slots: NDArray[np.int64]) -> HeadList:
        """Lay out the heads of some slots as far as they have come."""
        for slot, stream in self._general.streams.items():
            self._keep(slot, stream.data)
        self._reserve_slots(int(slots.max()) + 1 if len(slots) else 0)
        store = self._store
        used = store.data[: store.totals[kernel.USED]]
        return HeadList(used, store.at[slots], store.length[slots])

    def part(self, wanted: NDArray[np.bool_]) -> HeadsPart:
        """Give the heads of the wanted slots, as far as they have come.

        wanted: shape (slots,).
        """
        slots = len(wanted)
        self._reserve_slots(slots)
        store = self._store
        length = np.empty((slots, MOST_HEADS), np.int32)
        data = np.empty(int(store.length[:slots][wanted].sum(dtype=np.int64)), np.uint8)
        pack_heads(store, wanted.view(np.uint8), length, data)
        return HeadsPart(
            data,
            length,
            store.start[:slots],
            store.state[:slots],
            {slot: each for slot, each in self._general.streams.items() if wanted[slot]},
            self.clipped,
        )

    def adopt(self, part: HeadsPart, theirs: NDArray[np.int64], ours: NDArray[np.int64]) -> None:
        """Let heads of some slots of a part be those of so many of ours, which have none."""
        self._reserve_slots(int(ours.max()) + 1)
        length, state = part.length[theirs], part.state[theirs]
        sizes = length.sum(axis=1, dtype=np.int64)
        streams = self._general.streams
        for place in np.flatnonzero(state & kernel.ELSEWHERE).tolist():
            stream = part.streams.get(int(theirs[place]))
            if stream is not None:
                streams[int(ours[place])] = stream
                sizes[place] = stream.size
        totals = self._store.totals
        held = int(totals[kernel.HELD])
        # A side that comes when the memory is used up keeps little, as in one table.
        late = held + np.cumsum(sizes) - sizes >= totals[kernel.BUDGET]
        late &= sizes > kernel.SPARE_HEAD
        if late.any():
            length[late], state[late] = _cut(length[late]), kernel.DONE
            sizes[late] = length[late].sum(axis=1)
            totals[kernel.CLIPPED] += int(np.count_nonzero(late))
            for slot in ours[late].tolist():
                streams.pop(slot, None)
        self._make_room(2 * int(length.sum()) + 64 * length.size)
        self._store.start[ours], self._store.state[ours] = part.start[theirs], state
        unpack_heads(part.data, part.at()[theirs], length, self._store, ours)
        totals[kernel.HELD] = held + int(sizes.sum())

    def is_done(self, slot: int) -> bool:
        """Say whether nothing can be added to the head of a slot."""
        self._reserve_slots(slot + 1)
        return int(self._store.state[slot]) & ~kernel.ELSEWHERE == kernel.DONE

    def add_datagrams(
        self, slot: int, part: HeadsPart, theirs: int, early: NDArray[np.bool_], most: int
    ) -> None:
        """Add a part's heads of one slot to the first datagrams of ours.

        early: shape (MOST_HEADS,), those that came in time to be heads.
        """
        data = part.data.view()
        data.flags.writeable = False  # as frames are: the kernel is compiled for one kind
        starts, lengths = part.at()[theirs].tolist(), part.length[theirs].tolist()
        for at, length, in_time in zip(starts, lengths, early.tolist(), strict=True):
            if length and in_time and not self.is_done(slot):
                self._make_room(length)
                kernel.take_datagram(self._store, slot, data[at : at + length], most)

    def observe(
        self,
        batch: FrameBatch,
        rows: NDArray[np.void],
        slots: NDArray[np.int64],
        notes: NDArray[np.uint8],
        flows: int,
    ) -> None:
        """Take the payload of a batch's PACKET rows.

        slots, notes: shape (n,), as auditor.kernel.flows sets them. flows: how many there are.
        """
        self._reserve_slots(2 * flows)
        payloads = kernel.Payloads(batch.data, batch.offset, rows, slots, notes)
        escaped = np.empty(len(rows), np.int64)
        self._store.totals[kernel.ESCAPED] = 0
        taken = kernel.take_heads(payloads, 0, self._store, escaped)
        while taken < len(rows):
            self._store = self._store._replace(data=doubled(self._store.data))
            taken = kernel.take_heads(payloads, taken, self._store, escaped)
        count = int(self._store.totals[kernel.ESCAPED])
        if count:
            self.take_escaped(payloads, escaped[:count])

    def opened(self, flows: int) -> kernel.Store:
        """Give the arrays, with some room, to a kernel that takes payloads by itself."""
        self._reserve_slots(2 * flows)
        self._make_room(_LEAST_BYTES // 8)
        return self._store

    def keep(self, slots: NDArray[np.int64], room: int) -> None:
        """Forget the heads of all slots but some, which take their order.

        room: slots that there will be soon.
        """
        self._reserve_slots(int(slots.max()) + 1 if len(slots) else 0)
        store, streams = self._store, self._general.streams
        length = store.length[slots]
        # Heads that may grow keep the room that the kernel takes for theirs.
        size = length.astype(np.int64)
        growing = (length[:, 0] > 0) & (store.state[slots] & kernel.OPEN > 0)
        size[growing, 0] = _powers(length[growing, 0])
        at = (np.cumsum(size.ravel()) - size.ravel()).reshape(size.shape)
        used = int(size.sum())
        # What was used now will be used again.
        before = int(store.totals[kernel.USED])
        data = self._spare(max(used + used // 4, before), max(2 * used, before + before // 4))
        move_heads(store, slots, at, data)
        kept = store.totals.copy()
        kept[kernel.USED] = used
        if streams:
            numbers = {slot: new for new, slot in enumerate(slots.tolist())}
            kept_streams = ((numbers.get(slot), stream) for slot, stream in streams.items())
            self._general.streams = {new: each for new, each in kept_streams if new is not None}
        waiting = sum(stream.size for stream in self._general.streams.values())
        elsewhere = store.state[slots] & kernel.ELSEWHERE > 0
        kept[kernel.HELD] = int(length[~elsewhere].sum()) + waiting
        self._store = kernel.Store(
            data,
            placed(store.at, at, room),
            placed(store.length, length, room),
            placed(store.start, store.start[slots], room),
            placed(store.state, store.state[slots], room),
            np.zeros_like(store.free),
            kept,
        )

    def _spare(self, least: int, wanted: int) -> NDArray[np.uint8]:
        """Give room for some bytes: what was there before, once nobody looks at it any more.

        The system clears memory before it gives it, which takes longer than what is done with it.
        """
        spare, self._before = self._before, self._store.data
        wanted = max(wanted, _LEAST_BYTES)
        if (
            spare is not None
            and least <= len(spare) <= _SPARE_ROOM * wanted
            and sys.getrefcount(spare) == _OWN_REFERENCES
        ):
            return spare
        return np.empty(wanted, np.uint8)

    def take_escaped(self, payloads: kernel.Payloads, places: NDArray[np.int64]) -> None:
        """Take what a kernel could not put in order; places: shape (k,), among the payloads."""
        general, totals = self._general, self._store.totals
        general.held = int(totals[kernel.HELD])
        rows = pick(payloads.rows, places)
        starts = payloads.offset[places] + rows["payload_offset"]
        ends = starts + np.minimum(rows["payload_len"], LONGEST_HEAD)
        names = "tcp_flags", "tcp_seq"
        columns = (column.tolist() for column in (starts, ends, *(rows[name] for name in names)))
        for slot, start, end, flags, sequence in zip(
            payloads.slots[places].tolist(), *columns, strict=True
        ):
            state = int(self._store.state[slot])
            if state & ~kernel.ELSEWHERE == kernel.DONE:
                continue
            told = state & kernel.TOLD
            syn_sequence = int(self._store.start[slot]) - 1 if told else UNSEEN
            if slot not in general.streams and state & kernel.OPEN:
                general.streams[slot] = self._handed_over(slot, state)
            payload = payloads.data[start:end].tobytes()
            if general.take_segment(slot, flags, sequence, payload, syn_sequence):
                for head in general.finished.pop(slot) or (b"",):
                    self._keep(slot, head)
                self._store.state[slot] = kernel.DONE
        totals[kernel.HELD] = general.held

    def _handed_over(self, slot: int, state: int) -> StreamHead:
        """Make a stream of what the kernel had of it."""
        store = self._store
        at, length = int(store.at[slot, 0]), int(store.length[slot, 0])
        return StreamHead.resumed(
            store.data[at : at + length].tobytes(),
            int(store.start[slot]),
            anchored=bool(state & kernel.ANCHORED),
        )

    def _keep(self, slot: int, head: bytes) -> None:
        """Put a head where the kernel has its own."""
        used = self._make_room(len(head))
        store = self._store
        store.data[used : used + len(head)] = np.frombuffer(head, np.uint8)
        store.at[slot, 0], store.length[slot, 0] = used, len(head)
        store.totals[kernel.USED] += len(head)

    def _make_room(self, size: int) -> int:
        """See that so many bytes more can be kept; give where they belong."""
        used = int(self._store.totals[kernel.USED])
        while used + size > len(self._store.data):
            self._store = self._store._replace(data=doubled(self._store.data))
        return used

    def _reserve_slots(self, slots: int) -> None:
        store = self._store
        if slots > len(store.state):
            self._store = store._replace(
                at=lengthened(store.at, slots),
                length=lengthened(store.length, slots),
                start=lengthened(store.start, slots),
                state=lengthened(store.state, slots),
            )


def _powers(lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    """Give the room of heads of some lengths, as the kernel gives it."""
    exponents = np.ceil(np.log2(np.maximum(lengths, kernel.LEAST_ROOM)))
    return (1 << exponents.astype(np.int64)).astype(np.int64)


def _cut(lengths: NDArray[np.int32]) -> NDArray[np.int32]:
    """Cut heads of sides, shape (n, MOST_HEADS), to what a side keeps without memory."""
    before = np.cumsum(lengths, axis=1) - lengths
    kept: NDArray[np.int32] = np.clip(kernel.SPARE_HEAD - before, 0, lengths).astype(np.int32)
    return kept


def _first_room() -> NDArray[np.uint8]:
    try:
        return np.empty(_FIRST_BYTES, np.uint8)
    except MemoryError:  # a limit to what a process may ask for
        return np.empty(_LEAST_BYTES, np.uint8)


def _count_own_references() -> int:
    """Count the references of what one name alone leads to, as this interpreter counts them."""
    spare = np.empty(0, np.uint8)
    return sys.getrefcount(spare)


_OWN_REFERENCES = _count_own_references()
