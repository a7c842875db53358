"""`auditor live`: a watch from its first frame to its report."""

from __future__ import annotations

import gc
import socket
import sys
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from auditor.capture.live import LiveOptions, drop_privileges, open_live
from auditor.errors import AuditError, UsageError
from auditor.judging import load_judging
from auditor.kernel.notice import tell
from auditor.live.clock import Clock, Schedule
from auditor.live.intake import Intake
from auditor.live.mishaps import Mishaps
from auditor.live.outlets import OutletOptions, Outlets
from auditor.live.rehearsal import rehearse
from auditor.live.requests import Requests
from auditor.live.store import FlowStore
from auditor.live.tick import Limits
from auditor.live.warm import give_memory_back, load_everything, trim_memory, unreadable_places
from auditor.live.watch import Watch
from auditor.outlets.window import FailedWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from auditor.capture.live import LiveSource
    from auditor.catalog.model import Catalog
    from auditor.judging import Judging
    from auditor.live.tick import Tick
    from auditor.outlets.window import Counters, Window
    from auditor.report.model import Report
    from auditor.site.model import Site

_PATIENCE_S = 0.2
"""How long a signal may wait."""

_SWITCH_S = 0.0005
"""Judging holds the interpreter; this is how long the intake waits for it at most."""

WINDOW_S = 300.0
SHORTEST_WINDOW_S = 1.0


class Onlooker(Protocol):
    """Is shown what happens, in the thread of the watch."""

    def note(self, text: str) -> None:
        """Take a line on what happens."""

    def show(self, counters: Counters) -> None:
        """Take the totals of this moment, a few times a second."""

    def window(self, window: Window) -> None:
        """Take a window that has ended."""

    def failed(self, window: FailedWindow) -> None:
        """Take a window of which there is no report."""

    def report(self, report: Report) -> None:
        """Take a report that was asked for in between."""


class _Nobody:
    def note(self, text: str) -> None: ...

    def show(self, counters: Counters) -> None: ...

    def window(self, window: Window) -> None: ...

    def failed(self, window: FailedWindow) -> None: ...

    def report(self, report: Report) -> None: ...


@dataclass(frozen=True)
class WatchOptions:
    """How a watch goes."""

    window_s: float = WINDOW_S
    duration_s: float | None = None
    """None: until a signal ends it."""
    listening: LiveOptions = field(default_factory=LiveOptions)
    user: str | None = None
    """Become this user once the interface is open."""
    limits: Limits = field(default_factory=Limits)
    outlets: OutletOptions | None = None
    flows_directory: Path | None = None
    """For judged flows as Parquet."""
    dedup: bool = False
    """Leave out frames that hold a packet which another frame holds."""
    traces: bool = False
    """Say of a mistake of the program where it happened, step by step."""

    def check(self) -> None:
        """Raise UsageError for what cannot be meant."""
        if self.window_s < SHORTEST_WINDOW_S:
            raise UsageError(f"--window: expected at least 1 s, found {self.window_s:g} s")
        if self.duration_s is not None and self.duration_s <= 0:
            raise UsageError(f"--duration: expected more than 0 s, found {self.duration_s:g} s")
        if self.listening.workers < 1:
            raise UsageError(f"--workers: expected at least 1, found {self.listening.workers}")


def monitor(
    interface: str,
    *,
    hosts: str | PathLike[str] | Site | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    duration_s: float | None = None,
    window_s: float = WINDOW_S,
    on_window: Callable[[Window], None] | None = None,
    bpf: str | None = None,
    options: WatchOptions | None = None,
    dedup: bool = False,
) -> Report:
    """Audit an interface as it runs, until `duration_s` are over or SIGINT or SIGTERM comes.

    hosts, catalog, edition: as for `audit`. on_window: is given each window when it has ended.
    dedup: as for `audit`. options: everything else; what is given here beside it counts. Raises
    AuditError.
    """
    given = options or WatchOptions()
    given = replace(
        given,
        duration_s=given.duration_s if duration_s is None else duration_s,
        window_s=window_s if window_s != WINDOW_S else given.window_s,
        listening=given.listening if bpf is None else replace(given.listening, bpf=bpf),
        dedup=dedup or given.dedup,
    )
    rules = RulesSource(hosts, catalog, edition)
    onlooker = _Told(on_window) if on_window else _Nobody()
    return run(interface, rules, given, onlooker)


class _Told(_Nobody):
    def __init__(self, on_window: Callable[[Window], None]) -> None:
        self._on_window = on_window

    def window(self, window: Window) -> None:
        self._on_window(window)


@dataclass(frozen=True)
class RulesSource:
    """Where rules and site file are read from, at the start and when asked again."""

    hosts: str | PathLike[str] | Site | None = None
    catalog: Sequence[str | PathLike[str]] | Catalog = ()
    edition: str | None = None

    def load(self) -> Judging:
        """Read them; raise DocumentError."""
        return load_judging(self.hosts, self.catalog, self.edition).complete()


