"""auditor.report.table: the columns of a report, before anybody asks for a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import reports

from auditor.evidence.coded import Coded
from auditor.judge.vocabulary import Verdict
from auditor.records import NO_TIME
from auditor.report.layouts import (
    COVERAGE,
    FINDINGS,
    FLOW_FACTS,
    FLOWS,
    HOSTS,
    KINDS,
    SESSIONS,
)
from auditor.report.table import Table, coded, objects

if TYPE_CHECKING:
    from auditor.report.table import Column

LAYOUTS = [FLOWS, FLOW_FACTS, FINDINGS, COVERAGE, HOSTS, SESSIONS]


def hosts(count: int) -> dict[str, Column]:
    """Name the columns of some hosts of which nothing is known."""
    return dict(reports.table(HOSTS, *({} for _ in range(count))).columns)


def test_a_column_name_means_one_kind_wherever_it_stands() -> None:
    """KINDS may be asked by name alone."""
    for layout in LAYOUTS:
        assert all(KINDS[name] == kind for name, kind in layout.items())


def test_the_facts_of_a_flow_are_columns_of_the_judged_table_in_the_same_order() -> None:
    """`auditor flows` shows a part of what `auditor audit` does."""
    assert list(FLOW_FACTS) == [name for name in FLOWS if name in FLOW_FACTS]


def test_absent_and_unknown_columns_are_refused() -> None:
    """A table is all of its columns and no other."""
    columns: dict[str, list[object]] = {name: [] for name in HOSTS if name != "name"}
    with pytest.raises(ValueError, match=r"absent: \['name'\], unknown: \['colour'\]"):
        Table.of(HOSTS, columns | {"colour": []})


def test_columns_of_different_lengths_are_refused() -> None:
    """A row lacks no cell."""
    columns: dict[str, list[object]] = {name: [] for name in HOSTS}
    with pytest.raises(ValueError, match="different lengths"):
        Table.of(HOSTS, columns | {"name": ["vda01"]})


def test_no_time_is_none_in_lists_and_arrays() -> None:
    """Arrays and lists of nanoseconds are read alike, and left as they are."""
    times = np.array([reports.START_NS, NO_TIME, -NO_TIME])
    last: list[object] = [1, None, -NO_TIME]
    made = Table.of(HOSTS, {**hosts(3), "first_seen": times, "last_seen": last})
    assert made.values("first_seen") == ["2026-01-31T10:00:00.123456789Z", None, None]
    assert made.values("last_seen") == ["1970-01-01T00:00:00.000000001Z", None, None]
    assert times.tolist() == [reports.START_NS, NO_TIME, -NO_TIME]


def test_text_is_plain_str_or_none() -> None:
    """Members of an enumeration do not reach a report as such."""
    made = reports.table(HOSTS, {"name": Verdict.AMBIENT}, {"name": None}).values("name")
    assert made == ["ambient", None]
    assert type(made[0]) is str


def test_lists_of_one_length_stay_lists() -> None:
    """Rows of equally long lists do not turn into a matrix."""
    made = reports.table(FLOWS, reports.flow(1, rows=[1, 2]), reports.flow(2, rows=(3, 4)))
    assert made.values("rows") == [[1, 2], [3, 4]]


def test_a_list_column_takes_nothing_but_lists() -> None:
    """A text in place of a list would be taken apart into letters."""
    with pytest.raises(ValueError, match="expected a list"):
        reports.table(FLOWS, reports.flow(1, caveats="icmp"))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64])
def test_words_that_rows_share_are_the_values_of_the_rows(dtype: type[np.generic]) -> None:
    """Marking, counting and taking read the words that rows have, whatever their numbers."""
    last = 2 if dtype is np.uint8 else -1
    code = np.array([0, 1, last, 0], dtype=dtype)
    table = Table(HOSTS, hosts(4) | {"roles_source": coded(["inventory", "inferred", None], code)})
    assert isinstance(table.columns["roles_source"], Coded)
    assert table.values("roles_source") == ["inventory", "inferred", None, "inventory"]
    assert table.where("roles_source", {"inferred"}).tolist() == [False, True, False, False]
    assert table.tally("roles_source") == {"inventory": 2, "inferred": 1, None: 1}
    assert table.take([3, 2]).values("roles_source") == ["inventory", None]


def test_no_column_has_more_words_than_rows() -> None:
    """A few rows of a large table do not keep all of its words."""
    words = [f"10.0.0.{number}" for number in range(9)]
    column = coded(words, np.array([3, 3, 5]))
    assert isinstance(column, np.ndarray)
    assert column.tolist() == ["10.0.0.3", "10.0.0.3", "10.0.0.5"]


def test_rows_of_their_own_are_marked_and_counted_too() -> None:
    """It makes no difference how a column is held."""
    table = Table(HOSTS, hosts(3) | {"name": objects(["a", None, "a"])})
    assert table.where("name", {"a"}).tolist() == [True, False, True]
    assert table.tally("name") == {"a": 2, None: 1}


def test_tables_are_joined_row_by_row() -> None:
    """The rows of each follow in order, whether they share words or not."""
    flows = reports.rich_report().tables["flows"]
    part = flows.take(slice(1, 3))
    assert list(Table.joined([part, flows]).rows()) == [*part.rows(), *flows.rows()]
    assert len(Table.joined([Table.empty(FLOWS), Table.empty(FLOWS)])) == 0
