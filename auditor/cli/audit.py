"""`auditor audit`: the audit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import announce, complain
from auditor.cli.options import check_span, judging_options, output_options, source_arguments
from auditor.cli.output import Output
from auditor.cli.progress import Progress
from auditor.errors import UsageError
from auditor.report.text import count, safe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.engine import EngineName
    from auditor.judge.past import Past
    from auditor.report.model import Report

_TABLES = 4
_FRAMES_PER_FLOW = 20


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
@click.option(
    "--history",
    metavar="URL",
    help="What `auditor live --history` has seen lately is not missing; only read.",
)
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    metavar="OUT.pcapng",
    help="Write the frames that findings rest on, with comments for Wireshark.",
)
@click.option(
    "--evidence-frames",
    type=click.IntRange(1),
    metavar="N",
    help=f"Frames of a flow in that file, at most.  [default: {_FRAMES_PER_FLOW}]",
)
@output_options
def audit(
    sources: tuple[str, ...],
    *,
    since: int | None,
    until: int | None,
    engine: EngineName,
    dedup: bool,
    workers: int,
    cluster: str | None,
    hosts: Path | None,
    catalog: tuple[Path, ...],
    edition: str | None,
    fail_on: str,
    history: str | None,
    evidence: Path | None,
    evidence_frames: int | None,
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
    _check_evidence(evidence, evidence_frames, sources)

    past = None if history is None else _past(history)
    from auditor import pipeline  # noqa: PLC0415 - numpy, not needed for help
    from auditor.traffic import Reading  # noqa: PLC0415 - as above

    reading = Reading(engine, None if quiet else announce, dedup, workers, cluster)
    with Progress(wanted=not quiet) as progress:
        report = pipeline.audit(
            sources,
            hosts=hosts,
            catalog=catalog,
            edition=edition,
            since=since,
            until=until,
            progress=progress,
            reading=reading,
            past=past,
        )
    if expression is not None:
        report = report.filtered(expression)
    delivery.deliver(report)
    if evidence is not None:
        _save_evidence(report, evidence, evidence_frames or _FRAMES_PER_FLOW, quiet=quiet)
    click.get_current_context().exit(report.exit_status(fail_on))


def _past(url: str) -> Past:
    from auditor.outlets.extras import require  # noqa: PLC0415 - as above

    require("sqlalchemy", "live", "a history")
    from auditor.outlets.store.keeper import read_past  # noqa: PLC0415 - an extra

    return read_past(url)


def _check_evidence(path: Path | None, frames: int | None, sources: Sequence[str]) -> None:
    """Refuse what cannot be written before an hour goes into the report."""
    if path is None:
        if frames is not None:
            raise UsageError("--evidence-frames: expected --evidence beside it, found none")
        return
    from auditor.partitions.find import find_partitions  # noqa: PLC0415 - not needed for help
    from auditor.report.evidence import check_evidence  # noqa: PLC0415 - as above

    if find_partitions(sources):
        raise UsageError(
            f"--evidence: expected captures, found flows of a watch in {sources[0]}: they hold no "
            "frames"
        )

    try:
        check_evidence(path, sources)
    except UsageError as error:
        raise UsageError(f"--evidence: {error}") from None


def _save_evidence(report: Report, path: Path, frames: int, *, quiet: bool) -> None:
    from auditor.report.evidence import save_evidence  # noqa: PLC0415 - as above

    if report.interrupted:
        complain(f"{path}: not written, since the audit was interrupted")
        return
    with Progress(wanted=not quiet) as progress:
        written = save_evidence(report, path, frames=frames, progress=progress)
    if written.lost:
        flows = count(written.lost, "flow")
        complain(f"warning: {path}: lacks {flows}; the captures changed while they were audited")
    elif not quiet and sys.stderr.isatty():
        frames_text, flows = count(written.frames, "frame"), count(written.flows, "flow")
        click.echo(f"auditor: wrote {safe(str(path))}: {frames_text} of {flows}", err=True)
