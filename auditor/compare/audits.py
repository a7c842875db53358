"""The JSON of an audit, read back as far as two audits can be compared."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.compare.fields import Fields
from auditor.errors import AuditError, UsageError
from auditor.judge.vocabulary import SERVED, Severity
from auditor.report.text import listed
from auditor.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
STANDARD_INPUT = "-"

_SEVERITIES = {severity.word: severity for severity in Severity}
_SERVED = frozenset(str(outcome) for outcome in SERVED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, without what moves from day to day."""

    id: str
    kind: str
    severity: Severity
    accepted: bool
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What identifies an expectation: a group of rules between two roles."""

    group: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    service: str = field(compare=False)
    """Its ports, in words; another edition may have others."""


@dataclass(frozen=True, slots=True)
class Host:
    """An address of the capture."""

    address: str
    name: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Talk:
    """Traffic that was answered, by the roles of its ends."""

    client_roles: tuple[str, ...]
    server_roles: tuple[str, ...]
    transport: str
    port: int | None


@dataclass(frozen=True)
class Audit:
    """What a file says of one audit."""

    path: str
    version: str
    edition: str
    digest: str
    hosts_file: str | None
    filter: str | None
    interrupted: bool
    truncated: bool
    unreadable: tuple[str, ...]
    dropped: int | None
    first_ns: int | None
    duration_s: float
    frames: int
    flows: int
    findings: Mapping[str, list[Finding]]
    """By identity; several where one pair of hosts and port is missed for several reasons."""
    coverage: Mapping[Expected, str]
    hosts: Mapping[str, Host]
    talks: frozenset[Talk]


def read_audit(source: str) -> Audit:
    """Read the JSON that `auditor audit` wrote; `-` is standard input.

    Raises AuditError where that is no JSON, of another schema, or no audit.
    """
    path = "standard input" if source == STANDARD_INPUT else source
    top = Fields(_parse(_read(source, path), path), path, "")
    schema = top.maybe_count("schema")
    if schema != SCHEMA:
        found = "none" if schema is None else str(schema)[:20]
        raise AuditError(f"{path}: expected the JSON of an audit, schema {SCHEMA}, found {found}")
    if "findings" not in top:
        raise AuditError(
            f"{path}: expected the JSON of `auditor audit`, found one without findings"
        )
    return _audit(top, path)


def _read(source: str, path: str) -> bytes:
    try:
        if source == STANDARD_INPUT:
            return sys.stdin.buffer.read()
        return Path(source).read_bytes()
    except OSError as error:
        raise AuditError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a zero byte in it
        raise AuditError(f"{path}: cannot be read: {error}") from error


def _parse(raw: bytes, path: str) -> object:
    try:
        parsed: object = json.loads(raw, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise AuditError(f"{place}: expected JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise AuditError(f"{path}: expected JSON, found byte {error.start} to be no text") from None
    except RecursionError:
        raise AuditError(f"{path}: expected the JSON of an audit, found endless nesting") from None
    except ValueError as error:
        raise AuditError(f"{path}: expected JSON: {error}") from None
    return parsed


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number there")


def _audit(top: Fields, path: str) -> Audit:
    audit, capture = top.fields("audit"), top.fields("capture")
    findings: dict[str, list[Finding]] = defaultdict(list)
    for row in top.rows("findings"):
        finding = _finding(row, path)
        findings[finding.id].append(finding)
    flows = list(top.rows("flows"))
    return Audit(
        path=path,
        version=audit.text("version"),
        edition=audit.text("edition"),
        digest=audit.text("catalog_digest"),
        hosts_file=audit.maybe_text("hosts_file"),
        filter=audit.maybe_text("filter"),
        interrupted=audit.flag("interrupted"),
        truncated=capture.flag("truncated"),
        unreadable=capture.texts("unreadable"),
        dropped=capture.maybe_count("dropped"),
        first_ns=_time(capture, path),
        duration_s=capture.number("duration_s"),
        frames=capture.maybe_count("frames") or 0,
        flows=len(flows),
        findings=dict(findings),
        coverage={_expected(row): row.text("status") for row in top.rows("coverage")},
        hosts={host.address: host for host in map(_host, top.rows("hosts"))},
        talks=frozenset(_talk(row) for row in flows if row.text("outcome") in _SERVED),
    )


def _time(capture: Fields, path: str) -> int | None:
    text = capture.maybe_text("first_seen")
    if text is None:
        return None
    try:
        time_ns = parse_time(text)
    except UsageError as error:
        raise AuditError(f"{path}: capture.first_seen: {error}") from None
    if abs(time_ns) >= 2**63:
        raise AuditError(f"{path}: capture.first_seen: expected a capture's time, found {text}")
    return time_ns


def _finding(row: Fields, path: str) -> Finding:
    word = row.text("severity")
    if word not in _SEVERITIES:
        known = ", ".join(_SEVERITIES)
        raise AuditError(f"{path}: expected a severity ({known}), found {word[:40]!r}")
    return Finding(
        id=row.text("finding_id"),
        kind=row.text("kind"),
        severity=_SEVERITIES[word],
        accepted=row.flag("accepted"),
        title=row.text("title"),
        reason=row.maybe_text("reason") or "",
    )


def _expected(row: Fields) -> Expected:
    service = "/".join(filter(None, (row.maybe_text("transport"), listed(row.counts("ports"), 3))))
    return Expected(
        row.text("group"), row.texts("source_roles"), row.texts("destination_roles"), service
    )


def _host(row: Fields) -> Host:
    return Host(row.text("address"), row.maybe_text("name"), row.texts("roles"))


def _talk(row: Fields) -> Talk:
    return Talk(
        row.texts("client_roles"),
        row.texts("server_roles"),
        row.text("transport"),
        row.maybe_count("server_port"),
    )
