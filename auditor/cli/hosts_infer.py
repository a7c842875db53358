"""`auditor hosts infer`: a first site file, read off the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import announce, complain
from auditor.cli.catalog import catalog_options
from auditor.cli.options import check_span, source_arguments
from auditor.cli.progress import Progress
from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.engine import EngineName


@click.command()
@source_arguments
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="T",
    help="Take roles of at least this confidence, 0 to 1.  [default: 0.7]",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the site file here.  [default: standard output]",
)
@click.option("--force", is_flag=True, help="Replace PATH if it is there already.")
@click.option("--quiet", is_flag=True, help="No progress and no warnings.")
@catalog_options
def infer_command(
    sources: tuple[str, ...],
    *,
    since: int | None,
    until: int | None,
    engine: EngineName,
    dedup: bool,
    workers: int,
    cluster: str | None,
    threshold: float | None,
    output: Path | None,
    force: bool,
    quiet: bool,
    directories: tuple[Path, ...],
    edition: str | None,
) -> None:
    """Draft a site file from traffic, for you to correct.

    SOURCE as for `auditor audit`. Every role says how sure it is and what it rests on; what is
    less sure stands at the end of the file as a comment. An audit with the file unchanged judges
    this traffic as one without a site file does.
    """
    check_span(since, until)
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"{output}: expected a directory to write into, found none")
    if output is not None and output.exists() and not force:
        # It may hold somebody's corrections.
        raise UsageError(f"{output}: is there already; give another name, or --force to replace it")

    from auditor import pipeline  # noqa: PLC0415 - numpy, not needed for help
    from auditor.infer.draft import draft_site  # noqa: PLC0415 - as above
    from auditor.traffic import Reading  # noqa: PLC0415 - as above

    with Progress(wanted=not quiet) as progress:
        examined = pipeline.examine(
            sources,
            threshold=threshold,
            catalog=directories,
            edition=edition,
            since=since,
            until=until,
            progress=progress,
            reading=Reading(engine, None if quiet else announce, dedup, workers, cluster),
        )
    text = draft_site(examined.judged, examined.names, examined.inference).text(
        examined.report.audit.sources
    )
    if output is None:
        # Bytes, because a site file is UTF-8 whatever this console speaks.
        click.echo(text.encode(), nl=False)
    else:
        _save(text, output)
    report = examined.report
    for source in report.capture.unreadable:
        complain(source)
    for warning in () if quiet else report.capture.warnings:
        complain(f"warning: {warning}")
    click.get_current_context().exit(report.exit_status("never"))


def _save(text: str, path: Path) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
