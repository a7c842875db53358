"""A watch from start to end: errors, signals, reloading, outlets, a span port of a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING
from unittest import mock

import pandas as pd
import pytest
from capture_files import frames_in
from live_network import FAR, NEAR, ip, private_network, send
from monitoring import traffic_window
from watching import HandClock, Replay, batches_of, sample

import auditor
from auditor.capture import open_capture
from auditor.capture.live import LiveOptions
from auditor.errors import CaptureError, UsageError
from auditor.live.intake import Intake
from auditor.live.outlets import OutletOptions
from auditor.live.run import RulesSource, WatchOptions, run
from auditor.outlets.store.database import Database
from auditor.outlets.store.record import record_of
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditor.outlets.window import Counters, Window
    from auditor.report.model import Report

SIGNALS = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs signals")


class Witness:
    """Remembers what a watch shows, and may do something at each window."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self.notes: list[str] = []
        self.windows: list[Window] = []
        self.reports: list[Report] = []
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

    def report(self, report: Report) -> None:
        """Remember a report."""
        self.reports.append(report)


class Paced(Intake):
    """An intake that its source knows, so that it brings frames no faster than they are judged."""

    def __post_init__(self) -> None:
        """Make oneself known."""
        super().__post_init__()
        assert isinstance(self.source, Replay)
        self.source.intake = self


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


ENDS = CaptureError(
    "span0", "expected the kind of interface that it was, found another; start anew"
)


def test_an_error_of_the_source_comes_with_the_report() -> None:
    """What was seen before is reported, the error is named in it, and the exit status is 3."""
    report = replayed("cvad", Witness(), WatchOptions(), fails_with=ENDS)
    assert len(report.flows) > 10
    assert report.capture.unreadable == (str(ENDS),)
    assert report.exit_status() == 3


def test_a_duration_ends_it() -> None:
    """After its time the watch ends by itself, as if nothing had happened."""
    witness = Witness()
    options = WatchOptions(window_s=60.0, duration_s=200.0)
    report = replayed("branch-office", witness, options)
    assert not report.interrupted
    assert 190 < report.capture.duration_s <= 210
    assert len(witness.windows) >= 3


@SIGNALS
def test_signals_ask_for_reports_and_for_the_end() -> None:
    """SIGUSR1 gives a report in between; SIGTERM ends the watch in order, with all of it."""
    witness = Witness()

    def ask() -> None:
        if len(witness.windows) == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
        if len(witness.windows) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    witness.at_window = ask
    report = replayed("branch-office", witness, WatchOptions(window_s=30.0))
    assert len(witness.reports) == 1
    assert 0 < len(witness.reports[0].flows) < len(report.flows)
    assert not report.interrupted
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@SIGNALS
def test_a_reload_with_mistakes_changes_nothing(tmp_path: Path) -> None:
    """SIGHUP names every mistake by its line and keeps what was in force; one without is taken."""
    capture, hosts = sample("branch-office")
    mine = tmp_path / "hosts.yaml"
    good = hosts.read_text(encoding="utf-8")
    mine.write_text(good, encoding="utf-8")
    witness = Witness()

    def change() -> None:
        if len(witness.windows) == 1:
            mine.write_text("site: x\nhosts:\n  - addresses: [nonsense]\n    roles: [emperor]\n")
            os.kill(os.getpid(), signal.SIGHUP)
        if len(witness.windows) == 2:
            mine.write_text(good, encoding="utf-8")
            os.kill(os.getpid(), signal.SIGHUP)

    witness.at_window = change
    options = WatchOptions(window_s=30.0)
    report = replayed("branch-office", witness, options, rules=RulesSource(mine))
    assert any(f"{mine}:3" in note for note in witness.notes)
    assert any("not reloaded" in note for note in witness.notes)
    assert any(note.startswith("reloaded") for note in witness.notes)
    expected = auditor.audit(capture, hosts=hosts)
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])


