"""Data that was acknowledged and never captured: how Zeek estimates what a capture lost.

An acknowledgement proves that its receiver's data arrived, whatever the capture shows. Of every
side is known which sequence number comes next if nothing is missing; an acknowledgement beyond it
covers a gap. What a first packet could have missed before it is not held against the capture, nor
is a stretch of numbers so far away that it belongs to another stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.flows.tcp import ACK, FIN, RST, SYN, ahead

if TYPE_CHECKING:
    from collections.abc import Mapping

_REACH = 1 << 30


@dataclass(slots=True)
class _Stream:
    """What one side sent, as sequence numbers."""

    next_seq: int
    """The first byte not seen, nor given up."""
    hole_seq: int | None = None
    """Where the data begins that was seen behind a hole."""
    high_seq: int = 0
    """Where that data ends."""
    acked_seq: int | None = None
    acks: int = 0
    gaps: int = 0

    def send(self, start: int, end: int) -> None:
        """Move on by a segment."""
        distance = ahead(start, self.next_seq)
        if abs(distance) > _REACH:
            self.next_seq, self.hole_seq = end, None
        elif distance <= 0:
            if ahead(end, self.next_seq) > 0:
                self.next_seq = end
            self._close_hole()
        elif end != start:
            self._leave_hole(start, end)

    def acknowledge(self, ack: int) -> None:
        """Hold the peer's acknowledgement against what was seen."""
        known = self.acked_seq
        step = 0 if known is None else ahead(ack, known)
        if known is None or abs(step) > _REACH:
            self.acked_seq = ack
        elif step > 0:
            self.acked_seq = ack
            self.acks += 1
            if 0 < ahead(ack, self.next_seq) <= _REACH:
                self.gaps += 1
                self.next_seq = ack
                self._close_hole()

    def _leave_hole(self, start: int, end: int) -> None:
        if self.hole_seq is None:
            self.hole_seq, self.high_seq = start, end
            return
        if ahead(start, self.hole_seq) < 0:
            self.hole_seq = start
        if ahead(end, self.high_seq) > 0:
            self.high_seq = end

    def _close_hole(self) -> None:
        """Join what lies behind a hole, once what was expected has come up to it."""
        if self.hole_seq is None or ahead(self.next_seq, self.hole_seq) < 0:
            return
        if ahead(self.high_seq, self.next_seq) > 0:
            self.next_seq = self.high_seq
        self.hole_seq = None


class AckWatch:
    """Follows both streams of every TCP flow, by slot."""

    def __init__(self) -> None:
        """Begin without any."""
        self._streams: dict[int, _Stream] = {}

    def follow(self, slot: int, flags: int, sequence: int, ack: int, sent_len: int) -> None:
        """Take a segment that the slot's side sent."""
        if flags & RST:
            return
        end = sequence + sent_len + bool(flags & SYN) + bool(flags & FIN) & 0xFFFF_FFFF
        stream = self._streams.get(slot)
        if stream is None:
            self._streams[slot] = _Stream(end)
        else:
            stream.send(sequence, end)
        peer = self._streams.get(slot ^ 1) if flags & ACK else None
        if peer is not None:
            peer.acknowledge(ack)

    def counts(self) -> Mapping[int, tuple[int, int]]:
        """Give, by slot, how many acknowledgements its data had, and how many covered a gap."""
        return {slot: (each.acks, each.gaps) for slot, each in self._streams.items()}
