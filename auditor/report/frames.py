"""The tables of a report: columns, order and dtypes before there is a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from auditor.records import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Column: TypeAlias = Sequence[object] | NDArray[np.generic]

Kind = Literal["text", "count", "id", "number", "port", "flag", "time", "list"]
"""What a column holds.

text: object, str or None. count: int64. id: Int64, NA where there is none. number: float64, NaN
where there is none. port: Int32, NA where there is none. flag: bool. time: datetime64[ns, UTC], NaT
where there is none. list: object, a list in every row.
"""

Table = dict[str, Kind]

NO_NUMBER = -1
"""Stands for none in an array of ports or ids."""

FLOWS: Table = {
    "flow_id": "count",
    "capture": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "transport": "text",
    "client_ip": "text",
    "client_port": "port",
    "server_ip": "text",
    "server_port": "port",
    "client_name": "text",
    "server_name": "text",
    "client_roles": "list",
    "server_roles": "list",
    "packets_out": "count",
    "packets_in": "count",
    "bytes_out": "count",
    "bytes_in": "count",
    "outcome": "text",
    "application": "text",
    "verification": "text",
    "verdict": "text",
    "caveats": "list",
    "rows": "list",
    "rule_ids": "list",
    "severity": "text",
    "first_frame": "count",
    "vlan": "list",
    "tunnel": "text",
    "linked_flow": "id",
}

FLOW_FACTS: Table = {
    "flow_id": "count",
    "capture": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "transport": "text",
    "client_ip": "text",
    "client_port": "port",
    "server_ip": "text",
    "server_port": "port",
    "packets_out": "count",
    "packets_in": "count",
    "bytes_out": "count",
    "bytes_in": "count",
    "outcome": "text",
    "first_frame": "count",
    "vlan": "list",
    "tunnel": "text",
    "linked_flow": "id",
}
"""What is known of a flow without a site and without judgement."""

FINDINGS: Table = {
    "finding_id": "text",
    "kind": "text",
    "severity": "text",
    "accepted": "flag",
    "title": "text",
    "client": "text",
    "client_roles": "list",
    "server": "text",
    "server_roles": "list",
    "transport": "text",
    "port": "port",
    "flows": "count",
    "packets": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
    "rows": "list",
    "rule_ids": "list",
    "caveats": "list",
    "reason": "text",
    "advice": "text",
    "evidence": "list",
}

COVERAGE: Table = {
    "group": "text",
    "rows": "list",
    "rule_ids": "list",
    "product": "text",
    "source_roles": "list",
    "destination_roles": "list",
    "transport": "text",
    "ports": "list",
    "status": "text",
    "strength": "text",
    "why": "text",
    "silent": "list",
    "flows": "count",
    "clients": "count",
    "servers": "count",
}

HOSTS: Table = {
    "address": "text",
    "name": "text",
    "name_source": "text",
    "roles": "list",
    "roles_source": "text",
    "confidence": "number",
    "evidence": "list",
    "flows": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
}

SESSIONS: Table = {
    "client": "text",
    "server": "text",
    "path": "text",
    "remark": "text",
    "udp": "text",
    "tcp": "text",
    "notes": "list",
    "flows": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
    "rows": "list",
    "rule_ids": "list",
    "flow_ids": "list",
}

HISTORY_EDGES: Table = {
    "client_ip": "text",
    "client_name": "text",
    "server_ip": "text",
    "server_name": "text",
    "transport": "text",
    "server_port": "port",
    "verdict": "text",
    "first_seen": "time",
    "last_seen": "time",
    "known_since": "time",
    "flows": "count",
    "answered": "count",
    "bytes": "count",
    "sensors": "count",
}

HISTORY_UNSEEN: Table = {
    "group": "text",
    "rows": "list",
    "rule_ids": "list",
    "product": "text",
    "source_roles": "list",
    "destination_roles": "list",
    "transport": "text",
    "ports": "list",
    "status": "text",
    "strength": "text",
    "why": "text",
    "observable_s": "number",
    "last_seen": "time",
}

HISTORY_WINDOWS: Table = {
    "sensor": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "gap_s": "number",
    "frames": "count",
    "bytes": "count",
    "dropped": "number",
    "flows": "count",
    "left_out": "count",
    "edition": "text",
}

HISTORY_SIZE: Table = {
    "part": "text",
    "entries": "count",
    "first_seen": "time",
    "last_seen": "time",
    "stored_bytes": "id",
}

KINDS: Table = (
    FLOWS
    | FLOW_FACTS
    | FINDINGS
    | COVERAGE
    | HOSTS
    | SESSIONS
    | HISTORY_EDGES
    | HISTORY_UNSEEN
    | HISTORY_WINDOWS
    | HISTORY_SIZE
)
"""Kind by column name: a name means the same in every table that has it."""


def frame(table: Table, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Build a frame of `table`'s columns, in its order and with its dtypes, for any row count.

    Times are int64 nanoseconds, None or +-NO_TIME where there is none; ports and ids None or, in
    arrays, NO_NUMBER. Arrays of objects are taken as they are: rows may share them.
    Raises ValueError if a column is absent, unknown, or of another length than the others.
    """
    if columns.keys() != table.keys():
        absent = sorted(table.keys() - columns.keys())
        unknown = sorted(columns.keys() - table.keys())
        raise ValueError(f"columns absent: {absent}, unknown: {unknown}")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    # Copied into blocks of one dtype each, the columns would for a moment be there twice.
    series = {name: _series(kind, columns[name]) for name, kind in table.items()}
    return pd.DataFrame(series, copy=False)


