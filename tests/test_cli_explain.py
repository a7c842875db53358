"""`auditor explain SOURCE --flow ID`, as typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import small_office
from invoked import auditor
from pcap_files import pcapng

from auditor.explain.wireshark import NotAvailableError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_wireshark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do without the child process."""

    def unavailable(_: object) -> None:
        raise NotAvailableError("not asked")

    monkeypatch.setattr("auditor.explain.frames.dissect", unavailable)


@pytest.fixture
def office(tmp_path: Path) -> tuple[Path, Path]:
    """Write the small office: capture and site file."""
    return small_office.write(tmp_path)


def test_a_flow_is_explained_as_text(office: tuple[Path, Path]) -> None:
    """The ids are those of the report on the same captures."""
    capture, site = office
    run = auditor("explain", capture, "--flow", 1, "--hosts", site)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.startswith("flow 1: vda1 -> ddc1 tcp/80   documented, established\n")


def test_a_flow_is_explained_as_json(office: tuple[Path, Path]) -> None:
    """Standard output is one JSON object."""
    run = auditor("explain", office[0], "--flow", 2, "--format", "json")
    assert run.status == 0
    assert json.loads(run.stdout)["flow"]["flow_id"] == 2


def test_the_span_of_the_report_is_kept(office: tuple[Path, Path]) -> None:
    """Flows are numbered within it."""
    run = auditor("explain", office[0], "--flow", 1, "--since", "2026-03-02 08:00:02")
    assert "-> 10.0.0.1 tcp/8090" in run.stdout.splitlines()[0]


def test_several_sources_are_one_report(office: tuple[Path, Path]) -> None:
    """An unreadable one is named, and the exit status says so."""
    run = auditor("explain", office[0], office[0].parent / "none.pcap", "--flow", 1)
    assert run.status == 3
    assert run.stdout.startswith("flow 1: ")
    assert "none.pcap" in run.stderr


def test_standard_input_has_no_frames_to_show(
    office: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was kept while reading is told; the second look is refused in a line."""
    with office[0].open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        run = auditor("explain", "-", "--flow", 1)
    assert run.status == 0
    assert "POST /Citrix/Cds" in run.stdout
    assert "Frames: not available (standard input can be read only once" in run.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["443", "80"], "expected one port, or --flow, found 2 arguments"),
        (["443", "--hosts", "x"], "expected --flow beside --hosts"),
        (["443", "--since", "2026-01-01"], "expected --flow beside --since"),
        (["443", "--until", "2026-01-01"], "expected --flow beside --until"),
        (["443", "--format", "json"], "expected --flow beside --format"),
        (["{capture}"], "of a capture, --flow says which flow"),
        (["{capture}", "--flow", "0"], "Invalid value for '--flow'"),
        (["{capture}", "--flow", "999"], "--flow: expected a flow from 1 to 1"),
        (["{capture}", "--flow", "1", "--since", "2027-01-01", "--until", "2026-01-01"], "--since"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    office: tuple[Path, Path], arguments: list[str], message: str
) -> None:
    """Status 2, nothing on standard output, and what was expected."""
    run = auditor("explain", *(text.format(capture=office[0]) for text in arguments))
    assert run.status == 2
    assert message in run.stderr
    assert run.stdout == ""


def test_a_capture_without_flows_says_so(tmp_path: Path) -> None:
    """There is no range of ids to name."""
    (tmp_path / "x.pcapng").write_bytes(pcapng([]))
    run = auditor("explain", tmp_path / "x.pcapng", "--flow", 1)
    assert run.status == 2
    assert "expected a capture with flows, found 1" in run.stderr


def test_an_unreadable_capture_is_named(tmp_path: Path) -> None:
    """Status 3, as everywhere."""
    run = auditor("explain", tmp_path / "none.pcap", "--flow", 1)
    assert run.status == 3
    assert "none.pcap: expected a capture, found no such file" in run.stderr


def test_a_port_is_still_explained() -> None:
    """Without --flow the argument is a port."""
    run = auditor("explain", "1494")
    assert run.status == 0
    assert run.stdout.startswith("tcp/1494")
