"""Play a plan: the frames of one stretch of time after another, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from capture_layouts import MINIMUM_FRAME, PCAP_RECORD, SYN_OPTIONS, TCP_FRAME, UDP_FRAME
from capture_mix import TCP, Fate
from capture_plan import STEP_US
from capture_steps import ACK, ACK_EVERY, FIN, SYN, Steps, senders, tcp_flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capture_plan import Plan
    from numpy.typing import NDArray

_BLOCK_FRAMES = 40_000
"""Frames of a stretch, about; twice as many are never held."""
_HASH = 2654435761
_DATAGRAM = 40
_SMALL = 20, 300


@dataclass(frozen=True)
class Frames:
    """Frames of one stretch, flow by flow and in order within each; all of shape (n,)."""

    time_us: NDArray[np.int64]
    """Since the start of the capture; sorting by it, stably, gives the order on the wire."""
    flow: NDArray[np.int64]
    from_client: NDArray[np.bool_]
    flags: NDArray[np.uint8]
    """Of TCP; 0 in UDP."""
    message: NDArray[np.int64]
    """Index of the opening message carried, else -1."""
    payload_len: NDArray[np.int64]
    header_len: NDArray[np.int64]
    """Up to the payload, from Ethernet on."""
    sequence: NDArray[np.uint32]
    acknowledgement: NDArray[np.uint32]

    def __len__(self) -> int:
        """Count the frames."""
        return len(self.flow)

    @property
    def frame_len(self) -> NDArray[np.int64]:
        """Give each frame's length on the wire, without a checksum sequence."""
        length: NDArray[np.int64] = np.maximum(self.header_len + self.payload_len, MINIMUM_FRAME)
        return length


