"""docs/report.md: the manual knows every word that a report can hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from auditor.catalog.load import load_catalog
from auditor.catalog.vocabulary import FLOW_CAVEATS, RULE_CAVEATS
from auditor.judge.vocabulary import Coverage, Outcome, Remark, Verdict, Verification
from auditor.report.layouts import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS, SESSIONS
from auditor.report.writers import FORMATS

MANUAL = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")

KINDS = ("unexpected", "contradicted", "masquerade", "blocked", "missing", "insecure", "unknown")


def words_of(heading: str) -> set[str]:
    """Give the words set as code in the chapter under a heading."""
    chapter = MANUAL.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"`([^`\n]+)`", chapter))


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Flows", FLOWS),
        ("Findings", [*FINDINGS, *KINDS]),
        ("Coverage", [*COVERAGE, *Coverage]),
        ("Hosts", HOSTS),
        ("Sessions", [*SESSIONS, *Remark, *(path.id for path in load_catalog().session_paths)]),
        ("Outcome", Outcome),
        ("Verdict", Verdict),
        ("Caveats", [*RULE_CAVEATS, *FLOW_CAVEATS]),
        ("Verification", Verification),
        ("Formats", FORMATS),
    ],
)
def test_the_manual_explains_every_word(heading: str, words: list[str]) -> None:
    """Each column and each word of a vocabulary stands in its chapter."""
    assert {str(word) for word in words} <= words_of(heading)


def test_the_manual_marks_the_columns_of_the_flow_table_alone() -> None:
    """The dots are where `auditor flows` has a column."""
    rows = re.findall(r"^\| (`[^|]+) \| (●?) ?\|", MANUAL, flags=re.MULTILINE)
    marked = {name for names, dot in rows if dot for name in re.findall(r"`(\w+)`", names)}
    assert marked == set(FLOW_FACTS)
