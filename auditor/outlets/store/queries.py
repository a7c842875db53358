"""What the history can be asked: every answer is a pandas frame, with how long was watched."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from auditor.judge.past import Known, Past
from auditor.judge.vocabulary import Coverage
from auditor.outlets.store.schema import (
    HOUR_NS,
    NO_PORT,
    coverage_hours,
    edge_hours,
    edges,
    expectations,
    sensors,
    windows,
)
from auditor.report.frames import frame
from auditor.report.layouts import (
    HISTORY_EDGES,
    HISTORY_SIZE,
    HISTORY_UNSEEN,
    HISTORY_WINDOWS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

_OBSERVABLE = frozenset({Coverage.SEEN, Coverage.BLOCKED, Coverage.MISSING})
"""Statuses of a window that could have shown the traffic."""

_EXPECTED = _OBSERVABLE | {Coverage.UNOBSERVABLE}


@dataclass(frozen=True, slots=True)
class Watched:
    """How much of a span of time was watched, by one sensor at least."""

    first_ns: int | None
    """Begin of the first window within the span; None if there is none."""
    last_ns: int | None
    watched_ns: int
    """Lengths of the windows, what they share counted once."""
    sensors: int


@dataclass(frozen=True, slots=True)
class Service:
    """A port as one asks for it."""

    port: int | None
    transport: str | None
    """None = any."""


def watched(connection: sa.Connection, since_ns: int, until_ns: int) -> Watched:
    """Say how long was watched from since_ns until until_ns: gaps between windows do not count."""
    chosen = connection.execute(
        sa.select(windows.c.first_ns, windows.c.last_ns, windows.c.sensor_id)
        .where(windows.c.last_ns > since_ns, windows.c.first_ns < until_ns)
        .order_by(windows.c.first_ns)
    ).all()
    total = 0
    end = since_ns
    for first, last, _ in chosen:
        begin, last_in = max(first, end), min(last, until_ns)
        if last_in > begin:
            total += last_in - begin
            end = last_in
    return Watched(
        first_ns=chosen[0][0] if chosen else None,
        last_ns=max((last for _, last, _ in chosen), default=None),
        watched_ns=total,
        sensors=len({sensor for _, _, sensor in chosen}),
    )


def new_edges(connection: sa.Connection, since_ns: int) -> pd.DataFrame:
    """List the edges that were first seen since then, oldest first; columns as HISTORY_EDGES.

    An edge is a client, a server, a transport, a port and a verdict; `known_since` tells of an
    edge that was known before then under another verdict.
    """
    return _edge_frame(connection, having=sa.func.min(edges.c.first_ns) >= since_ns)


def edge(connection: sa.Connection, client: str, server: str, service: Service) -> pd.DataFrame:
    """List all that is known between two hosts on a port, by address or by name."""
    wanted = [
        _is_host(client, edges.c.client, edges.c.client_name),
        _is_host(server, edges.c.server, edges.c.server_name),
        edges.c.port == (NO_PORT if service.port is None else service.port),
    ]
    if service.transport is not None:
        wanted.append(edges.c.transport == service.transport)
    return _edge_frame(connection, where=wanted)


def _is_host(
    host: str, address: sa.Column[str], name: sa.Column[str | None]
) -> sa.ColumnElement[bool]:
    return sa.or_(address == host, sa.func.lower(name) == host.lower())


def _edge_frame(
    connection: sa.Connection,
    *,
    where: Iterable[sa.ColumnElement[bool]] = (),
    having: sa.ColumnElement[bool] | None = None,
) -> pd.DataFrame:
    of = edges.c
    pair = (of.client, of.server, of.transport, of.port)
    counted = (
        sa.select(
            *pair,
            of.verdict,
            sa.func.max(of.client_name).label("client_name"),
            sa.func.max(of.server_name).label("server_name"),
            sa.func.min(of.first_ns).label("first_ns"),
            sa.func.max(of.last_ns).label("last_ns"),
            *(sa.func.sum(of[name]).label(name) for name in ("flows", "answered", "bytes")),
            sa.func.count(sa.distinct(of.sensor_id)).label("sensors"),
        )
        .where(*where)
        .group_by(*pair, of.verdict)
    )
    if having is not None:
        counted = counted.having(having)
    chosen = counted.subquery()
    whole = sa.select(*pair, sa.func.min(of.first_ns).label("known_ns")).group_by(*pair).subquery()
    rows = connection.execute(
        sa.select(chosen, whole.c.known_ns)
        .join(whole, sa.and_(*(chosen.c[key.name] == whole.c[key.name] for key in pair)))
        .order_by(chosen.c.first_ns, *(chosen.c[key.name] for key in (*pair, of.verdict)))
    ).all()
    return frame(
        HISTORY_EDGES,
        {
            "client_ip": [row.client for row in rows],
            "client_name": [row.client_name for row in rows],
            "server_ip": [row.server for row in rows],
            "server_name": [row.server_name for row in rows],
            "transport": [row.transport for row in rows],
            "server_port": [None if row.port == NO_PORT else row.port for row in rows],
            "verdict": [row.verdict for row in rows],
            "first_seen": [row.first_ns for row in rows],
            "last_seen": [row.last_ns for row in rows],
            "known_since": [row.known_ns if row.known_ns < row.first_ns else None for row in rows],
            # PostgreSQL sums 64 bits as decimals.
            "flows": [int(row.flows) for row in rows],
            "answered": [int(row.answered) for row in rows],
            "bytes": [int(row.bytes) for row in rows],
            "sensors": [int(row.sensors) for row in rows],
        },
    )


@dataclass
class _Absence:
    """One expectation, over all sensors that have it."""

    last: sa.Row[tuple[object, ...]]
    """As the sensor has it that told of it last."""
    watched_ns: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Sensor -> what its windows could have shown."""
    statuses: set[str] = field(default_factory=set)
    seen_ns: int | None = None


