"""auditor.outlets.store.pruning: what is old goes, in steps, and what counts for ever stays."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from monitoring import BEGIN_NS, HOUR_NS, WINDOW_NS, Clock, expectation, traffic_window, until
from postgres_server import postgres_server

from auditor.outlets.history import History
from auditor.outlets.store import pruning, queries, schema
from auditor.outlets.store.database import Database
from auditor.outlets.store.pruning import prune
from auditor.outlets.store.record import record_of
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres_server import Server

HOURS = 5
MOST = 10**6
END_NS = BEGIN_NS + 1000 * HOUR_NS


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Start PostgreSQL once."""
    with postgres_server() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Keep a history of five hours, by two sensors."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/audit.db"
    else:
        made: Server = request.getfixturevalue("server")
        engine = sa.create_engine(made.url.replace("postgresql:", "postgresql+psycopg:"))
        schema.tables.drop_all(engine)
        engine.dispose()
        url = made.url
    opened = Database(url, write=True)
    for number in range(HOURS):
        for sensor in ("s1", "s2"):
            ports = [{"server_port": 80 + port} for port in range(3)]
            coverage = (expectation("missing" if number else "seen"),)
            window = traffic_window(12 * number, *ports, coverage=coverage)
            with opened.transaction() as connection:
                write_record(connection, record_of(window, sensor))
    return opened


def counts(database: Database) -> dict[str, int]:
    """Count the rows of each table."""
    with database.transaction() as connection:
        return {
            name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in schema.tables.tables.items()
        }


def edges_of(database: Database) -> list[tuple[object, ...]]:
    """List what is known of every edge."""
    with database.transaction() as connection:
        found = queries.new_edges(connection, 0)
    return [tuple(row) for row in found[["first_seen", "last_seen", "flows"]].to_numpy()]


def test_what_is_old_goes_and_the_edges_stay(database: Database) -> None:
    """An hour that reaches over the limit is kept whole; a second time nothing is left to do."""
    known = edges_of(database)
    before_ns = BEGIN_NS + 2 * HOUR_NS + HOUR_NS // 2
    removed = prune(database, before_ns, None, MOST)
    assert removed == {"edge_hours": 12, "coverage_hours": 4, "windows": 4}
    left = counts(database)
    assert (left["edge_hours"], left["coverage_hours"], left["windows"]) == (18, 6, 6)
    assert edges_of(database) == known
    with database.transaction() as connection:
        [past] = queries.past(connection).known.values()
    assert past.seen_ns == BEGIN_NS + WINDOW_NS
    assert prune(database, before_ns, None, MOST) == {}


def test_a_sensor_forgets_what_is_its_own(database: Database) -> None:
    """What others keep longer is theirs."""
    assert prune(database, END_NS, "s1", MOST)["windows"] == HOURS
    with database.transaction() as connection:
        assert set(queries.window_list(connection, 0, END_NS)["sensor"]) == {"s2"}
    assert prune(database, END_NS, "nobody", MOST) == {}


def test_it_goes_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a bounded number of rows, the oldest first, and no more steps than are asked for."""
    monkeypatch.setattr(pruning, "_STEP", 4)
    assert prune(database, END_NS, None, 2) == {"edge_hours": 8}
    with database.transaction() as connection:
        oldest = connection.scalar(sa.select(sa.func.min(schema.edge_hours.c.hour_ns)))
    assert oldest == BEGIN_NS + HOUR_NS
    total = sum(sum(prune(database, END_NS, None, 3).values()) for _ in range(20))
    assert total == 30 - 8 + 10 + 10


def test_several_forget_and_write_at_the_same_time(database: Database) -> None:
    """Nobody fails, nobody removes what is young, and all that is old goes."""
    failed: list[BaseException] = []

    def forget() -> None:
        try:
            while prune(database, BEGIN_NS + 4 * HOUR_NS, None, 1):
                pass
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    def write() -> None:
        try:
            for number in range(60, 70):
                with database.transaction() as connection:
                    write_record(connection, record_of(traffic_window(number, {}), "s3"))
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work) for work in (forget, write, forget, forget)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    prune(database, BEGIN_NS + 4 * HOUR_NS, None, MOST)  # what another was at is left to it
    left = counts(database)
    assert (left["edge_hours"], left["windows"]) == (6 + 1, 2 + 10)


def test_a_database_of_the_first_schema_gets_what_finds_the_old(database: Database) -> None:
    """The indexes are made by the next who writes."""
    with database.transaction() as connection:
        for index in schema._BY_AGE:
            index.drop(connection)
        connection.execute(schema.meta.update().values(value="1"))
        schema.check_schema(connection, "here", write=True)
        found = {
            index["name"]
            for table in schema.tables.tables
            for index in sa.inspect(connection).get_indexes(table)
        }
    assert {index.name for index in schema._BY_AGE} <= found


def test_a_monitor_forgets_by_itself(tmp_path: Path) -> None:
    """What is older than it should keep, measured by its last window; hour by hour it looks."""
    url, clock = f"sqlite:///{tmp_path}/audit.db", Clock()
    history = History(url, sensor="s1", directory=tmp_path / "q", keep_days=1, clock=clock)
    for hour in (0, 10, 23, 30):
        history.window(traffic_window(12 * hour, {}))
    until(lambda: history.health[1].sent == 4)
    clock.now_s += 3601
    history.window(traffic_window(12 * 31, {}))
    until(lambda: history.health[1].sent == 5)
    history.close()
    with Database(url, write=False).reading() as connection:
        begins = queries.window_list(connection, 0, END_NS)["first_seen"]
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.edge_hours)) == 4
    assert [(begin.value - BEGIN_NS) // HOUR_NS for begin in begins] == [10, 23, 30, 31]
