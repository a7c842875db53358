"""The outlet for alerts: what is news in a window goes to every sink, once."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import AuditError, UsageError
from auditor.outlets.alert import check_format, message
from auditor.outlets.book import AlertBook
from auditor.outlets.delivery import Backoff, Delivery, RejectedError
from auditor.outlets.health import Condition, Health, say_nothing
from auditor.outlets.rate import Bucket, RateLimit
from auditor.outlets.sinks.address import SinkOptions, open_sink
from auditor.outlets.sinks.file import FileSink
from auditor.outlets.sinks.message import Message
from auditor.outlets.spool import Spool
from auditor.outlets.worker import Inbox, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from auditor.outlets.health import Say
    from auditor.outlets.sinks.message import Sink
    from auditor.outlets.window import Window


_SAVE_AGAIN_S = 10.0


@dataclass(frozen=True)
class AlertOptions:
    """How alerts are told."""

    form: str = "auditor"
    """A key of alert.FORMATS."""
    rate: RateLimit = field(default_factory=RateLimit)
    resolved_after: int | None = None
    """Windows without a finding after which it is told as gone; None: never."""
    sinks: SinkOptions = field(default_factory=SinkOptions)
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True)
class _Line:
    """One sink, and what feeds it."""

    sink: Sink
    delivery: Delivery
    worker: Worker | None
    """None for what is done at once, in the thread of the alerts."""


class Alerts:
    """Send what is news; never blocks and never raises once it is made.

    The book of what was told is saved when every sink that can promise anything has its alerts,
    or has them queued on disk: a process that is killed tells at most one window twice, and
    forgets none.
    """

    def __init__(
        self,
        specs: Sequence[str],
        *,
        sensor: str,
        directory: Path | None = None,
        options: AlertOptions | None = None,
        say: Say = say_nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open what `specs` ask for (see sinks.address); directory: for the book and the queues.

        Without a directory they lie beside the first file that alerts go to, else where the
        system keeps such things. Raises UsageError for a spec, AuditError for a directory.
        """
        given = options or AlertOptions()
        check_format(given.form)
        self._form = given.form
        sinks = [open_sink(spec, given.sinks) for spec in dict.fromkeys(specs)]
        self._directory = directory or _home(sinks)
        self._intake = Condition("alerts", say)
        self._memory = Condition("memory of alerts", say)
        self._bucket = Bucket(given.rate, clock)
        self._book = AlertBook(sensor, resolved_after=given.resolved_after)
        self._state = self._directory / f"alerts-{_file_name(sensor)}.json"
        self._told: dict[str, int] = {}
        self._unsaved = False
        self._make_directory()
        self._load(say)
        spools = self._open_spools(sinks, sensor)
        self._lines = [
            _line(sink, spool, Condition(f"alerts to {name}", say), given.backoff, clock)
            for sink, spool, name in zip(sinks, spools, _names(sinks), strict=True)
        ]
        self._inbox: Inbox[Window] = Inbox("alerts", self._take, self._intake, tick=self._tick)

    def window(self, window: Window) -> None:
        """Queue a window; what does not fit is counted, and the next one makes up for it."""
        self._inbox.offer(window)

    @property
    def told(self) -> Mapping[str, int]:
        """Count the alerts since the process started, by event."""
        return dict(self._told)

    @property
    def health(self) -> tuple[Health, ...]:
        """Tell how the outlet itself is doing, its memory, and each sink."""
        told = sum(self._told.values())
        intake, memory = self._intake, self._memory
        return (
            Health(
                intake.name,
                intake.problem,
                len(self._inbox),
                told,
                intake.failures,
                self._inbox.missed,
            ),
            Health(memory.name, memory.problem, failures=memory.failures),
            *(line.delivery.health for line in self._lines),
        )

    @property
    def state(self) -> str:
        """Tell all of it in words, one line a part."""
        return "\n".join(health.words for health in self.health)

    def close(self, timeout_s: float = 10.0) -> None:
        """Tell what waits, as far as that goes in the time given, and let go of everything."""
        end_s = time.monotonic() + timeout_s
        self._inbox.close(timeout_s)
        for line in self._lines:
            ended = line.worker is None or line.worker.close(max(0.1, end_s - time.monotonic()))
            line.delivery.stop()
            if ended:
                line.sink.close()
            line.delivery.spool.close()

    def _take(self, window: Window) -> None:
        alerts = self._book.window(window, self._bucket.take)
        for alert in alerts:
            self._told[alert.event.value] = self._told.get(alert.event.value, 0) + 1
        entries = [message(alert, self._form).pack() for alert in alerts]
        for line in self._lines:
            line.delivery.put(entries)
            if line.worker is not None:
                line.worker.wake()
        self._unsaved = True

    def _tick(self) -> float | None:
        """Do what is done at once, then save the book if nothing would be lost with it."""
        direct = [line.delivery.pump() for line in self._lines if line.worker is None]
        promised = [line.delivery.spool.safe for line in self._lines if line.sink.keeps]
        if self._unsaved and all(promised):
            try:
                self._book.save(self._state)
            except OSError as error:
                self._memory.failed(f"{self._state}: {error.strerror or error}")
            else:
                self._memory.worked()
                self._unsaved = False
        waits_s = [wait_s for wait_s in direct if wait_s is not None]
        return min([*waits_s, _SAVE_AGAIN_S] if self._unsaved else waits_s, default=None)

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"{self._directory}: cannot be made: {reason}") from error

    def _load(self, say: Say) -> None:
        try:
            self._book.load(self._state)
        except OSError as error:
            raise AuditError(f"{self._state}: {error.strerror or error}") from error
        except ValueError as error:
            damaged = self._state.with_suffix(".damaged")
            self._state.replace(damaged)
            say(f"{damaged}: {error}; every finding is told anew")

    def _open_spools(self, sinks: Sequence[Sink], sensor: str) -> list[Spool]:
        spools: list[Spool] = []
        try:
            for sink in sinks:
                spools.append(Spool(self._spool_directory(sink, sensor)))  # noqa: PERF401 - closed below
        except AuditError:
            for spool in spools:
                spool.close()
            raise
        return spools

    def _spool_directory(self, sink: Sink, sensor: str) -> Path | None:
        if not sink.keeps or sink.local:
            return None
        # Two hooks of one host differ in a path that must not be shown.
        which = hashlib.sha256(f"{sink.address}\n{sensor}".encode()).hexdigest()[:12]
        return self._directory / f"queue-{_file_name(sink.place)}-{which}"


