"""Errors that nobody foresaw, and outlets that fail: the watch goes on, and says so."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from monitoring import fill, small_disk, until
from watching import sample
from witness import Witness, replayed

import auditor
from auditor.errors import AuditError, CaptureError
from auditor.flows.compiled import CompiledFlowTable, Flushed
from auditor.live import watch as watch_module
from auditor.live.mishaps import Mishaps, reason_of
from auditor.live.outlets import OutletOptions, Outlets
from auditor.live.run import WatchOptions
from auditor.outlets.alerts import Alerts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditor.report.model import Report

NAME = "branch-office"
WINDOWS = WatchOptions(window_s=30.0)


class Failing:
    """Stands in for a function of the watch, and fails at some of its calls."""

    def __init__(self, name: str, fails: Callable[[int], bool]) -> None:
        """fails: is told the number of each call, from 1."""
        self.name = name
        self._real = getattr(watch_module, name)
        self._fails = fails
        self.calls = 0

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Do what is stood in for, or fail."""
        self.calls += 1
        if self._fails(self.calls):
            raise IndexError("index 7 is out of bounds")
        return self._real(*args, **kwargs)


def watched(failing: Failing, witness: Witness, options: WatchOptions = WINDOWS) -> Report:
    """Watch the sample while something in the watch fails."""
    with mock.patch.object(watch_module, failing.name, failing):
        return replayed(NAME, witness, options)


def told(witness: Witness, words: str) -> list[str]:
    """Give the lines with some words."""
    return [note for note in witness.notes if words in note]


def test_a_tick_that_cannot_be_judged_is_left_out() -> None:
    """One line says what and why; every window comes, and the report counts what it lacks."""
    witness, whole = Witness(), Witness()
    report = watched(Failing("judge_flows", lambda call: call == 3), witness)
    complete = replayed(NAME, whole, WINDOWS)
    (line,) = told(witness, "IndexError")
    assert "flows were not judged: IndexError: index 7 is out of bounds (in " in line
    assert line.endswith("; the watch goes on")
    assert len(witness.windows) == len(whole.windows)
    assert witness.windows[-1].counters.errors == 1
    assert 0 < len(report.flows) < len(complete.flows)
    assert any("mistakes of the program left out" in text for text in report.capture.warnings)
    assert "strong" not in set(report.coverage["strength"])


def test_what_fails_at_every_tick_is_said_once() -> None:
    """A journal is not filled; the errors are counted."""
    witness = Witness()
    report = watched(Failing("judge_flows", lambda call: True), witness)  # noqa: ARG005 - all calls
    assert len(told(witness, "IndexError")) == 1
    assert witness.windows[-1].counters.errors > 10
    assert report.capture.frames == auditor.audit(*_sample()).capture.frames
    assert not len(report.flows)


def _sample() -> tuple[str]:
    return (str(sample(NAME)[0]),)


def test_a_window_that_cannot_be_reported_is_told_as_failed() -> None:
    """The others come, what is missing is said of them, and the whole is reported."""
    witness, whole = Witness(), Witness()
    # The rehearsal takes two reports as a window does, its own and the whole: this is the second's.
    report = watched(Failing("conclude", lambda call: call == 5), witness)
    replayed(NAME, whole, WINDOWS)
    (failed,) = witness.failures
    assert len(witness.windows) == len(whole.windows) - 1
    assert (failed.first_ns, failed.last_ns) not in {
        (each.first_ns, each.last_ns) for each in witness.windows
    }
    assert "index 7 is out of bounds" in failed.reason
    assert len(told(witness, "a window could not be reported: IndexError")) == 1
    assert set(report.findings["finding_id"]) & set(
        auditor.audit(*_sample(), hosts=sample(NAME)[1]).findings["finding_id"]
    )


def test_a_trace_is_shown_to_whoever_wants_it() -> None:
    """Under --verbose the steps to a mistake are said, too."""
    witness = Witness()
    failing = Failing("judge_flows", lambda call: call == 3)
    watched(failing, witness, WatchOptions(window_s=30.0, traces=True))
    assert told(witness, "Traceback (most recent call last)")


def test_a_last_report_that_cannot_be_made_ends_in_a_line() -> None:
    """With an exit status, and without a trace."""
    witness = Witness()
    with pytest.raises(AuditError, match=r"^span0: expected a report, found IndexError: index 7"):
        watched(Failing("conclude", lambda call: call > 1), witness)
    assert told(witness, "no report can be made: IndexError")


