"""What an annotated capture says of itself and of each of its frames."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.judge.vocabulary import UNEXPECTED
from auditor.report.notices import FindingRows
from auditor.report.text import count, listed, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.report.model import Report
    from auditor.report.picking import PickedFrame

_MOST_FINDINGS = 5
_MOST_SOURCES = 10
_MOST_LINES = 12


class Comments:
    """Comments on the frames of the flows that findings rest on."""

    def __init__(self, report: Report, flows_per_finding: int) -> None:
        """Choose the first so many flows of each finding; accepted findings count too."""
        self._report = report
        self._flows_per_finding = flows_per_finding
        rows = FindingRows(report.tables["findings"])
        told: Mapping[int, list[int]] = defaultdict(list)
        for row in rows.by_severity():
            for flow_id in report.finding_flows.get(rows.id[row], ())[:flows_per_finding]:
                told[flow_id].append(row)
        self.flow_ids = frozenset(told)
        flows = report.tables["flows"]
        self._packets: dict[int, int] = {}
        self._of_flow: dict[int, str] = {}
        for flow in flows.take(np.isin(flows.array("flow_id"), list(told))).rows():
            flow_id = flow["flow_id"]
            self._packets[flow_id] = flow["packets_out"] + flow["packets_in"]
            lines = [*_findings(rows, told[flow_id]), _judgement(flow)]
            self._of_flow[flow_id] = "\n".join(map(safe, lines))

    def of_file(self) -> str:
        """Say what the file holds, where it comes from and what that was held against."""
        report = self._report
        about, capture = report.audit, report.capture
        rest = sum(bool(flows) for flows in report.finding_flows.values())
        site = f"site file {about.hosts_file}" if about.hosts_file else "no site file"
        flows = count(self._flows_per_finding, "flow")
        lines = [
            "No finding rests on a frame.",
            f"From {listed(capture.files, _MOST_SOURCES)}; of each finding the first {flows}.",
            f"Held against paper edition {about.edition}, rules {about.catalog_digest}, {site}.",
        ]
        if rest:
            findings = count(rest, "finding")
            lines[0] = f"Frames that {findings} of an audit rest on, accepted ones included."
        return "\n".join(map(safe, lines))

    def of_frame(self, frame: PickedFrame) -> str:
        """Say what was found of the frame's flow, and where the frame comes from."""
        if frame.error:
            role = f"ICMP error that quotes flow {frame.flow_id}"
        else:
            way = "client to server" if frame.from_client else "server to client"
            place = f"frame {frame.index} of {self._packets[frame.flow_id]:,}"
            role = f"flow {frame.flow_id}, {place}, {way}"
        origin = f"frame {frame.place.number} of {frame.place.capture}"
        return f"{self._of_flow[frame.flow_id]}\n{safe(f'{role}; {origin}')}"


def _findings(rows: FindingRows, chosen: list[int]) -> Iterator[str]:
    for row in chosen[:_MOST_FINDINGS]:
        accepted = ", accepted by the site" if rows.accepted[row] else ""
        yield f"{rows.severity[row]}{accepted}: {rows.title[row]}"
        if rows.reason[row]:
            yield f"  {rows.reason[row]}"
    if len(chosen) > _MOST_FINDINGS:
        yield f"and {count(len(chosen) - _MOST_FINDINGS, 'finding')} more"


def _judgement(flow: Mapping[str, Any]) -> str:
    """Write verdict, outcome, lines, rules and caveats of a row of the flow table."""
    rows, rule_ids, caveats = (flow[name] for name in ("rows", "rule_ids", "caveats"))
    parts = [f"{flow['verdict']}, {flow['outcome']}"]
    near = "near " if flow["verdict"] in UNEXPECTED else ""
    if rows:
        parts.append(f"{near}l.{listed(rows, _MOST_LINES)} of the paper")
    if rule_ids:
        parts.append(f"{near}rules {listed(rule_ids, _MOST_LINES)}")
    if caveats:
        parts.append(", ".join(caveats))
    return "; ".join(parts)
