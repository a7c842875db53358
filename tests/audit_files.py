"""The JSON of invented audits, as far as comparing them needs it."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = dict[str, object]


def finding(name: str, severity: str = "high", **given: object) -> Json:
    """Describe a finding."""
    row: Json = {
        "finding_id": name,
        "kind": "unexpected",
        "severity": severity,
        "accepted": False,
        "title": f"not documented: {name}",
        "reason": "a reason",
        "flows": 3,
    }
    return row | given


def expected(status: str, source: str = "vda", **given: object) -> Json:
    """Describe an expectation."""
    row: Json = {
        "group": "cvad-registration",
        "source_roles": [source],
        "destination_roles": ["ddc"],
        "transport": "tcp",
        "ports": [80, 443],
        "status": status,
    }
    return row | given


def flow(port: int | None, outcome: str = "established", **given: object) -> Json:
    """Describe a flow."""
    row: Json = {
        "client_roles": ["vda"],
        "server_roles": ["ddc"],
        "transport": "tcp",
        "server_port": port,
        "outcome": outcome,
    }
    return row | given


def audit(
    findings: list[Json] | None = None,
    coverage: list[Json] | None = None,
    flows: list[Json] | None = None,
    hosts: list[Json] | None = None,
    told: Json | None = None,
) -> Json:
    """Describe an audit as its JSON does; `told` goes into `audit` and `capture`."""
    given = told or {}
    facts: Json = {
        "version": "0.1.0",
        "edition": "citrix-adc",
        "catalog_digest": "9f2c" * 16,
        "hosts_file": "site.yaml",
        "filter": None,
        "interrupted": False,
    }
    capture: Json = {
        "frames": 100,
        "first_seen": "2026-01-31T10:00:00.123456789Z",
        "duration_s": 720.5,
        "truncated": False,
        "dropped": None,
        "unreadable": [],
    }
    return {
        "schema": 1,
        "audit": facts | {key: value for key, value in given.items() if key in facts},
        "capture": capture | {key: value for key, value in given.items() if key in capture},
        "summary": {},
        "findings": findings or [],
        "flows": flows or [],
        "coverage": coverage or [],
        "hosts": hosts or [],
    }
