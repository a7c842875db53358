"""The tables of a report as Arrow schemas: what Parquet files hold, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from auditor.report.layouts import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS, KINDS, SESSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.report.layouts import Kind, Layout

_TYPES: Mapping[Kind, pa.DataType] = {
    "text": pa.string(),
    "count": pa.int64(),
    "id": pa.int64(),
    "number": pa.float64(),
    "port": pa.int32(),
    "flag": pa.bool_(),
    "time": pa.timestamp("ns", tz="UTC"),
    "list": pa.list_(pa.string()),
}

_INTEGER_LISTS: Mapping[str, pa.DataType] = {
    "rows": pa.int32(),
    "ports": pa.int32(),
    "vlan": pa.int32(),
    "flow_ids": pa.int64(),
}
"""Columns whose lists hold numbers."""

NULLABLE = frozenset({"text", "id", "number", "port", "time"})
"""Kinds of column in which there may be nothing; absent numbers are null, not NaN."""


def field(name: str) -> pa.Field:
    """Describe one column."""
    kind = KINDS[name]
    integers = _INTEGER_LISTS.get(name)
    type_ = _TYPES[kind] if integers is None else pa.list_(integers)
    return pa.field(name, type_, nullable=kind in NULLABLE)


def _schema(layout: Layout) -> pa.Schema:
    return pa.schema([field(name) for name in layout])


SCHEMAS: Mapping[str, pa.Schema] = {
    "flows": _schema(FLOWS),
    "findings": _schema(FINDINGS),
    "coverage": _schema(COVERAGE),
    "hosts": _schema(HOSTS),
    "sessions": _schema(SESSIONS),
}
"""By the table's name, without metadata."""

FLOW_FACTS_SCHEMA = _schema(FLOW_FACTS)
"""The flow table of `auditor flows`."""
