"""auditor.report.writers: every format on every report, and no text of an attacker raw in any."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports

from auditor.errors import UsageError
from auditor.report.layouts import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS, SESSIONS
from auditor.report.text import width
from auditor.report.writers import FORMATS, Style, format_of, save, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditor.report.model import FlowReport, Report

REPORTS: dict[str, Callable[[], Report | FlowReport]] = {
    "empty": reports.empty_report,
    "small": reports.small_report,
    "rich": reports.rich_report,
    "hostile": reports.hostile_report,
    "flows": reports.flow_report,
    "no flows": lambda: reports.flow_report().filtered("flow_id < 0"),
}

every_report = pytest.mark.parametrize("name", REPORTS)


def written(report: Report | FlowReport, format_name: str, style: Style | None = None) -> str:
    """Give what a writer writes."""
    out = io.StringIO()
    show(report, out, format_name, style or Style())
    return out.getvalue()


@every_report
@pytest.mark.parametrize("format_name", [name for name, form in FORMATS.items() if not form.binary])
@pytest.mark.parametrize("verbose", [False, True])
def test_every_format_can_be_written_for_every_report(
    name: str, format_name: str, *, verbose: bool
) -> None:
    """Something is written, it ends its last line, and it holds no control character."""
    text = written(REPORTS[name](), format_name, Style(verbose=verbose))
    assert text.endswith("\n")
    assert all(line.isprintable() for line in text.split("\n"))


@every_report
@pytest.mark.parametrize("columns", [80, 90, 100])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_terminal(name: str, columns: int, *, verbose: bool) -> None:
    """Long names wrap or shrink; lines never do it for us."""
    text = written(REPORTS[name](), "table", Style(width=columns, verbose=verbose))
    assert max(width(line) for line in text.splitlines()) <= columns


def test_the_terminal_report_is_plain_ascii_for_plain_names() -> None:
    """Any console of any country can show it."""
    assert written(reports.rich_report(), "table").isascii()


def test_the_terminal_report_reads_from_the_gravest_to_the_details() -> None:
    """What was read, the counts, findings, absences, the summary and the limits, in this order."""
    text = written(reports.rich_report(), "table")
    places = [
        text.index(words)
        for words in (
            "2026-01-31 10:00:00 UTC, 12 min, 2,318 frames, 1.9 MB, 150 flows",
            "3 high   4 medium   3 low   1 accepted",
            "blocked: vda07 -> ddc1 tcp/80",
            "expected, not seen",
            "Summary",
            "What this capture cannot show",
            "accepted by the site",
            "auditor explain",
        )
    ]
    assert places == sorted(places)


def test_no_line_of_the_terminal_report_stands_there_twice() -> None:
    """Nothing is repeated."""
    lines = [line.strip() for line in written(reports.rich_report(), "table").splitlines()]
    long = [line for line in lines if len(line) > 20]
    assert len(long) == len(set(long))


def test_long_lists_are_cut_short_and_say_so() -> None:
    """Thirty findings are enough, and ten of low severity; --verbose shows them all."""
    many = [
        reports.finding(f"f{n}", "unexpected", severity, title=f"not documented: host{n}")
        for n, severity in enumerate(["medium"] * 15 + ["low"] * 25)
    ]
    report = reports.small_report(*many)
    short, whole = (written(report, "table", Style(verbose=v)) for v in (False, True))
    assert "+15 more, low (--verbose shows all)" in short
    assert "host39" not in short
    assert "host39" in whole
    assert "more" not in whole


def test_tones_colour_without_moving_anything() -> None:
    """Taking the colours away gives the plain report."""

    def paint(tone: str, text: str) -> str:
        return f"\x1b[{len(tone)}m{text}\x1b[0m"

    coloured = written(reports.rich_report(), "table", Style(paint=paint))
    assert "\x1b[4mhigh\x1b[0m" in coloured
    bare = re.sub(r"\x1b\[\d+m", "", coloured)
    plain = written(reports.rich_report(), "table")
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_a_clean_report_says_that_nothing_was_found() -> None:
    """Silence would leave the reader in doubt."""
    assert "No findings." in written(reports.small_report(), "table")
    assert "**No findings.**" in written(reports.small_report(), "markdown")


def test_long_addresses_shrink_only_as_far_as_they_must() -> None:
    """IPv6 pairs fit a narrow terminal, and what has room stays whole."""
    address = "2001:db8:1111:2222:3333:4444::55"
    report = reports.flow_report(reports.flow(1, client_ip=address, server_ip="10.0.0.10"))
    assert address in written(report, "table")
    narrow = written(report, "table", Style(width=80))
    assert address not in narrow
    assert "10.0.0.10" in narrow


def test_json_has_the_documented_shape() -> None:
    """Keys are those of the interface, lists hold one object per row with the columns as keys."""
    data = json.loads(written(reports.rich_report(), "json"))
    facts = ["schema", "audit", "capture", "summary"]
    keys = [*facts, "findings", "flows", "coverage", "hosts", "sessions"]
    assert list(data) == keys
    assert data["schema"] == 1
    assert {"tool", "version", "edition", "catalog_digest", "hosts_file", "sources", "started"} | {
        "finished"
    } <= data["audit"].keys()
    assert {"files", "frames", "bytes", "first_seen", "last_seen", "duration_s", "truncated"} | {
        "dropped",
        "unreadable",
        "frames_by_status",
    } <= data["capture"].keys()
    assert data["capture"]["files"] == 1
    assert set(data["summary"]) == {
        "flows",
        "by_verdict",
        "by_outcome",
        "by_verification",
        "findings",
    }
    for name, table in (
        ("findings", FINDINGS),
        ("flows", FLOWS),
        ("coverage", COVERAGE),
        ("hosts", HOSTS),
        ("sessions", SESSIONS),
    ):
        assert data[name]
        assert all(list(row) == list(table) for row in data[name])


def test_json_values_are_of_the_documented_types() -> None:
    """Ports and rows are integers, lists are lists, absent is null, times have nanoseconds."""
    data = json.loads(written(reports.rich_report(), "json"))
    flow = data["flows"][0]
    assert flow["server_port"] == 80
    assert type(flow["server_port"]) is int
    assert flow["rows"] == [244]
    assert flow["first_seen"] == "2026-01-31T10:00:01.123456789Z"
    assert flow["tunnel"] is None
    assert flow["vlan"] == []
    portless = [row for row in data["flows"] if row["transport"] == "icmp"]
    assert {row["server_port"] for row in portless} == {None}
    assert data["hosts"][0]["confidence"] is None
    assert data["hosts"][0]["first_seen"] is None
    assert data["findings"][-1]["accepted"] is True
    assert data["capture"]["dropped"] is None
    assert data["audit"]["started"] == "2026-01-31T10:00:00.123456789Z"


@every_report
def test_json_is_ascii_and_strict(name: str) -> None:
    """No NaN, no raw text of an attacker, whatever the console's encoding."""
    text = written(REPORTS[name](), "json")
    assert text.isascii()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(text, parse_constant=refuse)["schema"] == 1


