"""The JSON Schema of the site file and the loader agree on what a site file looks like."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from site_files import problems

from auditor.catalog.load import rules_directory
from auditor.catalog.model import PACKS

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((rules_directory() / "schema" / "site.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

HOST: dict[str, object] = {"addresses": ["10.0.0.1"], "roles": ["vda"]}
NETWORK: dict[str, object] = {"cidr": "10.0.0.0/8", "roles": ["vda"]}
NAME: dict[str, object] = {"pattern": "*.nssvc.net", "roles": ["gateway-service"]}
OVERRIDE: dict[str, object] = {"rule": "streaming", "ports": ["6910-6968"]}
EXCEPTION: dict[str, object] = {"client": "vda", "reason": "known"}
DENIAL: dict[str, object] = {"from": "vda", "to": "ddc"}
SECTIONS: dict[str, dict[str, object]] = {
    "hosts": HOST,
    "networks": NETWORK,
    "names": NAME,
    "overrides": OVERRIDE,
    "exceptions": EXCEPTION,
    "deny": DENIAL,
}

GOOD: list[object] = [
    {},
    dict.fromkeys(SCHEMA["properties"]),
    {"site": "example", "infer": True, "packs": list(PACKS)},
    {"infer": "no", "packs": "paper"},
    {"packs": ["ambient/dhcp"], "features": {"edt": True, "adc-ha": "off"}},
    *({section: [entry]} for section, entry in SECTIONS.items()),
    *({section: []} for section in SECTIONS),
    {"hosts": [HOST, {"name": None, "addresses": None, "macs": "02:1a:0a:14:07:6f", "roles": []}]},
    {"hosts": [HOST | {"addresses": "2001:db8::10", "roles": "vda", "name": "a b"}]},
    {"hosts": [HOST | {"addresses": ["::1", "::ffff:10.0.0.1", "255.255.255.255"]}]},
    {"hosts": [HOST | {"macs": ["02-1A-0A-14-07-6F", "021a.0a14.076f", "021a0a14076f"]}]},
    {"networks": [NETWORK | {"cidr": "2001:db8::/32", "name": "desks"}]},
    {"names": [NAME | {"pattern": "GW.example."}, NAME | {"pattern": "ddc1"}]},
    {"overrides": [OVERRIDE | {"ports": 443}]},
    {"overrides": [OVERRIDE | {"ports": ["tcp/80", "udp/1-2", 5]}]},
    {"exceptions": [EXCEPTION | {"server": None, "port": "icmp", "owner": "x"}]},
    {"exceptions": [{"port": "udp/100-200", "reason": "known", "until": "2027-01-31"}]},
    {"exceptions": [EXCEPTION | {"client": "10.0.0.0/8", "server": "::1", "port": "tcp"}]},
]
BAD: list[object] = [
    [],
    "hosts",
    {"hostz": []},
    {"site": []},
    {"site": "a\x1bb"},
    {"infer": "perhaps"},
    {"infer": 1},
    {"packs": []},
    {"packs": ["zork"]},
    {"packs": {"paper": True}},
    {"features": ["edt"]},
    {"features": {"edt": "perhaps"}},
    {"features": {"edt": None}},
    {"features": {"E D T": True}},
    *({section: {"x": 1}} for section in SECTIONS),
    *({section: ["x"]} for section in SECTIONS),
    *({section: [None]} for section in SECTIONS),
    *({section: [entry | {"zork": 1}]} for section, entry in SECTIONS.items()),
    *(
        {section: [{key: value for key, value in entry.items() if key != left_out}]}
        for section, entry in SECTIONS.items()
        for left_out in entry
    ),
    *({section: [entry | {key: {}}]} for section, entry in SECTIONS.items() for key in entry),
    *({section: [entry | {key: None}]} for section, entry in SECTIONS.items() for key in entry),
    {"hosts": [HOST | {"addresses": []}]},
    {"hosts": [HOST | {"addresses": ["10.0.0.300"]}]},
    {"hosts": [HOST | {"addresses": ["10.0.0"]}]},
    {"hosts": [HOST | {"addresses": ["10.0.0.0/24"]}]},
    {"hosts": [HOST | {"addresses": ["ddc1.example"]}]},
    {"hosts": [HOST | {"macs": []}]},
    {"hosts": [HOST | {"macs": ["02:1a:0a:14:07"]}]},
    {"hosts": [HOST | {"macs": ["02:1a-0a:14:07:6f"]}]},
    {"hosts": [HOST | {"roles": ["Virtual Delivery Agent"]}]},
    {"hosts": [HOST | {"roles": [["vda"]]}]},
    {"networks": [NETWORK | {"cidr": "10.0.0.0"}]},
    {"networks": [NETWORK | {"cidr": ["10.0.0.0/8"]}]},
    {"names": [NAME | {"pattern": "*nssvc.net"}]},
    {"names": [NAME | {"pattern": "a..b"}]},
    {"names": [NAME | {"roles": []}]},
    {"overrides": [OVERRIDE | {"ports": []}]},
    {"overrides": [OVERRIDE | {"ports": ["http"]}]},
    {"overrides": [OVERRIDE | {"ports": ["tcp"]}]},
    {"overrides": [OVERRIDE | {"ports": [0]}]},
    {"overrides": [OVERRIDE | {"ports": [65536]}]},
    {"exceptions": [EXCEPTION | {"reason": " "}]},
    {"exceptions": [EXCEPTION | {"port": "3389"}]},
    {"exceptions": [EXCEPTION | {"port": "icmp/8"}]},
    {"exceptions": [EXCEPTION | {"until": "31.1.2027"}]},
    {"deny": [DENIAL | {"from": ["vda"]}]},
]


def loads(directory: Path, content: object) -> bool:
    """Say whether the loader accepts a document."""
    path = directory / "site.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return not problems(path)


def test_schema_is_one() -> None:
    """The schema is itself valid."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("content", GOOD, ids=json.dumps)
def test_good(tmp_path: Path, content: object) -> None:
    """What a site file may look like, schema and loader accept."""
    assert list(VALIDATOR.iter_errors(content)) == []
    assert loads(tmp_path, content)


@pytest.mark.parametrize("content", BAD, ids=json.dumps)
def test_bad(tmp_path: Path, content: object) -> None:
    """What a site file must not look like, schema and loader refuse."""
    assert not VALIDATOR.is_valid(content)
    assert not loads(tmp_path, content)


@given(st.lists(st.sampled_from([*GOOD, *BAD]), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_together(tmp_path: Path, contents: list[object]) -> None:
    """Good and bad sections in one file are judged the same way by both."""
    merged: dict[object, object] = {}
    for content in contents:
        if isinstance(content, dict):
            merged |= content
    assert VALIDATOR.is_valid(merged) == loads(tmp_path, merged)


def test_every_key_is_described() -> None:
    """An editor can show what each key is for."""
    objects = [SCHEMA, *(each for each in SCHEMA["$defs"].values() if "properties" in each)]
    assert len(objects) == len(SECTIONS) + 1
    for each in objects:
        for key, value in each["properties"].items():
            assert value.get("description"), key
