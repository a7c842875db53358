"""Windows and clocks: aligned to the wall, measured by what never goes back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from watching import BEGIN_NS, SECOND_NS, HandClock

from auditor.live.clock import Schedule, Span


def test_windows_end_at_multiples_of_their_length() -> None:
    """The first window is a shorter one; the others begin and end with the clock on the wall."""
    clock = HandClock(BEGIN_NS + 130 * SECOND_NS)
    schedule = Schedule(300.0, clock)
    assert schedule.ends_s == 170.0
    clock.pass_s(170.2)
    assert schedule.end() == Span(BEGIN_NS + 130 * SECOND_NS, BEGIN_NS + 300 * SECOND_NS)
    clock.pass_s(schedule.ends_s - clock.steady_s() + 0.1)
    assert schedule.end() == Span(BEGIN_NS + 300 * SECOND_NS, BEGIN_NS + 600 * SECOND_NS)


def test_a_clock_set_back_leaves_the_open_window_its_length() -> None:
    """An hour that comes twice ends no window early and makes none of a negative length."""
    clock = HandClock()
    schedule = Schedule(300.0, clock)
    clock.pass_s(100.0)
    clock.wall_offset_ns -= 3600 * SECOND_NS
    clock.pass_s(200.0)
    assert clock.steady_s() >= schedule.ends_s
    assert schedule.end() == Span(BEGIN_NS, BEGIN_NS + 300 * SECOND_NS)
    assert schedule.set_by_ns == -3600 * SECOND_NS
    clock.pass_s(schedule.ends_s - clock.steady_s())
    span = schedule.end()
    assert schedule.set_by_ns == 0
    assert span.first_ns == BEGIN_NS - 3300 * SECOND_NS
    assert span.last_ns - span.first_ns == 300 * SECOND_NS


@given(st.lists(st.tuples(st.floats(0, 400), st.integers(-(10**13), 10**13)), max_size=20))
def test_every_window_has_a_length(steps: list[tuple[float, int]]) -> None:
    """Whatever is done to the clock, a window ends after it began, and soon another ends."""
    clock = HandClock()
    schedule = Schedule(60.0, clock)
    for seconds, jump_ns in steps:
        clock.pass_s(seconds)
        clock.wall_offset_ns += jump_ns
        assert schedule.ends_s <= clock.steady_s() + 66.1
        if clock.steady_s() >= schedule.ends_s:
            span = schedule.end()
            assert span.last_ns > span.first_ns


@given(
    window_s=st.floats(1.0, 3600.0),
    begin_s=st.floats(0.0, 3600.0),
    tick_s=st.sampled_from([1.0, 10.0]),
    late_s=st.lists(st.floats(0.0, 0.2), min_size=1, max_size=10),
)
def test_ticks_divide_a_window_evenly(
    window_s: float, begin_s: float, tick_s: float, late_s: list[float]
) -> None:
    """The last of them is its end, and none follows another at once, though each comes late."""
    clock = HandClock(BEGIN_NS + round(begin_s * SECOND_NS))
    schedule = Schedule(window_s, clock)
    ends_s = schedule.ends_s
    due_s = [0.0]
    while due_s[-1] < ends_s:
        late = due_s[-1] + late_s[len(due_s) % len(late_s)] * tick_s
        due_s.append(schedule.next_tick_s(late, tick_s))
    assert due_s[-1] == ends_s
    apart = [later - sooner for sooner, later in pairwise(due_s)]
    assert max(apart) <= 1.71 * tick_s
    if ends_s >= tick_s:
        assert min(apart) >= 0.5 * tick_s