def test_json_gives_hostile_names_back_as_they_were() -> None:
    """Data is escaped, not changed."""
    data = json.loads(written(reports.hostile_report(), "json"))
    assert data["flows"][0]["client_name"] == reports.HOSTILE


def test_json_of_flows_has_their_columns_alone() -> None:
    """There is nothing judged to show."""
    data = json.loads(written(reports.flow_report(), "json"))
    assert list(data) == ["schema", "audit", "capture", "summary", "flows"]
    assert list(data["flows"][0]) == list(FLOW_FACTS)
    assert data["summary"]["flows"] == 2


def rows_of(text: str) -> list[dict[str, str]]:
    """Read CSV as a spreadsheet does."""
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_of_an_audit_prints_the_findings() -> None:
    """One table fits a stream; it is the one that is wanted."""
    rows = rows_of(written(reports.rich_report(), "csv"))
    assert list(rows[0]) == list(FINDINGS)
    assert len(rows) == 11
    assert rows[1]["rows"] == "229;276;332;334"
    assert (rows[0]["accepted"], rows[-1]["accepted"]) == ("false", "true")
    assert rows[0]["first_seen"] == "2026-01-31T10:00:00.123456789Z"


def test_csv_of_flows_prints_the_flows() -> None:
    """`auditor flows --format csv` is the flow table."""
    rows = rows_of(written(reports.flow_report(), "csv"))
    assert list(rows[0]) == list(FLOW_FACTS)
    assert rows[1]["client_ip"] == "2001:db8::7:11"


