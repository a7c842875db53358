"""The README keeps its word: its first command prints what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from auditor.cli import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_readme_shows_what_its_first_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report in the README is the real output of the audit command above it."""
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds[:3] == ["sh", "text", "sh"]
    command = BLOCKS[0][1].strip().splitlines()[-1]
    program, *arguments = shlex.split(command)
    assert program == ".venv/bin/auditor"
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0
    assert result.stdout == BLOCKS[1][1]


def test_readme_has_its_two_commands_first_and_fetches_no_clone() -> None:
    """The first two `sh` blocks run from the clone's root, the audit with --fail-on never."""
    shell = [text for kind, text in BLOCKS if kind == "sh"]
    assert len(shell) == 2
    assert "--fail-on never" in shell[0]
    assert "pytest" in shell[1]
    assert not any("git clone" in text for text in shell)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_readme_links_lead_somewhere(link: str) -> None:
    """Every relative link of the README is a file or folder of the project."""
    assert (ROOT / link).exists()
