"""auditor.cli.compare: how a comparison is asked for, and how it ends."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest
from audit_files import audit, finding
from invoked import auditor

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where two audits are, of which the new one has one finding more."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.json").write_text(json.dumps(audit([finding("x")])))
    new = json.dumps(audit([finding("x"), finding("y", "medium")]))
    (tmp_path / "new.json").write_text(new)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["old.json", "new.json"], 1),
        (["new.json", "old.json"], 0),
        (["old.json", "old.json"], 0),
        (["old.json", "new.json", "--fail-on", "medium"], 1),
        (["old.json", "new.json", "--fail-on", "high"], 0),
        (["old.json", "new.json", "--fail-on", "never"], 0),
    ],
)
def test_the_status_says_whether_something_new_counts(arguments: list[str], status: int) -> None:
    """1 for a new finding at or above the threshold, whatever is printed."""
    run = auditor("compare", *arguments)
    assert (run.status, run.stderr) == (status, "")
    assert run.stdout.startswith(f"old  {arguments[0]}: ")


@pytest.mark.parametrize(
    ("name", "begin"),
    [("out.json", "{"), ("out.md", "# Two audits"), ("out.csv", "what,"), ("out.txt", "old  ")],
)
def test_the_suffix_of_the_output_chooses_the_format(here: Path, name: str, begin: str) -> None:
    """Nothing is printed where a file is written."""
    run = auditor("compare", "old.json", "new.json", "-o", name)
    assert (run.status, run.stdout, run.stderr) == (1, "", "")
    assert (here / name).read_text().startswith(begin)


def test_the_format_can_be_chosen() -> None:
    """Each format goes to standard output."""
    run = auditor("compare", "old.json", "new.json", "--format", "json")
    assert json.loads(run.stdout)["findings"]["appeared"][0]["finding_id"] == "y"


def test_one_audit_may_come_through_a_pipe(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auditor audit --format json | auditor compare old.json -`."""
    text = (here / "new.json").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    run = auditor("compare", "old.json", "-")
    assert run.status == 1
    assert "new  standard input: " in run.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["none.json", "new.json"], 3, "auditor: none.json: cannot be read: No such file"),
        (["old.json", "odd.json"], 3, "auditor: odd.json:1:1: expected JSON: Expecting value"),
        (["old.json", "a\x1bb"], 3, "auditor: a\\x1bb: cannot be read: "),
        (["-", "-"], 2, "auditor: compare: only one of the two can be standard input\n"),
        (["old.json", "new.json", "-o", "no/x"], 2, "auditor: no/x: cannot be written: "),
        (["old.json"], 2, "Usage: "),
    ],
)
def test_bad_input_ends_in_one_line(
    here: Path, arguments: list[str], status: int, message: str
) -> None:
    """The line names the file; nothing is printed."""
    (here / "odd.json").write_text("hello")
    run = auditor("compare", *arguments)
    assert (run.status, run.stdout) == (status, "")
    assert run.stderr.startswith(message)
