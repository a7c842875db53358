"""`auditor flows`: the flow table alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import announce
from auditor.cli.options import check_span, output_options, source_arguments
from auditor.cli.output import Output
from auditor.cli.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.engine import EngineName


@click.command(short_help="List the conversations, without judging them.")
@source_arguments
@output_options
def flows(
    sources: tuple[str, ...],
    *,
    since: int | None,
    until: int | None,
    engine: EngineName,
    dedup: bool,
    workers: int,
    cluster: str | None,
    format_name: str | None,
    output: Path | None,
    expression: str | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> None:
    """List the conversations in captures, without judging them.

    SOURCE as for `auditor audit`. No site file, no verdict: documented ports only help to tell
    the client from the server.
    """
    delivery = Output(format_name, output, quiet, verbose, no_color)
    delivery.check(tables=1)
    check_span(since, until)

    from auditor import pipeline  # noqa: PLC0415 - numpy, not needed for help
    from auditor.traffic import Reading  # noqa: PLC0415 - as above

    reading = Reading(engine, None if quiet else announce, dedup, workers, cluster)
    with Progress(wanted=not quiet) as progress:
        report = pipeline.read(
            sources, since=since, until=until, progress=progress, reading=reading
        )
    if expression is not None:
        report = report.filtered(expression)
    delivery.deliver(report)
    click.get_current_context().exit(report.exit_status())
