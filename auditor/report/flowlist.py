"""The flow table as a person reads it: one line per conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.report import overview
from auditor.report.text import byte_size, safe

if TYPE_CHECKING:
    from auditor.report.model import FlowReport
    from auditor.report.table import Table

HEADINGS = ("flow", "start s", "client", "server", "service", "outcome", "packets", "size")
RIGHT_ALIGNED = frozenset({"flow", "start s", "packets", "size"})


@dataclass(frozen=True)
class FlowDigest:
    """What is said around the list of flows."""

    captured: tuple[str, ...]
    warnings: tuple[str, ...]
    summary: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]


def tell_flows(report: FlowReport) -> FlowDigest:
    """Tell what was read and how the conversations went."""
    flows = report.tables["flows"]
    outcome = overview.outcome_text(report.summary["by_outcome"])
    return FlowDigest(
        captured=overview.captured(
            report.capture, report.summary["flows"], report.audit, report.filter
        ),
        warnings=overview.warnings(
            report.capture, interrupted=report.interrupted, dedup=report.audit.dedup
        ),
        summary=(("Outcome", outcome), *overview.proxied(flows)),
        provenance=overview.provenance(report),
    )


def flow_lines(flows: Table, *, since_ns: int | None) -> list[list[str]]:
    """Write the cells of each flow, as HEADINGS; starts count in seconds from since_ns."""
    names = ("flow_id", "client_ip", "server_ip", "transport", "server_port", "outcome")
    starts = flows.array("first_seen").astype(np.int64) - (since_ns or 0)
    packets = (flows.array("packets_out") + flows.array("packets_in")).tolist()
    sizes = (flows.array("bytes_out") + flows.array("bytes_in")).tolist()
    columns = map(flows.values, names)
    return [
        [
            str(flow_id),
            f"{start / 1e9:.3f}",
            safe(str(client)),
            safe(str(server)),
            f"{transport}/{port}" if port is not None else str(transport),
            str(outcome),
            f"{count:,}",
            byte_size(size),
        ]
        for flow_id, client, server, transport, port, outcome, start, count, size in zip(
            *columns, starts.tolist(), packets, sizes, strict=True
        )
    ]
