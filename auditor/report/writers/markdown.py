"""Markdown for a ticket or a wiki: the same story as on the terminal, with whole tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from auditor.report.digest import EXPECTED, digest
from auditor.report.flowlist import HEADINGS, RIGHT_ALIGNED, flow_lines, tell_flows
from auditor.report.model import Report
from auditor.report.text import listed, markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.report.digest import Digest, Item
    from auditor.report.model import FlowReport
    from auditor.report.writers import Style

_MOST_FLOW_IDS = 5
_MOST_LINES = 12


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:
    """Write headed sections and tables; every text from outside is escaped."""
    lines = _audit(digest(report), style) if isinstance(report, Report) else _flows(report, style)
    out.writelines(f"{line}\n" for line in lines)


def _audit(told: Digest, style: Style) -> Iterator[str]:
    yield from _head("Citrix traffic audit", (*told.captured, told.basis), told.warnings)
    yield ""
    counts = ", ".join(f"{number:,} {word}" for word, number in told.counts)
    yield f"**{told.nothing or counts or 'No findings.'}**"
    if not told.nothing:
        yield from _body(told)
    if style.verbose:
        yield from _pairs("How this was made", told.provenance)


def _body(told: Digest) -> Iterator[str]:
    yield from _items("Findings", told.findings)
    yield from _items(EXPECTED, told.expected)
    yield from _pairs("Summary", told.summary)
    yield from _hidden(told)
    yield from _pairs("Roles guessed from traffic", told.proposals)
    yield from _items("Accepted by the site", told.accepted)
    yield from _bullets("Hosts named above", told.legend)
    yield from _pairs("Next", told.next_steps)


def _flows(report: FlowReport, style: Style) -> Iterator[str]:
    told = tell_flows(report)
    yield from _head("Flows", told.captured, told.warnings)
    flows = report.tables["flows"]
    if len(flows):
        yield ""
        rows = flow_lines(flows, since_ns=report.capture.first_ns)
        escaped = [[markdown(cell) for cell in row] for row in rows]
        yield from _table(HEADINGS, escaped, RIGHT_ALIGNED)
    yield from _pairs("Summary", told.summary)
    if style.verbose:
        yield from _pairs("How this was made", told.provenance)


def _head(title: str, lines: Sequence[str], warnings: Sequence[str]) -> Iterator[str]:
    yield f"# {title}"
    yield ""
    # Two spaces at the end of a line would be lost in many editors; a list keeps lines apart.
    yield from (f"- {markdown(line)}" for line in lines)
    if warnings:
        yield ""
        yield from (f"> **Warning:** {markdown(warning)}\n>" for warning in warnings[:-1])
        yield f"> **Warning:** {markdown(warnings[-1])}"


def _heading(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _items(title: str, items: Sequence[Item]) -> Iterator[str]:
    if not items:
        return
    yield from _heading(title)
    columns = {
        "#": [str(item.number) for item in items],
        "Severity": [item.severity for item in items],
        "Finding": [markdown(item.title) for item in items],
        "Seen": [item.seen for item in items],
        "Flows": [listed(item.flow_ids, _MOST_FLOW_IDS) for item in items],
        "Paper line": [item.paper(_MOST_LINES) for item in items],
        "Why, and what to do": ["<br>".join(map(markdown, item.details)) for item in items],
    }
    used = {heading: cells for heading, cells in columns.items() if any(cells)}
    yield from _table(tuple(used), zip(*used.values(), strict=True), {"#"})


def _hidden(told: Digest) -> Iterator[str]:
    if told.hidden:
        yield from _heading("What this capture cannot show")
        for why, pairs in told.hidden:
            yield f"- {markdown(why)}"
            yield from (f"  - {markdown(pair)}" for pair in pairs)


def _pairs(title: str, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    if pairs:
        yield from _heading(title)
        yield from (f"- **{markdown(key)}:** {markdown(value)}" for key, value in pairs)


def _bullets(title: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield from _heading(title)
        yield from (f"- {markdown(text)}" for text in texts)


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str]
) -> Iterator[str]:
    aligned = set(right)
    yield f"| {' | '.join(headings)} |"
    yield f"| {' | '.join('-:' if heading in aligned else '-' for heading in headings)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