def unseen(connection: sa.Connection, since_ns: int, until_ns: int) -> pd.DataFrame:
    """List what the paper lets one expect here and no window since then has seen.

    Columns as HISTORY_UNSEEN, in the order of the paper. `observable_s` sums the windows in which
    a host of one of the two roles was talking, of the sensor that watched longest, and is never
    more than was watched at all; `last_seen` is the end of the last window that saw it, ever.
    Hours are counted whole.
    """
    since_ns = since_ns // HOUR_NS * HOUR_NS
    most_ns = watched(connection, since_ns, until_ns).watched_ns
    of, by_hour = expectations.c, coverage_hours.c
    rows = connection.execute(
        sa.select(expectations, by_hour.status.label("was"), sa.func.sum(by_hour.watched_ns))
        .join(coverage_hours, by_hour.expectation_id == of.id)
        .where(by_hour.hour_ns >= since_ns, by_hour.hour_ns < until_ns)
        .group_by(*of, by_hour.status)
        .order_by(of.last_ns)
    ).all()
    found: dict[tuple[str, str, str], _Absence] = {}
    for row in rows:
        one = found.setdefault((row.rule_group, row.source, row.destination), _Absence(row))
        one.last = row
        one.statuses.add(row.was)
        if row.was in _OBSERVABLE:
            one.watched_ns[row.sensor_id] += int(row[-1])
        if row.seen_ns is not None:
            one.seen_ns = max(row.seen_ns, one.seen_ns or row.seen_ns)
    absent = [
        one
        for one in found.values()
        if Coverage.SEEN not in one.statuses and one.statuses & _EXPECTED
    ]
    return _unseen_frame(sorted(absent, key=_place), most_ns)


def _place(one: _Absence) -> tuple[list[int], str, str, str]:
    last = one.last
    return json.loads(last.paper_rows), last.rule_group, last.source, last.destination


def _unseen_frame(absent: Sequence[_Absence], most_ns: int) -> pd.DataFrame:
    last = [one.last for one in absent]
    return frame(
        HISTORY_UNSEEN,
        {
            "group": [row.rule_group for row in last],
            "rows": [json.loads(row.paper_rows) for row in last],
            "rule_ids": [json.loads(row.rule_ids) for row in last],
            "product": [row.product or None for row in last],
            "source_roles": [row.source.split(",") for row in last],
            "destination_roles": [row.destination.split(",") for row in last],
            "transport": [row.transport or None for row in last],
            "ports": [json.loads(row.ports) for row in last],
            "status": [row.status for row in last],
            "strength": [row.strength for row in last],
            "why": [row.why for row in last],
            "observable_s": [
                min(most_ns, max(one.watched_ns.values(), default=0)) / 1e9 for one in absent
            ],
            "last_seen": [one.seen_ns for one in absent],
        },
    )


