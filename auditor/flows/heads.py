"""The first payload that each side of each flow sent, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.headlist import HeadList
from auditor.flows.streams import LONGEST_HEAD, StreamHead, wanted_length
from auditor.flows.tcp import RST, SYN, UNSEEN
from auditor.records import IPPROTO_SCTP, IPPROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

HEAD_PACKETS = 64
"""Packets of a flow, from its first on, in which heads are looked for.

So that what a head can hold does not depend on how a capture is cut: of every piece as many
packets are enough.
"""

_LONGEST_DATAGRAM = 1500
_SPARE_HEAD = 64


class Heads:
    """Heads by slot; a slot is one side of one flow.

    TCP has one head, in sequence; SCTP its first user data; others their first three datagrams.
    Once `budget` bytes are held, each side keeps 64 at most, and those cut so are counted.
    """

    def __init__(self, budget: int) -> None:
        """Hold about `budget` bytes."""
        self.clipped = 0
        """Sides of which the budget allowed less than was there."""
        self.held = 0
        """Bytes in heads, finished or not."""
        self.streams: dict[int, StreamHead] = {}
        """By slot, of TCP: those that are not finished."""
        self.finished: dict[int, tuple[bytes, ...]] = {}
        """By slot: the others, and those of datagrams."""
        self._syn_sequences: dict[int, int] = {}
        """By slot of TCP, that of its latest SYN, while no payload has come."""
        self._budget = budget
        self._complete = bytearray()

    def list_of(self, slots: NDArray[np.int64]) -> HeadList:
        """Lay out the heads of some slots as far as they have come."""
        return HeadList.of(map(self._of, slots.tolist()))

    def _of(self, slot: int) -> Sequence[bytes]:
        stream = self.streams.get(slot)
        if stream is None:
            return self.finished.get(slot, ())
        return (stream.data,) if stream.data else ()

    def observe(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        slots: NDArray[np.int64],
        flows: int,
    ) -> None:
        """Take the payload of PACKET rows, of which `frames` are the places in the batch.

        flows: how many there are.
        """
        self._complete.extend(bytes(2 * flows - len(self._complete)))
        complete = np.frombuffer(self._complete, np.bool_)[slots]
        flags = np.where(rows["transport"] == IPPROTO_TCP, rows["tcp_flags"], 0)
        # A reset's payload is a message for people, a SYN tells where the stream starts.
        speaks = ((rows["payload_len"] > 0) & (flags & RST == 0)) | (flags & SYN != 0)
        chosen = np.flatnonzero(speaks & ~complete)
        starts = batch.offset[frames[chosen]] + rows["payload_offset"][chosen]
        ends = starts + np.minimum(rows["payload_len"][chosen], LONGEST_HEAD)
        data = batch.data
        for slot, transport, flag, sequence, start, end in zip(
            slots[chosen].tolist(),
            rows["transport"][chosen].tolist(),
            flags[chosen].tolist(),
            rows["tcp_seq"][chosen].tolist(),
            starts.tolist(),
            ends.tolist(),
            strict=True,
        ):
            if self._complete[slot]:
                continue
            payload = data[start:end].tobytes()
            if flag & SYN and not payload and slot not in self.streams:
                self._syn_sequences[slot] = sequence
                continue
            if transport == IPPROTO_TCP:
                told = self._syn_sequences.pop(slot, UNSEEN)
                done = self.take_segment(slot, flag, sequence, payload, told)
            else:
                done = self._take_datagram(slot, payload, 1 if transport == IPPROTO_SCTP else 3)
            self._complete[slot] = done

    def take_segment(
        self, slot: int, flags: int, sequence: int, payload: bytes, syn_sequence: int
    ) -> bool:
        """Add a segment to its stream; say whether the head is finished by that."""
        stream = self.streams.get(slot)
        if stream is None:
            if not payload:
                return False
            stream = self.streams[slot] = StreamHead()
            if syn_sequence != UNSEEN:
                stream.anchor(syn_sequence + 1)
        held = stream.size
        if flags & SYN:
            sequence += 1
            stream.anchor(sequence)
        room = self._room(len(stream.data))
        within_reach = stream.add(sequence, payload[:room])
        self.held += stream.size - held
        wanted = wanted_length(stream.data)
        if len(payload) > room:
            self.clipped += 1
        elif within_reach and len(stream.data) < wanted:
            return False
        head = stream.data[:wanted]
        self.held -= stream.size - len(head)
        self.finished[slot] = (head,) if head else ()
        del self.streams[slot]
        return True

    def _take_datagram(self, slot: int, payload: bytes, most: int) -> bool:
        payload = payload[:_LONGEST_DATAGRAM]
        heads = self.finished.get(slot, ())
        room = self._room(sum(map(len, heads)))
        if room:
            heads = self.finished[slot] = (*heads, payload[:room])
            self.held += len(heads[-1])
        if len(payload) > room:
            self.clipped += 1
            return True
        return len(heads) == most

    def _room(self, taken: int) -> int:
        """Say how many bytes may be added to a side that has `taken`."""
        return LONGEST_HEAD if self.held < self._budget else max(_SPARE_HEAD - taken, 0)
