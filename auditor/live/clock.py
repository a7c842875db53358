"""Time as a monitor needs it: what people call it, and what never goes back."""

from __future__ import annotations

import time
from dataclasses import dataclass

SECOND_NS = 10**9


class Clock:
    """The machine's clocks."""

    def wall_ns(self) -> int:
        """Tell the time, in nanoseconds since 1970 UTC; it may be set at any moment."""
        return time.time_ns()

    def steady_s(self) -> float:
        """Tell seconds since some moment; it never goes back."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Span:
    """A window: when it began and ended."""

    first_ns: int
    last_ns: int


class Schedule:
    """Windows that end when the clock on the wall shows a multiple of their length.

    Their length is measured by the steady clock: when the other one is set, the window that is
    open keeps its begin and its length, and the next one is aligned again.
    """

    def __init__(self, window_s: float, clock: Clock) -> None:
        """Begin the first window now; it ends at the first multiple."""
        self._window_s = window_s
        self._clock = clock
        self.set_by_ns = 0
        """How far the clock on the wall was set, forward or back, while the last window lasted."""
        self._begin(clock.wall_ns())

    @property
    def ends_s(self) -> float:
        """When the window that is open ends, by the steady clock."""
        return self._ends_s

    def next_tick_s(self, now_s: float, tick_s: float) -> float:
        """Say when the next tick is due: about `tick_s` from now, so that one ends the window.

        What is left of the window is divided evenly: a tick of a moment before its end would have
        all flows pass through memory once more.
        """
        left_s = self._ends_s - now_s
        ticks = round(left_s / tick_s)
        return self._ends_s if ticks <= 1 else now_s + left_s / ticks

    def end(self) -> Span:
        """End the window that is open, and begin the next one."""
        wall_ns = self._clock.wall_ns()
        span = self._span(wall_ns)
        # A clock that is kept right by small steps must not tear windows apart.
        moved_ns = wall_ns - span.last_ns
        self.set_by_ns = 0 if abs(moved_ns) < SECOND_NS else moved_ns
        self._begin(wall_ns if self.set_by_ns else span.last_ns)
        return span

    def _span(self, wall_ns: int) -> Span:
        lasted_ns = round((self._clock.steady_s() - self._began_s) * SECOND_NS)
        last_ns = self._first_ns + max(lasted_ns, 1)
        nearest = round(wall_ns / SECOND_NS / self._window_s) * self._window_s
        aligned_ns = round(nearest * SECOND_NS)
        if abs(aligned_ns - last_ns) < SECOND_NS and aligned_ns > self._first_ns:
            last_ns = aligned_ns
        return Span(self._first_ns, last_ns)

    def _begin(self, first_ns: int) -> None:
        self._first_ns = first_ns
        self._began_s = self._clock.steady_s()
        window_ns = round(self._window_s * SECOND_NS)
        left_ns = window_ns - self._clock.wall_ns() % window_ns
        if left_ns * 10 < window_ns:
            left_ns += window_ns
        self._ends_s = self._began_s + left_ns / SECOND_NS
