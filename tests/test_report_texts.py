"""Rows are written in blocks as they would be one by one."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import reports
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import json_rows

from auditor.report import texts
from auditor.report.layouts import FLOWS, HOSTS, KINDS
from auditor.report.writers import Style, json_lines, show
from auditor.report.writers import json as json_writer

if TYPE_CHECKING:
    from auditor.report.layouts import Kind

HERE = Path(__file__).parent
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
TIMES = st.none() | st.integers(-9_000_000_000_000_000_000, 9_000_000_000_000_000_000)
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
@pytest.mark.parametrize("by_kernel", [False, True])
@settings(deadline=None, max_examples=50)
@given(rows=st.lists(ROW, max_size=5))
def test_json_rows_are_those_of_the_standard_library(
    rows: list[dict[str, object]], at_once: int, by_kernel: bool
) -> None:
    """Every value is written as json.dumps writes it, however many rows are text at a time."""
    flows = reports.table(FLOWS, *rows)
    whole = reports.small_report()
    report = replace(whole, tables={**whole.tables, "flows": flows})
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for module in (texts, json_lines):
            patch.setattr(module, "ROWS_AT_ONCE", at_once)
        patch.setattr(json_writer, "_KERNELS", "auditor" if by_kernel else "nothing")
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


@given(
    st.lists(
        st.floats(allow_infinity=False)
        | st.integers(0, 10**16).map(lambda count: count / 1e9)
        | st.integers(0, 10**7).map(lambda count: count / 1e3)
    )
)
def test_seconds_are_digits_only_where_python_writes_the_same(seconds: list[float]) -> None:
    """Whatever nanoseconds stand for, without zeros behind, is what repr() writes."""
    counts = json_lines.nanoseconds(np.array(seconds, np.float64)).tolist()
    for second, count in zip(seconds, counts, strict=True):
        if count >= 0:
            whole, rest = divmod(count, 10**9)
            assert repr(second) == f"{whole}.{f'{rest:09}'.rstrip('0') or '0'}"


@pytest.mark.parametrize(("rows", "loaded"), [(10, False), (100_000, True)])
def test_kernels_are_loaded_for_many_rows_or_where_they_are_already(
    rows: int, loaded: bool
) -> None:
    """To load them takes longer than to write a small table."""
    code = f"""
import io, sys, reports
from dataclasses import replace
from auditor.report.layouts import HOSTS
from auditor.report.writers import Style, show
host = {{"address": "10.0.0.1", "roles": [], "evidence": [], "flows": 1, "bytes": 1}}
hosts = reports.table(HOSTS, host).take([0] * {rows})
small = reports.small_report()
report = replace(small, tables={{**small.tables, "hosts": hosts}})
show(report, io.StringIO(), "json", Style())
print("numba" in sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=HERE
    )
    assert answer.stdout.strip() == str(loaded)
