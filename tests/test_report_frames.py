"""auditor.report.frames: pandas frames whose dtypes do not depend on what was found."""

from __future__ import annotations

import pandas as pd
import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.records import NO_TIME
from auditor.report.frames import frame, table_of
from auditor.report.layouts import (
    COVERAGE,
    FINDINGS,
    FLOW_FACTS,
    FLOWS,
    HISTORY_EDGES,
    HOSTS,
    SESSIONS,
    Layout,
)

LAYOUTS = [FLOWS, FLOW_FACTS, FINDINGS, COVERAGE, HOSTS, SESSIONS]

DTYPES = {
    "text": "object",
    "list": "object",
    "count": "int64",
    "number": "float64",
    "port": "Int32",
    "id": "Int64",
    "flag": "bool",
    "time": "datetime64[ns, UTC]",
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [0, 2])
def test_a_frame_has_the_same_dtypes_with_and_without_rows(layout: Layout, rows: int) -> None:
    """Columns, their order and their dtypes do not depend on what was found."""
    made = reports.table(layout, *({} for _ in range(rows))).frame
    assert list(made.columns) == list(layout)
    assert len(made) == rows
    assert {name: str(made[name].dtype) for name in layout} == {
        name: DTYPES[kind] for name, kind in layout.items()
    }


def test_a_table_has_one_frame() -> None:
    """Who asks twice gets the same, so that it is made once."""
    report = reports.small_report()
    assert report.flows is report.flows


def test_a_change_to_a_frame_is_no_change_to_the_report() -> None:
    """Files are written from the table."""
    table = reports.table(FLOWS, reports.flow(1))
    table.frame.loc[0, "bytes_in"] = 0
    table.frame.loc[0, "server_port"] = 1
    table.frame.loc[0, "verdict"] = "x"
    table.frame["first_seen"] = pd.NaT
    assert list(table.rows()) == list(reports.table(FLOWS, reports.flow(1)).rows())


def test_times_keep_their_nanoseconds_and_know_no_time() -> None:
    """Nanoseconds become UTC times; no time becomes NaT."""
    row = {"first_seen": reports.START_NS, "last_seen": -NO_TIME}
    made = reports.table(HOSTS, row).frame
    assert made["first_seen"].iloc[0] == pd.Timestamp("2026-01-31T10:00:00.123456789Z")
    assert made["last_seen"].isna().all()


def test_ports_may_be_absent_without_becoming_fractions() -> None:
    """A table with a portless flow keeps whole port numbers."""
    made = reports.table(FLOWS, reports.flow(1), reports.flow(2, server_port=None)).frame
    assert made["server_port"].iloc[0] == 80
    assert made["server_port"].isna().tolist() == [False, True]


def test_rows_that_agree_share_one_list() -> None:
    """A million flows have a few dozen lists."""
    table = reports.table(FLOWS, reports.flow(1))
    first, second = table.take([0, 0]).frame["rows"]
    assert first is second


@settings(deadline=None)  # the first frame loads pandas
@given(st.lists(st.integers(0, 1)))
def test_a_frame_goes_back_into_its_table(rows: list[int]) -> None:
    """Values that are absent stay so, also of some rows alone."""
    table = reports.table(FLOWS, reports.flow(1), dict.fromkeys(("client_name",), None))
    back = table_of(table.frame.iloc[rows])
    assert list(back.rows()) == list(table.take(rows).rows())
    pd.testing.assert_frame_equal(back.frame, table.frame.iloc[rows].reset_index(drop=True))


def test_a_frame_is_made_of_plain_values_too() -> None:
    """A history has its rows from a database."""
    made = frame(
        HISTORY_EDGES,
        {
            name: [None] if kind in {"text", "time", "port"} else [1]
            for name, kind in HISTORY_EDGES.items()
        },
    )
    assert made["known_since"].isna().all()
    assert made["flows"].tolist() == [1]
