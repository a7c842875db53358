"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from auditor.errors import UsageError
from auditor.report.writers import FORMATS
from auditor.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def moment(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a time as nanoseconds since 1970 UTC; without an offset it is UTC."""
    if value is None:
        return None
    try:
        return parse_time(value)
    except UsageError as error:
        raise click.BadParameter(str(error), ctx, param) from error


def dedup_option(command: Callable[P, R]) -> Callable[P, R]:
    """Add whether copies of packets are left out."""
    return click.option(
        "--dedup",
        is_flag=True,
        help="Leave out frames that hold a packet again, as a mirror port may send it twice.",
    )(command)


def source_arguments(command: Callable[P, R]) -> Callable[P, R]:
    """Add the captures to read, the span of time to keep, and how to read."""
    command = dedup_option(command)
    command = click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Several captures are read by the workers of a Dask cluster, such as tcp://host:8786.",
    )(command)
    command = click.option(
        "--workers",
        type=click.IntRange(0),
        default=1,
        show_default=True,
        metavar="N",
        help="Processes that read several captures, at most; 0 = one for each processor.",
    )(command)
    command = click.option(
        "--engine",
        type=click.Choice(["auto", "compiled", "general"]),
        default="auto",
        show_default=True,
        help="How packets are read: auto compiles for what is not small. The result is the same.",
    )(command)
    command = click.option(
        "--until", callback=moment, metavar="TIME", help="Only frames before then."
    )(command)
    command = click.option(
        "--since",
        callback=moment,
        metavar="TIME",
        help="Only frames from then on: 2026-01-31T10:00:00Z or '2026-01-31 10:00' (UTC).",
    )(command)
    return click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")(command)


def judging_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add what traffic is held against."""
    command = click.option(
        "--edition", metavar="NAME", help="Edition of the paper, if the catalog holds several."
    )(command)
    command = click.option(
        "--catalog",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="DIR",
        help="Rules that add to the shipped ones or replace them (repeatable).",
    )(command)
    return click.option(
        "--hosts",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Site file: who is who. Without it nothing can be called missing.",
    )(command)


def output_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add what is written, where to, and how it looks."""
    for option in (
        click.option("--no-color", is_flag=True, help="No colours, as with NO_COLOR set."),
        click.option(
            "--verbose", is_flag=True, help="Cut no list short; say how the report was made."
        ),
        click.option(
            "--quiet", is_flag=True, help="No progress and no warnings beside the report."
        ),
        click.option(
            "--filter",
            "expression",
            metavar="EXPR",
            help='Only flows for which a pandas query holds, such as "server_port == 443".',
        ),
        click.option(
            "--output",
            "-o",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="Write here; csv and parquet of an audit make a directory.  "
            "[default: standard output]",
        ),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(list(FORMATS)),
            help="[default: by the suffix of --output, else table]",
        ),
    ):
        command = option(command)
    return command


def check_span(since: int | None, until: int | None) -> None:
    """Refuse a span of time that ends before it begins."""
    if since is not None and until is not None and since >= until:
        raise UsageError("--since: expected a time before --until")
