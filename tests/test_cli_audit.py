"""auditor.cli.audit and auditor.cli.flows: what the options do, and how a run ends."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import reports
from invoked import auditor
from monitoring import BEGIN_NS, WINDOW_NS, expectation, traffic_window

from auditor.judge.past import Known, Past
from auditor.outlets.store.database import Database
from auditor.outlets.store.record import record_of
from auditor.outlets.store.writing import write_record
from auditor.traffic import Reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.report.model import FlowReport, Report


@dataclass
class Pipeline:
    """Stands for auditor.pipeline: gives a report and remembers what it was asked."""

    report: Report
    flow_report: FlowReport
    asked: dict[str, object] = field(default_factory=dict)

    def audit(self, sources: tuple[str, ...], **options: object) -> Report:
        """Remember and answer."""
        self.asked = {"sources": sources} | options
        return self.report

    def read(self, sources: tuple[str, ...], **options: object) -> FlowReport:
        """Remember and answer."""
        self.asked = {"sources": sources} | options
        return self.flow_report


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Put invented reports in the place of real captures."""
    made = Pipeline(reports.rich_report(), reports.flow_report())
    module = ModuleType("auditor.pipeline")
    monkeypatch.setattr(module, "audit", made.audit, raising=False)
    monkeypatch.setattr(module, "read", made.read, raising=False)
    monkeypatch.setitem(sys.modules, "auditor.pipeline", module)
    monkeypatch.setattr("auditor.pipeline", module, raising=False)
    return made


def test_the_options_reach_the_pipeline(pipeline: Pipeline) -> None:
    """Sources, site, catalog, edition and span are passed on as they were given."""
    auditor(
        *("audit", "a.pcap", "b.pcap", "--hosts", "h.yaml", "--catalog", "x", "--catalog", "y"),
        *("--edition", "e", "--since", "1970-01-01 00:00:01", "--until", "1970-01-01T00:00:02Z"),
        *("--engine", "general"),
    )
    progress, reading = pipeline.asked.pop("progress"), pipeline.asked.pop("reading")
    assert callable(progress)
    assert isinstance(reading, Reading)
    assert reading.engine == "general"
    assert pipeline.asked == {
        "sources": ("a.pcap", "b.pcap"),
        "hosts": Path("h.yaml"),
        "catalog": (Path("x"), Path("y")),
        "edition": "e",
        "since": 1_000_000_000,
        "until": 2_000_000_000,
        "past": None,
    }


def test_flows_asks_for_no_site(pipeline: Pipeline) -> None:
    """Only the span reaches the pipeline, beside the sources."""
    result = auditor("flows", "a.pcap", "--since", "1970-01-01 00:00:01")
    assert pipeline.asked.keys() == {"sources", "since", "until", "progress", "reading"}
    assert result.status == 0
    assert "2001:db8::7:11" in result.stdout


@pytest.mark.parametrize(
    ("level", "status"), [("high", 1), ("medium", 1), ("low", 1), ("never", 0)]
)
@pytest.mark.usefixtures("pipeline")
def test_fail_on_decides_the_status(level: str, status: int) -> None:
    """A report with a high finding fails unless nothing may."""
    assert auditor("audit", "a.pcap", "--fail-on", level).status == status


@pytest.mark.usefixtures("pipeline")
def test_findings_fail_the_run_by_default() -> None:
    """High findings end in status 1 without any option."""
    assert auditor("audit", "a.pcap").status == 1


def test_an_empty_capture_is_an_empty_report(pipeline: Pipeline) -> None:
    """A header without frames is nothing wrong."""
    pipeline.report = reports.empty_report()
    result = auditor("audit", "empty.pcap")
    assert result.status == 0
    assert "No frames" in result.stdout


def test_an_interrupted_audit_reports_and_ends_in_130(pipeline: Pipeline) -> None:
    """What was seen is worth printing."""
    pipeline.report = replace(pipeline.report, interrupted=True)
    result = auditor("audit", "a.pcap")
    assert result.status == 130
    assert "blocked: vda07" in result.stdout


