"""The command line: a verb is a module, loaded when it is called, so that help comes at once."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from dataclasses import dataclass
from importlib import import_module

import click

from auditor import __version__
from auditor.errors import EXIT_CLEAN, EXIT_INPUT, EXIT_INTERRUPTED, AuditError


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb's command is, and what the list of verbs says of it."""

    module: str
    command: str
    does: str


VERBS = {
    "audit": Verb("auditor.cli.audit", "audit", "Hold captured traffic against the paper."),
    "flows": Verb("auditor.cli.flows", "flows", "List the conversations, without judging them."),
    "explain": Verb(
        "auditor.cli.explain", "explain", "Say who may use a port, and why; or all of one flow."
    ),
    "catalog": Verb("auditor.cli.catalog", "catalog", "Look into the port catalog."),
    "hosts": Verb("auditor.cli.hosts", "hosts", "Draft, check or import a site file."),
    "compare": Verb("auditor.cli.compare", "compare", "Say what changed between two audits."),
    "live": Verb("auditor.cli.live", "live", "Audit a span port as it runs."),
    "history": Verb("auditor.cli.history", "history", "Ask what a monitor has seen over time."),
}


class Verbs(click.Group):
    """A group that loads no verb to list it, and turns our errors into one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the verbs in the order in which they are likely to be wanted."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Load a verb."""
        if cmd_name not in VERBS:
            return None
        verb = VERBS[cmd_name]
        command = getattr(import_module(verb.module), verb.command)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the verbs."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.does) for name, verb in VERBS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run a verb; whatever goes wrong with its input ends in a line and an exit status."""
        try:
            result: object = super().invoke(ctx)
        except AuditError as error:
            complain(str(error))
            ctx.exit(error.exit_status)
        except KeyboardInterrupt:
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            leave_pipe()
            ctx.exit(EXIT_CLEAN)
        except OSError as error:
            # Inputs and --output name themselves; what is left is standard output.
            complain(f"standard output: cannot be written: {error.strerror or error}")
            leave_pipe()
            ctx.exit(EXIT_INPUT)
        return result


def complain(text: str) -> None:
    """Say on standard error what is wrong, each line with the program's name."""
    from auditor.report.text import safe  # noqa: PLC0415 - unicodedata is not needed for help

    for line in text.splitlines():
        click.echo(f"auditor: {safe(line)}", err=True)


def announce(text: str) -> None:
    """Say on standard error what will take a while."""
    click.echo(f"auditor: {text}", err=True)


def leave_pipe() -> None:
    """Give up standard output, whose reader has gone, so that Python does not complain at exit."""
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - os.devnull is no path on Windows
        try:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        except (OSError, io.UnsupportedOperation):
            return


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 nothing found, 1 findings, 2 wrong usage, 3 unreadable input, "
    "130 interrupted. Manual: docs/report.md.",
)
@click.version_option(__version__, prog_name="auditor", message="%(prog)s %(version)s")
def main() -> None:
    """Hold captured traffic against the ports that Citrix documents.

    Reads captures, and says which traffic is not documented, which documented traffic is blocked
    or missing, and where that stands written.
    """
    # Nothing here does linear algebra, and a pool of waiting threads costs more than numpy itself.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Loading libraries and reading packets make objects that live on: looking for dead cycles
    # among them every 700 allocations costs a tenth of a short run.
    gc.set_threshold(100_000, 20, 20)
    # Nor need the last of them be looked through when the process, and so all of them, ends.
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        # A console that lacks a character shows its escape instead of ending the report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
