"""auditor.outlets.store: one window is one transaction, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from monitoring import (
    BEGIN_NS,
    HOUR_NS,
    WINDOW_NS,
    expectation,
    traffic_window,
    window,
)
from postgres_server import postgres_server
from reports import hostile_report, rich_report

from auditor.errors import AuditError, UsageError
from auditor.judge.past import Known
from auditor.outlets.extras import require
from auditor.outlets.store import queries, schema
from auditor.outlets.store.database import Database
from auditor.outlets.store.record import Record, record_of
from auditor.outlets.store.writing import write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres_server import Server

MINUTES_5_S = 300.0
LATER_NS = BEGIN_NS + 1000 * HOUR_NS
NEXT = schema.SCHEMA + 1


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Start PostgreSQL once."""
    with postgres_server() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address an empty history."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/audit.db"
    made: Server = request.getfixturevalue("server")
    engine = sa.create_engine(made.url.replace("postgresql:", "postgresql+psycopg:"))
    schema.tables.drop_all(engine)
    engine.dispose()
    return made.url


def write(url: str, *records: Record) -> list[bool]:
    """Write records, each in a transaction; say which were new."""
    database = Database(url, write=True)
    new = []
    for record in records:
        with database.transaction() as connection:
            new.append(write_record(connection, record))
    return new


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Read every table, without the numbers that the database gives."""
    with Database(url, write=False).reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(*_told(table)))), key=repr
            )
            for table in schema.tables.sorted_tables
        }


def _told(table: sa.Table) -> list[sa.Column[object]]:
    return [column for column in table.columns if column.name != "id"]


def test_a_window_written_twice_counts_once(url: str) -> None:
    """However often, and in whatever order."""
    first, second = (record_of(window(n, report=rich_report()), "s1") for n in range(2))
    assert write(url, first, second) == [True, True]
    once = contents(url)
    assert write(url, second, first, first) == [False, False, False]
    assert contents(url) == once
    assert len(once["windows"]) == 2
    assert sum(int(str(row[-3])) for row in once["edges"]) == 300


def test_windows_add_up(url: str) -> None:
    """First and last seen widen, counts grow, hours are kept apart."""
    write(
        url,
        *(record_of(traffic_window(n, {}, {"outcome": "refused"}), "s1") for n in (13, 0, 1)),
    )
    with Database(url, write=False).reading() as connection:
        table = queries.edge(connection, "VDA01", "10.0.0.10", queries.Service(80, None))
        [edge] = table.to_dict("records")
        hours = connection.execute(
            sa.select(schema.edge_hours.c.hour_ns, schema.edge_hours.c.flows).order_by("hour_ns")
        ).all()
    assert (edge["flows"], edge["answered"], edge["bytes"]) == (6, 3, 6 * 4600)
    assert edge["first_seen"].value == BEGIN_NS
    assert edge["last_seen"].value == BEGIN_NS + 13 * WINDOW_NS + 6
    assert [tuple(row) for row in hours] == [(BEGIN_NS, 4), (BEGIN_NS + HOUR_NS, 2)]


def test_a_clock_that_is_stepped_back_loses_no_window(url: str) -> None:
    """Another window of the same beginning is kept beside it, and still counts once."""
    before = record_of(traffic_window(0, {}), "s1")
    after = record_of(traffic_window(0, {}, {}), "s1")
    assert write(url, before, after, before, after) == [True, True, False, False]
    with Database(url, write=False).reading() as connection:
        windows = queries.window_list(connection, 0, LATER_NS)
        watched = queries.watched(connection, 0, LATER_NS)
    assert windows["first_seen"].astype("int64").tolist() == [BEGIN_NS, BEGIN_NS + 1]
    assert windows["flows"].tolist() == [1, 2]
    assert watched.watched_ns == WINDOW_NS


def test_whatever_a_name_is_it_is_kept(url: str) -> None:
    """Quotes, NUL and halves of characters do no harm."""
    name = "x'); DROP TABLE edges; --\0\ud800"
    write(
        url,
        record_of(window(0, report=hostile_report()), "s1"),
        record_of(traffic_window(1, {"client_name": name}), name),
    )
    with Database(url, write=False).reading() as connection:
        assert len(queries.new_edges(connection, 0)) == 1
        sensors = set(queries.window_list(connection, 0, LATER_NS)["sensor"])
    assert sensors == {"s1", "x'); DROP TABLE edges; --\N{REPLACEMENT CHARACTER}?"}


def test_a_failure_in_the_middle_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window can be written afterwards as if nothing had been."""
    record = record_of(window(0, report=rich_report()), "s1")
    write(url)
    database = Database(url, write=True)
    with database.transaction():
        pass
    empty = contents(url)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("auditor.outlets.store.writing._write_coverage", fail)
        with pytest.raises(ZeroDivisionError):
            write(url, record)
    assert contents(url) == empty
    assert write(url, record) == [True]


