"""An answer of the history, and how it is written: for people, as CSV, as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from tabulate import tabulate

from auditor.judge.wording import lines_text, service_text
from auditor.report.frames import table_of
from auditor.report.text import byte_size, count, duration, fit, listed, safe, width, wrap
from auditor.report.writers.csv import write_rows
from auditor.times import minute_text, time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from auditor.outlets.store.queries import Watched
    from auditor.report.writers import Style

SCHEMA = 1

_MOST_LINES = 40
_MOST_LISTED = 4
_NARROWEST = 12

Row = list[str]


@dataclass(frozen=True, eq=False)
class Answer:
    """What was asked, what was watched, and what came out."""

    question: str
    """A key of LAYOUTS."""
    history: str
    """The database, without a password."""
    since_ns: int
    until_ns: int
    watched: Watched
    rows: pd.DataFrame
    before: Watched | None = None
    """What was watched before since_ns, where newness rests on it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a question look to people."""

    heads: Sequence[str]
    right: frozenset[str]
    """Heads of columns of numbers."""
    row: Callable[[Mapping[str, object]], Row]
    flexible: frozenset[str]
    """Heads of columns that give way to a narrow terminal."""
    noun: str
    none: str
    """What is said where there are no rows."""
    detail: Callable[[Mapping[str, object]], str] | None = None
    """What stands below a row."""


def write_json(answer: Answer, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write ASCII JSON, schema 1: the question, what was watched, the rows."""
    before = answer.before
    value = {
        "schema": SCHEMA,
        "question": answer.question,
        "history": answer.history,
        "since": time_text(answer.since_ns),
        "until": time_text(answer.until_ns),
        "watched": _plain_watched(answer.watched),
        "watched_before": None if before is None else _plain_watched(before),
        "rows": list(table_of(answer.rows).rows()),
    }
    out.write(json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1) + "\n")


def _plain_watched(seen: Watched) -> Mapping[str, object]:
    return {
        "watched_s": seen.watched_ns / 1e9,
        "first_seen": None if seen.first_ns is None else time_text(seen.first_ns),
        "last_seen": None if seen.last_ns is None else time_text(seen.last_ns),
        "sensors": seen.sensors,
    }


