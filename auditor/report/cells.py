"""Columns as the plain values that text formats hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.report.frames import KINDS

if TYPE_CHECKING:
    import pandas as pd


def time_texts(column: pd.Series) -> list[str | None]:
    """Write times as RFC 3339 in UTC with nanoseconds, None for NaT."""
    moments = column.to_numpy(dtype="datetime64[ns]")
    texts = np.datetime_as_string(moments, unit="ns").tolist()
    return [None if text == "NaT" else f"{text}Z" for text in texts]


def plain_values(name: str, column: pd.Series) -> list[object]:
    """Give a column's values as str, int, float, bool, list and None."""
    match KINDS[name]:
        case "time":
            return list(time_texts(column))
        case "port" | "id" | "number":
            values: list[object] = column.astype(object).where(column.notna(), None).tolist()
            return values
        case _:
            return list(column.tolist())
