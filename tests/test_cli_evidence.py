"""`auditor audit --evidence`: what the options do, and what is refused before anything is read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import small_office
from invoked import auditor

from auditor import pipeline
from auditor.report.evidence import Written

if TYPE_CHECKING:
    from pathlib import Path

    from auditor import Report


@pytest.fixture
def office(tmp_path: Path) -> tuple[Path, Path]:
    """Write the small office: capture and site file."""
    return small_office.write(tmp_path)


def test_the_evidence_stands_beside_the_report(office: tuple[Path, Path], tmp_path: Path) -> None:
    """The report and the exit status are what they are without it."""
    capture, site = office
    out = tmp_path / "out.pcapng"
    arguments = ("audit", capture, "--hosts", site, "--format", "csv")
    plain, run = auditor(*arguments), auditor(*arguments, "--evidence", out)
    assert run == plain
    assert run.status == 1
    assert out.stat().st_size > 1000


def test_frames_of_a_flow_can_be_bounded(office: tuple[Path, Path], tmp_path: Path) -> None:
    """A smaller bound makes a smaller file."""
    capture, site = office
    sizes = []
    for bound in ((), ("--evidence-frames", 1)):
        out = tmp_path / "out.pcapng"
        auditor("audit", capture, "--hosts", site, "--evidence", out, *bound)
        sizes.append(out.stat().st_size)
    assert sizes[0] > 2 * sizes[1]


def test_the_filter_holds_for_the_evidence(office: tuple[Path, Path], tmp_path: Path) -> None:
    """Only what the report shows is written."""
    out = tmp_path / "out.pcapng"
    auditor("audit", office[0], "--evidence", out, "--filter", "server_port == 9")
    assert b"No finding rests on a frame." in out.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "--evidence", "x.pcapng"], "--evidence: standard input can be read only once"),
        (["{capture}", "--evidence", "{capture}"], "is one of the captures that are read"),
        (["{folder}", "--evidence", "{capture}"], "is one of the captures that are read"),
        (["{capture}", "--evidence", "{folder}"], "expected a file to write, found a directory"),
        (["{capture}", "--evidence", "{folder}/no/x"], "expected a directory to write into"),
        (["{capture}", "--evidence-frames", "5"], "--evidence-frames: expected --evidence"),
        (["{capture}", "--evidence", "x", "--evidence-frames", "0"], "Invalid value"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    office: tuple[Path, Path],
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Wrong usage ends with status 2 and one clear line, and no capture is touched."""

    def read(*_: object, **__: object) -> Report:
        raise AssertionError

    monkeypatch.setattr(pipeline, "audit", read)
    places = {"capture": office[0], "folder": office[0].parent}
    run = auditor("audit", *(text.format(**places) for text in arguments))
    assert run.status == 2
    assert message in run.stderr
    assert run.stdout == ""


def test_an_interrupted_audit_writes_no_evidence(
    office: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who interrupted wants no second pass; that there is no file is said."""
    out = tmp_path / "out.pcapng"
    report = replace(pipeline.audit(office[0]), interrupted=True)
    monkeypatch.setattr(pipeline, "audit", lambda *_, **__: report)
    run = auditor("audit", office[0], "--evidence", out)
    assert run.status == 130
    assert "not written, since the audit was interrupted" in run.stderr
    assert not out.exists()


def test_a_capture_that_changed_is_told(
    office: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flows that could not be found again are a warning, not a failure."""
    lossy = Written(frames=3, flows=1, lost=2)
    monkeypatch.setattr("auditor.report.evidence.save_evidence", lambda *_, **__: lossy)
    run = auditor("audit", office[0], "--evidence", tmp_path / "out.pcapng")
    assert "out.pcapng: lacks 2 flows; the captures changed" in run.stderr
