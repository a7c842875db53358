"""Opening the history: SQLite for one sensor, PostgreSQL for a fleet."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from auditor.errors import AuditError, UsageError
from auditor.outlets.extras import require
from auditor.outlets.store.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from sqlite3 import Connection as SqliteConnection

SYNTAX = "sqlite:///PATH or postgresql://USER@HOST/DATABASE"

_BUSY_MS = 10_000
_POSTGRESQL_ARGUMENTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "application_name": "citrix-traffic-auditor",
    # A server that vanished without a word is given up, not waited for.
    "keepalives_idle": 30,
    "tcp_user_timeout": 30_000,
    "options": "-c statement_timeout=60000 -c lock_timeout=30000",
}


class Database:
    """One history. Connects for each transaction, so that a database may go and come back."""

    def __init__(self, url: str, *, write: bool) -> None:
        """Read `url`, without connecting; raise UsageError if it cannot be meant."""
        self._write = write
        self._url = _parsed(url)
        backend = self._url.get_backend_name()
        self.place = self._url.set(drivername=backend).render_as_string(hide_password=True)
        self._ready = False
        postgresql = backend == "postgresql"
        if postgresql:
            require("psycopg", "postgresql", "a history in PostgreSQL")
            # What the URL itself says goes first.
            arguments = {k: v for k, v in _POSTGRESQL_ARGUMENTS.items() if k not in self._url.query}
        else:
            self._check_file(Path(self._url.database or ""))
            arguments = {}
        self._engine = sa.create_engine(
            self._url, poolclass=sa.NullPool, connect_args=arguments, hide_parameters=True
        )
        if not postgresql:
            sa.event.listen(self._engine, "connect", self._prepare_sqlite)
            sa.event.listen(self._engine, "begin", self._begin_sqlite)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Connect, check the schema once, and commit all of what is done or nothing.

        Raises DBAPIError if the database fails, AuditError if it is of another version.
        """
        try:
            with self._engine.begin() as connection:
                if not self._ready:
                    check_schema(connection, self.place, write=self._write)
                yield connection
            self._ready = True
        except DBAPIError:
            # It may come back as another one.
            self._ready = False
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Connect for questions; raise AuditError for whatever goes wrong with the database."""
        try:
            with self.transaction() as connection:
                yield connection
        except DBAPIError as error:
            raise AuditError(f"{self.place}: cannot be read: {reason_of(error)}") from error

    def _check_file(self, path: Path) -> None:
        if self._write and not path.absolute().parent.is_dir():
            raise UsageError(f"{path}: expected a directory to write into, found none")
        if not self._write and not path.is_file():
            raise AuditError(f"{path}: expected a history, found no such file")

    def _prepare_sqlite(self, connection: SqliteConnection, _: object) -> None:
        # Transactions begin where we say so, also around the making of tables.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        cursor.execute("PRAGMA foreign_keys=ON")
        if self._write:
            # A reader never waits for the sensor, and a commit survives a power cut.
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    def _begin_sqlite(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if self._write else "BEGIN")


def reason_of(error: DBAPIError) -> str:
    """Say in one line what the database complains of."""
    lines = str(error.orig or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _parsed(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):
        hint = "" if "://" in text else f"; a file is given as sqlite:///{text}"
        found = text if "://" not in text else "something else"
        raise UsageError(f"--history: expected {SYNTAX}, found {found}{hint}") from None
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite":
        raise UsageError(f"--history: expected {SYNTAX}, found {url.drivername}://")
    if not url.database or url.database == ":memory:" or url.host:
        raise UsageError(f"--history: expected {SYNTAX}, found no path to a file")
    return url
