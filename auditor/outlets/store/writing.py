"""Writing a window: one transaction, and the same window twice counts once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from auditor.judge.vocabulary import Coverage
from auditor.outlets.store.record import digest_of
from auditor.outlets.store.schema import (
    HOUR_NS,
    coverage_hours,
    edge_hours,
    edges,
    expectations,
    sensors,
    windows,
)

if TYPE_CHECKING:
    from typing import TypeAlias

    from auditor.outlets.store.record import EdgeHour, Record

    Insert: TypeAlias = sqlite.Insert | postgresql.Insert

_EDGE_KEY = ("client", "server", "transport", "port", "verdict")
_EXPECTATION_KEY = ("rule_group", "source", "destination")
_SUMS = ("flows", "answered", "bytes")


def write_record(connection: sa.Connection, record: Record) -> bool:
    """Add a window to the history, in the caller's transaction; False if it is there already.

    Another window of the same beginning is no repetition: the clock was stepped back. It is kept
    with a beginning one nanosecond later.
    """
    sensor_id = _sensor(connection, record.sensor)
    if not _claim(connection, sensor_id, record):
        return False
    _write_edges(connection, sensor_id, record)
    _write_coverage(connection, sensor_id, record)
    return True


def _insert(connection: sa.Connection, table: sa.Table) -> Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _sensor(connection: sa.Connection, name: str) -> int:
    wanted = sa.select(sensors.c.id).where(sensors.c.name == name)
    found = connection.scalar(wanted)
    if found is None:
        connection.execute(_insert(connection, sensors).values(name=name).on_conflict_do_nothing())
        found = connection.scalar(wanted)
    assert isinstance(found, int)
    return found


def _claim(connection: sa.Connection, sensor_id: int, record: Record) -> bool:
    """Enter the window; False if it was entered before."""
    digest = digest_of(record)
    row = {
        "sensor_id": sensor_id,
        "last_ns": record.last_ns,
        "digest": digest,
        "frames": record.frames,
        "bytes": record.bytes,
        "dropped": record.dropped,
        "flows": record.flows,
        "left_out": record.left_out,
        "edition": record.edition,
        "catalog_digest": record.catalog_digest,
    }
    first_ns = record.first_ns
    while True:
        there = connection.scalar(
            sa.select(windows.c.digest).where(
                windows.c.sensor_id == sensor_id, windows.c.first_ns == first_ns
            )
        )
        if there is None:
            made = connection.execute(
                _insert(connection, windows)
                .values(first_ns=first_ns, **row)
                .on_conflict_do_nothing()
            )
            if made.rowcount:
                return True
            # Another process of the same name was quicker: look again.
            continue
        if there == digest:
            return False
        first_ns += 1


def _write_edges(connection: sa.Connection, sensor_id: int, record: Record) -> None:
    if not record.edges:
        return
    insert = _insert(connection, edges)
    new, old = insert.excluded, edges.c
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["sensor_id", *_EDGE_KEY],
            set_={
                "client_name": sa.func.coalesce(new.client_name, old.client_name),
                "server_name": sa.func.coalesce(new.server_name, old.server_name),
                "first_ns": sa.case(
                    (new.first_ns < old.first_ns, new.first_ns), else_=old.first_ns
                ),
                "last_ns": sa.case((new.last_ns > old.last_ns, new.last_ns), else_=old.last_ns),
                **{name: old[name] + new[name] for name in _SUMS},
            },
        ),
        [_edge_row(sensor_id, edge) for edge in record.edges],
    )
    edge_id = (
        sa.select(edges.c.id)
        .where(edges.c.sensor_id == sensor_id)
        .where(*(edges.c[name] == sa.bindparam(f"of_{name}") for name in _EDGE_KEY))
        .scalar_subquery()
    )
    hourly = _insert(connection, edge_hours)
    connection.execute(
        hourly.values(
            edge_id=edge_id,
            hour_ns=sa.bindparam("hour"),
            **{name: sa.bindparam(f"new_{name}") for name in _SUMS},
        ).on_conflict_do_update(
            index_elements=["edge_id", "hour_ns"],
            set_={name: edge_hours.c[name] + hourly.excluded[name] for name in _SUMS},
        ),
        [
            {f"of_{name}": getattr(edge, name) for name in _EDGE_KEY}
            | {f"new_{name}": getattr(edge, name) for name in _SUMS}
            | {"hour": edge.hour_ns}
            for edge in record.edges
        ],
    )


def _edge_row(sensor_id: int, edge: EdgeHour) -> dict[str, object]:
    row = asdict(edge)
    del row["hour_ns"]
    return {"sensor_id": sensor_id, **row}


def _write_coverage(connection: sa.Connection, sensor_id: int, record: Record) -> None:
    if not record.expected:
        return
    insert = _insert(connection, expectations)
    new, old = insert.excluded, expectations.c
    told = ("product", "paper_rows", "rule_ids", "transport", "ports", "status", "strength", "why")
    latest = new.last_ns >= old.last_ns
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["sensor_id", *_EXPECTATION_KEY],
            set_={
                **{name: sa.case((latest, new[name]), else_=old[name]) for name in told},
                "last_ns": sa.case((latest, new.last_ns), else_=old.last_ns),
                "seen_ns": sa.case(
                    (sa.or_(old.seen_ns.is_(None), new.seen_ns > old.seen_ns), new.seen_ns),
                    else_=old.seen_ns,
                ),
            },
        ),
        [
            {
                "sensor_id": sensor_id,
                **asdict(one),
                "last_ns": record.last_ns,
                "seen_ns": record.last_ns if one.status == Coverage.SEEN else None,
            }
            for one in record.expected
        ],
    )
    expectation_id = (
        sa.select(expectations.c.id)
        .where(expectations.c.sensor_id == sensor_id)
        .where(*(expectations.c[name] == sa.bindparam(f"of_{name}") for name in _EXPECTATION_KEY))
        .scalar_subquery()
    )
    hourly = _insert(connection, coverage_hours)
    sums = ("windows", "watched_ns")
    connection.execute(
        hourly.values(
            expectation_id=expectation_id,
            hour_ns=record.first_ns // HOUR_NS * HOUR_NS,
            status=sa.bindparam("is_status"),
            windows=1,
            watched_ns=record.last_ns - record.first_ns,
        ).on_conflict_do_update(
            index_elements=["expectation_id", "hour_ns", "status"],
            set_={name: coverage_hours.c[name] + hourly.excluded[name] for name in sums},
        ),
        [
            {f"of_{name}": getattr(one, name) for name in _EXPECTATION_KEY}
            | {"is_status": one.status}
            for one in record.expected
        ],
    )
