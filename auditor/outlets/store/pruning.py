"""Forgetting: counts by hour and windows that are older than one wants to keep.

Who talked to whom, since when and until when, stays for ever, and so does when an expectation was
last seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from auditor.errors import AuditError
from auditor.outlets.store.database import reason_of
from auditor.outlets.store.schema import (
    HOUR_NS,
    coverage_hours,
    edge_hours,
    edges,
    expectations,
    sensors,
    tables,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.sql.dml import ReturningDelete

    from auditor.outlets.store.database import Database

KEEP_DAYS = 400
"""A year and what one needs to compare with it."""

DAY_NS = 24 * HOUR_NS

_STEP = 5_000
"""Rows of one transaction: whoever else writes waits for no more than these."""

_STEPS_AT_ONCE = 100

_OF_EDGE = sa.select(edges.c.sensor_id).where(edges.c.id == edge_hours.c.edge_id)
_OF_EXPECTATION = sa.select(expectations.c.sensor_id).where(
    expectations.c.id == coverage_hours.c.expectation_id
)

_AGED: Mapping[str, tuple[sa.ColumnElement[int], sa.ColumnElement[int]]] = {
    edge_hours.name: (edge_hours.c.hour_ns, _OF_EDGE.scalar_subquery()),
    coverage_hours.name: (coverage_hours.c.hour_ns, _OF_EXPECTATION.scalar_subquery()),
    windows.name: (windows.c.last_ns, windows.c.sensor_id),
}
"""Tables that grow with time: when a row is from, and whose it is."""


def prune(database: Database, before_ns: int, sensor: str | None, steps: int) -> dict[str, int]:
    """Delete what is from before then, in so many steps at most, each a transaction.

    sensor: only what is its own; None = everybody's. Gives the number of rows by table; nothing is
    left to do when it is empty. An hour is kept whole or not at all. Raises DBAPIError.
    """
    cutoff_ns = before_ns // HOUR_NS * HOUR_NS
    removed: dict[str, int] = {}
    for name in _AGED:
        table = tables.tables[name]
        while steps > 0:
            steps -= 1
            with database.transaction() as connection:
                count = len(connection.execute(_some(table, cutoff_ns, sensor)).all())
            if count:
                removed[name] = removed.get(name, 0) + count
            if count < _STEP:
                break
    return removed


def prune_all(database: Database, before_ns: int, sensor: str | None) -> dict[str, int]:
    """Delete all that is from before then, as `prune`; raise AuditError if the database fails."""
    removed: dict[str, int] = {}
    try:
        while more := prune(database, before_ns, sensor, _STEPS_AT_ONCE):
            for name, count in more.items():
                removed[name] = removed.get(name, 0) + count
    except DBAPIError as error:
        raise AuditError(f"{database.place}: cannot be pruned: {reason_of(error)}") from error
    return removed


def newest_ns(database: Database, sensor: str) -> int | None:
    """Tell the end of a sensor's last window."""
    of_sensor = sa.select(sensors.c.id).where(sensors.c.name == sensor).scalar_subquery()
    with database.transaction() as connection:
        newest = connection.scalar(
            sa.select(sa.func.max(windows.c.last_ns)).where(windows.c.sensor_id == of_sensor)
        )
    return None if newest is None else int(newest)


def _some(table: sa.Table, cutoff_ns: int, sensor: str | None) -> ReturningDelete[tuple[int]]:
    """Delete the oldest rows, and give something of each; what others are at is left to them."""
    time, owner = _AGED[table.name]
    key = list(table.primary_key.columns)
    oldest = sa.select(*key).where(time < cutoff_ns).order_by(time).limit(_STEP)
    if sensor is not None:
        named = sa.select(sensors.c.id).where(sensors.c.name == sensor).scalar_subquery()
        oldest = oldest.where(owner == named)
    chosen = oldest.with_for_update(skip_locked=True, of=table).cte("chosen")
    return table.delete().where(sa.tuple_(*key).in_(sa.select(*chosen.c))).returning(time)
