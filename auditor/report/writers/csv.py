"""CSV: one table, lists joined by `;`, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from auditor.report.table import flat
from auditor.report.text import spreadsheet
from auditor.report.texts import lines, numbers, words

if TYPE_CHECKING:
    from auditor.report.layouts import Kind
    from auditor.report.model import FlowReport, Report
    from auditor.report.table import Column, Table
    from auditor.report.texts import Cells
    from auditor.report.writers import Style


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the report's first table: the findings, or the flows where nothing is judged."""
    write_table(report, next(iter(report.tables)), out)


def write_table(report: Report | FlowReport, name: str, out: TextIO) -> None:
    """Write one table with a header; empty cells where there is nothing."""
    write_rows(report.tables[name], out)


def write_rows(table: Table, out: TextIO) -> None:
    """Write a table that need not be a report's."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.layout)
    for rows in lines(table, _cells):
        writer.writerows(rows)


def _cells(kind: Kind, column: Column) -> Cells:
    match kind:
        case "list":
            return words(column, lambda values: spreadsheet(_joined(values)))
        case "text":
            return words(column, _text)
        case "flag":
            values = flat(column)
            return lambda rows: ["true" if value else "false" for value in values[rows].tolist()]
        case _:
            return numbers(kind, flat(column), "")


def _text(text: str | None) -> str | None:
    return None if text is None else spreadsheet(text)


def _joined(values: list[object]) -> str:
    # Splitting at `;` must give the values back.
    return ";".join(str(value).replace(";", "\\x3b") for value in values)
