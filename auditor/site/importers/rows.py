"""Tables of other programs, row by row: any usual delimiter, with or without `#TYPE` before."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from auditor.errors import AuditError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """One line below the header."""

    line: int
    cells: dict[str, str]
    """Column in lower case -> its text without surrounding blanks."""
    delimiter: str

    def get(self, column: str) -> str:
        """Give a cell, `` where there is no such column."""
        return self.cells.get(column, "")


def read_rows(text: str, path: str, notes: list[Problem], wanted: str) -> Iterator[Row]:
    """Read a table; a row that does not fit its header becomes a note.

    wanted: a column that must be there. Raises AuditError where the text is no such table.
    """
    delimiter = _delimiter(text)
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    columns: list[str] = []
    try:
        for cells in lines:
            row = [cell.strip() for cell in cells]
            if not any(row) or row[0].startswith("#"):
                continue
            if not columns:
                columns = [cell.lower() for cell in row]
                if wanted not in columns:
                    break
            elif len(row) != len(columns):
                found = f"expected {len(columns)} columns, found {len(row)}"
                notes.append(Problem(path, lines.line_num, found))
            else:
                named = dict(zip(columns, row, strict=True))
                yield Row(lines.line_num, named, delimiter)
    except csv.Error as error:
        raise AuditError(f"{path}:{lines.line_num}: not CSV: {error}") from None
    if wanted not in columns:
        raise AuditError(f"{path}: expected a table with the column {wanted!r}")


def _delimiter(text: str) -> str:
    """Find the delimiter of the header: the one that stands there most often."""
    header = next((line for line in text.split("\n") if line.strip() and line[0] != "#"), "")
    return max(_DELIMITERS, key=header.count)
