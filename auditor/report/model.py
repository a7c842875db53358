"""A report as values: five tables, what they rest on, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from auditor.errors import EXIT_CLEAN, EXIT_FINDINGS, EXIT_INPUT, EXIT_INTERRUPTED
from auditor.judge.vocabulary import Outcome, Severity, Verdict, Verification
from auditor.report.quality import NO_LOSS, LossInfo

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from auditor.capture.batch import CaptureFacts
    from auditor.report.table import Table

TOOL = "citrix-traffic-auditor"

FAIL_ON = ("high", "medium", "low", "never")
"""What `exit_status` takes: the least severity that counts."""


@dataclass(frozen=True)
class AuditInfo:
    """What a report was made with and from."""

    version: str
    edition: str
    catalog_digest: str
    sources: tuple[str, ...]
    """As given, not expanded."""
    started_ns: int
    finished_ns: int
    hosts_file: str | None = None
    since_ns: int | None = None
    """Only frames from then on were read, and before until_ns; None = all."""
    until_ns: int | None = None
    tool: str = TOOL
    engine: str = ""
    """Which path the packets took, and why; it changes no result."""
    dedup: bool = False
    """Copies of packets were left out."""
    live: bool = False
    """The sources are interfaces: nobody can read again what they brought."""
    stage_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each stage took, in order; for --verbose."""


@dataclass(frozen=True)
class CaptureInfo:
    """What the captures held, whatever became of it."""

    files: tuple[str, ...] = ()
    frames: int = 0
    bytes: int = 0
    """Wire lengths, summed."""
    first_ns: int | None = None
    last_ns: int | None = None
    truncated: bool = False
    dropped: int | None = None
    """None where no file says anything."""
    unreadable: tuple[str, ...] = ()
    """`SOURCE: reason`."""
    warnings: tuple[str, ...] = ()
    frames_by_status: Mapping[str, int] = field(default_factory=dict)
    """Status in lower case with hyphens, such as `not-ip`; every status, zero or not."""
    duplicates: int = 0
    """Frames that hold a packet which another frame holds, whether left out or not."""
    loss: LossInfo = NO_LOSS

    @classmethod
    def of(
        cls,
        facts: CaptureFacts,
        *,
        first_ns: int | None,
        last_ns: int | None,
        frames_by_status: Mapping[str, int],
        duplicates: int = 0,
    ) -> CaptureInfo:
        """Take over the reader's facts."""
        return cls(
            files=tuple(facts.files),
            frames=facts.frames,
            bytes=facts.bytes,
            first_ns=first_ns,
            last_ns=last_ns,
            truncated=facts.truncated,
            dropped=facts.dropped,
            unreadable=tuple(facts.unreadable),
            warnings=tuple(facts.warnings),
            frames_by_status=dict(frames_by_status),
            duplicates=duplicates,
        )

    @property
    def duplicate_share(self) -> float:
        """Share of the frames that are copies; 0 without frames."""
        return self.duplicates / self.frames if self.frames else 0.0

    @property
    def duration_s(self) -> float:
        """Seconds from the first frame to the last; 0 without frames."""
        if self.first_ns is None or self.last_ns is None:
            return 0.0
        return (self.last_ns - self.first_ns) / 1e9


class FlowSummary(TypedDict):
    """What the flows alone amount to."""

    flows: int
    by_outcome: dict[str, int]


class Summary(FlowSummary):
    """What a report amounts to; every word of a vocabulary is a key, its count zero or not."""

    by_verdict: dict[str, int]
    by_verification: dict[str, int]
    findings: dict[str, int]
    """Findings that count, by severity; under `accepted` those that the site accepted."""


@dataclass(frozen=True, eq=False)
class FlowReport:
    """The flow table alone: no site, no judgement."""

    tables: Mapping[str, Table]
    """`flows` alone, as layouts.FLOW_FACTS has it."""
    capture: CaptureInfo
    audit: AuditInfo
    interrupted: bool = False
    filter: str | None = None

    @property
    def flows(self) -> pd.DataFrame:
        """Give the flow table as a pandas frame."""
        return self.tables["flows"].frame

    @property
    def summary(self) -> FlowSummary:
        """Count the flows."""
        flows = self.tables["flows"]
        return {"flows": len(flows), "by_outcome": _tally(flows.tally("outcome"), Outcome)}

    def exit_status(self) -> int:
        """Say how the process ends: 3 beats 130 beats 0."""
        if self.capture.unreadable:
            return EXIT_INPUT
        return EXIT_INTERRUPTED if self.interrupted else EXIT_CLEAN

    def filtered(self, expression: str) -> FlowReport:
        """Keep the flows for which a pandas query holds; raise UsageError if it cannot be asked."""
        from auditor.report.selection import select_flows  # noqa: PLC0415 - loads pandas

        flows = select_flows(self.tables["flows"], expression)
        return replace(self, tables={"flows": flows}, filter=_both(self.filter, expression))

    def write(self, path: str | Path, format_name: str | None = None) -> None:
        """Write to `path`, in the format that its suffix names unless one is given."""
        from auditor.report.writers import save  # noqa: PLC0415 - writers read reports

        save(self, path, format_name)

    def __repr__(self) -> str:
        """Render as one line: the tables are far too long."""
        return f"<FlowReport: {len(self.tables['flows'])} flows>"


