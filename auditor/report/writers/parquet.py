"""Parquet: one file per table, its columns typed as auditor.report.schema declares them."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.evidence.coded import Coded
from auditor.report.facts import facts
from auditor.report.layouts import KINDS
from auditor.report.schema import field
from auditor.report.table import NO_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.report.model import FlowReport, Report
    from auditor.report.table import Column, Table

FACTS_KEY = b"citrix-traffic-auditor"
"""Key of the file's metadata whose value is what JSON says beside its tables, and as JSON."""

_ROWS_AT_ONCE = 1 << 17
"""Rows of a row group: enough to pack well, few enough to hold."""


def write_table(report: Report | FlowReport, name: str, out: IO[bytes]) -> None:
    """Write one table of a report."""
    about = json.dumps(facts(report), allow_nan=False).encode()
    write_rows(report.tables[name], out, {FACTS_KEY: about})


def write_rows(table: Table, out: IO[bytes], metadata: dict[bytes, bytes]) -> None:
    """Write a table that need not be a report's."""
    fields = [field(name) for name in table.layout]
    schema = pa.schema(fields, metadata=metadata)
    columns = [_parts(table.columns[each.name], each) for each in fields]
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for start in range(0, len(table), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            writer.write_table(pa.table([part(rows) for part in columns], schema=schema))


def arrow_table(table: Table) -> pa.Table:
    """Give a table as Arrow has it."""
    fields = [field(name) for name in table.layout]
    every = slice(0, len(table))
    columns = [_parts(table.columns[each.name], each)(every) for each in fields]
    return pa.table(columns, schema=pa.schema(fields))


def _parts(column: Column, described: pa.Field) -> Callable[[slice], pa.Array]:
    """Convert some rows of a column at a time; values that rows share, once."""
    if isinstance(column, Coded):
        words = _values(column.words, described.type)
        return lambda rows: words.take(pa.array(column.code[rows]))
    match KINDS[described.name]:
        case "text" | "list":
            return lambda rows: _values(column[rows].tolist(), described.type)
        case "port" | "id":
            absent = column == NO_NUMBER
            numbers = column.astype(described.type.to_pandas_dtype())
            return lambda rows: pa.array(numbers[rows], described.type, mask=absent[rows])
        case _:
            return lambda rows: pa.array(column[rows], described.type, from_pandas=True)


def _values(values: Sequence[object], type_: pa.DataType) -> pa.Array:
    """Convert texts or lists."""
    try:
        return pa.array(values, type_)
    except UnicodeEncodeError:
        # A path may hold bytes that are no text.
        return pa.array(list(map(_readable, values)), type_)


def _readable(value: object) -> object:
    if isinstance(value, list):
        return list(map(_readable, value))
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
