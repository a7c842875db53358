"""`auditor compare`: two audits side by side."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click

from auditor.cli import leave_pipe
from auditor.cli.output import terminal_style
from auditor.compare.audits import STANDARD_INPUT, read_audit
from auditor.compare.difference import FAIL_ON
from auditor.compare.difference import compare as compare_audits
from auditor.compare.writers import FORMATS
from auditor.errors import UsageError
from auditor.report.writers import Style, format_of, plain


@click.command(short_help="Say what changed between two audits.")
@click.argument("old", metavar="OLD.json")
@click.argument("new", metavar="NEW.json")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="low",
    show_default=True,
    help="Least severity of a new finding for which the exit status is 1.",
)
@click.option("--no-color", is_flag=True, help="No colours, as with NO_COLOR set.")
@click.option("--verbose", is_flag=True, help="Cut no list short.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write here.  [default: standard output]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="[default: by the suffix of --output, else table]",
)
def compare(
    old: str,
    new: str,
    *,
    fail_on: str,
    no_color: bool,
    verbose: bool,
    output: Path | None,
    format_name: str | None,
) -> None:
    """Say what appeared, disappeared and changed between two audits.

    OLD.json and NEW.json are reports of `auditor audit --format json`; one of them may be `-` for
    standard input. The exit status is 1 if findings count in NEW that did not in OLD.
    """
    if old == new == STANDARD_INPUT:
        raise UsageError("compare: only one of the two can be standard input")
    comparison = compare_audits(read_audit(old), read_audit(new))
    by_suffix = format_of(output) if output is not None else None
    name = format_name or (by_suffix if by_suffix in FORMATS else None) or "table"
    style = Style(verbose=verbose)
    if output is None and name == "table":
        style = terminal_style(verbose=verbose, no_color=no_color)
    text = io.StringIO()
    FORMATS[name](comparison, text, style)
    if output is None:
        _print(text.getvalue(), style)
    else:
        _save(text.getvalue(), output)
    click.get_current_context().exit(comparison.exit_status(fail_on))


def _print(text: str, style: Style) -> None:
    try:
        click.echo(text, nl=False, color=style.paint is not plain)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough; what was found still decides the exit status.
        leave_pipe()


def _save(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
