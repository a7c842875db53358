"""CSV: one table, lists joined by `;`, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TextIO

from auditor.report.cells import time_texts
from auditor.report.frames import KINDS
from auditor.report.text import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from auditor.report.model import FlowReport, Report
    from auditor.report.writers import Style


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the report's first table: the findings, or the flows where nothing is judged."""
    write_table(next(iter(report.tables.values())), out)


def write_table(table: pd.DataFrame, out: TextIO) -> None:
    """Write one table with a header; empty cells where there is nothing."""
    writer = csv.writer(out, lineterminator="\n")
    names = [str(name) for name in table.columns]
    writer.writerow(names)
    writer.writerows(zip(*(_cells(name, table[name]) for name in names), strict=True))


def _cells(name: str, column: pd.Series) -> Iterable[object]:
    match KINDS[name]:
        case "time":
            return time_texts(column)
        case "list":
            return [spreadsheet(_joined(values)) for values in column]
        case "text":
            return [None if text is None else spreadsheet(text) for text in column]
        case "flag":
            return ["true" if value else "false" for value in column]
        case _:
            return column.astype(object).where(column.notna(), None)


def _joined(values: list[object]) -> str:
    # Splitting at `;` must give the values back.
    return ";".join(str(value).replace(";", "\\x3b") for value in values)
