"""The rule files are written as their schemas say, and what is not is reported by line."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from auditor.catalog.check import check_catalog
from auditor.catalog.load import rules_directory
from auditor.catalog.model import PACKS
from auditor.catalog.vocabulary import (
    BASES,
    GROUP_MODES,
    NEEDS,
    ORIGIN_OF_PACK,
    PAPER_ORIGINS,
    ROLE_KINDS,
    RULE_CAVEATS,
)
from auditor.errors import AuditError, RulesError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMAS = rules_directory() / "schema"


def test_shipped_files() -> None:
    """The shipped files are free of mistakes."""
    checked = check_catalog()

    assert checked.editions == ("citrix-adc",)
    assert checked.files >= 18
    assert checked.catalog.rules


@pytest.mark.parametrize("name", ["rules", "roles", "features", "sessions"])
def test_schema_is_one(name: str) -> None:
    """A schema is itself valid."""
    Draft202012Validator.check_schema(json.loads((SCHEMAS / f"{name}.json").read_text()))


@pytest.mark.parametrize(
    ("schema", "definition", "key", "words"),
    [
        ("rules", "rule", "need", NEEDS),
        ("rules", "rule", "basis", BASES),
        ("rules", "rule", "group-mode", GROUP_MODES),
        ("rules", "rule", "origin", dict.fromkeys([*PAPER_ORIGINS, *ORIGIN_OF_PACK.values()])),
        ("roles", "role", "kind", ROLE_KINDS),
    ],
)
def test_words_of_the_schema(schema: str, definition: str, key: str, words: Iterable[str]) -> None:
    """Schema and loader know the same words."""
    document = json.loads((SCHEMAS / f"{schema}.json").read_text())

    assert document["$defs"][definition]["properties"][key]["enum"] == list(words)


def test_caveats_and_packs_of_the_schema() -> None:
    """Schema and loader know the same caveats and packs."""
    document = json.loads((SCHEMAS / "rules.json").read_text())

    caveats = document["$defs"]["rule"]["properties"]["caveats"]["items"]["enum"]
    assert caveats == list(RULE_CAVEATS)
    assert document["properties"]["pack"]["enum"] == list(PACKS)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("services: tcp/4711", 6, "services: 'tcp/4711' is not of type 'array'"),
        ("services: [tcp/4711]\n    caveats: [conditional, conditional]", 7, "non-unique elements"),
        ("services: [tcp/4711]\n    cadence: '60'", 7, "cadence: '60' is not of type 'integer'"),
        ("services: [tcp/4711]\n    purpose: x", 7, "'purpose' stands here and in line 7"),
        ("services: [tcp/0]", 6, "between 1 and 65535"),
    ],
)
def test_mistake(tmp_path: Path, text: str, line: int, message: str) -> None:
    """What the loader overlooks the schema finds, and nothing is said twice."""
    rule = (
        f"product: P\nrules:\n  - id: x\n    from: vda\n    to: ddc\n    {text}\n    purpose: p\n"
    )
    (tmp_path / "r.yaml").write_text(rule)

    with pytest.raises(RulesError) as caught:
        check_catalog([tmp_path])
    (problem,) = caught.value.problems
    expected = line + 1 if "stands here" in message else line
    assert (problem.path, problem.line) == (str(tmp_path / "r.yaml"), expected)
    assert message in problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- " * 200 + "x", "'product' is missing"),
        ("- " * 5000 + "x", "nested more than 100 levels deep"),
        (f"- &a [{'1,' * 1000}]\n- [{'*a,' * 1000}]", "its references repeat more than"),
    ],
)
def test_endless_rules(tmp_path: Path, text: str, message: str) -> None:
    """What would take the whole stack or all memory is refused before a schema sees it."""
    (tmp_path / "r.yaml").write_text(f"rules:\n{text}\n")

    with pytest.raises(RulesError, match=message):
        check_catalog([tmp_path])


def test_without_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where jsonschema is missing, the extra that brings it is named."""
    monkeypatch.setitem(sys.modules, "jsonschema", None)

    with pytest.raises(AuditError, match=r"install citrix-traffic-auditor\[check\]"):
        check_catalog()
