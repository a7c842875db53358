"""What a report says of itself as a whole, for the formats that programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.report.model import AuditInfo, CaptureInfo, FlowReport, Report

SCHEMA = 1
"""Number of the form in which facts and tables are written; it grows when readers must change."""


def facts(report: Report | FlowReport) -> Mapping[str, object]:
    """Give the schema number, and the facts of audit, capture and summary, as JSON has them."""
    return {
        "schema": SCHEMA,
        "audit": _audit(report),
        "capture": _capture(report.capture),
        "summary": report.summary,
    }


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
        "dedup": audit.dedup,
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
        "duplicates": capture.duplicates,
        "duplicate_share": capture.duplicate_share,
        "acks": capture.loss.acks,
        "gaps": capture.loss.gaps,
        "loss_share": capture.loss.share,
        "one_sided_flows": capture.loss.one_sided_flows,
        "loss": [pair._asdict() for pair in capture.loss.pairs],
        "loss_by_capture": [own._asdict() for own in capture.loss.captures],
    }