def run(
    interface: str,
    rules: RulesSource,
    options: WatchOptions,
    onlooker: Onlooker,
    clock: Clock | None = None,
    opened: LiveSource | None = None,
) -> Report:
    """Watch; opened: a source to take frames from in place of the interface's own."""
    options.check()
    judging = rules.load()
    onlooker.note("loading")
    tell(onlooker.note)
    give_memory_back()
    load_everything()
    rehearse(judging)
    if options.flows_directory is not None or (options.outlets and options.outlets.history):
        import_module("auditor.report.frames")  # pandas, which pyarrow and a history load too
    sources = [opened] if opened else open_live(interface, options.listening)
    try:
        if options.user is not None:
            drop_privileges(options.user)
            for place in unreadable_places():
                onlooker.note(
                    f"warning: {options.user} may not read {place}, so that this program may fail "
                    "later; install it where that user may read"
                )
        outlets = Outlets(
            options.outlets or OutletOptions(default_sensor(interface)), onlooker.note
        )
    except BaseException:
        for source in sources:
            source.close()
        raise
    try:
        return _Run(sources, rules, judging, options, onlooker, outlets, clock or Clock()).whole()
    finally:
        outlets.close()


def default_sensor(interface: str) -> str:
    """Name this machine's watch over an interface."""
    return f"{socket.gethostname()}-{interface}"


class _Run:
    def __init__(
        self,
        sources: Sequence[LiveSource],
        rules: RulesSource,
        judging: Judging,
        options: WatchOptions,
        onlooker: Onlooker,
        outlets: Outlets,
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._options = options
        self._onlooker = onlooker
        self._outlets = outlets
        self._clock = clock
        self._asked_s: float | None = None  # when a report was asked for that is due
        directory = options.flows_directory
        store = None if directory is None else FlowStore(directory, onlooker.note)
        self._mishaps = Mishaps(onlooker.note, options.traces)
        self._watch = Watch(
            sources[0].interface,
            judging,
            options.limits,
            store,
            outlets.past,
            dedup=options.dedup,
            mishaps=self._mishaps,
        )
        until_s = None if options.duration_s is None else clock.steady_s() + options.duration_s
        self._intake = Intake(
            sources,
            options.limits,
            _macs(judging),
            Schedule(options.window_s, clock),
            clock,
            until_s,
            options.dedup,
            self._watch.prompt_ports,
        )

    def whole(self) -> Report:
        """Watch to the end."""
        before_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        # What is there by now stays; to look through it again and again takes a twentieth of all.
        gc.collect()
        gc.freeze()
        try:
            with Requests() as requests:
                self._watch.begin(self._clock.steady_s())
                self._onlooker.note("watching")
                self._intake.start()
                last = self._loop(requests)
                report = replace(self._last_report(), interrupted=requests.interrupted)
        finally:
            gc.unfreeze()
            sys.setswitchinterval(before_s)
            self._intake.stop()
        if last.error is None:
            return report
        if not isinstance(last.error, Exception):
            raise last.error
        reason = str(last.error)
        if not isinstance(last.error, (AuditError, OSError)):
            reason = self._mishaps.note("no frames are taken any more", last.error, ends=True)
        return replace(report, capture=replace(report.capture, unreadable=(reason,)))

    def _last_report(self) -> Report:
        try:
            return self._watch.report()
        except Exception as error:
            reason = self._mishaps.note("no report can be made", error, ends=True)
            raise AuditError(
                f"{self._watch.interface}: expected a report, found {reason}"
            ) from error

    def _loop(self, requests: Requests) -> Tick:
        while True:
            tick = self._intake.take(_PATIENCE_S)
            for line in self._intake.news():
                # Lines are said under the name by which the watch began.
                self._onlooker.note(line.removeprefix(f"{self._watch.interface}: "))
            if tick is not None:
                self._take(tick)
                if self._asked_s is not None and (tick.last or tick.taken_s >= self._asked_s):
                    self._asked_s = None
                    self._give_report()
                if tick.last:
                    return tick
            lag_ns = 0 if tick is None else round((self._clock.steady_s() - tick.taken_s) * 1e9)
            counters = replace(self._intake.latest, lag_ns=lag_ns, errors=self._mishaps.count)
            self._outlets.update(counters)
            self._onlooker.show(counters)
            self._serve(requests)

    def _take(self, tick: Tick) -> None:
        window = self._watch.take(tick)
        if isinstance(window, FailedWindow):
            self._outlets.failed(window)
            self._onlooker.failed(window)
        elif window is not None:
            self._outlets.window(window)
            self._onlooker.window(window)
        if tick.window is not None:
            del window
            trim_memory()

    def _serve(self, requests: Requests) -> None:
        if requests.stop:
            self._intake.stop()
        if requests.report:
            requests.report = False
            self._asked_s = self._clock.steady_s()
            self._intake.hurry()
        if requests.reload:
            requests.reload = False
            self._reload()

    def _give_report(self) -> None:
        try:
            self._onlooker.report(self._watch.report())
        except Exception as error:  # noqa: BLE001 - the next one may well be made, or find room
            self._mishaps.note("the report that was asked for could not be given", error)

    def _reload(self) -> None:
        try:
            judging = self._rules.load()
        except AuditError as error:
            for line in str(error).splitlines():
                self._onlooker.note(line)
            self._onlooker.note("not reloaded: the site file and rules from before stay in force")
            return
        self._watch.judging = judging
        self._intake.macs = _macs(judging)
        self._onlooker.note("reloaded the site file and the rules")


def _macs(judging: Judging) -> frozenset[str]:
    site = judging.site
    return frozenset(mac for host in site.hosts for mac in host.macs) if site else frozenset()
