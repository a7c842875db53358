"""Columns as text, for formats that write all rows: each different value is written once.

Values repeat: a million flows have a few thousand addresses and a few dozen lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.evidence.coded import Coded
from auditor.report.table import objects, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from auditor.report.layouts import Kind
    from auditor.report.table import Column, Table

Cells: TypeAlias = "Callable[[slice], list[Any]]"
"""Writes some rows of a column."""

ROWS_AT_ONCE = 1_000
"""Rows that are text at one time: few enough for their text to stay in a cache."""


def lines(
    table: Table, cells_of: Callable[[Kind, Column], Cells]
) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Write a table row by row, some rows at a time; cells_of: how its columns are written."""
    columns = [cells_of(kind, table.columns[name]) for name, kind in table.layout.items()]
    for start in range(0, len(table), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        yield zip(*(cells(rows) for cells in columns), strict=True)


def words(column: Column, write: Callable[[Any], object]) -> Cells:
    """Write a column of text or lists."""
    if not isinstance(column, Coded):
        return lambda rows: list(map(write, column[rows].tolist()))
    written, code = objects(map(write, column.words)), column.code
    return lambda rows: written[code[rows]].tolist()


def numbers(kind: Kind, column: NDArray[Any], absent: object) -> Cells:
    """Write a column of numbers or times; absent: what stands for none."""
    return lambda rows: plain(kind, column[rows], absent)
