"""`auditor live`: audit a span port as it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from auditor.cli.options import dedup_option, judging_options
from auditor.cli.output import Output
from auditor.errors import UsageError
from auditor.report.writers import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable


P = ParamSpec("P")
R = TypeVar("R")

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TABLES = 4


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a span of time, such as `90s`, `5m`, `1h30m`."""
    if value is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", value)
    if not parts or "".join(map("".join, parts)) != value:
        raise click.BadParameter(
            f"expected a time such as 90s, 5m or 1h30m, found {value!r}", ctx, param
        )
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _watch_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add how to listen, how long, and what leaves the watch."""
    for option in (
        click.option(
            "--max-flows",
            type=click.IntRange(1000),
            default=1_000_000,
            show_default=True,
            metavar="N",
            help="Flows that the flow table holds at most.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            metavar="N",
            help="Rings that share the frames, each read and decoded by a thread.",
        ),
        click.option(
            "--ring-mb",
            type=int,
            default=128,
            show_default=True,
            metavar="N",
            help="Memory for frames that wait, in MiB.",
        ),
        click.option("--user", metavar="NAME", help="Become this user once the interface is open."),
        click.option("--bpf", metavar="EXPR", help="Only frames that this filter passes."),
        click.option(
            "--state",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="For what outlets have to remember.",
        ),
        click.option(
            "--sensor", metavar="NAME", help="Name of this watch.  [default: HOST-INTERFACE]"
        ),
        click.option(
            "--write-flows",
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            help="Write judged flows as Parquet, a directory for each hour.",
        ),
        click.option(
            "--windows",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="PATH",
            help="Append each window's report, one line of JSON each.",
        ),
        click.option(
            "--history-keep",
            type=click.IntRange(1, 36_500),
            metavar="DAYS",
            help="Keep counts by hour there for so long; who talked to whom stays.  [default: 400]",
        ),
        click.option("--history", metavar="URL", help="Keep who talked to whom in a database."),
        click.option("--metrics", metavar="HOST:PORT", help="Let Prometheus ask there."),
        click.option(
            "--alert-format",
            type=click.Choice(["auditor", "ecs"]),
            default="auditor",
            show_default=True,
            help="What an alert looks like.",
        ),
        click.option(
            "--alerts",
            multiple=True,
            metavar="PATH",
            help="Tell what is new: PATH, -, syslog://HOST:PORT, https://... (repeatable).",
        ),
        click.option(
            "--window",
            callback=_span,
            default="5m",
            show_default=True,
            metavar="D",
            help="Report each span of so long: 60s, 5m, 1h.",
        ),
        click.option(
            "--duration",
            callback=_span,
            metavar="D",
            help="End after so long.  [default: when told to]",
        ),
    ):
        command = option(command)
    return command


@click.command(short_help="Audit a span port as it runs.")
@click.argument("interface", required=False)
@click.option("--list", "listed", is_flag=True, help="List the interfaces, and end.")
@judging_options
@dedup_option
@_watch_options
@click.option(
    "--fail-on",
    type=click.Choice(["high", "medium", "low", "never"]),
    default="high",
    show_default=True,
    help="Least severity of a finding for which the exit status is 1.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="Of the report.  [default: by the suffix of --output, else table]",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Write the report here.  [default: standard output]",
)
@click.option("--quiet", is_flag=True, help="Say nothing beside the report.")
@click.option("--verbose", is_flag=True, help="Cut no list short; trace mistakes.")
@click.option("--no-color", is_flag=True, help="No colours, as with NO_COLOR set.")
def live(
    interface: str | None,
    *,
    listed: bool,
    hosts: Path | None,
    catalog: tuple[Path, ...],
    edition: str | None,
    duration: float | None,
    window: float,
    alerts: tuple[str, ...],
    alert_format: str,
    metrics: str | None,
    history: str | None,
    history_keep: int | None,
    windows: Path | None,
    write_flows: Path | None,
    sensor: str | None,
    state: Path | None,
    bpf: str | None,
    user: str | None,
    ring_mb: int,
    workers: int,
    max_flows: int,
    dedup: bool,
    fail_on: str,
    format_name: str | None,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> None:
    """Audit the traffic of a network interface as it comes, for seconds or for months.

    It ends after --duration, or on SIGINT or SIGTERM, with the report of all of it. SIGUSR1 prints
    a report now, SIGHUP reads the site file and the rules again.
    """
    if listed:
        from auditor.capture.live import interface_names  # noqa: PLC0415 - not needed for help

        click.echo("\n".join(interface_names()))
        return
    if interface is None:
        raise UsageError(
            "auditor live: expected INTERFACE, found none; --list names those there are"
        )
    delivery = Output(format_name, output, quiet, verbose, no_color)
    delivery.check(tables=_TABLES)

    from auditor.capture.live import LiveOptions  # noqa: PLC0415 - not needed for help
    from auditor.cli.live_view import open_view  # noqa: PLC0415 - as above
    from auditor.live.outlets import OutletOptions  # noqa: PLC0415 - as above
    from auditor.live.run import RulesSource, WatchOptions, default_sensor, run  # noqa: PLC0415 - as above
    from auditor.live.tick import Limits  # noqa: PLC0415 - as above
    from auditor.outlets.alerts import AlertOptions  # noqa: PLC0415 - as above

    outlets = OutletOptions(
        sensor or default_sensor(interface),
        alerts,
        AlertOptions(form=alert_format),
        metrics,
        history,
        history_keep,
        state,
    )
    options = WatchOptions(
        window,
        duration,
        LiveOptions(bpf, ring_mb, workers),
        user,
        Limits(most_flows=max_flows),
        outlets,
        write_flows,
        dedup,
        traces=verbose,
    )
    with open_view(interface, delivery, windows, quiet=quiet, no_color=no_color) as view:
        report = run(interface, RulesSource(hosts, catalog, edition), options, view)
    delivery.deliver(report)
    click.get_current_context().exit(report.exit_status(fail_on))
