"""The threads that take frames: decode them, keep the flow table, and hand over what is due.

Frames of a live source are borrowed until the next read, so that all that needs their bytes
happens before it. All that takes long happens elsewhere. Sources that share the frames of an
interface have a thread each, which reads and decodes beside the others; what they keep is one, so
that it says what it would say of one source: an ICMP error, or what overflowed one ring, comes by
another source than the flow it belongs to.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.live.ring_frames import listed
from auditor.decode.compiled_duplicates import CompiledDuplicates
from auditor.decode.compiled_tally import CompiledTally
from auditor.decode.tally import Tally
from auditor.flows.compiled import CompiledFlowTable, Flushed
from auditor.live.clock import SECOND_NS
from auditor.live.lane import Lane, unite_macs
from auditor.live.messages import MessageKeeper, no_flows
from auditor.live.single_pass import SinglePass
from auditor.live.tick import Losses, Tick
from auditor.outlets.window import Counters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.capture.batch import FrameBatch
    from auditor.capture.live import LiveSource
    from auditor.capture.live.source import LiveFrames
    from auditor.decode.packets import Packets
    from auditor.live.clock import Clock, Schedule, Span
    from auditor.live.tick import Limits

_QUEUE = 4
"""Ticks that may wait to be judged."""

_RETRY_S = 1.0
_SHOW_S = 0.5

_EVICT_TO = 0.75
"""Share of the room that is filled after an eviction, so that the next one is not due at once."""


@dataclass
class Intake:
    """Takes what sources bring that share the frames of an interface, in a thread for each."""

    sources: Sequence[LiveSource]
    limits: Limits
    macs: frozenset[str]
    """Hardware addresses to watch for; may be replaced at any time."""
    schedule: Schedule
    clock: Clock
    until_s: float | None = None
    """When to end, by the steady clock; None: when told to."""
    dedup: bool = False
    """Copies of packets count for nothing but their own number."""
    prompt: frozenset[int] = frozenset()
    """Ports whose datagrams are handed over though nobody has answered them."""
    _ticks: Queue[Tick] = field(default_factory=lambda: Queue(_QUEUE))
    _stopping: bool = False

    def __post_init__(self) -> None:
        """Begin without frames."""
        self._table = CompiledFlowTable()
        self._keeper = MessageKeeper()
        self._tally = Tally()
        """Of all ticks that were handed over."""
        self._copies = CompiledDuplicates(leave_out=self.dedup)
        self._pass = SinglePass(self._table, self._copies, self._keeper)
        self._bytes = 0
        self._part = CompiledTally()
        """Of what came since."""
        self._evicted = [0, 0]
        self._unjudged = 0
        self._shown_s = 0.0
        self.latest = Counters()
        """Totals, as of some moment within the last second."""
        self._handed_s = self.clock.steady_s()
        self._due_s = self.schedule.next_tick_s(self._handed_s, self.limits.tick_s)
        self._hurried = False
        self._lanes = [Lane(source, self.macs) for source in self.sources]
        self._running = len(self._lanes)
        self._notices: list[str] = []
        self._news: deque[str] = deque()
        self._error: BaseException | None = None
        self._guard = Lock()
        """Of all that is the same for all lanes."""

    def start(self) -> None:
        """Begin to take frames."""
        for lane in self._lanes:
            # A daemon: a second interruption ends the process whatever the source does.
            Thread(target=self._run, args=(lane,), name="auditor-intake", daemon=True).start()

    def stop(self) -> None:
        """Have the last tick handed over soon."""
        self._stopping = True

    def hurry(self) -> None:
        """Have a tick handed over as soon as there is room for one, whatever its length."""
        self._hurried = True

    def take(self, timeout_s: float) -> Tick | None:
        """Give the next tick; None if there is none in time."""
        try:
            return self._ticks.get(timeout=timeout_s)
        except Empty:
            return None

    def news(self) -> Iterator[str]:
        """Take the lines that tell what became of the interface; ticks bring them, too, later."""
        while self._news:
            yield self._news.popleft()

    def _ended(self) -> bool:
        return self._stopping or (
            self.until_s is not None and self.clock.steady_s() >= self.until_s
        )

    @property
    def _dropped(self) -> int | None:
        """Sum what the sources lost; None where one cannot tell."""
        lost = [lane.dropped for lane in self._lanes]
        return None if None in lost else sum(filter(None, lost))

    def _counters(self) -> Counters:
        counted = Tally()
        counted.add(self._tally)
        counted.add(self._part)
        return Counters(
            frames=counted.frames,
            bytes=self._bytes,
            dropped=self._dropped or 0,
            frames_by_status=counted.by_status(),
            duplicates=self._copies.count,
            table_flows=self._table.size,
            table_room=self.limits.most_flows,
        )

    def _run(self, lane: Lane) -> None:
        try:
            while not self._ended():
                frames = lane.source.read()
                if frames is not None:
                    self._take_frames(lane, frames)
                with self._guard:
                    self._look(lane)
                    self._do_what_is_due()
            for frames in lane.source.rest():
                self._take_frames(lane, frames)
        except BaseException as problem:  # noqa: BLE001 - whatever it is, it ends the watch, told
            self._error = self._error or problem
            self._stopping = True
        finally:
            self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        """Close a source; the last one to leave hands over what there is."""
        try:
            lane.source.close()
        except OSError as error:
            self._error = self._error or error
        with self._guard:
            self._look(lane)
            self._running -= 1
            if not self._running:
                self._hand_over_last()

    def _take_frames(self, lane: Lane, frames: LiveFrames) -> None:
        """Take frames: of one source in a single pass where that does all that is wanted."""
        if len(self._lanes) == 1 and not self.dedup and not self.macs:
            with self._guard:
                plain = self._pass.take(
                    frames, lambda: self._part, self._reserve, partial(self._take_staged, lane)
                )
                self._bytes += plain  # what was taken otherwise has been added meanwhile
            return
        # Sources that share an interface decode side by side.
        packets = lane.decode(listed(frames), self.macs)
        with self._guard:
            self._take(packets)

    def _take_staged(self, lane: Lane, batch: FrameBatch) -> None:
        self._take(lane.decode(batch, self.macs))

    def _reserve(self, packets: int) -> int:
        """See that so many packets may each begin a flow; give how many of them may."""
        if self._table.size + packets > self.limits.most_flows:
            self._make_room()
        return min(packets, self.limits.most_flows - self._table.size)

    def _take(self, packets: Packets) -> None:
        batch = packets.batch
        self._reserve(len(batch))
        self._copies.mark(packets.rows)
        self._table.update(packets)
        self._keeper.observe(packets)
        self._part.count(batch, packets.rows["status"])
        self._bytes += int(batch.wire_len.sum())

    def _look(self, lane: Lane) -> None:
        told = lane.look()
        # All sources see what becomes of the interface; one of them tells it.
        if lane is self._lanes[0]:
            self._tell(told)

    def _tell(self, lines: list[str]) -> None:
        self._notices += lines
        self._news.extend(lines)

    def _do_what_is_due(self) -> None:
        now_s = self.clock.steady_s()
        if now_s >= self._shown_s:
            self._shown_s = now_s + _SHOW_S
            self.latest = self._counters()
        if self._hurried or now_s >= min(self._due_s, self.schedule.ends_s):
            if self._may_wait(now_s):
                self._due_s = self.schedule.next_tick_s(now_s, self.limits.tick_s)
            else:
                self._hand_over(now_s)

    def _may_wait(self, now_s: float) -> bool:
        """Say whether what came since the last tick may as well be handed over by a later one."""
        limits = self.limits
        waited_s = now_s - self._handed_s
        return (
            not self._hurried
            and now_s < self.schedule.ends_s
            and waited_s < (limits.calm_ticks - 0.5) * limits.tick_s
            and self._table.size < limits.calm_flows
            and self._keeper.count < limits.calm_flows // 5
        )

    def _make_room(self) -> None:
        """Flush before it is due; nobody waits for what finds no place in the queue."""
        now_s = self.clock.steady_s()
        # Without room nothing is kept back.
        flushed = self._flush(now_s, most=int(self.limits.most_flows * _EVICT_TO))
        if self._ticks.full():
            self._unjudged += len(flushed.flows.facts)
            return
        self._ticks.put(self._tick(now_s, flushed))

    def _hand_over(self, now_s: float) -> None:
        if self._ticks.full():
            # The table goes on until there is room in the queue.
            self._due_s = now_s + _RETRY_S
            return
        window = self._end_window() if now_s >= self.schedule.ends_s else None
        self._due_s = self.schedule.next_tick_s(now_s, self.limits.tick_s)
        self._handed_s, self._hurried = now_s, False
        self._ticks.put(
            self._tick(now_s, self._flush(now_s, patience_s=self.limits.tick_s), window)
        )

    def _hand_over_last(self) -> None:
        now_s = self.clock.steady_s()
        try:
            flushed = self._flush(now_s)
        except Exception as error:  # noqa: BLE001 - what was judged is to be reported all the same
            self._error = self._error or error
            flushed = Flushed(no_flows(), np.zeros(0, dtype=bool))
        self._ticks.put(self._tick(now_s, flushed, self._end_window(), last=True))

    def _end_window(self) -> Span:
        span = self.schedule.end()
        seconds = round(abs(self.schedule.set_by_ns) / SECOND_NS)
        if seconds:
            back = self.schedule.set_by_ns < 0
            what = "back: two windows may bear the same time" if back else "forward"
            self._tell([f"the clock was set {seconds:,} s {what}"])
        return span

    def _flush(self, now_s: float, *, most: int | None = None, patience_s: float = 0.0) -> Flushed:
        flushed = self._table.flush(
            now_s,
            idle_s=self.limits.idle_s,
            closed_s=self.limits.closed_s,
            most=most,
            patience_s=patience_s,
            prompt=self.prompt,
        )
        self._evicted[0] += flushed.evicted_attempts
        self._evicted[1] += flushed.evicted_flows
        return flushed

    def _tick(
        self, now_s: float, flushed: Flushed, window: Span | None = None, *, last: bool = False
    ) -> Tick:
        part, self._part = self._part, CompiledTally()
        self._tally.add(part)
        notices, self._notices = self._notices, []
        return Tick(
            flushed,
            self._keeper.take(),
            unite_macs(self._lanes),
            self._counters(),
            Losses(self._evicted[0], self._evicted[1], self._unjudged, self._keeper.left_out),
            self._dropped is not None,
            part.first_ns,
            part.last_ns,
            now_s,
            tuple(notices),
            window,
            last,
            self._error if last else None,
        )