@dataclass(frozen=True)
class _Sender:
    """Sends an entry of a spool through a sink."""

    sink: Sink

    def __call__(self, entry: bytes) -> None:
        try:
            unpacked = Message.unpack(entry)
        except ValueError as error:
            raise RejectedError(str(error)) from error
        self.sink.send(unpacked)


def _line(
    sink: Sink,
    spool: Spool,
    condition: Condition,
    backoff: Backoff,
    clock: Callable[[], float],
) -> _Line:
    delivery = Delivery(spool, _Sender(sink), condition, backoff=backoff, clock=clock)
    worker = None if sink.local else Worker(sink.place, delivery.pump, condition)
    return _Line(sink, delivery, worker)


def _names(sinks: Sequence[Sink]) -> list[str]:
    """Name the sinks apart: two hooks of one host show the same place."""
    places = [sink.place for sink in sinks]
    numbers = [places[: row + 1].count(place) for row, place in enumerate(places)]
    return [
        place if number == 1 else f"{place} ({number})"
        for place, number in zip(places, numbers, strict=True)
    ]


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")[:64] or "sensor"


def _home(sinks: Sequence[Sink]) -> Path:
    """Say where the book and the queues lie unless a directory is given."""
    for sink in sinks:
        if isinstance(sink, FileSink):
            return sink.path.absolute().parent
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "auditor"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "auditor"
