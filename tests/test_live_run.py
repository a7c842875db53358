"""A watch from start to end: errors, signals, reloading, outlets, a span port of a test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pandas as pd
import pytest
from capture_files import frames_in
from live_network import FAR, NEAR, ip, private_network, send, udp_frame
from monitoring import traffic_window
from watching import sample
from witness import Witness, replayed

import auditor
from auditor.capture import open_capture
from auditor.capture.live import LiveOptions, open_live
from auditor.errors import CaptureError, UsageError
from auditor.live import warm
from auditor.live.outlets import OutletOptions
from auditor.live.run import RulesSource, WatchOptions, run
from auditor.live.tick import Limits
from auditor.live.warm import unreadable_places
from auditor.outlets.store.database import Database
from auditor.outlets.store.record import record_of
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.capture.live import LiveSource
    from auditor.capture.live.source import LiveFrames
    from auditor.outlets.window import Counters
    from auditor.report.model import Report

SIGNALS = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs signals")


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
    """Spans of no length, and no workers, are wrong usage."""
    for options, words in (
        (WatchOptions(window_s=0.5), "--window: expected at least 1 s"),
        (WatchOptions(duration_s=0.0), "--duration: expected more than 0 s"),
        (WatchOptions(listening=LiveOptions(workers=0)), "--workers: expected at least 1"),
    ):
        with pytest.raises(UsageError, match=words):
            replayed("cvad", Witness(), options)


@SIGNALS
def test_a_span_port_says_what_an_audit_says() -> None:
    """Frames that pass an interface make the findings that an audit of their capture makes.

    With two workers each has a share of the frames, and the report is that of one.
    """
    capture, hosts = sample("branch-office")
    with open_capture([str(capture)]) as opened:
        frames = [frame.data for frame in frames_in(opened)]
    expected = auditor.audit(capture, hosts=hosts)
    reports = []
    for workers in (1, 2):
        report, shares = spanned(frames, hosts, workers)
        assert len(shares) == workers
        assert min(shares) > 0
        assert sum(shares) == report.capture.frames == expected.capture.frames
        assert report.capture.dropped == 0
        assert report.capture.frames_by_status == expected.capture.frames_by_status
        assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])
        reports.append(report)
    one, two = reports
    columns = ["client_ip", "server_ip", "transport", "server_port", "outcome", "verdict"]
    columns += ["packets_out", "packets_in", "bytes_out", "bytes_in"]
    assert one.flows[columns].value_counts().equals(two.flows[columns].value_counts())
    names = ["finding_id", "severity", "kind", "flows", "packets"]
    in_order = [
        each.findings[names].sort_values("finding_id", ignore_index=True) for each in reports
    ]
    assert in_order[0].equals(in_order[1])
    assert one.capture.loss.acks == two.capture.loss.acks > 100


@SIGNALS
@pytest.mark.parametrize("workers", [1, 2])
def test_what_becomes_of_the_interface_is_said_at_once(workers: int) -> None:
    """Down at the start, up, renamed: a line each, and the frames are seen."""
    witness = Witness()
    steps = {
        "down; waiting for it to come up": [f"link set {FAR} up"],
        "up again": [f"link set {FAR} down", f"link set {FAR} name span0", "link set span0 up"],
    }
    renamed = "is called span0 now; still listening"

    def note(text: str) -> None:
        witness.notes.append(text)
        for command in steps.pop(text, ()):
            ip(command)

    def show(counters: Counters) -> None:
        if renamed in witness.notes and counters.frames < 3:
            send([udp_frame(counters.frames)])
        elif counters.frames:
            signal.raise_signal(signal.SIGTERM)

    witness.note, witness.show = note, show  # type: ignore[method-assign]  # as a witness may
    with private_network():
        ip(f"link set {FAR} down")
        listening = LiveOptions(ring_mb=2, workers=workers)
        # No tick and no window ends before: lines do not wait for them.
        options = WatchOptions(
            window_s=3600.0, duration_s=60.0, listening=listening, limits=Limits(tick_s=3600.0)
        )
        report = run(FAR, RulesSource(), options, witness)
    assert not steps
    assert witness.notes.count(renamed) == 1
    assert report.capture.frames >= 3
    assert f"{FAR}: {renamed}" in report.capture.warnings


def test_a_user_that_may_not_read_the_program_is_told() -> None:
    """What is loaded later would fail, hours after the start."""
    assert unreadable_places() == []
    with mock.patch("auditor.live.warm._may_read", return_value=False):
        places = unreadable_places()
    assert str(Path(warm.__file__).parent) in places
    assert len(places) > 1


def spanned(frames: list[bytes], hosts: Path, workers: int) -> tuple[Report, list[int]]:
    """Send frames to a span port until all were seen; give the report, and each worker's share."""
    sources: list[LiveSource] = []
    shares: Counter[LiveSource] = Counter()

    def opened(interface: str, options: LiveOptions) -> list[LiveSource]:
        sources.extend(open_live(interface, options))
        for each in sources:
            each.read = partial(counted, each, each.read)  # type: ignore[method-assign]  # to look on
        return sources

    def counted(source: LiveSource, read: Callable[[], LiveFrames | None]) -> LiveFrames | None:
        frames = read()
        shares[source] += 0 if frames is None else len(frames)
        return frames

    def send_slowly() -> None:
        # The kernel queues so many between two interfaces.
        for at in range(0, len(frames), 100):
            send(frames[at : at + 100], NEAR)
            time.sleep(0.01)

    def end_when_all_came(counters: Counters) -> None:
        if counters.frames >= len(frames):
            signal.raise_signal(signal.SIGTERM)

    with private_network():
        for end in (NEAR, FAR):
            ip(f"link set {end} mtu 65000")
        sender = threading.Timer(0, send_slowly)
        witness = Witness()
        witness.note = lambda text: sender.start() if text == "watching" else None  # type: ignore[method-assign]  # as a witness may
        witness.show = end_when_all_came  # type: ignore[method-assign]  # as above
        listening = LiveOptions(ring_mb=8, workers=workers)
        options = WatchOptions(window_s=2.0, duration_s=60.0, listening=listening)
        with mock.patch("auditor.live.run.open_live", opened):
            report = run(FAR, RulesSource(hosts), options, witness)
        sender.join()
    return report, [shares[source] for source in sources]


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
        ends_s = time.monotonic() + 60
        # Only what a window counted is sure to have left the ring when the signal comes.
        while sum(window["frames"] for window in windows_in(tmp_path / "windows.jsonl")) < 3:
            assert time.monotonic() < ends_s
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out)["capture"]["frames"] == 3
    first, *_ = windows_in(tmp_path / "windows.jsonl")
    assert {"first_seen", "last_seen", "summary", "findings"} <= set(first)


def windows_in(path: Path) -> list[dict[str, Any]]:  # as they are written
    """Read the windows of a file that may be being written."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
