"""`auditor explain`: who may use a port, why, and how sure that is; or all of one flow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.capture.urls import is_url
from auditor.cli import complain
from auditor.cli.catalog import catalog_options
from auditor.cli.options import check_span, dedup_option, moment
from auditor.cli.progress import Progress
from auditor.errors import EXIT_INPUT, UsageError

if TYPE_CHECKING:
    from auditor.explain.model import Story
    from auditor.report.model import Report


@click.command(short_help="Say who may use a port, or everything known of one flow.")
@click.argument("subjects", nargs=-1, required=True, metavar="PORT[/TRANSPORT] | SOURCE...")
@click.option(
    "--flow", type=click.IntRange(1), metavar="ID", help="A flow_id of the report on SOURCE."
)
@click.option(
    "--hosts",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Site file, as it was given for the report.",
)
@click.option("--since", callback=moment, metavar="TIME", help="As it was given for the report.")
@click.option("--until", callback=moment, metavar="TIME", help="As it was given for the report.")
@dedup_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    help="How a flow is told.  [default: text]",
)
@catalog_options
def explain(
    subjects: tuple[str, ...],
    *,
    flow: int | None,
    hosts: Path | None,
    since: int | None,
    until: int | None,
    dedup: bool,
    format_name: str | None,
    directories: tuple[Path, ...],
    edition: str | None,
) -> None:
    """Say who may talk to whom on PORT, and why; or everything known of one flow.

    PORT is a number, alone or with a transport (1494, 389/udp, tcp/443), or icmp.

    With --flow, SOURCE is what a report was made of, and ID a flow of it: what was seen, the
    verdict, each rule with why it covers the flow or not, the first bytes and frames, and
    Wireshark's own dissection where tshark is installed.
    """
    if flow is None:
        given = {"--hosts": hosts, "--since": since, "--until": until, "--format": format_name}
        given["--dedup"] = dedup or None
        for option, value in given.items():
            if value is not None:
                raise UsageError(f"explain: expected --flow beside {option}, found none")
        _explain_port(subjects, directories, edition)
        return
    check_span(since, until)
    span = (since, until)
    report, story = _tell_flow(subjects, flow, hosts, directories, edition, span, dedup=dedup)
    _show(story, format_name or "text")
    for source in report.capture.unreadable:
        complain(source)
    if report.capture.unreadable:
        click.get_current_context().exit(EXIT_INPUT)


def _explain_port(
    subjects: tuple[str, ...], directories: tuple[Path, ...], edition: str | None
) -> None:
    from auditor.catalog.describe import explain_port  # noqa: PLC0415 - not needed for help
    from auditor.catalog.load import load_catalog  # noqa: PLC0415 - loaded by the form that needs it
    from auditor.catalog.lookup import parse_query  # noqa: PLC0415 - loaded by the form that needs it

    if len(subjects) > 1:
        raise UsageError(f"explain: expected one port, or --flow, found {len(subjects)} arguments")
    try:
        query = parse_query(subjects[0])
    except ValueError as error:
        advice = "; of a capture, --flow says which flow" if _is_source(subjects[0]) else ""
        raise UsageError(f"explain: {error}{advice}") from None
    click.echo("\n".join(explain_port(load_catalog(directories, edition=edition), query)))


def _is_source(subject: str) -> bool:
    return is_url(subject) or Path(subject).exists()


def _tell_flow(
    sources: tuple[str, ...],
    flow_id: int,
    hosts: Path | None,
    directories: tuple[Path, ...],
    edition: str | None,
    span: tuple[int | None, int | None],
    *,
    dedup: bool,
) -> tuple[Report, Story]:
    from auditor.explain.frames import read_frames  # noqa: PLC0415 - not needed for help
    from auditor.explain.story import check_flow_id, tell  # noqa: PLC0415 - loaded by the form that needs it
    from auditor.pipeline import examine  # noqa: PLC0415 - loaded by the form that needs it
    from auditor.traffic import Reading  # noqa: PLC0415 - as above

    with Progress() as progress:
        examined = examine(
            sources,
            hosts=hosts,
            catalog=directories,
            edition=edition,
            since=span[0],
            until=span[1],
            progress=progress,
            reading=Reading(dedup=dedup),
        )
    if examined.report.interrupted:
        raise KeyboardInterrupt
    check_flow_id(examined.report, flow_id)
    with Progress() as progress:
        frames = read_frames(examined.report, flow_id, progress)
    return examined.report, tell(examined.report, examined.judged, examined.names, flow_id, frames)


def _show(story: Story, format_name: str) -> None:
    if format_name == "json":
        from auditor.explain.json import story_json  # noqa: PLC0415 - loaded by the form that needs it

        click.echo(story_json(story))
    else:
        from auditor.explain.text import story_lines  # noqa: PLC0415 - loaded by the form that needs it

        click.echo("\n".join(story_lines(story)))
