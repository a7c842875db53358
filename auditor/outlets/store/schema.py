"""The tables of the history, and how an older database becomes one of today.

Times are int64 nanoseconds since 1970 UTC; an hour is named by its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from auditor.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = 2
"""Raised by one with every change, together with an entry in MIGRATIONS."""

NO_PORT = -1
"""In `edges.port`, since two NULLs are never the same."""

HOUR_NS = 3600 * 10**9

_LOCK = 0x61756469746F72
"""Of PostgreSQL's advisory locks: held while tables are made, so that one sensor makes them."""

_Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only in a column of this very type."""

tables = sa.MetaData()

meta = sa.Table(
    "meta",
    tables,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

sensors = sa.Table(
    "sensors",
    tables,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

windows = sa.Table(
    "windows",
    tables,
    sa.Column("sensor_id", sa.ForeignKey(sensors.c.id), primary_key=True),
    sa.Column("first_ns", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("last_ns", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),  # of all that the window wrote
    sa.Column("frames", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger),  # NULL = nobody counted
    sa.Column("flows", sa.BigInteger, nullable=False),
    sa.Column("left_out", sa.BigInteger, nullable=False),  # edges beyond the bound
    sa.Column("edition", sa.Text, nullable=False),
    sa.Column("catalog_digest", sa.Text, nullable=False),
)

edges = sa.Table(
    "edges",
    tables,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("sensor_id", sa.ForeignKey(sensors.c.id), nullable=False),
    sa.Column("client", sa.Text, nullable=False),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("transport", sa.Text, nullable=False),
    sa.Column("port", sa.Integer, nullable=False),  # NO_PORT where there is none
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("client_name", sa.Text),
    sa.Column("server_name", sa.Text),
    sa.Column("first_ns", sa.BigInteger, nullable=False),
    sa.Column("last_ns", sa.BigInteger, nullable=False),
    sa.Column("flows", sa.BigInteger, nullable=False),
    sa.Column("answered", sa.BigInteger, nullable=False),  # of the flows
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("sensor_id", "client", "server", "transport", "port", "verdict"),
    sa.Index("edges_by_first", "first_ns"),
)

edge_hours = sa.Table(
    "edge_hours",
    tables,
    sa.Column("edge_id", sa.ForeignKey(edges.c.id), primary_key=True),
    sa.Column("hour_ns", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("flows", sa.BigInteger, nullable=False),
    sa.Column("answered", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

expectations = sa.Table(
    "expectations",
    tables,
    sa.Column("id", _Key, primary_key=True),
    sa.Column("sensor_id", sa.ForeignKey(sensors.c.id), nullable=False),
    sa.Column("rule_group", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False),
    sa.Column("paper_rows", sa.Text, nullable=False),  # JSON list, as the next and `ports`
    sa.Column("rule_ids", sa.Text, nullable=False),
    sa.Column("transport", sa.Text, nullable=False),
    sa.Column("ports", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # of the last window, as the next two
    sa.Column("strength", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("last_ns", sa.BigInteger, nullable=False),
    sa.Column("seen_ns", sa.BigInteger),  # end of the last window that saw it
    sa.UniqueConstraint("sensor_id", "rule_group", "source", "destination"),
)

coverage_hours = sa.Table(
    "coverage_hours",
    tables,
    sa.Column("expectation_id", sa.ForeignKey(expectations.c.id), primary_key=True),
    sa.Column("hour_ns", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, primary_key=True),
    sa.Column("windows", sa.BigInteger, nullable=False),
    sa.Column("watched_ns", sa.BigInteger, nullable=False),
)

_BY_AGE = (
    sa.Index("windows_by_last", windows.c.last_ns),
    sa.Index("edge_hours_by_hour", edge_hours.c.hour_ns),
    sa.Index("coverage_hours_by_hour", coverage_hours.c.hour_ns),
)
"""By which what is old is found."""


def _index_by_age(connection: sa.Connection) -> None:
    for index in _BY_AGE:
        index.create(connection, checkfirst=True)


MIGRATIONS: dict[int, Callable[[sa.Connection], None]] = {1: _index_by_age}
"""Schema -> what makes it the next one."""


def check_schema(connection: sa.Connection, place: str, *, write: bool) -> None:
    """Make the tables, or bring them up to date; only look unless `write`.

    Raises AuditError for a database of a later version, and where `write` would be needed.
    """
    if write and connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    found = _schema_of(connection)
    if found is None:
        if not write:
            raise AuditError(f"{place}: expected a history of this program, found none")
        tables.create_all(connection)
        connection.execute(meta.insert().values(name="schema", value=str(SCHEMA)))
        return
    if found > SCHEMA:
        raise AuditError(
            f"{place}: the history has schema {found}, this version knows {SCHEMA}: "
            "it was written by a later version of this program, which is needed here"
        )
    if found < SCHEMA and not write:
        raise AuditError(
            f"{place}: the history has schema {found}, this version reads {SCHEMA}: "
            "the next `auditor live` that writes to it brings it up to date"
        )
    for step in range(found, SCHEMA):
        MIGRATIONS[step](connection)
        connection.execute(meta.update().where(meta.c.name == "schema").values(value=str(step + 1)))


def _schema_of(connection: sa.Connection) -> int | None:
    if not sa.inspect(connection).has_table(meta.name):
        return None
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "schema"))
    return None if value is None else int(value)