def test_an_unreadable_source_is_named_and_the_rest_reported(pipeline: Pipeline) -> None:
    """Standard error names it, the report comes, the status is 3."""
    capture = replace(reports.CAPTURE, unreadable=("bad.pcap: expected a capture, found text",))
    pipeline.report = replace(pipeline.report, capture=capture)
    result = auditor("audit", "a.pcap", "bad.pcap", "--format", "json")
    assert result.status == 3
    assert result.stderr == "auditor: bad.pcap: expected a capture, found text\n"
    assert json.loads(result.stdout)["capture"]["unreadable"] == list(capture.unreadable)


def test_warnings_go_beside_data_unless_quiet(pipeline: Pipeline) -> None:
    """A table holds its warnings itself; data has them on standard error too."""
    capture = replace(reports.CAPTURE, truncated=True, warnings=("a.pcap: record 7: cut off",))
    pipeline.report = replace(pipeline.report, capture=capture)
    said = "auditor: warning: a.pcap: record 7: cut off\n"
    assert auditor("audit", "a.pcap", "--format", "json").stderr == said
    assert auditor("audit", "a.pcap", "--format", "json", "--quiet").stderr == ""
    table = auditor("audit", "a.pcap")
    assert table.stderr == ""
    assert "! a.pcap: record 7: cut off" in table.stdout


@pytest.mark.usefixtures("pipeline")
def test_the_suffix_of_the_output_chooses_the_format(tmp_path: Path) -> None:
    """A known suffix decides, --format overrules it, and anything else is the table."""
    auditor("audit", "a.pcap", "--output", tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["schema"] == 1
    auditor("audit", "a.pcap", "-o", tmp_path / "r.log")
    assert (tmp_path / "r.log").read_text(encoding="utf-8").startswith("branch-office.pcapng\n")
    result = auditor("audit", "a.pcap", "-o", tmp_path / "s.json", "--format", "markdown")
    assert (tmp_path / "s.json").read_text(encoding="utf-8").startswith("# Citrix")
    assert result.stdout == ""


@pytest.mark.usefixtures("pipeline")
def test_an_audit_as_csv_fills_a_directory(tmp_path: Path) -> None:
    """Without --output the findings are printed."""
    auditor("audit", "a.pcap", "--format", "csv", "--output", tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "flows.csv",
        "findings.csv",
        "coverage.csv",
        "hosts.csv",
        "sessions.csv",
    }
    assert auditor("audit", "a.pcap", "--format", "csv").stdout.startswith("finding_id,kind,")


def place_absent(directory: Path) -> Path:
    """Name a file in a directory that is not there."""
    return directory / "absent" / "r.json"


def place_directory(directory: Path) -> Path:
    """Name a directory where a file is to go."""
    return directory


def place_file(directory: Path) -> Path:
    """Name a file where a directory is to go."""
    (directory / "r.csv").write_text("", encoding="utf-8")
    return directory / "r.csv"


@pytest.mark.parametrize("place", [place_absent, place_directory, place_file])
def test_an_output_that_cannot_be_written_is_refused_before_the_audit(
    pipeline: Pipeline, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    """An hour of reading is not thrown away at its end."""
    result = auditor("audit", "a.pcap", "--output", place(tmp_path))
    assert result.status == 2
    assert "expected a" in result.stderr
    assert not pipeline.asked


def test_parquet_on_standard_output_is_refused_before_the_audit(pipeline: Pipeline) -> None:
    """Several binary tables are nothing for a pipe or a screen."""
    result = auditor("audit", "a.pcap", "--format", "parquet")
    assert result.status == 2
    assert result.stderr.startswith("auditor: --format parquet: expected ")
    assert not pipeline.asked


@pytest.mark.usefixtures("pipeline")
def test_a_filter_narrows_findings_and_status() -> None:
    """Only what rests on the selected flows counts."""
    result = auditor("audit", "a.pcap", "--filter", "verdict == 'ambient'")
    assert result.status == 0
    assert "No findings." in result.stdout
    assert (
        auditor("flows", "a.pcap", "--filter", "outcome == 'refused'").stdout.count("tcp/80") == 1
    )


@pytest.mark.usefixtures("pipeline")
def test_a_bad_filter_is_wrong_usage() -> None:
    """The reason is in the words of pandas, in one line."""
    result = auditor("audit", "a.pcap", "--filter", "nope == 1")
    assert result.status == 2
    assert result.stderr == "auditor: filter 'nope == 1': name 'nope' is not defined\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["audit"], "SOURCE"),
        (["audit", "a.pcap", "--since", "nope"], "expected a time such as"),
        (["audit", "a.pcap", "--format", "xml"], "xml"),
        (["audit", "a.pcap", "--fail-on", "lots"], "lots"),
        (["flows", "a.pcap", "--hosts", "h.yaml"], "--hosts"),
        (["audit", "a.pcap", "--since", "2026-02-01", "--until", "2026-01-01"], "before --until"),
    ],
)
def test_wrong_usage_ends_in_2_and_says_what_is_wrong(
    pipeline: Pipeline, arguments: list[str], said: str
) -> None:
    """Nothing is read, and the message names the culprit."""
    result = auditor(*arguments)
    assert result.status == 2
    assert said in result.stderr
    assert not pipeline.asked


