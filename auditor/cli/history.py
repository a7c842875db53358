"""`auditor history`: ask what a monitor has seen over months."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from auditor.cli import leave_pipe
from auditor.cli.options import moment
from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.outlets.store.answers import Answer

P = ParamSpec("P")
R = TypeVar("R")

_FORMATS = ("table", "json", "csv")
_DAY_NS = 24 * 3600 * 10**9


@dataclass(frozen=True, slots=True)
class _Look:
    """What the options say about the answer."""

    format_name: str | None
    output: Path | None
    verbose: bool
    no_color: bool


def _answer_options(command: Callable[P, R]) -> Callable[P, R]:
    for option in (
        click.option("--no-color", is_flag=True, help="No colours, as with NO_COLOR set."),
        click.option("--verbose", is_flag=True, help="Cut no list short."),
        click.option(
            "--output",
            "-o",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Write here.  [default: standard output]",
        ),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(_FORMATS),
            help="[default: by the suffix of --output, else table]",
        ),
    ):
        command = option(command)
    return command


@click.group(short_help="Ask what a monitor has seen over time.")
@click.argument("url", metavar="URL")
@click.pass_context
def history(ctx: click.Context, url: str) -> None:
    """Ask the history that `auditor live --history URL` writes.

    URL is sqlite:///PATH or postgresql://USER@HOST/DATABASE. Every answer says how long was
    actually watched, which is what "never seen" is worth.
    """
    ctx.obj = url


@history.command("new")
@click.option(
    "--since",
    callback=moment,
    required=True,
    metavar="TIME",
    help="2026-01-31T10:00:00Z or '2026-01-31 10:00' (UTC).",
)
@_answer_options
@click.pass_obj
def new_command(
    url: str,
    *,
    since: int,
    format_name: str | None,
    output: Path | None,
    verbose: bool,
    no_color: bool,
) -> None:
    """List who talks to whom, on which port, that did not before TIME."""
    look = _Look(format_name, output, verbose, no_color)
    _tell(_ask(url, "new", since_ns=since), look)


@history.command("unseen")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=30,
    show_default=True,
    help="How far back to look.",
)
@_answer_options
@click.pass_obj
def unseen_command(
    url: str,
    *,
    days: int,
    format_name: str | None,
    output: Path | None,
    verbose: bool,
    no_color: bool,
) -> None:
    """List documented traffic that is expected here and was not seen."""
    look = _Look(format_name, output, verbose, no_color)
    _tell(_ask(url, "unseen", since_ns=max(0, time.time_ns() - days * _DAY_NS)), look)


@history.command("edge")
@click.argument("client")
@click.argument("server")
@click.argument("port", metavar="PORT")
@_answer_options
@click.pass_obj
def edge_command(
    url: str,
    *,
    client: str,
    server: str,
    port: str,
    format_name: str | None,
    output: Path | None,
    verbose: bool,
    no_color: bool,
) -> None:
    """Say when CLIENT was first seen talking to SERVER on PORT.

    CLIENT and SERVER are addresses or names; PORT is 443, tcp/443, or a transport without ports
    such as icmp.
    """
    look = _Look(format_name, output, verbose, no_color)
    _tell(_ask(url, "edge", ends=(client, server), service=port), look)


@history.command("windows")
@click.option(
    "--since",
    callback=moment,
    metavar="TIME",
    help="Only windows that end after then.  [default: all]",
)
@_answer_options
@click.pass_obj
def windows_command(
    url: str,
    *,
    since: int | None,
    format_name: str | None,
    output: Path | None,
    verbose: bool,
    no_color: bool,
) -> None:
    """List what was watched, and the gaps in it."""
    look = _Look(format_name, output, verbose, no_color)
    _tell(_ask(url, "windows", since_ns=since or 0), look)


@history.command("size")
@_answer_options
@click.pass_obj
def size_command(
    url: str,
    *,
    format_name: str | None,
    output: Path | None,
    verbose: bool,
    no_color: bool,
) -> None:
    """Say how much each part of the history holds, and since when."""
    look = _Look(format_name, output, verbose, no_color)
    _tell(_ask(url, "size"), look)


@history.command("prune")
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    required=True,
    help="Delete counts by hour and windows that are older.",
)
@click.option("--sensor", metavar="NAME", help="Only what this sensor wrote.  [default: all]")
@click.pass_obj
def prune_command(url: str, *, days: int, sensor: str | None) -> None:
    """Delete what is old: counts by hour, and windows.

    Who talked to whom, since when and until when, stays, and when an expectation was last seen. A
    monitor may go on writing meanwhile.
    """
    from auditor.outlets.extras import require  # noqa: PLC0415 - pandas and SQLAlchemy, as below

    require("sqlalchemy", "live", "a history")
    from auditor.outlets.store.database import Database  # noqa: PLC0415 - not needed for help
    from auditor.outlets.store.pruning import prune_all  # noqa: PLC0415 - as above

    with Database(url, write=False).reading():
        pass  # one that is opened for writing would be made
    removed = prune_all(Database(url, write=True), time.time_ns() - days * _DAY_NS, sensor)
    for part, number in removed.items():
        click.echo(f"{part}: {number:,} deleted")
    if not removed:
        click.echo("nothing is that old")


def _ask(
    url: str,
    question: str,
    *,
    since_ns: int = 0,
    ends: tuple[str, str] = ("", ""),
    service: str = "",
) -> Answer:
    from auditor.outlets.extras import require  # noqa: PLC0415 - pandas and SQLAlchemy, as below

    require("sqlalchemy", "live", "a history")
    from auditor.outlets.store import queries  # noqa: PLC0415 - not needed for help
    from auditor.outlets.store.answers import Answer  # noqa: PLC0415 - as above
    from auditor.outlets.store.database import Database  # noqa: PLC0415 - as above

    database = Database(url, write=False)
    wanted = _service(service) if service else (None, None)
    until_ns = time.time_ns()
    with database.reading() as connection:
        match question:
            case "new":
                rows = queries.new_edges(connection, since_ns)
            case "unseen":
                rows = queries.unseen(connection, since_ns, until_ns)
            case "edge":
                rows = queries.edge(connection, *ends, queries.Service(*wanted))
            case "size":
                rows = queries.size(connection)
            case _:
                rows = queries.window_list(connection, since_ns, until_ns)
        watched = queries.watched(connection, since_ns, until_ns)
        before = queries.watched(connection, 0, since_ns) if question == "new" else None
    return Answer(question, database.place, since_ns, until_ns, watched, rows, before)


def _service(text: str) -> tuple[int | None, str | None]:
    """Read `443`, `tcp/443` or `icmp` as a port and a transport."""
    first, slash, second = text.partition("/")
    port, transport = (second, first) if slash else (first, "")
    if not port.isdecimal() and not slash:
        port, transport = "", first
    if (port and (not port.isdecimal() or int(port) > 65535)) or (slash and not port):
        raise UsageError(f"history edge: expected a port such as tcp/443 or 443, found {text!r}")
    return int(port) if port else None, transport.lower() or None


def _tell(answer: Answer, look: _Look) -> None:
    from auditor.cli.output import terminal_style  # noqa: PLC0415 - not needed for help
    from auditor.outlets.store.answers import FORMATS  # noqa: PLC0415 - as above
    from auditor.report.writers import Style, format_of, plain  # noqa: PLC0415 - as above

    by_suffix = format_of(look.output) if look.output is not None else None
    name = look.format_name or (by_suffix if by_suffix in FORMATS else None) or "table"
    style = Style(verbose=look.verbose)
    if look.output is None and name == "table":
        style = terminal_style(verbose=look.verbose, no_color=look.no_color)
    text = io.StringIO()
    FORMATS[name](answer, text, style)
    if look.output is not None:
        _save(text.getvalue(), look.output)
        return
    try:
        click.echo(text.getvalue(), nl=False, color=style.paint is not plain)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_pipe()


def _save(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
