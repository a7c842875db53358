"""The table of what services speak."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from auditor.catalog.load import load_catalog, rules_directory
from auditor.errors import RulesError
from auditor.evidence.promises import load_promises
from auditor.evidence.signatures import SignatureSet
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, TRANSPORT_NAMES

if TYPE_CHECKING:
    from pathlib import Path

RULES = rules_directory()
PROTOCOLS = SignatureSet.load(RULES / "signatures.yaml").protocols


def test_shipped_table_knows_the_ports_of_a_session() -> None:
    """A port maps to the protocols that prove it right; an unlisted one promises nothing."""
    promises = load_promises(RULES / "services.yaml", PROTOCOLS)
    assert promises.of(IPPROTO_TCP, 1494) == {"ica"}
    assert promises.of(IPPROTO_UDP, 16507) == {"rtp", "dtls", "stun"}
    assert promises.of(IPPROTO_TCP, 4711) == frozenset()
    assert promises.ports_of(IPPROTO_UDP, "tftp") == [69]
    assert promises.off_port == {"ica", "cgp", "flexnet", "tds", "netscaler-rpc"}


def test_shipped_table_promises_nothing_for_ports_that_no_rule_has() -> None:
    """Every service of the table is documented by some rule, in some pack."""
    promises = load_promises(RULES / "services.yaml", PROTOCOLS)
    rules = load_catalog().rules
    for transport, port in promises.speaks:
        assert any(
            service.transport == TRANSPORT_NAMES[transport]
            and service.low is not None
            and service.high is not None
            and service.low <= port <= service.high
            for rule in rules
            for service in rule.services
            if not rule.weak
        ), (transport, port)


def test_shipped_table_is_as_its_schema_says() -> None:
    """The table that is shipped satisfies the schema that editors use."""
    schema = json.loads((RULES / "schema" / "services.json").read_text(encoding="utf-8"))
    table = yaml.safe_load((RULES / "services.yaml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(table)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("services:\n  - {service: [tcp/99999], speaks: [http]}\n", 2, "65535"),
        ("services:\n  - {service: [tcp/80], speaks: [htpp]}\n", 2, "'htpp' is no protocol"),
        ("services:\n  - {service: [tcp/80]}\n", 2, "'speaks' is missing"),
        ("services:\n  - {service: [tcp/80], speak: [http]}\n", 2, "unknown key 'speak'"),
        (
            (
                "services:\n  - {service: [tcp/80], speaks: [http]}\n"
                "  - {service: [tcp/79-81], speaks: [http]}\n"
            ),
            3,
            "stands here twice",
        ),
    ],
)
def test_every_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    """A mistake in the table is refused with the place where it stands."""
    path = tmp_path / "services.yaml"
    path.write_text("off-port: [ica]\n" + text, encoding="utf-8")
    with pytest.raises(RulesError) as caught:
        load_promises(path, PROTOCOLS)
    problems = [p for p in caught.value.problems if words in p.message]
    assert [p.line for p in problems] == [line + 1]