def test_sensors_write_to_one_history_at_the_same_time(url: str) -> None:
    """Beginning with the making of its tables; nothing is lost, nothing mixed up."""
    records = {
        name: [record_of(window(n, report=rich_report()), name) for n in range(5)]
        for name in ("s1", "s2", "s3")
    }
    threads = [threading.Thread(target=write, args=(url, *of)) for of in records.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Database(url, write=False).reading() as connection:
        table = queries.new_edges(connection, 0)
        windows = queries.window_list(connection, 0, LATER_NS)
        watched = queries.watched(connection, 0, LATER_NS)
    assert windows["sensor"].value_counts().to_dict() == {"s1": 5, "s2": 5, "s3": 5}
    assert table["flows"].sum() == 3 * 5 * 150
    assert set(table["sensors"]) == {3}
    assert (watched.watched_ns, watched.sensors) == (5 * WINDOW_NS, 3)


def test_what_is_new_since_a_date(url: str) -> None:
    """By the edge; one that was known under another verdict says since when."""
    write(
        url,
        record_of(traffic_window(0, {}, {"server_port": 443}), "s1"),
        record_of(
            traffic_window(
                20, {}, {"server_port": 443, "verdict": "wrong-roles"}, {"server_port": 8080}
            ),
            "s1",
        ),
        record_of(traffic_window(3, {"server_port": 8080}), "s2"),
    )
    since_ns = BEGIN_NS + 10 * WINDOW_NS
    with Database(url, write=False).reading() as connection:
        [edge] = queries.new_edges(connection, since_ns).to_dict("records")
        every = queries.new_edges(connection, 0)
        watched = queries.watched(connection, since_ns, LATER_NS)
    # Another sensor knew 8080 before.
    assert (edge["server_port"], edge["verdict"]) == (443, "wrong-roles")
    assert edge["known_since"].value == BEGIN_NS + 1
    assert every["server_port"].tolist() == [80, 443, 8080, 443]
    assert every["known_since"].notna().tolist() == [False, False, False, True]
    assert watched.watched_ns == WINDOW_NS
    assert watched.first_ns == BEGIN_NS + 20 * WINDOW_NS


def test_edges_are_found_by_address_name_port_and_transport(url: str) -> None:
    """ICMP has no port; nothing found is an empty table with all columns."""
    write(
        url,
        record_of(
            traffic_window(
                0,
                {},
                {"transport": "udp"},
                {"transport": "icmp", "server_port": None},
            ),
            "s1",
        ),
    )
    service = queries.Service
    with Database(url, write=False).reading() as connection:

        def found(client: str, server: str, wanted: queries.Service) -> list[str]:
            return list(queries.edge(connection, client, server, wanted)["transport"])

        assert found("vda01", "ddc1", service(80, None)) == ["tcp", "udp"]
        assert found("10.1.7.11", "DDC1", service(80, "udp")) == ["udp"]
        assert found("vda01", "ddc1", service(None, "icmp")) == ["icmp"]
        assert found("ddc1", "vda01", service(80, None)) == []
        empty = queries.edge(connection, "x", "y", service(1, "tcp"))
    assert list(empty.columns)[:4] == ["client_ip", "client_name", "server_ip", "server_name"]


def test_what_is_expected_and_unseen(url: str) -> None:
    """With how long it could have been seen, and when it was last."""
    write(
        url,
        record_of(
            traffic_window(
                0,
                coverage=(
                    expectation("seen"),
                    expectation("seen", "old"),
                    expectation("missing", "never"),
                ),
            ),
            "s1",
        ),
        *(
            record_of(
                traffic_window(
                    n,
                    coverage=(
                        expectation("seen" if n == 25 else "missing"),
                        expectation("missing" if n < 26 else "unobservable", "old", rows=[7]),
                        expectation("blocked", "never", strength="weak"),
                        expectation("not-expected", "optional"),
                        expectation("unobservable", "hidden", rows=[300]),
                    ),
                ),
                "s1",
            )
            for n in range(24, 28)
        ),
    )
    with Database(url, write=False).reading() as connection:
        table = queries.unseen(connection, BEGIN_NS + 24 * WINDOW_NS, LATER_NS)
        assert len(queries.unseen(connection, LATER_NS, LATER_NS + 1)) == 0
    assert table["group"].tolist() == ["old", "never", "hidden"]
    assert table["rows"].tolist() == [[7], [244], [300]]
    assert table["status"].tolist() == ["unobservable", "blocked", "unobservable"]
    assert table["observable_s"].tolist() == [2 * MINUTES_5_S, 4 * MINUTES_5_S, 0.0]
    seen = table["last_seen"].tolist()
    assert seen[0].value == BEGIN_NS + WINDOW_NS
    assert table["last_seen"].isna().tolist() == [False, True, True]
    assert table["ports"].tolist()[0] == [80, 443]


def test_another_sensor_may_have_seen_it(url: str) -> None:
    """Expected by both, seen by one: it is not unseen. Watching is not added up over sensors."""
    write(
        url,
        record_of(
            traffic_window(0, coverage=(expectation("missing"), expectation("missing", "b"))), "s1"
        ),
        record_of(
            traffic_window(0, coverage=(expectation("seen"), expectation("missing", "b"))), "s2"
        ),
        record_of(traffic_window(1, coverage=(expectation("missing", "b"),)), "s2"),
    )
    with Database(url, write=False).reading() as connection:
        table = queries.unseen(connection, 0, LATER_NS)
    assert table["group"].tolist() == ["b"]
    assert table["observable_s"].tolist() == [2 * MINUTES_5_S]


def test_the_past_of_an_expectation_is_that_of_all_sensors(url: str) -> None:
    """Seen by any; looked for in vain since then, as long as the sensor that has most."""
    missing, seen, blocked = (expectation(word) for word in ("missing", "seen", "blocked"))
    never, nobody = expectation("missing", "never"), expectation("unobservable", "nobody")
    write(
        url,
        record_of(traffic_window(0, coverage=(seen, never, nobody)), "s1"),
        record_of(traffic_window(12, coverage=(missing, never, nobody)), "s1"),
        record_of(traffic_window(13, coverage=(blocked, never, nobody)), "s1"),
        record_of(traffic_window(14, coverage=(missing, never)), "s2"),
    )
    with Database(url, write=False).reading() as connection:
        known = queries.past(connection).known
    assert known == {
        ("registration", "vda", "ddc"): Known(BEGIN_NS + WINDOW_NS, 2 * MINUTES_5_S),
        ("never", "vda", "ddc"): Known(None, 3 * MINUTES_5_S),
        ("nobody", "vda", "ddc"): Known(None, 0.0),
    }


def test_gaps_are_told_per_sensor(url: str) -> None:
    """What one did not watch the other may have."""
    write(url, *(record_of(traffic_window(n), "s1") for n in (0, 1, 4)))
    write(url, record_of(traffic_window(2), "s2"))
    with Database(url, write=False).reading() as connection:
        table = queries.window_list(connection, 0, LATER_NS)
        assert len(queries.window_list(connection, 0, BEGIN_NS)) == 0
    assert table["sensor"].tolist() == ["s1", "s1", "s1", "s2"]
    assert table["gap_s"].tolist() == [0.0, 0.0, 2 * MINUTES_5_S, 0.0]


@settings(deadline=None)
@given(
    spans=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=8, unique_by=lambda s: s[0]
    )
)
def test_time_is_watched_once_however_windows_overlap(spans: list[tuple[int, int]]) -> None:
    """The sum is the union of the windows within the span that is asked for."""
    engine = sa.create_engine("sqlite://")
    rest = {column.name: 0 for column in schema.windows.columns if not column.nullable}
    with engine.begin() as connection:
        schema.tables.create_all(connection)
        for first, length in spans:
            row = rest | {"first_ns": first, "last_ns": first + length, "sensor_id": first % 2}
            connection.execute(schema.windows.insert().values(row))
        watched = queries.watched(connection, 10, 50)
    engine.dispose()
    union = {t for first, length in spans for t in range(first, first + length) if 10 <= t < 50}
    assert watched.watched_ns == len(union)


