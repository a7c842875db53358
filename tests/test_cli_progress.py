"""auditor.cli.progress: one line on a terminal, and only when there is something to wait for."""

from __future__ import annotations

import io

from auditor.cli.progress import Progress


class Terminal(io.StringIO):
    """A stream that calls itself a terminal."""

    def isatty(self) -> bool:
        """Pretend."""
        return True


class Clock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        """Start at an arbitrary time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def test_a_short_run_shows_nothing() -> None:
    """Before a second has passed nobody wonders."""
    terminal, clock = Terminal(), Clock()
    with Progress(terminal, clock=clock) as progress:
        clock.now += 0.9
        progress(50, 100, 10)
    assert terminal.getvalue() == ""


def test_a_long_run_shows_how_far_it_is_and_cleans_up() -> None:
    """Percent, time left, bytes, frames and speed; at the end the line is blank again."""
    terminal, clock = Terminal(), Clock()
    with Progress(terminal, clock=clock) as progress:
        clock.now += 2
        progress(25_000_000, 100_000_000, 1000)
        shown = terminal.getvalue()
    assert shown.startswith("\rauditor: 25 %, 6.0 s left, 25.0 MB of 100 MB, 1,000 frames, 500 fra")
    assert terminal.getvalue().endswith(f"\r{' ' * (len(shown) - 1)}\r")


def test_the_line_is_not_rewritten_for_every_batch() -> None:
    """Five times a second is enough for the eye."""
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    clock.now += 2
    for _ in range(100):
        clock.now += 0.01
        progress(1, 100, 1)
    assert 4 <= terminal.getvalue().count("\r") <= 6


def test_an_unknown_size_has_no_percent() -> None:
    """Standard input does not say how much is to come."""
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    clock.now += 2
    progress(1_000_000, 0, 10)
    assert terminal.getvalue() == "\rauditor: 1.0 MB, 10 frames, 5 frames/s"


def test_a_shorter_line_covers_the_longer_one_before() -> None:
    """No remains of the last line stay behind."""
    terminal, clock = Terminal(), Clock()
    progress = Progress(terminal, clock=clock)
    clock.now += 2
    progress(999_000, 1_000_000, 1_000_000)
    first = terminal.getvalue()
    clock.now += 1
    progress(1, 0, 1)
    second = terminal.getvalue().removeprefix(first)
    assert len(second) == len(first)


def test_neither_a_pipe_nor_a_quiet_run_sees_progress() -> None:
    """Standard error of a script stays free for errors."""
    for stream, wanted in ((io.StringIO(), True), (Terminal(), False)):
        clock = Clock()
        with Progress(stream, wanted=wanted, clock=clock) as progress:
            clock.now += 5
            progress(1, 2, 3)
        assert stream.getvalue() == ""
