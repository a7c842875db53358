"""auditor.cli.history: what a history answers, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from invoked import auditor
from monitoring import WINDOW_NS, expectation, traffic_window
from reports import HOSTILE

from auditor.cli import history as cli
from auditor.outlets.store.answers import FORMATS, LAYOUTS
from auditor.outlets.store.database import Database
from auditor.outlets.store.record import record_of
from auditor.outlets.store.writing import write_record
from auditor.report.layouts import HISTORY_EDGES, HISTORY_UNSEEN, HISTORY_WINDOWS

MANUAL = (Path(__file__).parents[1] / "docs" / "monitoring-outlets.md").read_text(encoding="utf-8")
URL = "sqlite:///audit.db"
BEFORE, AFTER = "2026-01-31T09:00", "2026-01-31T10:30"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where a history of two hours is: at ten, and from half past ten on."""
    monkeypatch.chdir(tmp_path)
    coverage = (expectation("missing"), expectation("seen", "other"))
    records = [
        record_of(traffic_window(0, {}, coverage=coverage), "span1"),
        record_of(traffic_window(6, {}, {"server_port": 8080}, coverage=coverage), "span1"),
        record_of(traffic_window(7, {"client_ip": "10.9.9.9", "client_name": HOSTILE}), "span1"),
    ]
    database = Database(URL, write=True)
    for record in records:
        with database.transaction() as connection:
            write_record(connection, record)
    return tmp_path


def test_what_is_new_is_a_table_that_says_what_was_watched() -> None:
    """And what was watched before: on that newness rests."""
    run = auditor("history", URL, "new", "--since", AFTER)
    assert (run.status, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[0] == "history  sqlite:///audit.db"
    assert lines[1].startswith("watched  10 min of ")
    assert lines[2] == (
        "before   5 min, by 1 sensor, 2026-01-31 10:00:00 UTC to 2026-01-31 10:05:00 UTC"
    )
    assert lines[4].split("  ")[0] == "first seen"
    assert re.match(r"2026-01-31 10:30  2026-01-31  vda01 +ddc1 +tcp/8080  documented", lines[5])
    assert lines[-1] == "2 edges"
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in run.stdout


def test_what_is_unseen_says_how_long_it_could_have_been_seen() -> None:
    """And why the last window calls it so."""
    run = auditor("history", URL, "unseen", "--days", 36500)
    assert run.status == 0
    assert re.search(r"^l\.244 +vda -> ddc +tcp/80, 443 +10 min +never$", run.stdout, re.MULTILINE)
    assert "  missing: it is missing\n" in run.stdout
    assert run.stdout.endswith("\n1 expectation\n")


def test_an_edge_is_found_by_name_or_address() -> None:
    """Nothing found is no failure."""
    run = auditor("history", URL, "edge", "VDA01", "10.0.0.10", "tcp/80")
    assert run.status == 0
    assert re.search(r"tcp/80  documented +2/2$", run.stdout, re.MULTILINE)
    for port in ("udp/80", "81", "icmp"):
        run = auditor("history", URL, "edge", "vda01", "ddc1", port)
        assert run.stdout.endswith("\nNothing of that kind was seen.\n")


def test_windows_show_their_gaps() -> None:
    """Since the beginning, or a time."""
    run = auditor("history", URL, "windows")
    assert re.search(r"span1   2026-01-31 10:30 +5 min +25 min +2,318", run.stdout)
    run = auditor("history", URL, "windows", "--since", "2026-01-31T10:36")
    assert run.stdout.endswith("\n1 window\n")


def test_long_lists_are_cut_unless_asked() -> None:
    """The rest is counted."""
    database = Database(URL, write=True)
    window = traffic_window(9, *({"server_port": port} for port in range(1000, 1060)))
    with database.transaction() as connection:
        write_record(connection, record_of(window, "span1"))
    run = auditor("history", URL, "new", "--since", BEFORE)
    assert "\n+23 more (--verbose shows all)\n" in run.stdout
    run = auditor("history", URL, "new", "--since", BEFORE, "--verbose")
    assert "more (" not in run.stdout
    assert len(run.stdout.splitlines()) == 3 + 2 + 63 + 2


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        (["new", "--since", BEFORE], HISTORY_EDGES),
        (["edge", "vda01", "ddc1", "80"], HISTORY_EDGES),
        (["unseen", "--days", "36500"], HISTORY_UNSEEN),
        (["windows"], HISTORY_WINDOWS),
    ],
)
def test_json_and_csv_hold_every_column(question: list[str], columns: dict[str, str]) -> None:
    """Safe in a spreadsheet; JSON says what was watched."""
    run = auditor("history", URL, *question, "--format", "json")
    value = json.loads(run.stdout)
    assert run.stdout.isascii()
    assert value["schema"] == 1
    assert value["question"] == question[0]
    assert value["watched"]["watched_s"] == 3 * WINDOW_NS / 1e9
    assert (value["watched_before"] is None) == (question[0] != "new")
    assert [list(row) for row in value["rows"]] == [list(columns)] * len(value["rows"])
    rows = list(csv.reader(io.StringIO(auditor("history", URL, *question, "--format=csv").stdout)))
    assert rows[0] == list(columns)
    assert len(rows) == 1 + len(value["rows"]) > 1
    assert not any(cell.startswith("=") for row in rows for cell in row)


