"""auditor.cli: the list of verbs, and how a run ends."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from invoked import auditor

from auditor import __version__
from auditor.cli import VERBS, main
from auditor.errors import CaptureError, Problem, SiteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"
CAPTURE = SAMPLES / "branch-office.pcapng"
SITE = str(SAMPLES / "branch-office.hosts.yaml")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "auditor", *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let `auditor flows` fail in a given way."""

    def fail_with(error: BaseException) -> None:
        @click.command()
        def flows() -> None:
            raise error

        monkeypatch.setattr("auditor.cli.flows.flows", flows)

    import_module("auditor.cli.flows")
    return fail_with


def test_help_lists_every_verb_with_what_it_does() -> None:
    """The list is there without loading a verb."""
    result = run("--help")
    assert result.returncode == 0
    for name, verb in VERBS.items():
        assert f"  {name}" in result.stdout
        assert verb.does in result.stdout


def test_help_loads_no_heavy_library() -> None:
    """The list of verbs and a verb's own help come at once, since nothing big is imported."""
    code = (
        "import sys; from auditor.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "print(*{'numpy', 'pandas', 'dpkt', 'tabulate', 'yaml'} & sys.modules.keys(), sep=',')"
    )
    for arguments in (["--help"], ["audit", "--help"], ["flows", "--help"]):
        result = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        assert result.stdout.splitlines()[-1] == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "--hosts", SITE, "--format", "json"),
        ("audit", "--hosts", SITE, "--format", "table", "--verbose"),
        ("audit", "--format", "csv"),
        ("audit", "--format", "markdown"),
        ("flows", "--format", "json"),
        ("flows", "--format", "table"),
        ("explain", "--flow", "1", "--format", "json"),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
def test_pandas_is_not_loaded_for_text(arguments: tuple[str, ...]) -> None:
    """A report is written from its own columns: loading pandas takes longer than a small audit."""
    verb, *options = arguments
    code = (
        "import sys; from auditor.cli import main; main(sys.argv[1:], standalone_mode=False);"
        "print(*{'pandas', 'pyarrow', 'numba'} & sys.modules.keys(), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, verb, str(CAPTURE), *options],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout
    assert result.stderr.split() == []


@pytest.mark.parametrize("name", VERBS)
def test_every_listed_verb_exists_and_describes_itself(name: str) -> None:
    """No verb is announced that cannot be called."""
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.help


def test_the_version_is_the_packages() -> None:
    """`auditor --version` names the program and its version."""
    assert run("--version").stdout.strip() == f"auditor {__version__}"


def test_an_unknown_verb_is_wrong_usage() -> None:
    """The status is 2 and the message names the verb."""
    result = run("audti")
    assert result.returncode == 2
    assert "audti" in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (CaptureError("a.pcap", "no capture"), 3, ["auditor: a.pcap: no capture"]),
        (UsageError("--since: no"), 2, ["auditor: --since: no"]),
        (
            SiteError([Problem("h.yaml", 3, "no role"), Problem("h.yaml", 9, "no name")]),
            3,
            ["auditor: h.yaml:3: no role", "auditor: h.yaml:9: no name"],
        ),
        (CaptureError("\x1b[2J.pcap", "no capture"), 3, ["auditor: \\x1b[2J.pcap: no capture"]),
        (KeyboardInterrupt(), 130, []),
        (BrokenPipeError(), 0, []),
    ],
)
def test_an_error_ends_in_lines_and_a_status(
    failing: Callable[[BaseException], None], error: BaseException, status: int, lines: list[str]
) -> None:
    """Each problem is a line on standard error; standard output stays empty; no traceback."""
    failing(error)
    result = auditor("flows")
    assert result.status == status
    assert result.stderr.splitlines() == lines
    assert result.stdout == ""


def test_a_bug_is_not_hidden(failing: Callable[[BaseException], None]) -> None:
    """Only what we raise on purpose is turned into a line."""
    failing(ZeroDivisionError("bug"))
    with pytest.raises(ZeroDivisionError):
        auditor("flows")
