"""Sources and clocks for tests of the watch: frames of a capture, given as a span port would."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.capture import open_capture
from auditor.capture.live import InterfaceState
from auditor.judging import load_judging
from auditor.live.clock import Clock, Schedule
from auditor.live.intake import Intake
from auditor.live.tick import Limits
from auditor.live.watch import Watch
from auditor.outlets.window import FailedWindow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.capture.batch import FrameBatch
    from auditor.live.watch import FlowSink
    from auditor.outlets.window import Window
    from auditor.report.model import Report

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"

SECOND_NS = 10**9
BEGIN_NS = 1_772_438_400 * SECOND_NS
"""2026-03-02 08:00:00 UTC."""


class HandClock(Clock):
    """A clock that is set by hand; the wall may show something else than has passed."""

    def __init__(self, wall_ns: int = BEGIN_NS) -> None:
        """Show a time."""
        self.passed_ns = 0
        self.wall_offset_ns = wall_ns

    def wall_ns(self) -> int:
        """Tell the time on the wall."""
        return self.wall_offset_ns + self.passed_ns

    def steady_s(self) -> float:
        """Tell the seconds that passed."""
        return self.passed_ns / SECOND_NS

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.passed_ns += round(seconds * SECOND_NS)


@dataclass
class Replay:
    """A live source that gives batches, each when the clock shows the time of its last frame."""

    batches: Sequence[FrameBatch]
    clock: HandClock
    told: list[str] = field(default_factory=list)
    fails_with: Exception | None = None
    """Raised when all batches are given; None: no more frames come."""
    lost: int = 0
    interface: str = "span0"
    state: InterfaceState = InterfaceState.UP
    closed: bool = False
    given: int = 0
    set_back: tuple[int, int] = (0, 0)
    """Before which batch the clock on the wall is set back, and by how many ns."""
    intake: Intake | None = None

    @property
    def dropped(self) -> int:
        """Count what was lost."""
        return self.lost

    def read(self) -> FrameBatch | None:
        """Give the next batch; after the last one have the watch ended."""
        if self.given == len(self.batches):
            if self.fails_with is not None:
                raise self.fails_with
            if self.intake is not None:
                self.intake.stop()
            self.clock.pass_s(0.2)
            return None
        while self.intake is not None and self.intake._ticks.full():
            time.sleep(0.001)  # on a span port frames come no faster than time passes
        batch = self.batches[self.given]
        at, back_ns = self.set_back
        if back_ns and self.given == at:
            self.clock.wall_offset_ns -= back_ns
        if self.given >= at:
            batch = replace(batch, time_ns=batch.time_ns - back_ns)
        self.given += 1
        self.clock.passed_ns = max(
            self.clock.passed_ns, int(batch.time_ns[-1]) - self.clock.wall_offset_ns
        )
        return batch

    def rest(self) -> Iterator[FrameBatch]:
        """Give nothing: what was not asked for has not come."""
        return iter(())

    def notices(self) -> list[str]:
        """Give what was told, once."""
        told, self.told = self.told, []
        return told

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def sample(name: str) -> tuple[Path, Path]:
    """Find a sample capture and its site file."""
    (capture,) = SAMPLES.glob(f"{name}.pcap*")
    return capture, SAMPLES / f"{name}.hosts.yaml"


def batches_of(capture: Path, frames: int) -> list[FrameBatch]:
    """Cut a capture into batches of so many frames."""
    with open_capture([str(capture)]) as opened:
        return [
            batch.select(slice(start, start + frames))
            for batch in opened
            for start in range(0, len(batch), frames)
        ]


def watched(
    capture: Path,
    hosts: Path | None,
    *,
    frames: int = 100,
    window_s: float = 60.0,
    limits: Limits | None = None,
    flow_sink: FlowSink | None = None,
    dedup: bool = False,
    **source: object,
) -> tuple[Report, list[Window]]:
    """Watch a capture as if it came just now; give the whole report, and the windows."""
    batches = batches_of(capture, frames)
    clock = HandClock(int(batches[0].time_ns[0]))
    replay = Replay(batches, clock)
    for name, value in source.items():
        setattr(replay, name, value)
    judging = load_judging(hosts, (), None)
    site = judging.site
    macs = frozenset(mac for host in site.hosts for mac in host.macs) if site else frozenset()
    given = limits or Limits()
    watch = Watch(replay.interface, judging, given, flow_sink, dedup=dedup)
    intake = Intake(
        [replay],
        given,
        macs,
        Schedule(window_s, clock),
        clock,
        dedup=dedup,
        prompt=watch.prompt_ports,
    )
    replay.intake = intake
    watch.begin(clock.steady_s())
    intake.start()
    windows: list[Window] = []
    while True:
        tick = intake.take(60.0)
        assert tick is not None, "the intake has stopped"
        window = watch.take(tick)
        assert not isinstance(window, FailedWindow)
        if window is not None:
            windows.append(window)
        if tick.last:
            assert replay.closed
            return watch.report(), windows