class Player:
    """Plays every flow from its first frame to its last."""

    def __init__(self, plan: Plan) -> None:
        """Begin at the capture's start."""
        self.plan = plan
        flows = plan.flows
        self._start, self._gap, self._data_gap = (
            np.ascontiguousarray(flows[name]) for name in ("start_us", "open_gap_us", "data_gap_us")
        )
        self._opening = flows["shake"] + flows["talk"]
        self._burst = flows["burst"].astype(np.int64)
        self._bursts = -(-flows["data"] // self._burst)
        self._data_end = self._opening + flows["data"]
        self._frames = self._data_end + flows["close"]
        self._slots = self._opening + self._bursts + (flows["close"] > 0)
        self._next_slot = np.zeros(len(flows), np.int64)
        self._sent = np.stack((flows["client_isn"], flows["server_isn"])).astype(np.int64)
        self._is_tcp = np.array([kind.protocol == TCP for kind in plan.kinds])[flows["kind"]]
        self._big = np.array([kind.big for kind in plan.kinds])[flows["kind"]]
        self._dice = np.random.default_rng([plan.order.seed, 1])
        self._fullness = self._tune()

    def play(self) -> Iterator[Frames]:
        """Give the stretches in order."""
        end_us = self.plan.seconds * 1e6 + 1e7
        usual_us = end_us * _BLOCK_FRAMES / max(self.plan.frames, 1)
        alive, begun, now_us = np.empty(0, np.int64), 0, 0.0
        while begun < len(self._start) or len(alive):
            until_us = now_us + usual_us
            while True:
                more = int(np.searchsorted(self._start, until_us))
                rows = np.concatenate((alive, np.arange(begun, more)))
                slots = self._slots_before(rows, until_us)
                first = self._first_frame(rows, self._next_slot[rows])
                count = self._first_frame(rows, slots) - first
                if count.sum() <= 2 * _BLOCK_FRAMES or until_us - now_us < 1:
                    break
                until_us = (now_us + until_us) / 2
            if count.any():
                yield self._stretch(rows, first, count, until_us)
            self._next_slot[rows] = slots
            alive, begun, now_us = rows[slots < self._slots[rows]], more, until_us

    def _slots_before(self, rows: NDArray[np.int64], until_us: float) -> NDArray[np.int64]:
        """Count the slots (an opening frame, or a burst) that begin before a moment."""
        passed = until_us - self._start[rows]
        opening, gap = self._opening[rows], self._gap[rows]
        slots = np.ceil(passed / gap)
        later = slots > opening
        slots[later] = (opening + np.ceil((passed - opening * gap) / self._data_gap[rows]))[later]
        begun: NDArray[np.int64] = np.clip(slots, 0, self._slots[rows]).astype(np.int64)
        return begun

    def _first_frame(self, rows: NDArray[np.int64], slot: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the first frame of a slot; of the slot after the last, the number of frames."""
        opening = self._opening[rows]
        in_data = np.minimum(opening + (slot - opening) * self._burst[rows], self._data_end[rows])
        frame = np.where(slot <= opening, slot, in_data)
        first: NDArray[np.int64] = np.where(slot >= self._slots[rows], self._frames[rows], frame)
        return first

    def _stretch(
        self,
        rows: NDArray[np.int64],
        first: NDArray[np.int64],
        count: NDArray[np.int64],
        until_us: float,
    ) -> Frames:
        """Make the frames first .. first + count of each of some flows."""
        rows, first, count = rows[count > 0], first[count > 0], count[count > 0]
        begin = np.cumsum(count) - count
        flow = np.repeat(rows, count)
        steps = self._steps(flow, np.arange(len(flow)) + np.repeat(first - begin, count))
        from_client = senders(steps, self.plan.openings)
        payload_len = self._sizes(steps)
        flags = tcp_flags(steps, payload_len)
        header_len = np.where(steps.is_tcp, TCP_FRAME.itemsize, UDP_FRAME.itemsize)
        header_len[flags & SYN > 0] += len(SYN_OPTIONS)
        advance = payload_len + ((flags & (SYN | FIN)) > 0)
        advance[steps.unanswered] = 0  # the same again
        sequence, acknowledgement = self._number(rows, begin, count, from_client, advance)
        acknowledgement[flags & ACK == 0] = 0
        sequence[steps.resets] = 0
        return Frames(
            self._times(steps, until_us), flow, from_client, flags, steps.message, payload_len,
            header_len, sequence, acknowledgement,
        )  # fmt: skip

    def _steps(self, flow: NDArray[np.int64], frame: NDArray[np.int64]) -> Steps:
        """Find what each frame is to its flow."""
        plan, openings = self.plan.flows[flow], self.plan.openings
        is_tcp, fate = self._is_tcp[flow], plan["fate"]
        opening, data_end = self._opening[flow], self._data_end[flow]
        in_opening = frame < opening
        burst, place = np.divmod(np.maximum(frame - opening, 0), self._burst[flow])
        closing = frame >= data_end
        burst[closing] = self._bursts[flow][closing]
        place[closing] = (frame - data_end)[closing]
        first_message = openings.first[plan["opening"]]
        spoken = frame - plan["shake"]
        message = np.where((spoken >= 0) & in_opening, first_message + spoken, -1)
        again = (fate == Fate.UNANSWERED) & ~is_tcp
        message[again] = first_message[again]
        in_data = ~in_opening & ~closing
        return Steps(flow, frame, fate, is_tcp, in_opening, in_data, burst, place, message)

    def _times(self, steps: Steps, until_us: float) -> NDArray[np.int64]:
        """Place frames in time: a slot begins somewhat late, a burst goes on quickly."""
        flow, opening = steps.flow, self._opening[steps.flow]
        slot = np.where(steps.in_opening, steps.frame, opening + steps.burst)
        gap = np.where(steps.in_opening, self._gap[flow], self._data_gap[flow])
        time_us = self._start[flow] + np.minimum(slot, opening) * self._gap[flow]
        time_us += np.where(steps.in_opening, 0, steps.burst * gap)
        late = ((flow * 31 + slot) * _HASH & 0xFFFF) / 0x20000
        time_us += late * np.clip(until_us - time_us, 0, gap)
        time_us += steps.place * np.minimum(STEP_US, gap / (4 * self._burst[flow]))
        whole: NDArray[np.int64] = np.minimum(time_us, until_us).astype(np.int64)
        return whole

    def _sizes(self, steps: Steps) -> NDArray[np.int64]:
        """Give payload lengths: those of opening messages, and drawn ones of data."""
        big, chance = self._big[steps.flow], self._dice.random((2, len(steps.flow)))
        middling = _DATAGRAM + chance[1] * (big - _DATAGRAM) / 2
        size = np.where(chance[0] < self._fullness, big, middling)
        small = _SMALL[0] + chance[1] * (np.minimum(_SMALL[1], big) - _SMALL[0])
        size = np.where(steps.requests, small, size)
        size = np.where(steps.acknowledges, np.where(steps.is_tcp, 0, _DATAGRAM), size)
        size[~steps.in_data] = 0
        told = steps.message >= 0
        size[told] = self.plan.openings.length[steps.message[told]]
        whole: NDArray[np.int64] = size.astype(np.int64)
        return whole

    def _number(
        self,
        rows: NDArray[np.int64],
        begin: NDArray[np.int64],
        count: NDArray[np.int64],
        from_client: NDArray[np.bool_],
        advance: NDArray[np.int64],
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Count both ends' sequence space on, and give what each frame says of them."""
        before = np.empty((2, len(advance)), np.int64)
        for side, sends in enumerate((from_client, ~from_client)):
            sent = np.where(sends, advance, 0)
            running = np.cumsum(sent) - sent
            base = self._sent[side, rows] - running[begin]
            before[side] = running + np.repeat(base, count)
            ends = begin + count - 1
            self._sent[side, rows] = before[side, ends] + sent[ends]
        own = np.where(from_client, before[0], before[1])
        other = np.where(from_client, before[1], before[0])
        return (own & 0xFFFF_FFFF).astype(np.uint32), (other & 0xFFFF_FFFF).astype(np.uint32)

    def _tune(self) -> float:
        """Find the part of full frames among answers with which the file gets its size."""
        flows, openings = self.plan.flows, self.plan.openings
        requests, acknowledgements, answers = self._count_places()
        head = np.where(self._is_tcp, TCP_FRAME.itemsize, UDP_FRAME.itemsize)
        said = np.add.reduceat(openings.length, openings.first[:-1])[flows["opening"]]
        fixed = (flows["shake"] + flows["close"] + acknowledgements) * (head + 10)
        fixed = fixed + flows["talk"] * head + np.where(flows["talk"] > 0, said, 0)
        fixed = fixed + requests * (head + (_SMALL[0] + np.minimum(_SMALL[1], self._big)) / 2)
        least = _DATAGRAM + (self._big - _DATAGRAM) / 4
        record = PCAP_RECORD.itemsize * self.plan.frames
        wanted = (
            self.plan.order.size_bytes - record - fixed.sum() - (answers * (head + least)).sum()
        )
        most = (answers * (self._big - least)).sum()
        return float(np.clip(wanted / most, 0, 1)) if most else 0.0

    def _count_places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Count each flow's requests, acknowledgements and answers among its data frames."""
        bursts, rest = np.divmod(self.plan.flows["data"], self._burst)
        in_full, in_rest = (np.maximum(n - 1, 0) // ACK_EVERY for n in (self._burst, rest))
        acknowledgements = bursts * in_full + in_rest
        return (
            self._bursts,
            acknowledgements,
            self.plan.flows["data"] - self._bursts - acknowledgements,
        )
