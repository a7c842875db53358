"""auditor.outlets.history: every window gets into the database, whatever happens on the way."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from monitoring import (
    BEGIN_NS,
    QUICK,
    WINDOW_NS,
    Clock,
    expectation,
    fill,
    small_disk,
    traffic_window,
    until,
)
from postgres_server import postgres_server

from auditor.errors import AuditError, UsageError
from auditor.outlets.history import History
from auditor.outlets.store import queries
from auditor.outlets.store.database import Database

if TYPE_CHECKING:
    from pathlib import Path

LATER_NS = BEGIN_NS + 10**6 * WINDOW_NS


def counted(url: str) -> tuple[int, int]:
    """Count the windows and the flows of a history."""
    with Database(url, write=False).reading() as connection:
        windows = queries.window_list(connection, 0, LATER_NS)
        edges = queries.new_edges(connection, 0)
    return len(windows), int(edges["flows"].sum())


def test_windows_are_in_the_history_at_the_end(tmp_path: Path) -> None:
    """Each once, though one was given twice; the queue is empty."""
    url = f"sqlite:///{tmp_path}/audit.db"
    history = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK)
    for number in (0, 1, 1, 2):
        history.window(traffic_window(number, {}, {}))
    history.close(60.0)
    assert counted(url) == (3, 6)
    assert history.state.splitlines() == ["history: working", f"history in {url}: working"]
    assert not list((tmp_path / "q").glob("*.entry"))


def test_what_the_history_knows_is_looked_up_now_and_then(tmp_path: Path) -> None:
    """At the beginning, and when windows are written, but not for each."""
    url, clock = f"sqlite:///{tmp_path}/audit.db", Clock()
    history = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK, clock=clock)
    assert history.past is not None
    assert not history.past.known
    coverage = (expectation("seen"),)
    history.window(traffic_window(0, coverage=coverage))
    until(lambda: history.health[1].sent == 1)
    assert not history.past.known
    clock.now_s += 301
    history.window(traffic_window(1, coverage=coverage))
    until(lambda: bool(history.past and history.past.known))
    history.close()
    [known] = history.past.known.values()
    assert known.seen_ns == BEGIN_NS + 2 * WINDOW_NS


def test_a_database_that_is_locked_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows are queued on disk meanwhile; it is said once that it fails, once that it works."""
    monkeypatch.setattr("auditor.outlets.store.database._BUSY_MS", 10)
    url, said = f"sqlite:///{tmp_path}/audit.db", list[str]()
    history = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK, say=said.append)
    with closing(sqlite3.connect(tmp_path / "audit.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            history.window(traffic_window(number, {}))
        until(lambda: len(list((tmp_path / "q").glob("*.entry"))) == 5)
        until(lambda: history.health[1].failures > 3)
        assert "database is locked, 5 waiting" in history.state
        other.execute("ROLLBACK")
    until(lambda: history.health[1].waiting == 0)
    history.close(60.0)
    assert counted(url) == (5, 5)
    assert said[0] == f"history in {url}: database is locked"
    assert len(said) == 2
    assert "working again" in said[1]


def test_a_database_that_is_gone_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    """PostgreSQL stopped as by a power cut, for windows on end and a restart of the sensor."""
    with postgres_server() as server:
        said: list[str] = []
        history = History(
            server.url, sensor="s1", directory=tmp_path, backoff=QUICK, say=said.append
        )
        history.window(traffic_window(0, {}))
        until(lambda: history.health[1].sent == 1)
        server.stop()
        for number in range(1, 4):
            history.window(traffic_window(number, {}))
        until(lambda: history.health[1].waiting == 3 and history.health[1].failures > 1)
        history.close(0.5)
        again = History(server.url, sensor="s1", directory=tmp_path, backoff=QUICK, say=said.append)
        again.window(traffic_window(4, {}))
        until(lambda: again.health[1].waiting == 4)
        server.start()
        until(lambda: again.health[1].waiting == 0, 60.0)
        again.close(60.0)
        assert counted(server.url) == (5, 5)
    # Each process says once that it fails; the second, that it works again.
    assert ["working again" in line for line in said] == [False, False, True]


def test_a_database_file_that_vanishes_is_made_anew(tmp_path: Path) -> None:
    """What was in it is gone; what comes is not lost."""
    url = f"sqlite:///{tmp_path}/audit.db"
    history = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK)
    history.window(traffic_window(0, {}))
    until(lambda: history.health[1].sent == 1)
    for path in tmp_path.glob("audit.db*"):
        path.unlink()
    history.window(traffic_window(1, {}))
    until(lambda: history.health[1].sent == 2)
    history.close(60.0)
    assert counted(url) == (1, 1)


def test_a_full_disk_loses_no_window(tmp_path: Path) -> None:
    """Neither database nor queue can be written; both go on when there is room."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        url, said = f"sqlite:///{disk}/audit.db", list[str]()
        history = History(url, sensor="s1", directory=disk / "q", backoff=QUICK, say=said.append)
        history.window(traffic_window(0, {}))
        until(lambda: history.health[1].sent == 1)
        ballast = fill(disk)
        for number in range(1, 4):
            history.window(traffic_window(number, *({"server_port": n} for n in range(1500))))
            until(lambda: len(history._inbox) == 0)
        until(lambda: history.health[1].failures > 1)
        assert history.health[1].waiting == 3
        assert "queued in memory: " in history.state
        ballast.unlink()
        until(lambda: history.health[1].waiting == 0)
        history.close(60.0)
        assert counted(url) == (4, 1 + 3 * 1500)
        with closing(sqlite3.connect(disk / "audit.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert "working again" in said[-1]


def test_what_cannot_be_a_window_is_set_aside(tmp_path: Path) -> None:
    """Somebody put a file into the queue; what comes after it is written."""
    url = f"sqlite:///{tmp_path}/audit.db"
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "00000000000000000001.entry").write_bytes(b"hello")
    history = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK)
    history.window(traffic_window(0, {}))
    until(lambda: history.health[1].sent == 1)
    history.close(60.0)
    assert counted(url) == (1, 1)
    assert history.health[1].dropped == 1
    assert [path.name for path in (tmp_path / "q").glob("*.refused")] == [
        "00000000000000000001.refused"
    ]


def test_what_no_waiting_can_mend_is_said_at_once(tmp_path: Path) -> None:
    """A file that is no database, a URL that cannot be meant."""
    (tmp_path / "odd.db").write_text("this is no database, but long enough to look at" * 9)
    with pytest.raises(AuditError, match=r"odd\.db: file is not a database"):
        History(f"sqlite:///{tmp_path}/odd.db", sensor="s1", directory=tmp_path / "q")
    with pytest.raises(UsageError, match="found mysql://"):
        History("mysql://h/d", sensor="s1", directory=tmp_path / "q")
    assert not (tmp_path / "q").exists()


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(UsageError, match=r"sqlalchemy, .*citrix-traffic-auditor\[live\]"):
        History("sqlite:///x.db", sensor="s1", directory=tmp_path)


CHILD = """
import sys
from pathlib import Path
from monitoring import QUICK, traffic_window, until
from auditor.outlets.history import History

directory, start = Path(sys.argv[1]), int(sys.argv[2])
history = History(
    f"sqlite:///{directory}/audit.db", sensor="s1", directory=directory / "q", backoff=QUICK
)
for number in range(start, start + 10_000):
    history.window(traffic_window(number, *({"server_port": n} for n in range(50))))
    until(lambda: len(history._inbox) == 0)
    # It is in the queue on disk: from now on it must not be lost.
    print(number, flush=True)
"""


def test_kill_9_in_the_middle_of_a_write_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """Whole windows, each once; the next process writes what waited. The file is sound."""
    url, chance, start, accepted = f"sqlite:///{tmp_path}/audit.db", random.Random(7), 0, set[int]()
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(start)],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        )
        assert child.stdout is not None
        accepted.add(int(child.stdout.readline()))
        time.sleep(chance.uniform(0.05, 0.4))
        child.kill()
        rest, _ = child.communicate()
        accepted |= {int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")}
        # The last window is repeated, as a sensor does that does not know where it was killed.
        start = max(accepted)
    last = History(url, sensor="s1", directory=tmp_path / "q", backoff=QUICK)
    until(lambda: last.health[1].waiting == 0)
    last.close(60.0)
    with closing(sqlite3.connect(tmp_path / "audit.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        begins = {first for (first,) in connection.execute("SELECT first_ns FROM windows")}
        [(flows,)] = connection.execute("SELECT sum(flows) FROM edges")
        [(hourly,)] = connection.execute("SELECT sum(flows) FROM edge_hours")
    assert {BEGIN_NS + number * WINDOW_NS for number in accepted} <= begins
    assert begins <= {BEGIN_NS + n * WINDOW_NS for n in range(max(accepted) + 2)}
    assert flows == hourly == 50 * len(begins)