def test_a_mistake_in_the_intake_comes_with_the_report() -> None:
    """What was seen before is reported, as with an interface that is gone for good."""
    witness = Witness()
    report = replayed("cvad", witness, WatchOptions(), fails_with=ValueError("odd"))
    assert len(report.flows) > 10
    assert report.exit_status() == 3
    (reason,) = report.capture.unreadable
    assert reason.startswith("ValueError: odd (in tests/watching.py, line ")
    assert told(witness, "no frames are taken any more: ValueError: odd")


def test_a_flow_table_that_fails_comes_with_the_report() -> None:
    """Frames that cannot be taken end the watch in order, even where nothing can be flushed."""
    witness = Witness()
    calls: list[int] = []
    flush = CompiledFlowTable.flush

    def fail(table: CompiledFlowTable, now_s: float, **limits: Any) -> Flushed:  # noqa: ANN401 - whatever the real one takes
        calls.append(1)
        if len(calls) > 8:
            raise IndexError("index 7 is out of bounds")
        return flush(table, now_s, **limits)

    with mock.patch.object(CompiledFlowTable, "flush", fail):
        report = replayed(NAME, witness, WINDOWS)
    assert len(report.flows) > 10
    assert report.exit_status() == 3
    assert "index 7 is out of bounds" in report.capture.unreadable[0]
    assert told(witness, "no frames are taken any more: IndexError")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals")
def test_a_report_in_between_that_finds_no_room_ends_nothing() -> None:
    """SIGUSR1 with a full disk is a line; the watch goes on."""
    witness = Witness()

    def ask() -> None:
        if len(witness.windows) == 1:
            os.kill(os.getpid(), signal.SIGUSR1)

    def refuse(report: Report) -> None:
        raise CaptureError("report.json", f"not written: {len(report.flows)}")

    witness.at_window = ask
    witness.report = refuse  # type: ignore[method-assign]  # as a witness may
    replayed(NAME, witness, WINDOWS)
    assert len(told(witness, "the report that was asked for could not be given: report.json")) == 1
    assert len(witness.windows) > 3


def test_reasons_are_a_line() -> None:
    """An error of ours speaks for itself; of others the first line, and where it was."""
    assert reason_of(CaptureError("eth1", "gone\nfor good")) == "eth1: gone"
    assert reason_of(OSError(28, "No space left on device")).startswith("OSError: [Errno 28]")
    assert reason_of(KeyError()) == "KeyError"
    assert Mishaps().note("x", ValueError("a\nb")) == "ValueError: a"


def test_an_outlet_that_fails_keeps_nothing_from_the_others(tmp_path: Path) -> None:
    """Neither windows nor the end."""
    said: list[str] = []
    path = tmp_path / "alerts.jsonl"
    outlets = Outlets(OutletOptions("s1", (str(path),)), said.append)

    class Broken:
        def window(self, window: object) -> None:  # noqa: ARG002 - it fails whatever comes
            raise ValueError("odd")

        def close(self) -> None:
            raise ValueError("still odd")

    (alerts,) = outlets._outlets
    assert isinstance(alerts, Alerts)
    outlets._outlets.insert(0, Broken())
    outlets._outlets.append(Broken())
    witness = Witness()

    def hand_over() -> None:
        outlets.window(witness.windows[-1])
        # A replay is quicker than a disk may be: what finds eight windows waiting is left out.
        until(lambda: not alerts.health[0].waiting)

    witness.at_window = hand_over
    report = replayed(NAME, witness, WINDOWS)
    outlets.close()
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert {line["finding_id"] for line in lines} >= set(report.findings["finding_id"])
    assert len(said) == 2 * len(witness.windows) + 2
    assert "an outlet did not take a window: ValueError: odd" in said[0]


def test_a_full_disk_takes_no_window_away(tmp_path: Path) -> None:
    """Flows, alerts and their memory without room for a byte: each says so, the report is whole."""
    pytest.importorskip("pyarrow")
    witness = Witness()
    with small_disk(tmp_path / "disk") as disk:
        fill(disk)
        options = WatchOptions(
            window_s=30.0,
            outlets=OutletOptions(
                "s1",
                (str(disk / "alerts.jsonl"),),
                history=f"sqlite:///{disk}/history.db",
                directory=disk,
            ),
            flows_directory=disk / "flows",
        )
        with mock.patch.object(Alerts.close, "__defaults__", (1.0,)):
            report = replayed(NAME, witness, options)
    assert len(told(witness, "No space left")) >= 1
    assert len(witness.windows) > 3
    expected = auditor.audit(*_sample(), hosts=sample(NAME)[1])
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])
