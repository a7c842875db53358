"""Findings that say the same of many hosts or ports, brought together: forty VDAs, one line."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.judge.vocabulary import Severity
from auditor.report.text import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.report.table import Table

SEVERITIES = tuple(severity.word for severity in reversed(Severity))

_LEAST = 3
"""Two findings are as easily read one by one."""

_GAP = "\0"
"""Stands where the texts of findings differ; safe() lets no such character out."""


# 10.0.0.1 is no part of 10.0.0.10, nor vda1 of vda1.corp.example.
_BEGINS = re.compile(r"(?<![\w.:-])")
_ENDS = re.compile(r"(?![\w-]|[.:]\w)")


class FindingRows:
    """The findings' columns that are told, as plain lists."""

    def __init__(self, findings: Table) -> None:
        """Take the columns out of the table."""
        self.id: list[str] = findings.values("finding_id")
        self.kind: list[str] = findings.values("kind")
        self.severity: list[str] = findings.values("severity")
        self.accepted: list[bool] = findings.values("accepted")
        self.title: list[str] = findings.values("title")
        self.client: list[str | None] = findings.values("client")
        self.server: list[str | None] = findings.values("server")
        self.transport: list[str] = findings.values("transport")
        self.port: list[object] = findings.values("port")
        self.flows: list[int] = findings.values("flows")
        self.bytes: list[int] = findings.values("bytes")
        self.lines: list[list[int]] = findings.values("rows")
        self.rule_ids: list[list[str]] = findings.values("rule_ids")
        self.reason: list[str | None] = findings.values("reason")
        self.advice: list[str | None] = findings.values("advice")

    def by_severity(self) -> list[int]:
        """Order the rows, gravest first; within a severity as the audit ordered them."""
        return sorted(range(len(self.id)), key=lambda row: SEVERITIES.index(self.severity[row]))

    def service(self, row: int) -> str:
        """Write the service as titles do."""
        port = self.port[row]
        return self.transport[row] if port is None else f"{self.transport[row]}/{port}"


@dataclass(frozen=True, slots=True)
class Notice:
    """One finding, or several that differ in one host or port alone."""

    rows: tuple[int, ...]
    title: str
    reason: str
    advice: str
    members: tuple[str, ...] = ()
    """The hosts or ports that the title only counts."""


def notices(findings: FindingRows, chosen: Sequence[int]) -> list[Notice]:
    """Bring together what differs in the client, else in the server, else in the port alone.

    Keeps the order of `chosen`, by the first row of each notice.
    """
    axes: tuple[tuple[str, Callable[[int], str | None]], ...] = (
        ("host", findings.client.__getitem__),
        ("host", findings.server.__getitem__),
        ("port", findings.service),
    )
    found: list[Notice] = []
    left = list(chosen)
    for noun, member_of in axes:
        alike: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for row in left:
            frame = _gapped(findings.title[row], member_of(row))
            if _GAP in frame:
                alike[findings.kind[row], findings.severity[row], frame].append(row)
        found.extend(
            _together(findings, rows, noun, member_of)
            for rows in alike.values()
            if len(rows) >= _LEAST
        )
        merged = {row for notice in found for row in notice.rows}
        left = [row for row in left if row not in merged]
    found.extend(_alone(findings, row) for row in left)
    place = {row: number for number, row in enumerate(chosen)}
    return sorted(found, key=lambda notice: place[notice.rows[0]])


def _alone(findings: FindingRows, row: int) -> Notice:
    reason, advice = findings.reason[row] or "", findings.advice[row] or ""
    return Notice((row,), findings.title[row], reason, advice)


def _together(
    findings: FindingRows, rows: list[int], noun: str, member_of: Callable[[int], str | None]
) -> Notice:
    words = count(len(rows), noun)
    members = [member_of(row) for row in rows]

    def common(texts: Sequence[str | None], afterthought: str) -> str:
        own = [texts[row] or "" for row in rows]
        gapped = {_gapped(text, member) for text, member in zip(own, members, strict=True)}
        if len(gapped) == 1:
            return gapped.pop().replace(_GAP, words)
        return f"{own[0]}{afterthought}"

    return Notice(
        tuple(rows),
        common(findings.title, ""),
        common(findings.reason, "; and so on for the others"),
        common(findings.advice, " Likewise for the others."),
        tuple(member or "" for member in members),
    )


def _gapped(text: str, member: str | None) -> str:
    if not member:
        return text
    # A pattern for each of 100,000 scanned hosts would take longer to compile than all the rest.
    pieces, start, place = [], 0, text.find(member)
    while place >= 0:
        end = place + len(member)
        if _BEGINS.match(text, place) and _ENDS.match(text, end):
            pieces.append(text[start:place])
            start = end
        place = text.find(member, max(start, place + 1))
    return _GAP.join([*pieces, text[start:]])
