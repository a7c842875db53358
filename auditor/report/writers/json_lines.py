"""Rows written as lines of JSON by a kernel: the same text as auditor.report.writers.json gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.evidence.coded import Coded
from auditor.kernel.json_lines import (
    DECIMAL,
    FRESH,
    LONGEST,
    NUMBER,
    OPTIONAL,
    TIME,
    WORD,
    Words,
    write_lines,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.report.layouts import Kind
    from auditor.report.table import Column, Table

ROWS_AT_ONCE = 4096
"""Rows that are text at one time."""

_DIGITS = 15
"""So many decimal digits are the shortest to name a float, if they name it at all."""
_LEAST_DECIMAL_S = 1e-4
"""What is less is written with an exponent."""


class _Texts:
    """Words in the making."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, texts: Iterable[str]) -> int:
        """Add texts; give the number of the first."""
        first = len(self._texts)
        self._texts += texts
        return first

    def words(self) -> Words:
        ends = np.zeros(len(self._texts) + 1, np.int64)
        np.cumsum([len(text) for text in self._texts], out=ends[1:])
        data = "".join(self._texts).encode("ascii")
        return Words(np.frombuffer(data, np.uint8), ends)


class _Column:
    """A column, ready to be written."""

    def __init__(
        self, kind: Kind, column: Column, texts: _Texts, write: Callable[[Any], str]
    ) -> None:
        self._write = write
        self._values = column
        match kind:
            case "text" | "list" if isinstance(column, Coded):
                first = texts.add(map(write, column.words))
                self.kind, self._values = WORD, first + column.code % max(len(column.words), 1)
            case "text" | "list":
                self.kind = FRESH
            case "flag":
                self.kind, self._values = WORD, texts.add(("false", "true")) + _integers(column)
            case "time":
                self.kind, self._values = TIME, _integers(column)
            case "number":
                self.kind = DECIMAL
            case "count":
                self.kind = NUMBER
            case _:
                self.kind = OPTIONAL

    def fill(self, values: NDArray[np.int64], rows: slice, fresh: _Texts) -> None:
        """Set the values of some rows."""
        chosen = self._values[rows]
        if self.kind == FRESH:
            first = fresh.add(map(self._write, chosen))
            values[:] = np.arange(first, first + len(values))
        elif self.kind == DECIMAL:
            values[:] = nanoseconds(np.asarray(chosen))
            others = np.flatnonzero(values < 0)
            first = fresh.add(_float(each) for each in np.asarray(chosen)[others].tolist())
            values[others] = -1 - np.arange(first, first + len(others))
        else:
            values[:] = chosen


def json_lines(
    table: Table,
    between: Iterable[str],
    write_text: Callable[[Any], str],
    write_list: Callable[[Any], str],
) -> Iterator[str]:
    """Write a table, some rows at a time.

    between: what stands before each column, and behind the last.
    """
    texts = _Texts()
    texts.add(between)
    columns = [
        _Column(kind, table.columns[name], texts, write_text if kind == "text" else write_list)
        for name, kind in table.layout.items()
    ]
    kinds, words = np.array([column.kind for column in columns]), texts.words()
    lengths = np.diff(words.ends)
    others = int(lengths[: len(columns) + 1].sum()) + LONGEST * len(columns)
    for start in range(0, len(table), ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, len(table)))
        values = np.empty((len(columns), rows.stop - start), np.int64)
        texts = _Texts()
        for column, row in zip(columns, values, strict=True):
            column.fill(row, rows, texts)
        fresh = texts.words()
        size = values.shape[1] * others + len(fresh.data)
        size += int(lengths[values[kinds == WORD]].sum())
        out = np.empty(size, np.uint8)
        used = write_lines(kinds, values, words, fresh, out)
        yield out[:used].tobytes().decode("ascii")


def nanoseconds(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give floats as nanoseconds whose digits are those that Python names the floats by, or -1."""
    with np.errstate(invalid="ignore", over="ignore"):
        counts = np.rint(seconds * 1e9)
        plain = (counts / 1e9 == seconds) & (counts < 10**_DIGITS)
        plain &= (seconds >= _LEAST_DECIMAL_S) | ((seconds == 0) & ~np.signbit(seconds))
        return np.where(plain, counts, -1).astype(np.int64)


def _float(value: float) -> str:
    return repr(value) if value == value else "null"  # noqa: PLR0124 - what is not itself is no number


def _integers(column: Column) -> NDArray[np.int64]:
    values = np.asarray(column)
    return values.view(np.int64) if values.dtype.kind == "M" else values.astype(np.int64)
