"""The clue file: the shipped one is sound, and every mistake in one is found with its line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from inferring import listener
from jsonschema import Draft202012Validator

from auditor.catalog.load import load_catalog, rules_directory
from auditor.catalog.model import Service
from auditor.errors import RulesError
from auditor.infer.cluefile import CLUES_FILE, read_clues

if TYPE_CHECKING:
    from auditor.infer.clues import ClueBook

CATALOG = load_catalog()
SHIPPED = rules_directory() / CLUES_FILE
SCHEMA = json.loads((rules_directory() / "schema" / "inference.json").read_text(encoding="utf-8"))
MANUAL = Path(__file__).resolve().parents[1] / "docs" / "inference.md"

HEAD = "threshold: 70\nmention: 50\nhabit-weight: 35\n"
CLUE = (
    "  - {id: one, role: vda, side: server, protocols: [ica], weight: 90, says: 'spoke to {peers}'}"
)


def read(path: Path, text: str) -> ClueBook:
    """Read a clue file of that text."""
    path.write_text(text, encoding="utf-8")
    return read_clues(path, CATALOG, listener().signatures.protocols)


def test_shipped_clues_name_rules_that_exist() -> None:
    """A clue of the shipped file never falls silently out of the shipped catalog."""
    raw = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    named = {rule for clue in raw["clues"] for rule in clue.get("rules", ())}
    assert named <= CATALOG.by_id.keys()
    assert len(read_clues(SHIPPED, CATALOG, listener().signatures.protocols).clues) == len(
        raw["clues"]
    )


def test_shipped_clues_follow_the_schema() -> None:
    """The shipped file is as its schema says, and the schema is one."""
    Draft202012Validator.check_schema(SCHEMA)
    raw = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(raw)] == []


def test_manual_names_every_key() -> None:
    """The manual has each key of a clue, and the example in it is a clue file."""
    text = MANUAL.read_text(encoding="utf-8")
    for key in SCHEMA["$defs"]["clue"]["properties"]:
        assert f"`{key}`" in text
    example = text.split("```yaml\n")[1].split("```")[0]
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(example))) == []


def test_no_clue_alone_makes_more_of_a_port_than_payload_does() -> None:
    """Only payload or a peer makes a role sure by one clue; and a name never counts by itself."""
    book = read_clues(SHIPPED, CATALOG, listener().signatures.protocols)
    mutual_port = {"virtual-path"}  # nobody else's port, and its payload has no signature
    for clue in book.clues:
        if clue.weight >= book.threshold and clue.id not in mutual_port:
            assert clue.protocols or clue.peer or clue.names, clue.id
    assert book.habit_weight < book.mention < book.threshold


def test_ports_follow_the_site(tmp_path: Path) -> None:
    """A clue that names a rule looks where the site moved it; one without its rule is left out."""
    path = tmp_path / "clues.yaml"
    path.write_text(
        f"{HEAD}clues:\n"
        "  - {id: a, role: pvs, side: server, rules: [pvs-streaming], weight: 50, says: x}\n"
        "  - {id: b, role: pvs, side: server, rules: [of-another-edition], weight: 50, says: x}\n",
        encoding="utf-8",
    )
    moved = replace(CATALOG.by_id["pvs-streaming"], services=(Service("udp", 6910, 6968),))
    (clue,) = read_clues(path, CATALOG, {}, [moved]).clues
    assert clue.services == (Service("udp", 6910, 6968),)


@pytest.mark.parametrize(
    ("clue", "line", "message"),
    [
        ("{id: One, role: vda, side: client, protocols: [ica], weight: 9, says: x}", 5, "lower"),
        ("{id: a, role: vdx, side: client, protocols: [ica], weight: 9, says: x}", 5, "'vdx'"),
        ("{id: a, role: vda, side: peer, protocols: [ica], weight: 9, says: x}", 5, "'peer'"),
        ("{id: a, role: vda, side: client, protocols: [iac], weight: 9, says: x}", 5, "'iac'"),
        ("{id: a, role: vda, side: client, weight: 9, says: x}", 5, "would fit any flow"),
        ("{id: a, role: vda, side: alone, weight: 9, says: x}", 5, "asks for 'also'"),
        ("{id: a, role: vda, side: client, services: [80], weight: 9, says: x}", 5, "tcp/443"),
        ("{id: a, role: vda, side: client, protocols: [ica], weight: 100, says: x}", 5, "1 to 99"),
        ("{id: a, role: vda, side: client, protocols: [ica], weight: 9}", 5, "'says' is missing"),
        ("{id: a, role: vda, side: client, protocols: [ica], weight: 9, says: '{x}'}", 5, "{x}"),
        ("{id: a, role: vda, side: client, protocols: [ica], weight: 9, says: '{'}", 5, "'says'"),
        ("{id: a, role: vda, side: client, peer: [x], protocols: [ica], weight: 9, says: x}", 5,
         "'x' is not known"),
        ("{id: a, role: vda, side: client, ports: [1], weight: 9, says: x}", 5, "'ports'"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, clue: str, line: int, message: str) -> None:
    """A mistake in a clue is named with its line."""
    path = tmp_path / "clues.yaml"
    with pytest.raises(RulesError) as raised:
        read(path, f"{HEAD}clues:\n  - {clue}\n")
    assert any(p.line == line and message in p.message for p in raised.value.problems)


def test_mistakes_outside_clues(tmp_path: Path) -> None:
    """Measures, habits and an id given twice are checked too, all in one go."""
    path = tmp_path / "clues.yaml"
    with pytest.raises(RulesError) as raised:
        read(path, f"mention: 50\nclues:\n{CLUE}\n{CLUE}\nhabits:\n  - {{role: vda, words: [VDA]}}")
    assert [(p.line, p.message) for p in raised.value.problems] == [
        (1, "'threshold' is missing"),
        (1, "'habit-weight' is missing"),
        (4, "clue 'one' stands here twice"),
        (6, "'words': expected lower-case letters, found 'VDA'"),
    ]
