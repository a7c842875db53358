"""Rows are written in blocks as they would be one by one."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import json_rows

from auditor.report import texts
from auditor.report.layouts import FLOWS, HOSTS, KINDS
from auditor.report.writers import Style, show

if TYPE_CHECKING:
    from auditor.report.layouts import Kind

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
TIMES = st.none() | st.integers(0, 4_000_000_000_000_000_000)
VALUES: dict[Kind, st.SearchStrategy[object]] = {
    "text": st.none() | st.text(),
    "count": INTEGERS,
    "id": st.none() | st.integers(0, (1 << 63) - 1),
    "number": st.none() | st.floats(allow_infinity=False, allow_nan=False),
    "port": st.none() | st.integers(0, 0xFFFF),
    "flag": st.booleans(),
    "time": TIMES,
    "list": st.lists(st.text() | INTEGERS, max_size=3),
}
ROW = st.fixed_dictionaries({name: VALUES[KINDS[name]] for name in FLOWS})


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROW, max_size=5))
def test_json_rows_are_those_of_the_standard_library(
    rows: list[dict[str, object]], at_once: int
) -> None:
    """Every value is written as json.dumps writes it, however many rows are text at a time."""
    flows = reports.table(FLOWS, *rows)
    whole = reports.small_report()
    report = replace(whole, tables={**whole.tables, "flows": flows})
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "ROWS_AT_ONCE", at_once)
        show(report, out, "json", Style())
    text = out.getvalue()
    begin = text.index('"flows": [', text.index('"findings": [')) + len('"flows": [')
    section = text[begin : text.index('"coverage": [', begin)]
    assert section == "".join(
        (",\n" if number else "\n") + row for number, row in enumerate(json_rows(flows.frame))
    ) + ("\n],\n" if rows else "],\n")


def test_infinity_is_refused_by_the_name_of_its_column() -> None:
    """JSON has no word for it."""
    whole = reports.small_report()
    hosts = reports.table(HOSTS, {"confidence": float("inf")})
    with pytest.raises(ValueError, match="confidence: JSON has no infinity"):
        show(replace(whole, tables={**whole.tables, "hosts": hosts}), io.StringIO(), "json")
