"""CSV: one table, lists joined by `;`, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from auditor.report.cells import time_texts
from auditor.report.frames import KINDS
from auditor.report.text import spreadsheet
from auditor.report.texts import blocks, write_lists, write_numbers, write_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from auditor.report.model import FlowReport, Report
    from auditor.report.writers import Style


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the report's first table: the findings, or the flows where nothing is judged."""
    write_table(report, next(iter(report.tables)), out)


def write_table(report: Report | FlowReport, name: str, out: TextIO) -> None:
    """Write one table with a header; empty cells where there is nothing."""
    write_frame(report.tables[name], out)


def write_frame(table: pd.DataFrame, out: TextIO) -> None:
    """Write a frame whose columns are those of our tables."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(str(name) for name in table.columns)
    for columns in blocks(table):
        writer.writerows(zip(*(_cells(*column) for column in columns.items()), strict=True))


def _cells(name: str, column: pd.Series) -> Iterable[object]:
    match KINDS[name]:
        case "time":
            return time_texts(column)
        case "list":
            return write_lists(column, lambda values: spreadsheet(_joined(values)))
        case "text":
            return write_texts(column, _text)
        case "flag":
            return ["true" if value else "false" for value in column.tolist()]
        case _:
            return write_numbers(column, "")


def _text(text: str | None) -> str | None:
    return None if text is None else spreadsheet(text)


def _joined(values: list[object]) -> str:
    # Splitting at `;` must give the values back.
    return ";".join(str(value).replace(";", "\\x3b") for value in values)
