"""A watch over a sample from start to end, and who looks on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

from watching import HandClock, Replay, batches_of, sample

from auditor.live.intake import Intake
from auditor.live.run import RulesSource, WatchOptions, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.outlets.window import Counters, FailedWindow, Window
    from auditor.report.model import Report


class Witness:
    """Remembers what a watch shows, and may do something at each window."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.notes: list[str] = []
        self.windows: list[Window] = []
        self.reports: list[Report] = []
        self.failures: list[FailedWindow] = []
        self.at_window: Callable[[], None] = lambda: None

    def note(self, text: str) -> None:
        """Remember a line."""
        self.notes.append(text)

    def show(self, counters: Counters) -> None:
        """Remember nothing."""

    def window(self, window: Window) -> None:
        """Remember a window."""
        self.windows.append(window)
        self.at_window()

    def failed(self, window: FailedWindow) -> None:
        """Remember a window without a report."""
        self.failures.append(window)

    def report(self, report: Report) -> None:
        """Remember a report."""
        self.reports.append(report)


class Paced(Intake):
    """An intake that its source knows, so that it brings frames no faster than they are judged."""

    def __post_init__(self) -> None:
        """Make oneself known."""
        super().__post_init__()
        (source,) = self.sources
        assert isinstance(source, Replay)
        source.intake = self


def replayed(name: str, witness: Witness, options: WatchOptions, **given: object) -> Report:
    """Run a watch over a sample capture."""
    capture, hosts = sample(name)
    batches = batches_of(capture, 100)
    clock = HandClock(int(batches[0].time_ns[0]))
    replay = Replay(batches, clock)
    rules = given.pop("rules", RulesSource(hosts))
    for key, value in given.items():
        setattr(replay, key, value)
    assert isinstance(rules, RulesSource)
    with mock.patch("auditor.live.run.Intake", Paced):
        return run(replay.interface, rules, options, witness, clock, replay)
