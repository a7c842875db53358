"""The thread that takes frames: decodes them, keeps the flow table, and hands over what is due.

Frames of a live source are borrowed until the next read, so that all that needs their bytes
happens before it. All that takes long happens elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from threading import Thread
from typing import TYPE_CHECKING

from auditor.decode.compiled import CompiledDecoder
from auditor.flows.compiled import CompiledFlowTable, Flushed
from auditor.live.messages import MessageKeeper
from auditor.outlets.window import Counters
from auditor.parts.tally import Tally

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.capture.live import LiveSource
    from auditor.decode.packets import Packets
    from auditor.live.clock import Clock, Schedule, Span

    Macs = dict[str, set[tuple[int, int]]]

_QUEUE = 4
"""Ticks that may wait to be judged."""

_RETRY_S = 1.0
_SHOW_S = 0.5

_EVICT_TO = 0.75
"""Share of the room that is filled after an eviction, so that the next one is not due at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much is remembered."""

    tick_s: float = 10.0
    """Between two flushes of the table: what goes on longer is handed over in parts."""
    idle_s: float = 300.0
    """Without a packet for so long, a flow has ended."""
    closed_s: float = 10.0
    """After a FIN or RST, retransmissions included."""
    most_flows: int = 1_000_000
    """In the flow table."""
    most_records: int = 200_000
    """In each ledger."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What was left out for want of room, since the start."""

    evicted_attempts: int = 0
    """Attempts that the flow table forgot before their time."""
    evicted_flows: int = 0
    """Conversations, likewise: what follows of them counts as another flow."""
    unjudged_flows: int = 0
    """Flows that nobody had time to judge."""
    messages: int = 0
    """Messages that might have told names."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a few seconds brought."""

    flushed: Flushed
    messages: Packets
    macs: Macs
    counters: Counters
    """Totals since the start."""
    losses: Losses
    dropped_known: bool
    """Whether the source can tell what it lost."""
    first_ns: int | None
    """Of the tick's frames; None without one."""
    last_ns: int | None
    taken_s: float
    """By the steady clock."""
    notices: tuple[str, ...] = ()
    window: Span | None = None
    """The window that ends with this tick."""
    last: bool = False
    error: BaseException | None = None
    """Why it is the last one, unless that was asked for."""


@dataclass
class _Part:
    """What came since the last tick."""

    first_ns: int | None = None
    last_ns: int | None = None

    def count(self, batch: FrameBatch) -> None:
        first, last = int(batch.time_ns.min()), int(batch.time_ns.max())
        self.first_ns = first if self.first_ns is None else min(first, self.first_ns)
        self.last_ns = last if self.last_ns is None else max(last, self.last_ns)


@dataclass
class Intake:
    """Takes what a source brings, in a thread of its own."""

    source: LiveSource
    limits: Limits
    macs: frozenset[str]
    """Hardware addresses to watch for; may be replaced at any time."""
    schedule: Schedule
    clock: Clock
    until_s: float | None = None
    """When to end, by the steady clock; None: when told to."""
    _ticks: Queue[Tick] = field(default_factory=lambda: Queue(_QUEUE))
    _stopping: bool = False

    def __post_init__(self) -> None:
        """Begin without frames."""
        self._table = CompiledFlowTable()
        self._keeper = MessageKeeper()
        self._tally = Tally()
        self._bytes = 0
        self._part = _Part()
        self._evicted = [0, 0]
        self._unjudged = 0
        self._shown_s = 0.0
        self.latest = Counters()
        """Totals, as of some moment within the last second."""
        self._watched = self.macs
        self._decoder = CompiledDecoder(self.macs)
        self._due_s = self.clock.steady_s() + self.limits.tick_s
        # A daemon: a second interruption ends the process whatever the source does.
        self._thread = Thread(target=self._run, name="auditor-intake", daemon=True)

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def stop(self) -> None:
        """Have the last tick handed over soon."""
        self._stopping = True

    def take(self, timeout_s: float) -> Tick | None:
        """Give the next tick; None if there is none in time."""
        try:
            return self._ticks.get(timeout=timeout_s)
        except Empty:
            return None

    def _ended(self) -> bool:
        return self._stopping or (
            self.until_s is not None and self.clock.steady_s() >= self.until_s
        )

    def _counters(self) -> Counters:
        return Counters(
            self._tally.frames,
            self._bytes,
            self.source.dropped or 0,
            self._tally.by_status(),
            self._table.size,
            self.limits.most_flows,
        )

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            while not self._ended():
                batch = self.source.read()
                if batch is not None:
                    self._take(batch)
                now_s = self.clock.steady_s()
                if now_s >= self._shown_s:
                    self._shown_s = now_s + _SHOW_S
                    self.latest = self._counters()
                if now_s >= min(self._due_s, self.schedule.ends_s):
                    self._hand_over(now_s)
            for batch in self.source.rest():
                self._take(batch)
        except BaseException as problem:  # noqa: BLE001 - whatever it is, it ends the watch, told
            error = problem
        finally:
            self.source.close()
            self._hand_over_last(error)

    def _take(self, batch: FrameBatch) -> None:
        if self.macs != self._watched:
            self._watched = self.macs
            self._decoder = CompiledDecoder(self.macs)
        if self._table.size + len(batch) > self.limits.most_flows:
            self._make_room()
        packets = self._decoder.decode(batch)
        self._table.update(packets)
        self._keeper.observe(packets)
        self._tally.count(batch, packets.rows["status"])
        self._part.count(batch)
        self._bytes += int(batch.wire_len.sum())

    def _make_room(self) -> None:
        """Flush before it is due; nobody waits for what finds no place in the queue."""
        tick = self._tick(self.clock.steady_s(), most=int(self.limits.most_flows * _EVICT_TO))
        try:
            self._ticks.put_nowait(tick)
        except Full:
            self._unjudged += len(tick.flushed.flows.facts)

    def _hand_over(self, now_s: float) -> None:
        if self._ticks.full():
            # The table goes on until there is room in the queue.
            self._due_s = now_s + _RETRY_S
            return
        window = self.schedule.end() if now_s >= self.schedule.ends_s else None
        self._due_s = now_s + self.limits.tick_s
        self._ticks.put(self._tick(now_s, window))

    def _hand_over_last(self, error: BaseException | None) -> None:
        now_s = self.clock.steady_s()
        self._ticks.put(self._tick(now_s, self.schedule.end(), last=True, error=error))

    def _tick(
        self,
        now_s: float,
        window: Span | None = None,
        *,
        most: int | None = None,
        last: bool = False,
        error: BaseException | None = None,
    ) -> Tick:
        flushed = self._table.flush(
            now_s,
            idle_s=self.limits.idle_s,
            closed_s=self.limits.closed_s,
            most=most,
            # Without room, or when nothing comes any more, nothing is kept back.
            patient=most is None and not last,
        )
        self._evicted[0] += flushed.evicted_attempts
        self._evicted[1] += flushed.evicted_flows
        part, self._part = self._part, _Part()
        return Tick(
            flushed,
            self._keeper.take(),
            {mac: set(pairs) for mac, pairs in self._decoder.mac_addresses.items()},
            self._counters(),
            Losses(self._evicted[0], self._evicted[1], self._unjudged, self._keeper.left_out),
            self.source.dropped is not None,
            part.first_ns,
            part.last_ns,
            now_s,
            tuple(self.source.notices()),
            window,
            last,
            error,
        )
