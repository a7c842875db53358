"""auditor.report.frames: columns and dtypes before rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import reports

from auditor.judge.vocabulary import Verdict
from auditor.records import NO_TIME
from auditor.report.frames import (
    COVERAGE,
    FINDINGS,
    FLOW_FACTS,
    FLOWS,
    HOSTS,
    KINDS,
    SESSIONS,
    Table,
    empty,
    frame,
)

TABLES = [FLOWS, FLOW_FACTS, FINDINGS, COVERAGE, HOSTS, SESSIONS]

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


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("rows", [0, 2])
def test_a_frame_has_the_same_dtypes_with_and_without_rows(table: Table, rows: int) -> None:
    """Columns, their order and their dtypes do not depend on what was found."""
    made = reports.table(table, *({} for _ in range(rows)))
    assert list(made.columns) == list(table)
    assert len(made) == rows
    assert {name: str(made[name].dtype) for name in table} == {
        name: DTYPES[kind] for name, kind in table.items()
    }


def test_a_column_name_means_one_kind_wherever_it_stands() -> None:
    """KINDS may be asked by name alone."""
    for table in TABLES:
        assert all(KINDS[name] == kind for name, kind in table.items())


def test_the_facts_of_a_flow_are_columns_of_the_judged_table_in_the_same_order() -> None:
    """`auditor flows` shows a part of what `auditor audit` does."""
    assert list(FLOW_FACTS) == [name for name in FLOWS if name in FLOW_FACTS]


def test_absent_and_unknown_columns_are_refused() -> None:
    """A table is all of its columns and no other."""
    columns: dict[str, list[object]] = {name: [] for name in HOSTS if name != "name"}
    with pytest.raises(ValueError, match=r"absent: \['name'\], unknown: \['colour'\]"):
        frame(HOSTS, columns | {"colour": []})


def test_columns_of_different_lengths_are_refused() -> None:
    """A row lacks no cell."""
    columns: dict[str, list[object]] = {name: [] for name in HOSTS}
    with pytest.raises(ValueError, match="different lengths"):
        frame(HOSTS, columns | {"name": ["vda01"]})


def test_times_keep_their_nanoseconds_and_know_no_time() -> None:
    """Arrays and lists of nanoseconds become UTC times; no time becomes NaT."""
    columns: dict[str, list[object]] = {name: [] for name in HOSTS}
    one = {name: reports.table(HOSTS, {})[name].tolist() for name in columns if "seen" not in name}
    times = np.array([reports.START_NS])
    made = frame(HOSTS, one | {"first_seen": times, "last_seen": [-NO_TIME]})
    assert made["first_seen"].iloc[0] == pd.Timestamp("2026-01-31T10:00:00.123456789Z")
    assert made["last_seen"].isna().all()
    assert times.tolist() == [reports.START_NS]
    assert frame(HOSTS, one | {"first_seen": [None], "last_seen": [1]})["first_seen"].isna().all()


def test_text_is_plain_str_or_none() -> None:
    """Members of an enumeration, NaN and NA do not reach a report as such."""
    made = reports.table(
        HOSTS, {"name": Verdict.AMBIENT}, {"name": float("nan")}, {"name": pd.NA}, {"name": None}
    )
    assert made["name"].tolist() == ["ambient", None, None, None]
    assert type(made["name"].iloc[0]) is str


def test_lists_of_one_length_stay_lists() -> None:
    """Rows of equally long lists do not turn into a matrix."""
    made = reports.table(FLOWS, reports.flow(1, rows=[1, 2]), reports.flow(2, rows=(3, 4)))
    assert made["rows"].tolist() == [[1, 2], [3, 4]]


def test_a_list_column_takes_nothing_but_lists() -> None:
    """A text in place of a list would be taken apart into letters."""
    with pytest.raises(ValueError, match="expected a list"):
        reports.table(FLOWS, reports.flow(1, caveats="icmp"))


def test_ports_may_be_absent_without_becoming_fractions() -> None:
    """A table with a portless flow keeps whole port numbers."""
    made = reports.table(FLOWS, reports.flow(1), reports.flow(2, server_port=None))
    assert made["server_port"].iloc[0] == 80
    assert made["server_port"].isna().tolist() == [False, True]
    assert len(empty(FLOWS)) == 0
