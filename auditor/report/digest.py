"""What a person is told of an audit, in the order in which it is worth reading.

The writers for people lay this out and escape it; they choose and count nothing themselves.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.report import overview
from auditor.report.notices import FindingRows, notices
from auditor.report.text import byte_size, count, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from auditor.report.model import Report
    from auditor.report.notices import Notice
    from auditor.report.table import Table

EXPECTED = "Expected, not seen"

_MOST_MEMBERS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One finding, or several that say the same, as a person reads it; texts are not escaped."""

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
    tables = report.tables
    rows = FindingRows(tables["findings"])
    counted = [row for row in rows.by_severity() if not rows.accepted[row]]
    twins = _shown_elsewhere(rows, counted)
    missing = [row for row in counted if rows.kind[row] == "missing" and row not in twins]
    others = [row for row in counted if rows.kind[row] != "missing"]
    accepted = [row for row in rows.by_severity() if rows.accepted[row]]

    teller = _Teller(rows, report.finding_flows)
    found = report.summary["findings"]
    return Digest(
        captured=overview.captured(
            report.capture, report.summary["flows"], report.audit, report.filter
        ),
        basis=overview.basis(report.audit, tables["hosts"]),
        warnings=overview.warnings(
            report.capture, interrupted=report.interrupted, dedup=report.audit.dedup
        ),
        counts=tuple((word, number) for word, number in found.items() if number),
        nothing=overview.nothing(report),
        findings=teller.items(others, {shown: twin for twin, shown in twins.items()}),
        expected=teller.items(missing, {}),
        accepted=teller.items(accepted, {}),
        summary=overview.summary(report),
        hidden=overview.hidden(tables["coverage"]),
        proposals=overview.proposals(tables["hosts"]),
        legend=_legend(tables["hosts"], rows),
        next_steps=overview.next_steps(report, teller.example),
        provenance=overview.provenance(report),
    )


def _shown_elsewhere(rows: FindingRows, counted: Sequence[int]) -> dict[int, int]:
    """Map a silent host's finding to that of its blocked attempts: one thing is told once."""
    blocked: defaultdict[str | None, list[int]] = defaultdict(list)
    for row in counted:
        if rows.kind[row] == "blocked":
            blocked[rows.client[row]].append(row)
    twins: dict[int, int] = {}
    for row in counted:
        if rows.kind[row] == "missing":
            for other in blocked.get(rows.client[row], ()):
                if set(rows.rule_ids[row]) & set(rows.rule_ids[other]):
                    twins[row] = other
                    break
    return twins


class _Teller:
    """Numbers findings and says nothing twice."""

    def __init__(self, rows: FindingRows, finding_flows: Mapping[str, Sequence[int]]) -> None:
        self._rows = rows
        self._flows = finding_flows
        self._said: set[str] = set()
        self._number = 0
        self.example: int | None = None
        """A row that is worth a closer look: the first finding told that rests on flows."""

    def items(self, chosen: Sequence[int], twins: Mapping[int, int]) -> tuple[Item, ...]:
        return tuple(self._item(notice, twins) for notice in notices(self._rows, chosen))

    def _item(self, notice: Notice, twins: Mapping[int, int]) -> Item:
        rows = self._rows
        first = notice.rows[0]
        self._number += 1
        flow_ids = sorted(id_ for row in notice.rows for id_ in self._flows.get(rows.id[row], ()))
        if self.example is None and flow_ids:
            self.example = first
        details = [
            listed(notice.members, _MOST_MEMBERS),
            notice.reason,
            _twins_text([rows.severity[twins[row]] for row in notice.rows if row in twins], notice),
            notice.advice,
        ]
        kind = rows.kind[first]
        flows = sum(rows.flows[row] for row in notice.rows)
        return Item(
            number=self._number,
            severity=rows.severity[first],
            title=notice.title.removeprefix(f"{EXPECTED.lower()}: "),
            seen=_seen(kind, flows, sum(rows.bytes[row] for row in notice.rows)),
            lines=tuple(dict.fromkeys(n for row in notice.rows for n in rows.lines[row])),
            near=kind == "unexpected",
            flow_ids=tuple(flow_ids),
            details=tuple(self._news(details)),
        )

    def _news(self, texts: Iterable[str]) -> Iterable[str]:
        for text in texts:
            if text and text not in self._said:
                self._said.add(text)
                yield text


def _twins_text(severities: Sequence[str], notice: Notice) -> str:
    if not severities:
        return ""
    all_of_them = len(severities) == len(notice.rows)
    who = "Also" if all_of_them else f"{len(severities):,} of them also"
    return f"{who} counted as missing ({listed(dict.fromkeys(severities), 3)})."


def _seen(kind: str, flows: int, size: int) -> str:
    if kind == "missing":
        return ""
    if kind == "blocked":
        return count(flows, "attempt")
    return f"{count(flows, 'flow')}, {byte_size(size)}"


def _legend(hosts: Table, rows: FindingRows) -> tuple[str, ...]:
    """Pair names and addresses of the findings' hosts, in the order in which they are mentioned."""
    ends = zip(hosts.values("address"), hosts.values("name"), strict=True)
    names = {address: name for address, name in ends if name is not None}
    addresses: dict[str, list[str]] = {}
    for address, name in names.items():
        addresses.setdefault(name, []).append(address)
    mentioned = (end for row in rows.by_severity() for end in (rows.client[row], rows.server[row]))
    told = dict.fromkeys(names.get(end, end) for end in mentioned if end is not None)
    return tuple(f"{name} {', '.join(addresses[name])}" for name in told if name in addresses)
