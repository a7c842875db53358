"""auditor.report.selection: a report narrowed to some of its flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
import reports

from auditor.errors import UsageError
from auditor.report.layouts import FINDINGS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("server_port == 80", [1]),
        ("server_port != 80", [2, 3]),
        ("server_port in [80, 443]", [1, 2]),
        ("transport == 'icmp' or verdict == 'wrong-roles'", [2, 3]),
        ("client_roles == 'vda' and server_roles.str.contains('sta')", [1, 2, 3]),
        ("rows == '244'", [1, 2, 3]),
        ("first_seen >= '2026-01-31T10:00:03Z'", [3]),
        ("first_seen >= '2026-01-31 10:00:03'", [3]),
        ("severity != 'high'", [1, 2, 3]),
        ("severity.str.contains('high')", []),
        ("bytes_out + bytes_in < 200", [2]),
        ("index == 1", [2]),
        ("transport.str.contains('(icmp)')", [3]),
        ("bytes_out * 8 > 1 and first_seen.dt.hour == 10", [1, 2, 3]),
        ("server_port.isna() or server_port.between(80, 99)", [1, 3]),
    ],
)
def test_a_query_keeps_the_flows_for_which_it_holds(expression: str, kept: list[int]) -> None:
    """Lists read as text, a missing value differs from everything, naive times are UTC."""
    report = reports.small_report().filtered(expression)
    assert report.flows["flow_id"].tolist() == kept
    assert report.filter == expression


@pytest.mark.parametrize(
    "expression",
    [
        "client_ip.to_csv({path!r})",
        "flow_id.to_pickle({path!r}) == 1",
        "flow_id.values.tofile({path!r})",
        "flow_id == 1 or `flow_id`.to_json({path!r})",
        "@x == client_ip.to_csv({path!r})",
        "flow_id == 1\nclient_ip.to_csv({path!r})",
    ],
)
def test_a_filter_cannot_write(expression: str, tmp_path: Path) -> None:
    """A method of pandas that writes a file is refused before it is called."""
    path = tmp_path / "written"
    with pytest.raises(UsageError, match=r"^filter "):
        reports.small_report().filtered(expression.format(path=str(path)))
    assert not path.exists()


@pytest.mark.parametrize(
    "expression",
    [
        "nope == 1",
        "server_port >",
        "server_port",
        "1",
        "'x'",
        "x = 1",
        "",
        "client_name.str.contains('(')",
        "@pd.io",
        "@reports",
        "__import__('os').getcwd()",
        "server_port == 80\nand 1",
        "9**9**9 == flow_id",
        "'a' * 10**10 == client_ip",
        "client_ip * 1000000000 == 'a'",
        "client_ip.str.repeat(1000000000) == 'a'",
        "client_ip.str.__class__ == 'a'",
        "(" * 1000 + "1" + ")" * 1000,
        "~" * 100_000 + "(flow_id == 1)",
    ],
)
def test_what_cannot_be_asked_is_one_line_of_usage_error(expression: str) -> None:
    """The message quotes the expression, gives a reason, and is one line."""
    with pytest.raises(UsageError, match=r"^filter ") as caught:
        reports.small_report().filtered(expression)
    assert "\n" not in str(caught.value)


def test_findings_are_recounted_over_the_flows_that_are_left() -> None:
    """Counts, times and evidence speak of the selection alone."""
    report = reports.small_report(
        reports.finding(
            "a",
            "unexpected",
            "high",
            flows=2,
            evidence=["branch-office.pcapng:10", "branch-office.pcapng:20"],
        ),
        flows=(1, 2),
    ).filtered("server_port == 443")
    found = report.findings.iloc[0]
    assert (found["flows"], found["packets"], found["bytes"]) == (1, 13, 100)
    assert found["first_seen"] == report.flows["first_seen"].iloc[0]
    assert found["last_seen"] == report.flows["last_seen"].iloc[0]
    assert found["evidence"] == ["branch-office.pcapng:20"]
    assert report.finding_flows == {"a": [2]}


def test_a_finding_whose_named_evidence_is_gone_points_at_a_flow_that_is_left() -> None:
    """There is always a frame to look at."""
    report = reports.small_report(
        reports.finding("a", "unexpected", "high", evidence=["elsewhere.pcap:1"]), flows=(1, 2)
    ).filtered("flow_id == 2")
    assert report.findings["evidence"].iloc[0] == ["branch-office.pcapng:20"]


def test_findings_without_a_flow_left_and_absences_are_left_out() -> None:
    """A selection of flows cannot show that something is missing."""
    report = reports.small_report(
        reports.finding("a", "unexpected", "high"), reports.finding("m", "missing", "medium")
    )
    assert report.filtered("flow_id == 1").findings["finding_id"].tolist() == ["a"]
    assert report.filtered("flow_id == 2").findings["finding_id"].tolist() == []


def test_coverage_hosts_and_sessions_stay_whole() -> None:
    """They describe the site, not the selection."""
    report = reports.rich_report()
    narrowed = report.filtered("flow_id == 1")
    pd.testing.assert_frame_equal(narrowed.coverage, report.coverage)
    pd.testing.assert_frame_equal(narrowed.hosts, report.hosts)
    pd.testing.assert_frame_equal(narrowed.sessions, report.sessions)


def test_an_empty_selection_keeps_columns_and_dtypes() -> None:
    """Nothing found is a report like any other."""
    report = reports.rich_report()
    nothing = report.filtered("flow_id < 0")
    assert nothing.flows.dtypes.equals(report.flows.dtypes)
    assert nothing.findings.dtypes.equals(report.findings.dtypes)
    assert list(nothing.findings.columns) == list(FINDINGS)
    assert nothing.exit_status("low") == 0


def test_filters_add_up() -> None:
    """A narrowed report can be narrowed again, and says by what."""
    report = reports.small_report().filtered("flow_id > 1").filtered("flow_id < 3")
    assert report.flows["flow_id"].tolist() == [2]
    assert report.filter == "(flow_id > 1) and (flow_id < 3)"


def test_a_flow_report_can_be_narrowed_too() -> None:
    """`auditor flows --filter` works on the columns that it shows."""
    report = reports.flow_report().filtered("outcome == 'refused'")
    assert report.flows["flow_id"].tolist() == [2]