def test_no_csv_cell_is_a_formula(tmp_path: Path) -> None:
    """Whatever was on the wire, a spreadsheet runs nothing of it."""
    save(reports.hostile_report(), tmp_path / "out", "csv")
    for file in (tmp_path / "out").iterdir():
        text = file.read_text(encoding="utf-8")
        assert all(line.isprintable() for line in text.split("\n"))
        for row in rows_of(text):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row.values())


def test_csv_lists_split_at_semicolons_alone() -> None:
    """A semicolon inside a value does not make two of it."""
    (row,) = rows_of(written(reports.hostile_report(), "csv"))
    assert len(row["evidence"].split(";")) == 2


def test_markdown_tables_keep_their_columns() -> None:
    """No text of an attacker adds a cell, a row or a tag."""
    text = written(reports.hostile_report(), "markdown")
    assert "<script" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in rows}
    assert len(cells) == 1


def test_markdown_leaves_out_columns_in_which_nothing_stands() -> None:
    """What was never seen has no flows to list."""
    text = written(reports.rich_report(), "markdown")
    assert "| # | Severity | Finding | Paper line | Why, and what to do |" in text


def test_the_suffix_names_the_format() -> None:
    """Each format has suffixes of its own."""
    assert [format_of(f"a{s}") for s in (".json", ".CSV", ".md", ".txt", ".pdf", "")] == [
        "json",
        "csv",
        "markdown",
        "table",
        None,
        None,
    ]


def test_an_audit_as_csv_becomes_a_directory_of_tables(tmp_path: Path) -> None:
    """One file per table, each with all its columns, and a second time over the first."""
    for _ in range(2):
        reports.rich_report().write(tmp_path / "audit.csv")
    tables = {"flows": FLOWS, "hosts": HOSTS, "coverage": COVERAGE, "sessions": SESSIONS}
    for name, table in tables.items():
        text = (tmp_path / "audit.csv" / f"{name}.csv").read_text(encoding="utf-8")
        assert text.splitlines()[0] == ",".join(table)


def test_a_single_table_as_csv_is_a_file(tmp_path: Path) -> None:
    """There is nothing to put beside it."""
    reports.flow_report().write(tmp_path / "flows.csv")
    assert (tmp_path / "flows.csv").read_text(encoding="utf-8").count("\n") == 3


def test_files_have_unix_line_ends_everywhere(tmp_path: Path) -> None:
    """Two reports of one audit compare equal, whichever system wrote them."""
    for suffix in (".json", ".md", ".txt"):
        target = tmp_path / f"report{suffix}"
        reports.rich_report().write(target)
        assert b"\r" not in target.read_bytes()


def test_an_unknown_suffix_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    """The message lists formats and suffixes."""
    with pytest.raises(UsageError, match=r"expected a format \(table, json, .* suffix \(\.txt"):
        reports.rich_report().write(tmp_path / "report.pdf")


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """One line, no traceback."""
    with pytest.raises(UsageError, match="cannot be written"):
        reports.rich_report().write(tmp_path / "absent" / "report.json")
    (tmp_path / "file.csv").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match=r"file\.csv: cannot be written"):
        reports.rich_report().write(tmp_path / "file.csv")


def test_verbose_says_how_the_report_was_made() -> None:
    """Frames by status, the digest of the rules and the time of each stage."""
    text = written(reports.rich_report(), "table", Style(verbose=True))
    assert "2,290 ok, 21 not-ip, 7 icmp-error" in text
    assert reports.AUDIT.catalog_digest in text
    assert "0.41 s: rules 0.06 s, read 0.21 s, judge 0.04 s" in text


def test_warnings_stand_at_the_head() -> None:
    """Who stops reading early has seen what is wrong with the report."""
    report = replace(reports.rich_report(), interrupted=True)
    head = written(report, "table").split("3 high")[0]
    assert "! interrupted: this is what was read until then" in head
    assert "**Warning:** interrupted" in written(report, "markdown")
