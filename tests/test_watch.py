"""The watch: windows and the whole say what an audit of the same frames says."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from monitoring import until
from watching import HandClock, Replay, batches_of, sample, watched

import auditor
from auditor.decode.dissect import Decoder
from auditor.judging import load_judging
from auditor.live.clock import Schedule
from auditor.live.intake import Intake
from auditor.live.tick import Limits
from auditor.live.watch import Watch
from auditor.outlets.store.record import record_of

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.report.model import Report

NAMES = ("branch-office", "provisioning", "gateway-service")


def findings_of(report: Report) -> dict[str, tuple[object, ...]]:
    """Give what makes up each finding, by identity; counts and times left out."""
    columns = ("severity", "accepted", "kind", "title", "rows", "rule_ids", "caveats", "packets")
    table = report.findings
    values = zip(*(map(repr, table[name].tolist()) for name in columns), strict=True)
    return dict(zip(table["finding_id"].tolist(), values, strict=True))


def coverage_of(report: Report) -> set[tuple[object, ...]]:
    """Give what became of each expectation."""
    columns = ("group", "source_roles", "destination_roles", "status", "strength", "silent")
    table = report.coverage
    return set(zip(*(map(repr, table[name].tolist()) for name in columns), strict=True))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("frames", "tick_s"), [(100, 10.0), (7, 1.0)])
def test_whole_report_says_what_an_audit_says(name: str, frames: int, tick_s: float) -> None:
    """However frames come and ticks cut, findings, packets and coverage are those of an audit."""
    capture, hosts = sample(name)
    report, _ = watched(
        capture, hosts, frames=frames, window_s=300.0, limits=Limits(tick_s=tick_s, calm_ticks=1)
    )
    expected = auditor.audit(capture, hosts=hosts)
    assert findings_of(report) == findings_of(expected)
    assert coverage_of(report) == coverage_of(expected)
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert report.flows[column].sum() == expected.flows[column].sum()
    assert report.summary["flows"] == len(expected.flows)
    assert report.capture.frames == expected.capture.frames
    assert report.capture.bytes == expected.capture.bytes
    assert report.capture.frames_by_status == expected.capture.frames_by_status


def test_windows_add_up() -> None:
    """Every frame and packet is in one window, and windows follow on each other."""
    report, windows = watched(*sample("branch-office"), window_s=60.0)
    assert len(windows) > 3
    for before, after in pairwise(windows):
        assert before.last_ns == after.first_ns
        assert before.counters.frames <= after.counters.frames
    assert sum(window.report.capture.frames for window in windows) == report.capture.frames
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        total = sum(int(window.report.flows[column].sum()) for window in windows)
        assert total == int(report.flows[column].sum())


def test_a_window_misses_what_the_whole_watch_misses() -> None:
    """What is missing is said of all that was watched, not of some minutes."""
    report, windows = watched(*sample("branch-office"), window_s=60.0)
    missing = report.findings[report.findings["kind"] == "missing"]["finding_id"]
    last = windows[-1].report.findings
    assert sorted(last[last["kind"] == "missing"]["finding_id"]) == sorted(missing)
    assert set(windows[-1].report.finding_flows) == set(last["finding_id"])


def test_without_a_site_file_nothing_is_missing() -> None:
    """A watch of unknown hosts judges what it infers, and calls nothing missing."""
    capture, _ = sample("cvad")
    report, _ = watched(capture, None)
    assert not (report.findings["kind"] == "missing").any()
    assert len(report.flows) > 10


def test_lost_frames_weaken_what_is_missing() -> None:
    """Where frames were lost, an absence proves little, and the report says that they were."""
    whole, _ = watched(*sample("branch-office"))
    lossy, _ = watched(*sample("branch-office"), lost=7)
    assert "strong" in set(whole.coverage["strength"])
    assert "strong" not in set(lossy.coverage["strength"])
    assert lossy.capture.dropped == 7


def test_notices_stand_in_the_report_once() -> None:
    """What the interface went through is among the warnings of the whole."""
    report, _ = watched(*sample("cvad"), told=["span0: down; waiting for it to come up"])
    assert report.capture.warnings == ("span0: down; waiting for it to come up",)


def test_a_clock_set_back_is_told_and_loses_nothing() -> None:
    """Windows go on, each with a length; packets and findings are those of an audit."""
    capture, hosts = sample("branch-office")
    report, windows = watched(capture, hosts, frames=10, window_s=30.0, set_back=(40, 3600 * 10**9))
    expected = auditor.audit(capture, hosts=hosts)
    (told,) = report.capture.warnings
    assert told == "the clock was set 3,600 s back: two windows may bear the same time"
    assert all(window.first_ns < window.last_ns for window in windows)
    assert any(after.first_ns < before.last_ns for before, after in pairwise(windows))
    assert sum(window.report.capture.frames for window in windows) == expected.capture.frames
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert report.flows[column].sum() == expected.flows[column].sum()
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])


@pytest.mark.parametrize("name", NAMES)
def test_sources_that_share_the_frames_say_what_one_says(name: str) -> None:
    """Each conversation comes by one of them; errors that quote it come by the other, too."""
    capture, hosts = sample(name)
    clock = HandClock()
    shares: tuple[list[FrameBatch], list[FrameBatch]] = ([], [])
    for batch in batches_of(capture, 100):
        rows = Decoder().decode(batch).rows
        names = ("src_lo", "dst_lo", "src_port", "dst_port")
        second = np.sum([rows[each].astype(np.uint64) for each in names], axis=0) % 2 == 1
        for share, chosen in zip(shares, (~second, second), strict=True):
            if chosen.any():
                share.append(batch.select(np.flatnonzero(chosen)))
    replays = [Replay(share, clock, lost=2) for share in shares]
    limits = Limits(tick_s=1e9)
    intake = Intake(replays, limits, frozenset(), Schedule(1e9, clock), clock)
    watch = Watch("span0", load_judging(hosts, (), None), limits)
    watch.begin(clock.steady_s())
    intake.start()
    until(lambda: all(replay.given == len(replay.batches) for replay in replays))
    intake.stop()
    tick = intake.take(60.0)
    assert tick is not None
    assert tick.last
    watch.take(tick)
    report, expected = watch.report(), auditor.audit(capture, hosts=hosts)
    assert all(replay.closed for replay in replays)
    assert report.capture.dropped == 4
    assert report.capture.frames == expected.capture.frames
    assert report.capture.frames_by_status == expected.capture.frames_by_status
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert report.flows[column].sum() == expected.flows[column].sum()


def test_bounds_that_were_hit_are_told() -> None:
    """A table too small for the traffic says how much it forgot, and the report is truncated."""
    report, _ = watched(
        *sample("branch-office"), limits=Limits(tick_s=1e6, most_flows=120, most_records=100)
    )
    text = "\n".join(report.capture.warnings)
    assert "left out of the report, attempts first" in text
    assert "left the flow table" in text
    assert report.capture.truncated
    assert len(report.flows) <= 100


def test_flows_are_counted_once_however_they_are_cut() -> None:
    """In the summary, the coverage and the hosts: as an audit counts them."""
    capture, hosts = sample("branch-office")
    report, _ = watched(capture, hosts, limits=Limits(tick_s=1.0))
    expected = auditor.audit(capture, hosts=hosts)
    assert len(report.flows) < len(expected.flows)
    assert report.summary["by_verdict"] == expected.summary["by_verdict"]
    for tally in (report.summary["by_outcome"], report.summary["by_verification"]):
        # A flow that was answered late counts as what it was when it began.
        assert sum(tally.values()) == len(expected.flows)
    assert sorted(report.hosts["flows"]) == sorted(expected.hosts["flows"])
    assert report.coverage["flows"].tolist() == expected.coverage["flows"].tolist()


def test_a_selection_counts_the_flows_that_its_rows_stand_for() -> None:
    """And a history counts them so."""
    report, windows = watched(*sample("branch-office"))
    parts = [report.filtered(f"transport {sign} 'tcp'").summary for sign in ("==", "!=")]
    assert sum(part["flows"] for part in parts) == report.summary["flows"]
    for window in windows:
        record = record_of(window, "s1")
        assert record.flows == window.report.summary["flows"]
        assert sum(edge.flows for edge in record.edges) == record.flows