def test_outlets_and_flows(tmp_path: Path) -> None:
    """Alerts tell each finding once, and every flow lies in the hour in which it was seen."""
    pytest.importorskip("pyarrow")
    alerts, flows = tmp_path / "alerts.jsonl", tmp_path / "flows"
    options = WatchOptions(
        window_s=60.0,
        outlets=OutletOptions("here", (str(alerts),), directory=tmp_path / "state"),
        flows_directory=flows,
    )
    report = replayed("branch-office", Witness(), options)
    lines = [json.loads(line) for line in alerts.read_text().splitlines()]
    told = [line["finding_id"] for line in lines if line["event"] == "appeared"]
    assert len(told) == len(set(told))
    assert set(told) >= set(report.findings["finding_id"])
    table = pd.read_parquet(flows)
    assert table["packets_out"].sum() == report.flows["packets_out"].sum()
    assert set(table["date"].astype(str)) == {"2026-03-02"}
    assert set(table["verdict"]) == set(report.flows["verdict"])
    assert not list(flows.rglob("*.begun"))


def test_what_another_sensor_has_seen_lately_is_not_missing(tmp_path: Path) -> None:
    """Once the history tells of it; the coverage says when it was seen."""
    url = f"sqlite:///{tmp_path}/audit.db"
    outlets = OutletOptions("here", history=url, directory=tmp_path / "state")
    options = WatchOptions(window_s=60.0, outlets=outlets)
    report = replayed("branch-office", Witness(), options)
    absent = report.coverage[report.coverage["status"] == "missing"]
    assert len(absent)
    rows = absent.astype(object).to_dict("records")
    seen = tuple({str(k): v for k, v in row.items()} | {"status": "seen"} for row in rows)
    other = traffic_window(0, coverage=seen, first_ns=report.capture.last_ns)
    with Database(url, write=True).transaction() as connection:
        write_record(connection, record_of(other, "elsewhere"))
    again = replayed("branch-office", Witness(), options)
    titles = again.findings[again.findings["kind"] == "missing"]["title"]
    assert not titles.str.startswith("expected, not seen").any()
    told = again.coverage[again.coverage["status"] == "missing"]["why"]
    assert told.str.startswith("not seen here, but by 2026-03-02").all()


def test_what_cannot_be_meant_is_refused() -> None:
    """Spans of no length, and more workers than there can be, are wrong usage."""
    for options, words in (
        (WatchOptions(window_s=0.5), "--window: expected at least 1 s"),
        (WatchOptions(duration_s=0.0), "--duration: expected more than 0 s"),
        (WatchOptions(listening=LiveOptions(workers=2)), "--workers: expected 1"),
    ):
        with pytest.raises(UsageError, match=words):
            replayed("cvad", Witness(), options)


def test_a_span_port_says_what_an_audit_says() -> None:
    """Frames that pass an interface make the findings that an audit of their capture makes."""
    capture, hosts = sample("branch-office")
    with open_capture([str(capture)]) as opened:
        frames = [frame.data for frame in frames_in(opened)]

    def send_soon() -> None:
        send(frames, NEAR)

    with private_network():
        for end in (NEAR, FAR):
            ip(f"link set {end} mtu 65000")
        witness = Witness()
        sender = threading.Timer(0, send_soon)
        witness.note = lambda text: sender.start() if text == "watching" else None  # type: ignore[method-assign]  # as a witness may
        options = WatchOptions(window_s=2.0, duration_s=6.0)
        report = run(FAR, RulesSource(hosts), options, witness)
        sender.join()
    expected = auditor.audit(capture, hosts=hosts)
    assert report.capture.frames == expected.capture.frames
    assert report.capture.dropped == 0
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])


@SIGNALS
def test_ctrl_c_ends_it_with_the_report(tmp_path: Path) -> None:
    """SIGINT writes the report and exits with 130; standard output holds the report alone."""
    with private_network():
        command = [sys.executable, "-m", "auditor", "live", FAR, "--format", "json"]
        command += ["--windows", str(tmp_path / "windows.jsonl"), "--window", "1s"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stderr is not None
        while "watching" not in child.stderr.readline():
            assert child.poll() is None
        send([bytes(60)] * 3)
        while not (tmp_path / "windows.jsonl").is_file():
            time.sleep(0.05)
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out)["capture"]["frames"] == 3
    first = json.loads((tmp_path / "windows.jsonl").read_text().splitlines()[0])
    assert {"first_seen", "last_seen", "summary", "findings"} <= set(first)
