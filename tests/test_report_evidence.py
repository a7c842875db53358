"""auditor.report.evidence and auditor.report.comments: findings as a capture for Wireshark."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports
import small_office
from capture_files import frames_in, open_bytes
from pcap_files import pcap
from small_office import needs_tshark

from auditor.errors import UsageError
from auditor.pipeline import audit
from auditor.report.comments import Comments
from auditor.report.evidence import Written, check_evidence, save_evidence
from auditor.report.layouts import FINDINGS, FLOWS
from auditor.report.picking import PickedFrame
from auditor.report.wanted import Place

if TYPE_CHECKING:
    from pathlib import Path

    from capture_files import Frame

    from auditor import Report


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Audit the small office."""
    return small_office.examined(tmp_path).report


def frames_of(path: Path) -> list[Frame]:
    """Read an evidence file with our own reader."""
    stream = open_bytes(path.read_bytes())
    batches = []
    while (batch := stream.read()) is not None:
        batches.append(batch)
    return frames_in(batches)


def comments_of(path: Path) -> list[list[str]]:
    """Let tshark list the comments, each as its lines."""
    command = ("tshark", "-r", path, "-T", "fields", "-e", "frame.comment")
    ran = subprocess.run(command, capture_output=True, check=True)
    return [line.split("\\n") for line in ran.stdout.decode().splitlines()]


def test_the_frames_of_findings_are_written_as_they_were(report: Report, tmp_path: Path) -> None:
    """Bytes, nanoseconds and order are the capture's; other flows are left out."""
    path = tmp_path / "evidence.pcapng"
    written = save_evidence(report, path, frames=1000)
    original = {(f.time_ns, f.data) for f in frames_of(tmp_path / "office.pcapng")}
    found = frames_of(path)
    times = [frame.time_ns for frame in found]
    assert times == sorted(times)
    assert {(frame.time_ns, frame.data) for frame in found} < original
    assert written.frames == len(found)
    assert written.lost == 0
    told = {flow_id for ids in report.finding_flows.values() for flow_id in ids}
    assert written.flows == len(told) < len(report.flows)


def test_a_file_is_bounded_by_frames_and_flows(report: Report, tmp_path: Path) -> None:
    """Of each finding the first flows, of each flow the first frames."""
    path = tmp_path / "evidence.pcapng"
    flows = report.flows.query(f"client_port == {small_office.REUSED_PORT}")["flow_id"].tolist()
    reused = next(name for name, ids in report.finding_flows.items() if set(ids) == set(flows))
    one = replace(report, finding_flows={reused: report.finding_flows[reused]})
    assert save_evidence(one, path, frames=2, flows=2) == Written(frames=4, flows=2, lost=0)
    assert len(frames_of(path)) == 4


@needs_tshark
def test_every_frame_tells_its_finding_in_wireshark(report: Report, tmp_path: Path) -> None:
    """Title, reason, verdict, lines and origin stand in the comment; so does an acceptance."""
    path = tmp_path / "evidence.pcapng"
    save_evidence(report, path)
    comments = comments_of(path)
    refused = next(lines for lines in comments if "lic1 tcp/27000" in lines[0])
    assert refused[0].startswith("high: blocked: ddc1 -> lic1 tcp/27000")
    assert "refused" in refused[1]
    assert refused[-2].startswith("documented, refused; l.192")
    assert refused[-1].endswith(f"of {tmp_path / 'office.pcapng'}")
    assert ", frame 1 of 2, client to server; frame " in refused[-1]
    accepted = [lines for lines in comments if "tcp/3389" in lines[0]]
    assert accepted
    assert all(", accepted by the site: " in lines[0] for lines in accepted)
    errors = [lines for lines in comments if lines[-1].startswith("ICMP error that quotes flow")]
    assert [lines[0].rpartition(" ")[2] for lines in errors] == ["udp/7000"]


@needs_tshark
def test_the_section_says_where_the_frames_come_from(report: Report, tmp_path: Path) -> None:
    """Tool, captures, edition and site file are in the file's own comment."""
    path = tmp_path / "evidence.pcapng"
    save_evidence(report, path)
    text = path.read_bytes().decode("utf-8", "replace")
    for part in ("citrix-traffic-auditor 0", "office.pcapng", "edition citrix-adc", "office.yaml"):
        assert part in text


