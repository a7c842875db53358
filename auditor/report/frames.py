"""Tables as pandas frames, whose dtypes do not depend on what was found.

text, list: object, with None and with a list in every row. count: int64. id: Int64 and port: Int32,
NA where there is none. number: float64, NaN where there is none. flag: bool. time: datetime64[ns,
UTC], NaT where there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from auditor.report.layouts import KINDS
from auditor.report.table import NO_NUMBER, Table, objects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from auditor.report.layouts import Kind, Layout
    from auditor.report.table import Column


def frame(layout: Layout, columns: Mapping[str, Sequence[object] | Column]) -> pd.DataFrame:
    """Build a frame of `layout`'s columns; they and what is raised as for `Table.of`."""
    return frame_of(Table.of(layout, columns))


def frame_of(table: Table) -> pd.DataFrame:
    """Build the frame of a table; to change it does not change the table."""
    # Copied into blocks of one dtype each, the columns would for a moment be there twice.
    series = {name: _series(kind, table.array(name)) for name, kind in table.layout.items()}
    return pd.DataFrame(series, copy=False)


def table_of(made: pd.DataFrame) -> Table:
    """Give the table of which a frame was made, or of some of its rows."""
    layout = {str(name): KINDS[str(name)] for name in made.columns}
    return Table(layout, {name: _values(kind, made[name]) for name, kind in layout.items()})


def _series(kind: Kind, values: NDArray[Any]) -> pd.Series:
    match kind:
        case "text" | "list":
            # Said explicitly, because None in objects compares and filters alike in pandas 2 and
            # 3, which disagree on the dtype of text and on its missing value.
            return pd.Series(values, dtype=object, copy=True)
        case "time":
            return pd.Series(values).dt.tz_localize("UTC")
        case "port":
            return _nullable(values, "int32")
        case "id":
            return _nullable(values, "int64")
        case _:
            return pd.Series(values, copy=True)


def _nullable(values: NDArray[np.int64], dtype: Literal["int32", "int64"]) -> pd.Series:
    return pd.Series(pd.arrays.IntegerArray(values.astype(dtype), values == NO_NUMBER))


def _values(kind: Kind, column: pd.Series) -> Column:
    match kind:
        case "text" | "list":
            return objects(column.tolist())
        case "time":
            return column.to_numpy(dtype="datetime64[ns]")
        case "port" | "id":
            return column.fillna(NO_NUMBER).to_numpy(dtype=np.int64)
        case _:
            return column.to_numpy()
