"""What a person is told of an audit, in the order in which it is worth reading.

The writers for people lay this out and escape it; they choose and count nothing themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.judge.vocabulary import Severity
from auditor.report import overview
from auditor.report.text import byte_size, count, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from auditor.report.model import Report

EXPECTED = "Expected, not seen"

SEVERITIES = tuple(severity.word for severity in reversed(Severity))


@dataclass(frozen=True, slots=True)
class Item:
    """One finding as a person reads it; texts are not escaped."""

    number: int
    """1-based over all sections, so that people can point at it."""
    severity: str
    title: str
    seen: str
    lines: tuple[int, ...]
    """Lines of the paper."""
    near: bool
    """Those lines nearly fit, but do not."""
    flow_ids: tuple[int, ...]
    details: tuple[str, ...]
    """Why, and what to do, where an earlier item has not already said it."""

    def paper(self, most: int) -> str:
        """Write up to `most` of the lines, such as `244` or `near 229, 276 +2`."""
        return ("near " if self.near and self.lines else "") + listed(self.lines, most)


@dataclass(frozen=True)
class Digest:
    """An audit told in order."""

    captured: tuple[str, ...]
    """Which captures, when, and how much."""
    basis: str
    """What it was held against."""
    warnings: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    """Severity or `accepted` -> findings, those above zero."""
    nothing: str
    """Why there is nothing to tell; `` if there is."""
    findings: tuple[Item, ...]
    expected: tuple[Item, ...]
    accepted: tuple[Item, ...]
    summary: tuple[tuple[str, str], ...]
    hidden: tuple[tuple[str, tuple[str, ...]], ...]
    """Why something cannot be judged from this capture -> what."""
    proposals: tuple[tuple[str, str], ...]
    """Role -> the hosts that traffic gives it."""
    legend: tuple[str, ...]
    """The addresses of hosts that the findings call by name."""
    next_steps: tuple[tuple[str, str], ...]
    """Purpose -> command."""
    provenance: tuple[tuple[str, str], ...]


def digest(report: Report) -> Digest:
    """Tell an audit."""
    rows = _Rows(report.findings)
    counted = [row for row in rows.by_severity() if not rows.accepted[row]]
    twins = _shown_elsewhere(rows, counted)
    missing = [row for row in counted if rows.kind[row] == "missing" and row not in twins]
    others = [row for row in counted if rows.kind[row] != "missing"]
    accepted = [row for row in rows.by_severity() if rows.accepted[row]]

    teller = _Teller(rows, report.finding_flows)
    found = report.summary["findings"]
    return Digest(
        captured=overview.captured(report.capture, report.flows, report.audit, report.filter),
        basis=overview.basis(report.audit),
        warnings=overview.warnings(report.capture, interrupted=report.interrupted),
        counts=tuple((word, number) for word, number in found.items() if number),
        nothing=overview.nothing(report),
        findings=teller.items(others, {shown: twin for twin, shown in twins.items()}),
        expected=teller.items(missing, {}),
        accepted=teller.items(accepted, {}),
        summary=overview.summary(report),
        hidden=overview.hidden(report.coverage),
        proposals=overview.proposals(report.hosts),
        legend=_legend(report.hosts, rows),
        next_steps=overview.next_steps(report, teller.example),
        provenance=overview.provenance(report),
    )


class _Rows:
    """The findings' columns that are told, as plain lists."""

    def __init__(self, findings: pd.DataFrame) -> None:
        self.id: list[str] = findings["finding_id"].tolist()
        self.kind: list[str] = findings["kind"].tolist()
        self.severity: list[str] = findings["severity"].tolist()
        self.accepted: list[bool] = findings["accepted"].tolist()
        self.title: list[str] = findings["title"].tolist()
        self.client: list[str | None] = findings["client"].tolist()
        self.server: list[str | None] = findings["server"].tolist()
        self.flows: list[int] = findings["flows"].tolist()
        self.bytes: list[int] = findings["bytes"].tolist()
        self.lines: list[list[int]] = findings["rows"].tolist()
        self.rule_ids: list[list[str]] = findings["rule_ids"].tolist()
        self.reason: list[str | None] = findings["reason"].tolist()
        self.advice: list[str | None] = findings["advice"].tolist()

    def by_severity(self) -> list[int]:
        """Order the rows, gravest first; within a severity as the audit ordered them."""
        return sorted(range(len(self.id)), key=lambda row: SEVERITIES.index(self.severity[row]))


def _shown_elsewhere(rows: _Rows, counted: Sequence[int]) -> dict[int, int]:
    """Map a silent host's finding to that of its blocked attempts: one thing is told once."""
    blocked = [row for row in counted if rows.kind[row] == "blocked"]
    twins: dict[int, int] = {}
    for row in counted:
        if rows.kind[row] == "missing":
            for other in blocked:
                same_rule = set(rows.rule_ids[row]) & set(rows.rule_ids[other])
                if rows.client[row] == rows.client[other] and same_rule:
                    twins[row] = other
                    break
    return twins


class _Teller:
    """Numbers findings and says nothing twice."""

    def __init__(self, rows: _Rows, finding_flows: Mapping[str, Sequence[int]]) -> None:
        self._rows = rows
        self._flows = finding_flows
        self._said: set[str] = set()
        self._number = 0
        self.example: int | None = None
        """A row that is worth a closer look: the first finding told that rests on flows."""

    def items(self, chosen: Iterable[int], twins: Mapping[int, int]) -> tuple[Item, ...]:
        return tuple(self._item(row, twins.get(row)) for row in chosen)

    def _item(self, row: int, twin: int | None) -> Item:
        rows = self._rows
        self._number += 1
        flow_ids = tuple(self._flows.get(rows.id[row], ()))
        if self.example is None and flow_ids:
            self.example = row
        details = [rows.reason[row], rows.advice[row]]
        if twin is not None:
            details.insert(1, f"Also counted as missing ({rows.severity[twin]}).")
        return Item(
            number=self._number,
            severity=rows.severity[row],
            title=rows.title[row].removeprefix(f"{EXPECTED.lower()}: "),
            seen=_seen(rows.kind[row], rows.flows[row], rows.bytes[row]),
            lines=tuple(rows.lines[row]),
            near=rows.kind[row] == "unexpected",
            flow_ids=flow_ids,
            details=tuple(self._news(details)),
        )

    def _news(self, texts: Iterable[str | None]) -> Iterable[str]:
        for text in texts:
            if text and text not in self._said:
                self._said.add(text)
                yield text


def _seen(kind: str, flows: int, size: int) -> str:
    if kind == "missing":
        return ""
    if kind == "blocked":
        return count(flows, "attempt")
    return f"{count(flows, 'flow')}, {byte_size(size)}"


def _legend(hosts: pd.DataFrame, rows: _Rows) -> tuple[str, ...]:
    mentioned = {*rows.client, *rows.server}
    named = hosts[hosts["name"].notna()]
    addresses: dict[str, list[str]] = {}
    for name, address in zip(named["name"].tolist(), named["address"].tolist(), strict=True):
        if name in mentioned or address in mentioned:
            addresses.setdefault(name, []).append(address)
    return tuple(f"{name} {', '.join(found)}" for name, found in sorted(addresses.items()))
