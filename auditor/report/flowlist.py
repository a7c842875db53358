"""The flow table as a person reads it: one line per conversation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.report import overview
from auditor.report.cells import plain_values
from auditor.report.text import byte_size, safe

if TYPE_CHECKING:
    import pandas as pd

    from auditor.report.model import FlowReport

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
    outcome = overview.outcome_text(report.summary["by_outcome"])
    return FlowDigest(
        captured=overview.captured(
            report.capture, report.summary["flows"], report.audit, report.filter
        ),
        warnings=overview.warnings(
            report.capture, interrupted=report.interrupted, dedup=report.audit.dedup
        ),
        summary=(("Outcome", outcome), *overview.proxied(report.flows)),
        provenance=overview.provenance(report),
    )


def flow_lines(flows: pd.DataFrame, *, since_ns: int | None) -> list[list[str]]:
    """Write the cells of each flow, as HEADINGS; starts count in seconds from since_ns."""
    names = ("flow_id", "client_ip", "server_ip", "transport", "server_port", "outcome")
    starts = flows["first_seen"].to_numpy(dtype="datetime64[ns]").astype("int64") - (since_ns or 0)
    packets = (flows["packets_out"] + flows["packets_in"]).tolist()
    sizes = (flows["bytes_out"] + flows["bytes_in"]).tolist()
    columns = (plain_values(name, flows[name]) for name in names)
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
