"""`auditor audit`: the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli.options import check_span, judging_options, output_options, source_arguments
from auditor.cli.output import Output
from auditor.cli.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

_TABLES = 4


@click.command(short_help="Hold captured traffic against the paper.")
@source_arguments
@judging_options
@click.option(
    "--fail-on",
    type=click.Choice(["high", "medium", "low", "never"]),
    default="high",
    show_default=True,
    help="Least severity of a finding for which the exit status is 1.",
)
@output_options
def audit(
    sources: tuple[str, ...],
    *,
    since: int | None,
    until: int | None,
    hosts: Path | None,
    catalog: tuple[Path, ...],
    edition: str | None,
    fail_on: str,
    format_name: str | None,
    output: Path | None,
    expression: str | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> None:
    """Hold captured traffic against the paper.

    SOURCE is a capture (pcap or pcapng, also compressed), a directory or glob of them, or `-` for
    standard input; several are one audit.
    """
    delivery = Output(format_name, output, quiet, verbose, no_color)
    delivery.check(tables=_TABLES)
    check_span(since, until)

    from auditor import pipeline  # noqa: PLC0415 - numpy and pandas, not needed for help

    with Progress(wanted=not quiet) as progress:
        report = pipeline.audit(
            sources,
            hosts=hosts,
            catalog=catalog,
            edition=edition,
            since=since,
            until=until,
            progress=progress,
        )
    if expression is not None:
        report = report.filtered(expression)
    delivery.deliver(report)
    click.get_current_context().exit(report.exit_status(fail_on))
