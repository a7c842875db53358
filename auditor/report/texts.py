"""Columns as text, for formats that write all rows: each different value is written once.

Values repeat: a million flows have a few thousand addresses and a few dozen lists. Lists that rows
share are told by their identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

T = TypeVar("T")

ROWS_AT_ONCE = 10_000
"""Rows that are text at one time."""


def blocks(table: pd.DataFrame) -> Iterator[dict[str, pd.Series]]:
    """Cut a table into runs of rows, each as columns by name."""
    columns = {str(name): column for name, column in table.items()}
    for start in range(0, len(table), ROWS_AT_ONCE):
        end = start + ROWS_AT_ONCE
        yield {name: column.iloc[start:end] for name, column in columns.items()}


def write_texts(column: pd.Series, write: Callable[[str | None], T]) -> list[T]:
    """Write a column of text."""
    values = column.tolist()
    written = {value: write(value) for value in set(values)}
    return [written[value] for value in values]


def write_lists(column: pd.Series, write: Callable[[list[object]], T]) -> list[T]:
    """Write a column of lists."""
    values = column.tolist()
    names = list(map(id, values))
    written = {name: write(value) for name, value in dict(zip(names, values, strict=True)).items()}
    return [written[name] for name in names]


def write_numbers(column: pd.Series, absent: str) -> list[str]:
    """Write a column of numbers as Python does; absent: what stands for none."""
    missing = np.flatnonzero(column.isna())
    if not len(missing):
        return list(map(repr, column.tolist()))
    written = list(map(repr, column.fillna(0).tolist()))
    for row in missing.tolist():
        written[row] = absent
    return written
