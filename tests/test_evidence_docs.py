"""docs/evidence.md: what the manual shows is what the program writes."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.cli import audit as cli
from auditor.pipeline import audit
from auditor.report.comments import Comments
from auditor.report.evidence import FLOWS_PER_FINDING, FRAMES_PER_FLOW
from auditor.report.picking import picked_frames
from auditor.report.wanted import wanted_flows

ROOT = Path(__file__).parents[1]
MANUAL = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "sample_pcaps" / "branch-office.pcapng"


def test_the_comment_in_the_manual_is_a_real_one() -> None:
    """The example is what the sample's frame says, but for the folder it lies in."""
    report = audit(SAMPLE, hosts=SAMPLE.with_suffix(".hosts.yaml"))
    example = re.search(r"```text\n(.*?)\n```", MANUAL, flags=re.DOTALL)
    assert example
    comments = Comments(report, FLOWS_PER_FINDING)
    [flow_id] = re.findall(r"^flow (\d+),", example[1], flags=re.MULTILINE)
    wanted = wanted_flows(report.tables["flows"], [int(flow_id)])
    frame = next(picked_frames(report.capture.files, wanted, 1))
    assert comments.of_frame(frame).replace(str(SAMPLE), SAMPLE.name) == example[1]


def test_the_bounds_in_the_manual_are_real() -> None:
    """Frames and flows are bounded as the manual says."""
    assert f"the first {FRAMES_PER_FLOW} frames" in MANUAL
    assert cli._FRAMES_PER_FLOW == FRAMES_PER_FLOW
    assert "the first five" in MANUAL
    assert FLOWS_PER_FINDING == 5