@dataclass(frozen=True, eq=False)
class Report:
    """An audit's result."""

    tables: Mapping[str, Table]
    """findings, flows, coverage, hosts and sessions, in the order in which JSON has them."""
    capture: CaptureInfo
    audit: AuditInfo
    finding_flows: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """finding_id -> the flow_ids that it rests on; none for what is missing."""
    interrupted: bool = False
    filter: str | None = None
    """The expression that narrowed the flows and findings, if any did."""
    weights: NDArray[np.int64] | None = None
    """How many flows the row with flow_id i + 1 stands for, if it stands for several: a watch
    condenses flows that are alike. None = one each."""

    def counts(self) -> NDArray[np.int64]:
        """Tell of each row of the flows how many it stands for."""
        flows = self.tables["flows"]
        if self.weights is None:
            return np.ones(len(flows), dtype=np.int64)
        counts: NDArray[np.int64] = self.weights[flows.array("flow_id") - 1]
        return counts

    @property
    def flows(self) -> pd.DataFrame:
        """Give the flow table as a pandas frame; the other tables likewise."""
        return self.tables["flows"].frame

    @property
    def findings(self) -> pd.DataFrame:
        """Give the findings, the gravest first."""
        return self.tables["findings"].frame

    @property
    def coverage(self) -> pd.DataFrame:
        """Give what the paper lets one expect, and what became of it."""
        return self.tables["coverage"].frame

    @property
    def hosts(self) -> pd.DataFrame:
        """Give the hosts of the capture."""
        return self.tables["hosts"].frame

    @property
    def sessions(self) -> pd.DataFrame:
        """Give the sessions, one row per pair of hosts."""
        return self.tables["sessions"].frame

    @property
    def summary(self) -> Summary:
        """Count flows and findings by what became of them."""
        flows, findings = self.tables["flows"], self.tables["findings"]
        counts = None if self.weights is None else self.counts()
        accepted = findings.array("accepted")
        severities = tuple(severity.word for severity in reversed(Severity))
        counted = findings.take(~accepted).tally("severity")
        return {
            "flows": len(flows) if counts is None else int(counts.sum()),
            "by_verdict": _tally(flows.tally("verdict", counts), Verdict),
            "by_outcome": _tally(flows.tally("outcome", counts), Outcome),
            "by_verification": _tally(flows.tally("verification", counts), Verification),
            "findings": _tally(counted, severities) | {"accepted": int(accepted.sum())},
        }

    def worst(self) -> str | None:
        """Name the highest severity that no exception of the site accepts."""
        counts = self.summary["findings"]
        return next((word for word in FAIL_ON if counts.get(word)), None)

    def exit_status(self, fail_on: str = "high") -> int:
        """Say how the process ends: 3 beats 130 beats 1 beats 0."""
        if self.capture.unreadable:
            return EXIT_INPUT
        if self.interrupted:
            return EXIT_INTERRUPTED
        worst = self.worst()
        if worst is None or fail_on == "never":
            return EXIT_CLEAN
        return EXIT_FINDINGS if FAIL_ON.index(worst) <= FAIL_ON.index(fail_on) else EXIT_CLEAN

    def filtered(self, expression: str) -> Report:
        """Keep the flows for which a pandas query holds, and the findings that rest on them.

        What is missing is left out, since a selection of flows cannot show an absence; coverage,
        hosts and sessions stay whole. Raises UsageError if the expression cannot be asked.
        """
        from auditor.report.selection import narrow_findings, select_flows  # noqa: PLC0415 - loads pandas

        flows = select_flows(self.tables["flows"], expression)
        kept = set(flows.values("flow_id"))
        links = {
            finding: remaining
            for finding, flow_ids in self.finding_flows.items()
            if (remaining := [flow_id for flow_id in flow_ids if flow_id in kept])
        }
        findings = narrow_findings(self.tables["findings"], flows, links)
        return replace(
            self,
            tables={**self.tables, "findings": findings, "flows": flows},
            finding_flows=links,
            filter=_both(self.filter, expression),
        )

    def write(self, path: str | Path, format_name: str | None = None) -> None:
        """Write to `path`, in the format that its suffix names unless one is given."""
        from auditor.report.writers import save  # noqa: PLC0415 - writers read reports

        save(self, path, format_name)

    def __repr__(self) -> str:
        """Render as one line: the tables are far too long."""
        found = ", ".join(f"{n} {word}" for word, n in self.summary["findings"].items() if n)
        return f"<Report: {len(self.tables['flows'])} flows, findings: {found or 'none'}>"


def _tally(
    counts: Counter[str | None], words: Sequence[str] | type[Outcome | Verdict | Verification]
) -> dict[str, int]:
    return {str(word): counts[str(word)] for word in words}


def _both(first: str | None, second: str) -> str:
    return second if first is None else f"({first}) and ({second})"