@pytest.mark.parametrize(
    ("name", "begin"), [("o.json", "{"), ("o.csv", "sensor,"), ("o.txt", "history  ")]
)
def test_the_suffix_of_the_output_chooses_the_format(here: Path, name: str, begin: str) -> None:
    """Nothing is printed where a file is written."""
    run = auditor("history", URL, "windows", "-o", name)
    assert (run.status, run.stdout, run.stderr) == (0, "", "")
    assert (here / name).read_text().startswith(begin)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["audit.db", "windows"], 2, "auditor: --history: expected sqlite:///PATH or postgresql"),
        (["sqlite:///none.db", "windows"], 3, "auditor: none.db: expected a history, found no s"),
        (["sqlite:///odd.db", "windows"], 3, "auditor: sqlite:///odd.db: cannot be read: file is"),
        ([URL, "edge", "a", "b", "tcp/"], 2, "auditor: history edge: expected a port such as"),
        ([URL, "edge", "a", "b", "70000"], 2, "auditor: history edge: expected a port such as"),
        ([URL, "edge", "a", "b", "80/tcp"], 2, "auditor: history edge: expected a port such as"),
        ([URL, "new"], 2, "Usage: "),
        ([URL, "new", "--since", "then"], 2, "Usage: "),
        ([URL, "unseen", "--days", "0"], 2, "Usage: "),
        ([URL, "windows", "-o", "no/x"], 2, "auditor: no/x: cannot be written: "),
        ([URL], 2, "Usage: "),
    ],
)
def test_bad_input_ends_in_one_line(
    here: Path, arguments: list[str], status: int, message: str
) -> None:
    """The line names the place; nothing is printed."""
    (here / "odd.db").write_text("this is no database, but long enough to look at" * 9)
    run = auditor("history", *arguments)
    assert (run.status, run.stdout) == (status, "")
    assert run.stderr.startswith(message)


def test_help_loads_neither_pandas_nor_sqlalchemy() -> None:
    """It comes at once."""
    code = (
        "import sys; from auditor.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "print(*{'numpy', 'pandas', 'sqlalchemy'} & sys.modules.keys(), sep=',')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, "history", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines()[-1] == ""


def test_the_formats_offered_are_those_written() -> None:
    """The list for the help is kept apart from what has to be loaded to write."""
    assert list(cli._FORMATS) == list(FORMATS)
    assert {*LAYOUTS, "prune"} == set(cli.history.commands)


def test_the_manual_explains_every_column() -> None:
    """And every question."""
    words = set(re.findall(r"`([^`\n]+)`", MANUAL.split("\n## History\n")[1]))
    assert {*HISTORY_EDGES, *HISTORY_UNSEEN, *HISTORY_WINDOWS} <= words
    assert {word.split()[0] for word in words} >= set(LAYOUTS)


def test_its_size_is_told_by_part() -> None:
    """How many entries there are, since when, and what the whole takes."""
    run = auditor("history", URL, "size")
    assert run.status == 0
    assert re.search(r"^edges +3 +2026-01-31 10:00 +2026-01-31 10:3", run.stdout, re.MULTILINE)
    assert re.search(r"^windows +3 ", run.stdout, re.MULTILINE)
    rows = json.loads(auditor("history", URL, "size", "--format", "json").stdout)["rows"]
    assert rows[-1]["part"] == "all"
    assert rows[-1]["stored_bytes"] == Path("audit.db").stat().st_size
    assert [row["stored_bytes"] for row in rows[:-1]] == [None] * 5


def test_what_is_old_is_deleted_when_asked_for(here: Path) -> None:
    """Who talked to whom stays; nothing is made where there is no history."""
    assert auditor("history", URL, "prune", "--days", 36500).stdout == "nothing is that old\n"
    assert auditor("history", URL, "prune", "--days", 1, "--sensor", "no").stdout == (
        "nothing is that old\n"
    )
    run = auditor("history", URL, "prune", "--days", 1)
    assert (run.status, run.stdout.splitlines()) == (
        0,
        ["edge_hours: 3 deleted", "coverage_hours: 2 deleted", "windows: 3 deleted"],
    )
    rows = json.loads(auditor("history", URL, "size", "--format", "json").stdout)["rows"]
    assert {row["part"]: row["entries"] for row in rows} == {
        "edges": 3,
        "expectations": 2,
        "edge_hours": 0,
        "coverage_hours": 0,
        "windows": 0,
        "all": 5,
    }
    assert auditor("history", "sqlite:///none.db", "prune", "--days", 1).status == 3
    assert not (here / "none.db").exists()