def test_a_later_schema_is_refused_and_left_alone(url: str) -> None:
    """By readers and writers, with what to do."""
    write(url, record_of(traffic_window(0, {}), "s1"))
    with Database(url, write=True).transaction() as connection:
        connection.execute(schema.meta.update().values(value="99"))
    for write_too in (True, False):
        with (
            pytest.raises(AuditError, match=r"has schema 99, this version knows \d+: it was"),
            Database(url, write=write_too).reading(),
        ):
            pass


def test_an_older_schema_is_brought_up_to_date_by_who_writes(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction with its number; a reader says what has to be done."""
    write(url, record_of(traffic_window(0, {}), "s1"))

    def add_column(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE sensors ADD COLUMN place TEXT"))

    monkeypatch.setattr(schema, "SCHEMA", NEXT)
    monkeypatch.setattr(schema, "MIGRATIONS", {NEXT - 1: add_column})
    with (
        pytest.raises(
            AuditError, match=f"has schema {NEXT - 1}, this version reads {NEXT}: the next"
        ),
        Database(url, write=False).reading(),
    ):
        pass
    for _ in range(2):
        assert write(url, record_of(traffic_window(1, {}), "s1")) in ([True], [False])
    with Database(url, write=False).reading() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sensors WHERE place IS NULL")) == 1
        assert connection.scalar(sa.select(schema.meta.c.value)) == str(NEXT)
        assert len(queries.window_list(connection, 0, LATER_NS)) == 2


def test_a_migration_that_fails_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of its first half: tables are changed within the transaction."""
    write(url, record_of(traffic_window(0, {}), "s1"))

    def half(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE sensors ADD COLUMN place TEXT"))
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(schema, "SCHEMA", NEXT)
        patched.setattr(schema, "MIGRATIONS", {NEXT - 1: half})
        with pytest.raises(ZeroDivisionError):
            write(url, record_of(traffic_window(1, {}), "s1"))
    assert write(url, record_of(traffic_window(1, {}), "s1")) == [True]
    with Database(url, write=False).reading() as connection:
        columns = {column["name"] for column in sa.inspect(connection).get_columns("sensors")}
    assert columns == {"id", "name"}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("audit.db", "found audit.db; a file is given as sqlite:///audit.db"),
        ("", "expected sqlite:///PATH or postgresql://USER@HOST/DATABASE"),
        ("mysql://u:secret@h/d", "found mysql://"),
        ("sqlite://", "found no path to a file"),
        ("sqlite:///:memory:", "found no path to a file"),
        ("sqlite://host/audit.db", "found no path to a file"),
        ("sqlite:///none/audit.db", "none/audit.db: expected a directory to write into"),
        ("://", "expected sqlite:///PATH"),
        ("postgresql://h:secret/d", "found something else"),
    ],
)
def test_a_url_that_cannot_be_meant_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    """The line says what could be, and no password."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as raised:
        Database(url, write=True)
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_password_is_never_shown() -> None:
    """Not in the place, nor in what goes wrong."""
    pytest.importorskip("psycopg", reason="needs the extra `postgresql`")
    database = Database("postgresql://u:secret@127.0.0.1:9/d?connect_timeout=2", write=False)
    assert database.place == "postgresql://u:***@127.0.0.1:9/d?connect_timeout=2"
    with pytest.raises(AuditError, match="cannot be read") as raised, database.reading():
        pass
    assert "secret" not in str(raised.value)


def test_a_library_that_is_missing_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that one knows what to install."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"needs psycopg, .*citrix-traffic-auditor\[postgresql\]"):
        Database("postgresql://h/d", write=False)
    with pytest.raises(UsageError, match=r"a history needs no_such_library, .*\[live\]"):
        require("no_such_library", "live", "a history")


def test_a_reader_makes_no_file_and_needs_a_history(tmp_path: Path) -> None:
    """An empty database is none."""
    with pytest.raises(AuditError, match="found no such file"):
        Database(f"sqlite:///{tmp_path}/none.db", write=False)
    (tmp_path / "empty.db").touch()
    with (
        pytest.raises(AuditError, match="expected a history of this program, found none"),
        Database(f"sqlite:///{tmp_path}/empty.db", write=False).reading(),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
