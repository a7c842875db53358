"""JSON, schema 1: ASCII, one table row a line, `null` where there is nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from auditor.report.cells import plain_values
from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from auditor.report.model import AuditInfo, CaptureInfo, FlowReport, Report
    from auditor.report.writers import Style

SCHEMA = 1

_ROWS_AT_ONCE = 10_000


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the facts of the audit and then every table; rows go out as they are made."""
    facts = {
        "schema": SCHEMA,
        "audit": _audit(report),
        "capture": _capture(report.capture),
        "summary": report.summary,
    }
    out.write("{\n")
    out.write(",\n".join(f"{_dump(key)}: {_dump(value)}" for key, value in facts.items()))
    for name, table in report.tables.items():
        out.write(f",\n{_dump(name)}: [")
        separator = "\n"
        for row in _rows(table):
            out.write(f"{separator}{_dump(row)}")
            separator = ",\n"
        out.write("]" if separator == "\n" else "\n]")
    out.write("\n}\n")


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _rows(table: pd.DataFrame) -> Iterator[Mapping[str, object]]:
    names = [str(name) for name in table.columns]
    for start in range(0, len(table), _ROWS_AT_ONCE):
        part = table.iloc[start : start + _ROWS_AT_ONCE]
        columns = [plain_values(name, part[name]) for name in names]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _audit(report: Report | FlowReport) -> Mapping[str, object]:
    audit: AuditInfo = report.audit
    return {
        "tool": audit.tool,
        "version": audit.version,
        "edition": audit.edition,
        "catalog_digest": audit.catalog_digest,
        "hosts_file": audit.hosts_file,
        "sources": audit.sources,
        "started": time_text(audit.started_ns),
        "finished": time_text(audit.finished_ns),
        "since": None if audit.since_ns is None else time_text(audit.since_ns),
        "until": None if audit.until_ns is None else time_text(audit.until_ns),
        "filter": report.filter,
        "interrupted": report.interrupted,
    }


def _capture(capture: CaptureInfo) -> Mapping[str, object]:
    return {
        "files": len(capture.files),
        "file_names": capture.files,
        "frames": capture.frames,
        "bytes": capture.bytes,
        "first_seen": None if capture.first_ns is None else time_text(capture.first_ns),
        "last_seen": None if capture.last_ns is None else time_text(capture.last_ns),
        "duration_s": capture.duration_s,
        "truncated": capture.truncated,
        "dropped": capture.dropped,
        "unreadable": capture.unreadable,
        "warnings": capture.warnings,
        "frames_by_status": dict(capture.frames_by_status),
    }
