"""auditor.report.model: what a report amounts to."""

from __future__ import annotations

from dataclasses import replace

import pytest
import reports

from auditor.capture.batch import CaptureFacts
from auditor.judge.vocabulary import Outcome, Verdict, Verification
from auditor.report.model import CaptureInfo


def test_the_summary_has_every_word_even_of_an_empty_report() -> None:
    """Who reads the summary needs no special case for what did not occur."""
    summary = reports.empty_report().summary
    assert summary["by_verdict"] == dict.fromkeys(map(str, Verdict), 0)
    assert summary["by_outcome"] == dict.fromkeys(map(str, Outcome), 0)
    assert summary["by_verification"] == dict.fromkeys(Verification, 0)
    assert summary["findings"] == {"high": 0, "medium": 0, "low": 0, "accepted": 0}


def test_an_accepted_finding_counts_as_accepted_alone() -> None:
    """Severities count what is left to do."""
    report = reports.small_report(
        reports.finding("a", "blocked", "high", accepted=True),
        reports.finding("b", "blocked", "low"),
    )
    assert report.summary["findings"] == {"high": 0, "medium": 0, "low": 1, "accepted": 1}
    assert report.worst() == "low"


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("high", "high", 1),
        ("medium", "high", 0),
        ("medium", "medium", 1),
        ("high", "low", 1),
        ("low", "low", 1),
        ("low", "medium", 0),
        ("high", "never", 0),
    ],
)
def test_the_exit_status_follows_the_worst_finding(
    severity: str, fail_on: str, status: int
) -> None:
    """A finding at or above the level fails the run."""
    report = reports.small_report(reports.finding("a", "blocked", severity))
    assert report.exit_status(fail_on) == status


def test_unreadable_beats_interrupted_beats_findings() -> None:
    """The exit status names the gravest thing that happened."""
    found = reports.small_report(reports.finding("a", "blocked", "high"))
    interrupted = replace(found, interrupted=True)
    unread = replace(interrupted, capture=replace(reports.CAPTURE, unreadable=("x: no capture",)))
    assert [r.exit_status("low") for r in (found, interrupted, unread)] == [1, 130, 3]
    assert reports.empty_report().exit_status() == 0


def test_a_flow_report_has_the_same_priorities() -> None:
    """Without judgement there is nothing to fail on."""
    plain = reports.flow_report()
    interrupted = replace(plain, interrupted=True)
    unread = replace(interrupted, capture=replace(reports.CAPTURE, unreadable=("x: no capture",)))
    assert [r.exit_status() for r in (plain, interrupted, unread)] == [0, 130, 3]


def test_capture_info_takes_over_the_readers_facts() -> None:
    """What the reader counted is what the report says."""
    facts = CaptureFacts(["a.pcap"], 3, 180, 1, truncated=True, warnings=["w"], unreadable=["u"])
    info = CaptureInfo.of(facts, first_ns=0, last_ns=1_500_000_000, frames_by_status={"ok": 3})
    assert (info.files, info.frames, info.bytes, info.dropped) == (("a.pcap",), 3, 180, 1)
    assert (info.truncated, info.warnings, info.unreadable) == (True, ("w",), ("u",))
    assert info.duration_s == 1.5
    assert CaptureInfo().duration_s == 0.0


def test_a_report_shows_itself_in_one_line() -> None:
    """A notebook that ends in a report does not drown in tables."""
    assert repr(reports.rich_report()) == (
        "<Report: 150 flows, findings: 3 high, 4 medium, 3 low, 1 accepted>"
    )
    assert repr(reports.empty_report()) == "<Report: 0 flows, findings: none>"
    assert repr(reports.flow_report()) == "<FlowReport: 2 flows>"
