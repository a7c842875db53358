"""The first payload that each side of each flow sent, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.streams import LONGEST_HEAD, StreamHead, wanted_length
from auditor.flows.tcp import RST, SYN, UNSEEN
from auditor.records import IPPROTO_SCTP, IPPROTO_TCP

if TYPE_CHECKING:
    from array import array

    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

_LONGEST_DATAGRAM = 1500
_SPARE_HEAD = 64


class Heads:
    """Heads by slot; a slot is one side of one flow.

    TCP has one head, in sequence; SCTP its first user data; others their first three datagrams.
    Once `budget` bytes are held, each side keeps 64 at most, and those cut so are counted.
    """

    def __init__(self, budget: int, syn_sequences: array[int]) -> None:
        """Hold about `budget` bytes; `syn_sequences` is the table's, one or UNSEEN per slot."""
        self.clipped = 0
        """Sides of which the budget allowed less than was there."""
        self._budget = budget
        self._held = 0
        self._syn_sequences = syn_sequences
        self._complete = bytearray()
        self._streams: dict[int, StreamHead] = {}
        self._heads: dict[int, tuple[bytes, ...]] = {}

    def of(self, slot: int) -> tuple[bytes, ...]:
        """Give a slot's heads as far as they have come."""
        stream = self._streams.get(slot)
        if stream is None:
            return self._heads.get(slot, ())
        return (stream.data,) if stream.data else ()

    def observe(
        self,
        batch: FrameBatch,
        frames: NDArray[np.int64],
        rows: NDArray[np.void],
        slots: NDArray[np.int64],
    ) -> None:
        """Take the payload of PACKET rows: `frames` are their places in the batch."""
        self._complete.extend(bytes(len(self._syn_sequences) - len(self._complete)))
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
            if transport == IPPROTO_TCP:
                self._take_segment(slot, flag, sequence, payload)
            else:
                self._take_datagram(slot, payload, 1 if transport == IPPROTO_SCTP else 3)

    def _take_segment(self, slot: int, flags: int, sequence: int, payload: bytes) -> None:
        stream = self._streams.get(slot)
        if stream is None:
            if not payload:
                return
            stream = self._streams[slot] = StreamHead()
            syn = self._syn_sequences[slot]
            if syn != UNSEEN:
                stream.anchor(syn + 1)
        held = stream.size
        if flags & SYN:
            sequence += 1
            stream.anchor(sequence)
        room = self._room(len(stream.data))
        within_reach = stream.add(sequence, payload[:room])
        self._held += stream.size - held
        wanted = wanted_length(stream.data)
        if len(payload) > room:
            self.clipped += 1
        elif within_reach and len(stream.data) < wanted:
            return
        head = stream.data[:wanted]
        self._held -= stream.size - len(head)
        self._heads[slot] = (head,) if head else ()
        self._complete[slot] = True
        del self._streams[slot]

    def _take_datagram(self, slot: int, payload: bytes, most: int) -> None:
        payload = payload[:_LONGEST_DATAGRAM]
        heads = self._heads.get(slot, ())
        room = self._room(sum(map(len, heads)))
        if room:
            heads = self._heads[slot] = (*heads, payload[:room])
            self._held += len(heads[-1])
        if len(payload) > room:
            self.clipped += 1
            self._complete[slot] = True
        elif len(heads) == most:
            self._complete[slot] = True

    def _room(self, taken: int) -> int:
        """Say how many bytes may be added to a side that has `taken`."""
        return LONGEST_HEAD if self._held < self._budget else max(_SPARE_HEAD - taken, 0)