def write_csv(answer: Answer, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the rows, safe to open in a spreadsheet."""
    write_rows(table_of(answer.rows), out)


def write_table(answer: Answer, out: TextIO, style: Style) -> None:
    """Write for a terminal: what was watched, then the rows."""
    out.writelines(f"{line.rstrip()}\n" for line in _table(answer, style))


def _table(answer: Answer, style: Style) -> Iterator[str]:
    span_s = (answer.until_ns - answer.since_ns) / 1e9
    # Who asks for all that is known asks for no span.
    asked = f" of {duration(span_s)}" if answer.since_ns else ""
    yield f"history  {safe(answer.history)}"
    yield f"watched  {_watched(answer.watched, asked)}"
    if answer.before is not None:
        yield f"before   {_watched(answer.before, '')}"
    yield ""
    layout = LAYOUTS[answer.question]
    rows = list(table_of(answer.rows).rows())
    if not rows:
        yield layout.none
        return
    shown = rows if style.verbose else rows[:_MOST_LINES]
    head, *lines = _grid(layout, [layout.row(row) for row in shown], style.width)
    yield style.paint("heading", head)
    for line, row in zip(lines, shown, strict=True):
        yield line
        if layout.detail is not None:
            yield from (
                style.paint("quiet", f"  {text}")
                for text in wrap(safe(layout.detail(row)), style.width - 2)
            )
    left = len(rows) - len(shown)
    if left:
        yield f"+{left:,} more (--verbose shows all)"
    yield ""
    yield count(len(rows), layout.noun)
    if any(row.get("known_since") for row in shown):
        yield "* known before, under another verdict"


def _watched(seen: Watched, asked: str) -> str:
    if seen.first_ns is None or seen.last_ns is None:
        return f"nothing{asked}"
    return (
        f"{duration(seen.watched_ns / 1e9)}{asked}, by {count(seen.sensors, 'sensor')}, "
        f"{minute_text(seen.first_ns)} to {minute_text(seen.last_ns)}"
    )


def _grid(layout: Layout, cells: Sequence[Row], columns: int) -> list[str]:
    """Lay out cells under their heads; what is flexible shares the columns that are left."""
    widths = [
        max(width(head), *(width(row[column]) for row in cells))
        for column, head in enumerate(layout.heads)
    ]
    flexible = [n for n, head in enumerate(layout.heads) if head in layout.flexible]
    surplus = sum(widths) + 2 * (len(widths) - 1) - columns
    while surplus > 0:
        widest = max(flexible, key=lambda n: widths[n])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
        surplus -= 1
    fitted = [[fit(cell, widths[n]) for n, cell in enumerate(row)] for row in cells]
    aligned = ["right" if head in layout.right else "left" for head in layout.heads]
    text = tabulate(
        [layout.heads, *fitted], tablefmt="plain", disable_numparse=True, colalign=aligned
    )
    return text.splitlines()


def _edge(row: Mapping[str, object]) -> Row:
    port = row["server_port"]
    known = row["known_since"]
    return [
        _moment(row["first_seen"]),
        _moment(row["last_seen"])[:10],
        _host(row["client_name"], row["client_ip"]),
        _host(row["server_name"], row["server_ip"]),
        service_text(str(row["transport"]), None if port is None else int(str(port))),
        f"{row['verdict']}{'*' if known else ''}",
        f"{row['answered']:,}/{row['flows']:,}",
    ]


def _unseen(row: Mapping[str, object]) -> Row:
    rows = row["rows"]
    assert isinstance(rows, list)
    ports = row["ports"]
    assert isinstance(ports, list)
    observable_s = float(str(row["observable_s"]))
    paper = f"{lines_text(rows[:_MOST_LISTED])}{' ...' if len(rows) > _MOST_LISTED else ''}"
    service = f"{row['transport'] or ''}/{listed(ports, _MOST_LISTED)}".strip("/")
    return [
        safe(paper or str(row["group"])),
        safe(f"{_joined(row['source_roles'])} -> {_joined(row['destination_roles'])}"),
        service,
        duration(observable_s) if observable_s else "none",
        _moment(row["last_seen"])[:10] or "never",
    ]


def _unseen_why(row: Mapping[str, object]) -> str:
    return f"{row['status']}: {row['why'] or ''}".rstrip(": ")


def _window(row: Mapping[str, object]) -> Row:
    gap_s, dropped = float(str(row["gap_s"])), row["dropped"]
    return [
        safe(str(row["sensor"])),
        _moment(row["first_seen"]),
        duration(float(str(row["duration_s"]))),
        duration(gap_s) if gap_s else "",
        f"{row['frames']:,}",
        byte_size(int(str(row["bytes"]))),
        "" if dropped is None else f"{float(str(dropped)):,.0f}",
        f"{row['flows']:,}",
    ]


def _size(row: Mapping[str, object]) -> Row:
    stored = row["stored_bytes"]
    return [
        safe(str(row["part"])),
        f"{row['entries']:,}",
        _moment(row["first_seen"]),
        _moment(row["last_seen"]),
        "" if stored is None else byte_size(int(str(stored))),
    ]


def _joined(roles: object) -> str:
    assert isinstance(roles, list)
    return ",".join(map(str, roles))


def _host(name: object, address: object) -> str:
    return safe(str(name or address))


def _moment(time: object) -> str:
    return str(time)[:16].replace("T", " ") if time else ""


_EDGES = Layout(
    ("first seen", "last seen", "client", "server", "port", "verdict", "answered"),
    frozenset({"answered"}),
    _edge,
    frozenset({"client", "server"}),
    "edge",
    "Nothing of that kind was seen.",
)

LAYOUTS: Mapping[str, Layout] = {
    "new": _EDGES,
    "edge": _EDGES,
    "unseen": Layout(
        ("paper", "between", "service", "watched", "last seen"),
        frozenset({"watched"}),
        _unseen,
        frozenset({"paper", "between"}),
        "expectation",
        "Everything that could be expected was seen, or nothing was expected.",
        _unseen_why,
    ),
    "windows": Layout(
        ("sensor", "begin", "length", "gap before", "frames", "size", "dropped", "flows"),
        frozenset({"length", "gap before", "frames", "size", "dropped", "flows"}),
        _window,
        frozenset({"sensor"}),
        "window",
        "There are no windows.",
    ),
    "size": Layout(
        ("part", "entries", "from", "to", "stored"),
        frozenset({"entries", "stored"}),
        _size,
        frozenset({"part"}),
        "part",
        "There is nothing.",
    ),
}

FORMATS: Mapping[str, Callable[[Answer, TextIO, Style], None]] = {
    "table": write_table,
    "json": write_json,
    "csv": write_csv,
}