def empty(table: Table) -> pd.DataFrame:
    """Build a frame without rows."""
    return frame(table, dict.fromkeys(table, ()))


def objects(values: Iterable[object]) -> NDArray[np.object_]:
    """Lay out objects in an array; np.array() would make a matrix of lists equally long."""
    listed = list(values)
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array


def _series(kind: Kind, values: Column) -> pd.Series:
    if kind in {"text", "list"} and isinstance(values, np.ndarray):
        return pd.Series(values, dtype=object)
    match kind:
        case "text":
            return pd.Series(objects(_text(value) for value in values), dtype=object)
        case "list":
            return pd.Series(objects(_list(value) for value in values), dtype=object)
        case "time":
            return _times(values)
        case "port":
            return _nullable(values, "Int32")
        case "id":
            return _nullable(values, "Int64")
        case "count":
            return pd.Series(np.asarray(values, dtype=np.int64))
        case "number":
            return pd.Series(np.asarray(values, dtype=np.float64))
        case "flag":
            return pd.Series(np.asarray(values, dtype=np.bool_))


def _text(value: object) -> str | None:
    # object columns, said explicitly, because None in them compares and filters alike in pandas 2
    # and 3, which disagree on the dtype of text and on its missing value.
    if value is None or type(value) is str:
        return value
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]  # any scalar


def _list(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    raise ValueError(f"expected a list, found {value!r}")


def _nullable(values: Column, dtype: Literal["Int32", "Int64"]) -> pd.Series:
    if not isinstance(values, np.ndarray):
        return pd.Series(values, dtype=dtype)
    absent = values == NO_NUMBER
    return pd.Series(pd.arrays.IntegerArray(values.astype(dtype.lower()), absent))


def _times(values: Column) -> pd.Series:
    if isinstance(values, np.ndarray):
        nanoseconds = values.astype(np.int64)
    else:
        filled = [NO_TIME if value is None else value for value in values]
        nanoseconds = np.array(filled, dtype=np.int64)
    # NaT is the smallest integer.
    absent = np.abs(nanoseconds) == NO_TIME
    nanoseconds[absent] = np.iinfo(np.int64).min
    return pd.Series(nanoseconds.view("datetime64[ns]")).dt.tz_localize("UTC")