def past(connection: sa.Connection) -> Past:
    """Tell what is known of every expectation.

    What windows of one hour could have shown counts as before or after a sighting by whole hours.
    """
    of, by_hour = expectations.c, coverage_hours.c
    key = (of.rule_group, of.source, of.destination)
    seen = sa.select(*key, sa.func.max(of.seen_ns).label("seen_ns")).group_by(*key).subquery()
    in_vain = by_hour.status.in_([Coverage.BLOCKED, Coverage.MISSING]) & (
        by_hour.hour_ns > sa.func.coalesce(seen.c.seen_ns, -1)
    )
    rows = connection.execute(
        sa.select(*key, seen.c.seen_ns, sa.func.coalesce(sa.func.sum(by_hour.watched_ns), 0))
        .join(seen, sa.and_(*(seen.c[each.name] == each for each in key)))
        .outerjoin(coverage_hours, (by_hour.expectation_id == of.id) & in_vain)
        .group_by(*key, of.sensor_id, seen.c.seen_ns)
    ).all()
    known: dict[tuple[str, str, str], Known] = {}
    for group, source, destination, seen_ns, vain_ns in rows:
        one = (group, source, destination)
        so_far = known[one].vain_s if one in known else 0.0
        known[one] = Known(seen_ns, max(so_far, int(vain_ns) / 1e9))
    return Past(known)


def window_list(connection: sa.Connection, since_ns: int, until_ns: int) -> pd.DataFrame:
    """List the windows of every sensor; columns as HISTORY_WINDOWS.

    `gap_s` is the time before a window that its sensor did not watch.
    """
    rows = connection.execute(
        sa.select(windows, sensors.c.name)
        .join(sensors, sensors.c.id == windows.c.sensor_id)
        .where(windows.c.last_ns > since_ns, windows.c.first_ns < until_ns)
        .order_by(sensors.c.name, windows.c.first_ns)
    ).all()
    gaps = []
    ends: dict[int, int] = {}
    for row in rows:
        end = ends.get(row.sensor_id, row.first_ns)
        gaps.append(max(0, row.first_ns - end) / 1e9)
        ends[row.sensor_id] = max(end, row.last_ns)
    return frame(
        HISTORY_WINDOWS,
        {
            "sensor": [row.name for row in rows],
            "first_seen": [row.first_ns for row in rows],
            "last_seen": [row.last_ns for row in rows],
            "duration_s": [(row.last_ns - row.first_ns) / 1e9 for row in rows],
            "gap_s": gaps,
            "frames": [row.frames for row in rows],
            "bytes": [row.bytes for row in rows],
            "dropped": [row.dropped for row in rows],
            "flows": [row.flows for row in rows],
            "left_out": [row.left_out for row in rows],
            "edition": [row.edition for row in rows],
        },
    )


def size(connection: sa.Connection) -> pd.DataFrame:
    """Tell how much each part of the history holds; columns as HISTORY_SIZE.

    `stored_bytes` is what a part takes on the server's disk; of a file only the whole is known.
    """
    spans = {
        edges: (edges.c.first_ns, edges.c.last_ns),
        edge_hours: (edge_hours.c.hour_ns, edge_hours.c.hour_ns),
        expectations: (expectations.c.seen_ns, expectations.c.last_ns),
        coverage_hours: (coverage_hours.c.hour_ns, coverage_hours.c.hour_ns),
        windows: (windows.c.first_ns, windows.c.last_ns),
    }
    counted = [
        connection.execute(
            sa.select(sa.func.count(), sa.func.min(first), sa.func.max(last)).select_from(table)
        ).one()
        for table, (first, last) in spans.items()
    ]
    if connection.dialect.name == "postgresql":
        stored = [
            connection.scalar(sa.select(sa.func.pg_total_relation_size(table.name)))
            for table in spans
        ]
        total = sum(filter(None, stored))
    else:
        stored = [None] * len(spans)
        pages = connection.scalar(sa.text("PRAGMA page_count"))
        total = (pages or 0) * (connection.scalar(sa.text("PRAGMA page_size")) or 0)
    return frame(
        HISTORY_SIZE,
        {
            "part": [*(table.name for table in spans), "all"],
            "entries": [*(row[0] for row in counted), sum(row[0] for row in counted)],
            "first_seen": [*(row[1] for row in counted), None],
            "last_seen": [*(row[2] for row in counted), None],
            "stored_bytes": [*stored, total],
        },
    )
