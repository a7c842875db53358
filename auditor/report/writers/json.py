"""JSON, schema 1: ASCII, one table row a line, `null` where there is nothing."""

from __future__ import annotations

import json
import sys
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, TextIO

import numpy as np

from auditor.report.facts import facts
from auditor.report.table import flat
from auditor.report.texts import lines, numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.report.layouts import Kind
    from auditor.report.model import FlowReport, Report
    from auditor.report.table import Column, Table
    from auditor.report.texts import Cells
    from auditor.report.writers import Style

_MANY_ROWS = 100_000
"""From which on rows repay the kernels where they are not loaded."""
_KERNELS = "auditor.kernel.jit"
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False)


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the facts of the audit and then every table; rows go out as they are made."""
    about = facts(report).items()
    out.write("{\n")
    out.write(",\n".join(f"{_dump(key)}: {_dump(value)}" for key, value in about))
    for name, table in report.tables.items():
        out.write(f",\n{_dump(name)}: [")
        _write_rows(table, out)
        out.write("\n]" if len(table) else "]")
    out.write("\n}\n")


def _dump(value: object) -> str:
    return _ENCODER.encode(value)


def _write_rows(table: Table, out: TextIO) -> None:
    """Write each row as a line."""
    for name, kind in table.layout.items():
        if kind == "number" and np.isinf(table.array(name)).any():
            raise ValueError(f"{name}: JSON has no infinity")
    first = True
    for text in _lines(table):
        out.write(text[1:] if first else text)
        first = False


def _lines(table: Table) -> Iterator[str]:
    """Write some rows at a time, each behind a comma; by a kernel where that is quicker."""
    keys = [f"{_dump(name)}: " for name in table.layout]
    if len(table) >= _MANY_ROWS or _KERNELS in sys.modules:
        try:
            from auditor.report.writers.json_lines import json_lines  # noqa: PLC0415 - loads numba
        except ImportError:
            pass  # there is no compiler for this machine
        else:
            starts = [",\n{", *[", "] * (len(keys) - 1)]
            return json_lines(table, [*map(str.__add__, starts, keys), "}"], _text, _list)
    row = "{" + ", ".join(f"{key}%s" for key in keys) + "}"
    return (
        "".join(f",\n{line}" for line in map(row.__mod__, rows)) for rows in lines(table, _cells)
    )


def _cells(kind: Kind, column: Column) -> Cells:
    """Write a column as values that are JSON once they are text."""
    if kind == "text":
        return words(column, _text)
    if kind == "list":
        return words(column, _list)
    values = flat(column)
    if kind == "flag":
        return lambda rows: ["true" if flag else "false" for flag in values[rows].tolist()]
    cells = numbers(kind, values, "null")
    if kind == "time":
        return lambda rows: [t if t == "null" else f'"{t}"' for t in cells(rows)]
    return cells


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring_ascii(text)


def _list(values: list[str] | list[int]) -> str:
    # An encoder would be made anew for each of a hundred thousand lists.
    texts = (encode_basestring_ascii(v) if isinstance(v, str) else repr(v) for v in values)
    return f"[{', '.join(texts)}]"