@pytest.mark.usefixtures("pipeline")
def test_a_pipe_gets_no_colours() -> None:
    """Escape sequences are for terminals alone."""
    assert "\x1b" not in auditor("audit", "a.pcap").stdout


DEMO = """
import sys, types
sys.path.insert(0, {tests!r})
import reports
module = types.ModuleType("auditor.pipeline")
module.audit = lambda sources, **options: reports.rich_report()
sys.modules["auditor.pipeline"] = module
from auditor.cli import main
main(["audit", "a.pcap", *(a.encode().decode("unicode_escape") for a in sys.argv[1:])])
"""


def demo(*arguments: str) -> list[str]:
    """Give the command that audits an invented capture; escapes in arguments are undone there."""
    return [sys.executable, "-c", DEMO.format(tests=str(Path(__file__).parent)), *arguments]


def test_a_reader_that_leaves_early_changes_nothing_about_the_status() -> None:
    """`auditor audit ... | head` ends quietly, and the findings still decide."""
    child = subprocess.Popen(
        demo("--format", "json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait(timeout=60) == 1


def test_a_console_without_a_character_shows_its_escape() -> None:
    """A report never ends in the middle because of an encoding."""
    result = subprocess.run(
        demo("--filter", r"client_name != '\u6771'"),
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )
    assert result.returncode == 1
    assert b"client_name != '\\u6771'" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("arguments", "variables", "coloured"),
    [
        ([], {}, True),
        (["--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_colours_unless_they_are_unwanted(
    arguments: list[str], variables: dict[str, str], *, coloured: bool
) -> None:
    """Severities are coloured on a terminal; --no-color, NO_COLOR and TERM=dumb say no."""
    import pty  # noqa: PLC0415 - absent on Windows

    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    child = subprocess.Popen(
        demo(*arguments),
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm"} | variables,
    )
    os.close(theirs)
    text = b""
    # Linux says so when the other side of a pseudo-terminal is closed.
    with contextlib.suppress(OSError):
        while part := os.read(ours, 65_536):
            text += part
    os.close(ours)
    assert child.wait(timeout=60) == 1
    assert b"blocked: vda07" in text
    assert (b"\x1b[31m" in text) is coloured


def test_a_history_is_read_and_passed_on(pipeline: Pipeline, tmp_path: Path) -> None:
    """What is no history ends the run before anything else is read."""
    url = f"sqlite:///{tmp_path}/audit.db"
    run = auditor("audit", "a.pcap", "--history", url)
    assert (run.status, pipeline.asked) == (3, {})
    assert run.stderr == f"auditor: {tmp_path}/audit.db: expected a history, found no such file\n"
    with Database(url, write=True).transaction() as connection:
        write_record(connection, record_of(traffic_window(0, coverage=(expectation("seen"),)), "s"))
    auditor("audit", "a.pcap", "--history", url)
    past = pipeline.asked["past"]
    assert isinstance(past, Past)
    assert past.known == {
        ("registration", "vda", "ddc"): Known(BEGIN_NS + WINDOW_NS, 0.0),
    }
