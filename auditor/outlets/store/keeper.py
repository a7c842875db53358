"""A history as a queue sees it: something that takes one entry after the other, or says why not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, DBAPIError, OperationalError

from auditor.errors import AuditError
from auditor.outlets.delivery import RejectedError, UnreachableError
from auditor.outlets.store import queries
from auditor.outlets.store.database import Database, reason_of
from auditor.outlets.store.pruning import DAY_NS, KEEP_DAYS, newest_ns, prune
from auditor.outlets.store.record import pack, record_of, unpack
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from auditor.judge.past import Past
    from auditor.outlets.window import Window


_STEPS = 20
"""Of forgetting at a time: windows that wait come in between."""


class Keeper:
    """Writes the windows of one sensor."""

    def __init__(self, url: str, sensor: str, keep_days: int = KEEP_DAYS) -> None:
        """Read the URL, without connecting; raise UsageError if it cannot be meant.

        keep_days: how long counts by hour and windows are kept.
        """
        self._keep_ns = keep_days * DAY_NS
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

    def forget(self) -> bool:
        """Delete some of what this sensor wrote and is too old; say whether there may be more.

        What is old is told by the sensor's last window, should the clock be ahead of it. Raises
        AuditError if the database fails.
        """
        try:
            newest = newest_ns(self._database, self._sensor)
            if newest is None:
                return False
            before_ns = min(newest, time.time_ns()) - self._keep_ns
            return bool(prune(self._database, before_ns, self._sensor, _STEPS))
        except DBAPIError as error:
            raise AuditError(reason_of(error)) from error

    def past(self) -> Past:
        """Look up what is known of what is expected; raise AuditError if that cannot be read."""
        return read_past(self._url)


def read_past(url: str) -> Past:
    """Look up what a history knows of what is expected.

    Raises UsageError for a URL that cannot be meant, AuditError for what cannot be read.
    """
    with Database(url, write=False).reading() as connection:
        return queries.past(connection)
