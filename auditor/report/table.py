"""A table of a report as columns of numpy: what every format is written from.

A pandas frame is made of it only for those who ask for one: loading pandas takes longer than a
small audit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from auditor.evidence.coded import Coded
from auditor.records import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    import pandas as pd

    from auditor.report.layouts import Kind, Layout

NO_NUMBER = -1
"""Stands for none among ports and ids."""


_DTYPES: Mapping[Kind, type[np.generic]] = {"number": np.float64, "flag": np.bool_}
"""Of the columns that hold no integers."""


Column: TypeAlias = NDArray[Any] | Coded[Any]
"""text, list: objects, or coded where rows share them. time: datetime64[ns], NaT where there is
none. port, id: int64, NO_NUMBER where there is none. number: float64, NaN where there is none.
count: int64. flag: bool."""


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, as `layout` has them. Nobody may change them in place."""

    layout: Layout
    columns: Mapping[str, Column]

    @classmethod
    def of(cls, layout: Layout, columns: Mapping[str, Sequence[object] | Column]) -> Table:
        """Build a table from plain values, or from columns.

        Times are int64 nanoseconds, None or +-NO_TIME where there is none; ports and ids None or,
        in arrays, NO_NUMBER. Objects in arrays are taken as they are. Raises ValueError if a column
        is absent, unknown, or of another length than the others.
        """
        if columns.keys() != layout.keys():
            absent = sorted(layout.keys() - columns.keys())
            unknown = sorted(columns.keys() - layout.keys())
            raise ValueError(f"columns absent: {absent}, unknown: {unknown}")
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of different lengths: {lengths}")
        return cls(layout, {name: _column(kind, columns[name]) for name, kind in layout.items()})

    @classmethod
    def empty(cls, layout: Layout) -> Table:
        """Build a table without rows."""
        return cls.of(layout, dict.fromkeys(layout, ()))

    @classmethod
    def joined(cls, parts: Sequence[Table]) -> Table:
        """Put the rows of tables of one layout behind each other; at least one part."""
        layout = parts[0].layout
        columns = {name: np.concatenate([part.array(name) for part in parts]) for name in layout}
        return cls(layout, columns)

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.columns.values())))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The table as a pandas frame, with its dtypes."""
        from auditor.report.frames import frame_of  # noqa: PLC0415 - loads pandas

        return frame_of(self)

    def array(self, name: str) -> NDArray[Any]:
        """Give a column with one value per row."""
        return flat(self.columns[name])

    def values(self, name: str) -> list[Any]:
        """List a column as str, int, float, bool, list and None; times as RFC 3339."""
        return plain(self.layout[name], self.array(name), None)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each row as plain values by column."""
        columns = [self.values(name) for name in self.layout]
        for values in zip(*columns, strict=True):
            yield dict(zip(self.layout, values, strict=True))

    def take(self, rows: NDArray[np.bool_ | np.integer[Any]] | Sequence[int] | slice) -> Table:
        """Keep some rows, in the order given."""
        chosen = rows if isinstance(rows, slice | np.ndarray) else np.array(rows, dtype=np.int64)
        return Table(
            self.layout,
            {
                name: coded(column.words, column.code[chosen])
                if isinstance(column, Coded)
                else column[chosen]
                for name, column in self.columns.items()
            },
        )

    def where(self, name: str, texts: Container[str]) -> NDArray[np.bool_]:
        """Mark the rows whose text is one of some."""
        column = self.columns[name]
        words = column.words if isinstance(column, Coded) else column.tolist()
        found = np.array([word in texts for word in words], dtype=np.bool_)
        return found[column.code] if isinstance(column, Coded) else found

    def tally(self, name: str, weights: NDArray[np.int64] | None = None) -> Counter[str | None]:
        """Count the rows of each text; weights: shape (n,), what each row counts, None = 1."""
        column = self.columns[name]
        if weights is not None:
            weighed: Counter[str | None] = Counter()
            for word, weight in zip(self.values(name), weights.tolist(), strict=True):
                weighed[word] += weight
            return weighed
        if not isinstance(column, Coded):
            return Counter(column.tolist())
        counts: Counter[str | None] = Counter()
        rows = np.bincount(column.code, minlength=len(column.words))
        for word, number in zip(column.words, rows.tolist(), strict=True):
            counts[word] += number
        return counts


def coded(words: Sequence[object] | NDArray[np.object_], code: NDArray[np.integer[Any]]) -> Column:
    """Make a column of words that rows share; of fewer rows than words, one of their own values.

    A code of -1 stands for the last word, but not in the column.
    """
    places = code.astype(np.int64, copy=False)
    if len(places) and places.min() < 0:
        places = places % len(words)
    if len(words) > len(places):
        return objects(words)[places]
    return Coded(places, words.tolist() if isinstance(words, np.ndarray) else words)


def flat(column: Column) -> NDArray[Any]:
    """Give a column with one value per row."""
    return objects(column.words)[column.code] if isinstance(column, Coded) else column


def objects(values: Iterable[object]) -> NDArray[np.object_]:
    """Lay out objects in an array; np.array() would make a matrix of lists equally long."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def plain(kind: Kind, values: NDArray[Any], absent: object) -> list[Any]:
    """List values as str, int, float, bool and list; absent: what stands for no number or time."""
    match kind:
        case "time":
            texts = np.datetime_as_string(values, unit="ns").tolist()
            return [absent if text == "NaT" else f"{text}Z" for text in texts]
        case "port" | "id":
            missing = values == NO_NUMBER
        case "number":
            missing = np.isnan(values)
        case _:
            missing = np.zeros(0, dtype=bool)
    listed: list[object] = values.tolist()
    for row in np.flatnonzero(missing).tolist():
        listed[row] = absent
    return listed


def _column(kind: Kind, values: Sequence[object] | Column) -> Column:
    if kind in {"text", "list"}:
        if isinstance(values, np.ndarray | Coded):
            return values
        return objects(map(_text if kind == "text" else _list, values))
    if kind == "time":
        return _times(values)
    absent = {"port": NO_NUMBER, "id": NO_NUMBER, "number": np.nan}.get(kind)
    if absent is not None and not isinstance(values, np.ndarray):
        values = [absent if value is None else value for value in values]
    return np.asarray(values, dtype=_DTYPES.get(kind, np.int64))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _list(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise ValueError(f"expected a list, found {value!r}")


def _times(values: Sequence[object] | Column) -> NDArray[np.datetime64]:
    if not isinstance(values, np.ndarray):
        values = np.array([NO_TIME if value is None else value for value in values], dtype=np.int64)
    if values.dtype.kind == "M":
        return values
    times = values.astype("datetime64[ns]")
    times[np.abs(values) == NO_TIME] = np.datetime64("NaT")
    return times
