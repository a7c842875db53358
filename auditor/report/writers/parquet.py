"""Parquet: one file per table, its columns typed as auditor.report.schema declares them."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.report.facts import facts
from auditor.report.frames import KINDS
from auditor.report.schema import field

if TYPE_CHECKING:
    import pandas as pd

    from auditor.report.model import FlowReport, Report

FACTS_KEY = b"citrix-traffic-auditor"
"""Key of the file's metadata whose value is what JSON says beside its tables, and as JSON."""

_ROWS_AT_ONCE = 1 << 17
"""Rows of a row group: enough to pack well, few enough to hold."""


def write_table(report: Report | FlowReport, name: str, out: IO[bytes]) -> None:
    """Write one table of a report."""
    about = json.dumps(facts(report), allow_nan=False).encode()
    write_frame(report.tables[name], out, {FACTS_KEY: about})


def write_frame(table: pd.DataFrame, out: IO[bytes], metadata: dict[bytes, bytes]) -> None:
    """Write a frame whose columns are those of a report's table."""
    fields = [field(str(column)) for column in table.columns]
    schema = pa.schema(fields, metadata=metadata)
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for start in range(0, len(table), _ROWS_AT_ONCE):
            part = table.iloc[start : start + _ROWS_AT_ONCE]
            arrays = [_array(part[each.name], each) for each in fields]
            writer.write_table(pa.table(arrays, schema=schema))


def arrow_table(table: pd.DataFrame) -> pa.Table:
    """Give a frame whose columns are those of a report's table as Arrow has it."""
    fields = [field(str(column)) for column in table.columns]
    return pa.table([_array(table[each.name], each) for each in fields], schema=pa.schema(fields))


def _array(column: pd.Series, described: pa.Field) -> pa.Array:
    match KINDS[described.name]:
        case "list":
            return _lists(column, described.type)
        case "text":
            return _texts(column)
        case _:
            return pa.array(column, described.type, from_pandas=True)


def _texts(column: pd.Series) -> pa.Array:
    try:
        return pa.array(column.to_numpy(), pa.string())
    except UnicodeEncodeError:
        # A path may hold bytes that are no text.
        values = (None if text is None else _readable(text) for text in column.tolist())
        return pa.array(list(values), pa.string())


def _readable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _lists(column: pd.Series, type_: pa.DataType) -> pa.Array:
    """Convert lists that rows share once."""
    values = column.tolist()
    number: dict[int, int] = {}
    places = [number.setdefault(id(value), len(number)) for value in values]
    different = dict(zip(places, values, strict=True)).values()
    try:
        lists = pa.array(list(different), type_)
    except UnicodeEncodeError:
        lists = pa.array([[_readable(text) for text in texts] for texts in different], type_)
    return lists if len(lists) == len(values) else lists.take(pa.array(places, pa.int64()))