def test_an_audit_without_findings_gives_an_empty_capture(tmp_path: Path) -> None:
    """The file is there, says so, and can be read."""
    capture = tmp_path / "empty.pcap"
    capture.write_bytes(pcap([]))
    path = tmp_path / "evidence.pcapng"
    assert save_evidence(audit(capture), path) == Written(0, 0, 0)
    assert frames_of(path) == []
    assert b"No finding rests on a frame." in path.read_bytes()


def test_a_filter_narrows_the_evidence(report: Report, tmp_path: Path) -> None:
    """Only flows that the filter leaves are looked for."""
    path = tmp_path / "evidence.pcapng"
    narrowed = report.filtered("server_port == 7000")
    assert save_evidence(narrowed, path) == Written(frames=2, flows=1, lost=0)


def test_flows_that_are_gone_are_counted(report: Report, tmp_path: Path) -> None:
    """A capture that was cut in the meantime still gives what is left of it."""
    capture = tmp_path / "office.pcapng"
    whole = save_evidence(report, tmp_path / "a.pcapng")
    capture.write_bytes(pcap(small_office.talk().captured()[:30]))
    cut = save_evidence(report, tmp_path / "b.pcapng")
    assert cut.lost > 0
    assert cut.flows + cut.lost == whole.flows


def test_a_capture_that_is_read_is_never_overwritten(report: Report, tmp_path: Path) -> None:
    """Neither under its own name nor under another, nor as a file of a directory."""
    capture = tmp_path / "office.pcapng"
    link = tmp_path / "link.pcapng"
    link.hardlink_to(capture)
    before = capture.read_bytes()
    for path in (capture, link):
        with pytest.raises(UsageError, match="is one of the captures that are read"):
            save_evidence(report, path)
        with pytest.raises(UsageError, match="is one of the captures that are read"):
            check_evidence(path, [str(tmp_path)])
    assert capture.read_bytes() == before


def test_what_cannot_be_written_is_said_beforehand(report: Report, tmp_path: Path) -> None:
    """A directory that is not there, and one in the place of the file, are wrong usage."""
    sources = list(report.capture.files)
    with pytest.raises(UsageError, match="expected a directory to write into"):
        check_evidence(tmp_path / "none" / "x.pcapng", sources)
    with pytest.raises(UsageError, match="expected a file to write, found a directory"):
        check_evidence(tmp_path, sources)
    with pytest.raises(UsageError, match="standard input can be read only once"):
        check_evidence(tmp_path / "x.pcapng", ["-"])
    with pytest.raises(UsageError, match="cannot be written"):
        save_evidence(report, tmp_path / "none" / "x.pcapng")
    check_evidence(tmp_path / "x.pcapng", sources)


def test_comments_hide_and_move_nothing() -> None:
    """Whatever names a report holds, a comment is printable lines."""
    hostile = reports.hostile_report()
    comments = Comments(hostile, 5)
    assert comments.flow_ids
    texts = [comments.of_file()]
    for flow_id in comments.flow_ids:
        place = Place(reports.HOSTILE, 1)
        frame = PickedFrame(flow_id, 1, place, 0, 0, 1, b"", True, False, 0, 0)
        texts.append(comments.of_frame(frame))
    for text in texts:
        assert all(line.isprintable() for line in text.split("\n"))


def test_a_flow_of_many_findings_names_the_gravest() -> None:
    """The first few findings are told, the others counted."""
    row = reports.flow(1, verdict="wrong-roles", outcome="established")
    findings = [
        reports.finding(f"f{number}", "unexpected", severity)
        for number, severity in enumerate(["low"] * 6 + ["high"])
    ]
    report = replace(
        reports.rich_report(),
        tables=reports.tables(reports.table(FLOWS, row), reports.table(FINDINGS, *findings)),
        finding_flows={f"f{number}": [1] for number in range(7)},
    )
    place = Place("x", 1)
    frame = PickedFrame(1, 2, place, 0, 0, 1, b"", False, False, 0, 0)
    lines = Comments(report, 5).of_frame(frame).split("\n")
    assert lines[0].startswith("high: ")
    assert "and 2 findings more" in lines
    assert lines[-2].startswith("wrong-roles, established; near l.244")
    assert lines[-1] == "flow 1, frame 2 of 13, server to client; frame 1 of x"
