"""The flow's first frames, read once more, and what Wireshark makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.errors import AuditError
from auditor.explain.model import Frames
from auditor.explain.wireshark import NotAvailableError, dissect
from auditor.report.picking import picked_frames
from auditor.report.wanted import wanted_flows

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.report.model import Report

MOST_FRAMES = 12


def read_frames(
    report: Report, flow_id: int, progress: Callable[[int, int, int], None] | None = None
) -> Frames:
    """Read the first frames of a flow; what cannot be had is said, not raised."""
    begins = wanted_flows(report.tables["flows"], [flow_id])
    try:
        picked = tuple(
            picked_frames(
                report.capture.files, begins, MOST_FRAMES, progress, dedup=report.audit.dedup
            )
        )
    except AuditError as error:
        return Frames(unavailable=str(error), wireshark_unavailable="no frames to show it")
    if not picked:
        changed = "the capture changed while it was read"
        return Frames(unavailable=changed, wireshark_unavailable="no frames to show it")
    try:
        return Frames(picked, tuple(dissect(picked)))
    except NotAvailableError as error:
        return Frames(picked, wireshark_unavailable=str(error))
