"""`auditor live`: what the command line takes, says and refuses."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from click.testing import CliRunner
from monitoring import BEGIN_NS, WINDOW_NS, window
from reports import finding

from auditor.cli import main
from auditor.cli.live_view import Lines, window_text
from auditor.cli.output import Output
from auditor.outlets.window import Counters, FailedWindow

if TYPE_CHECKING:
    from pathlib import Path


def invoked(*words: str) -> tuple[int, str]:
    """Call the verb; give the exit status and what was said."""
    result = CliRunner().invoke(main, ["live", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize("words", ["5x", "", "m5", "1h 30m", "-5m"])
def test_spans_of_time_are_read_strictly(words: str) -> None:
    """What is no span of time is refused with an example of one."""
    status, said = invoked("eth-none", "--window", words)
    assert status == 2
    assert "90s, 5m or 1h30m" in said


def test_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    """A missing interface, a window of no length, a place that is not there: wrong usage."""
    for words, expected in (
        ((), "expected INTERFACE"),
        (("eth-none", "--window", "0.2s"), "--window: expected at least 1 s"),
        (("eth-none", "--windows", str(tmp_path / "no" / "w")), "expected a directory"),
        (("eth-none", "--workers", "0"), "--workers"),
    ):
        status, said = invoked(*words)
        assert (status, expected in said) == (2, True), said


def test_an_unknown_interface_is_answered_with_those_there_are() -> None:
    """What cannot be listened to ends in one line, with status 3."""
    status, said = invoked("eth-none", "--duration", "1s", "--quiet")
    assert status == 3
    assert said.startswith("auditor: eth-none: ")


def test_each_finding_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines tell a window and what is new in it; the file has each window whole."""
    path = tmp_path / "windows.jsonl"
    lines = Lines("eth1", Output(None, None), path, quiet=False)
    lines.window(window(0, finding("aaaaaaaaaaaa", "blocked", "high")))
    lines.window(window(1, finding("aaaaaaaaaaaa", "blocked", "high")))
    lines.show(Counters())
    said = capsys.readouterr().err.splitlines()
    assert len([line for line in said if line.startswith("auditor: new: high: ")]) == 1
    assert len([line for line in said if "frames" in line]) == 2
    lines.failed(FailedWindow(BEGIN_NS, BEGIN_NS + WINDOW_NS, "ValueError: odd"))
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(written) == 3
    assert {"frames", "dropped", "duplicates", "loss_share", "findings"} <= set(written[0])
    assert written[2]["failed"] == "ValueError: odd"
    assert set(written[2]) == {"first_seen", "last_seen", "failed"}


def test_a_closed_standard_error_ends_no_watch(tmp_path: Path) -> None:
    """Nor does a file that cannot be written: nobody is left to be told."""
    lines = Lines("eth1", Output(None, None), tmp_path / "no" / "windows.jsonl", quiet=False)
    with mock.patch("sys.stderr", open_closed()):
        lines.note("down")
        lines.window(window(0, finding("aaaaaaaaaaaa", "blocked", "high")))


def open_closed() -> io.TextIOWrapper:
    """Give a stream that was closed."""
    stream = io.TextIOWrapper(io.BytesIO())
    stream.close()
    return stream


def test_a_window_in_a_line() -> None:
    """The line has the end of the window, frames, conversations and findings."""
    assert "findings: none" in window_text(window(0))
    assert "findings: 1 high" in window_text(window(0, finding("aaaaaaaaaaaa", "blocked", "high")))


def test_the_screen_is_not_commanded_by_traffic() -> None:
    """Names from the wire reach the terminal without markup and without control characters."""
    rich_console = pytest.importorskip("rich.console")
    from auditor.live.screen import Screen  # noqa: PLC0415 - an extra

    out = io.StringIO()
    console = rich_console.Console(file=out, force_terminal=False, width=120)
    screen = Screen("eth1", console)
    try:
        screen.show(Counters(frames=10, bytes=1000, dropped=3))
        screen.note("[red]x\x1b[2J")
        hostile = finding("aaaaaaaaaaaa", "blocked", "high") | {
            "title": "[bold]evil\x1b]0;title\x07"
        }
        shown = window(0, hostile)
        screen.window(shown, window_text(shown))
        console.print(screen._draw())
    finally:
        screen.stop()
    text = out.getvalue()
    assert "\x1b]0" not in text
    assert "\x1b[2J" not in text
    assert "[bold]evil" in text
    assert "3 of 10 frames lost" in text
