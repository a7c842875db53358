"""A history as a queue sees it: something that takes one entry after the other, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from auditor.errors import AuditError
from auditor.outlets.delivery import RejectedError, UnreachableError
from auditor.outlets.store import queries
from auditor.outlets.store.database import Database, reason_of
from auditor.outlets.store.record import pack, record_of, unpack
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from auditor.judge.past import Past
    from auditor.outlets.window import Window


class Keeper:
    """Writes the windows of one sensor."""

    def __init__(self, url: str, sensor: str) -> None:
        """Read the URL, without connecting; raise UsageError if it cannot be meant."""
        self._url = url
        self._database = Database(url, write=True)
        self._sensor = sensor
        self.place = self._database.place
        """Without a password."""

    def probe(self) -> str | None:
        """Connect, and say why that cannot be done now.

        Raises AuditError for what no waiting can mend: a later version, a file that is none.
        """
        try:
            with self._database.transaction():
                return None
        except OperationalError as error:
            return reason_of(error)
        except DBAPIError as error:
            raise AuditError(f"{self.place}: {reason_of(error)}") from error

    def entry(self, window: Window) -> bytes:
        """Sum up a window for the queue."""
        return pack(record_of(window, self._sensor))

    def write(self, entry: bytes) -> None:
        """Write one entry of the queue, whole or not at all; as a Delivery's `send`."""
        try:
            record = unpack(entry)
        except ValueError as error:
            raise RejectedError(str(error)) from error
        try:
            with self._database.transaction() as connection:
                write_record(connection, record)
        except DataError as error:
            raise RejectedError(reason_of(error)) from error
        except DBAPIError as error:
            raise UnreachableError(reason_of(error)) from error
        except AuditError as error:
            raise UnreachableError(str(error)) from error

    def past(self) -> Past:
        """Look up what is known of what is expected; raise AuditError if that cannot be read."""
        return read_past(self._url)


def read_past(url: str) -> Past:
    """Look up what a history knows of what is expected.

    Raises UsageError for a URL that cannot be meant, AuditError for what cannot be read.
    """
    with Database(url, write=False).reading() as connection:
        return queries.past(connection)
