"""One function per format; each lays out what two audits differ in and computes nothing."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Protocol, TextIO

from auditor.compare.story import tell
from auditor.report.text import fit, markdown, safe, spreadsheet, width, wrap
from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.compare.audits import Audit, Finding
    from auditor.compare.difference import Comparison, Turn
    from auditor.compare.story import Line, Section
    from auditor.report.writers import Style

SCHEMA = 1

COLUMNS = ("what", "change", "id", "before", "after", "text")
"""Of the one table that CSV holds."""

_MOST_LINES = 15
_WIDEST_MARK = 24


class Writer(Protocol):
    """What each format offers."""

    def __call__(self, comparison: Comparison, out: TextIO, style: Style) -> None:
        """Write the comparison as text."""


def write_table(comparison: Comparison, out: TextIO, style: Style) -> None:
    """Write for a terminal: what matters first, no line wider than the style's."""
    out.writelines(f"{line.rstrip()}\n" for line in _table(comparison, style))


def _table(comparison: Comparison, style: Style) -> Iterator[str]:
    story = tell(comparison)
    for which, audit in story.audits:
        yield from _hanging(f"{which}  ", safe(audit), style)
    for doubt in story.doubts:
        for line in _hanging("! ", safe(doubt), style):
            yield style.paint("warning", line)
    yield ""
    yield style.paint("heading", story.summary)
    for section in story.sections:
        yield ""
        yield style.paint("heading", section.title)
        yield from _section(section, style)


def _section(section: Section, style: Style) -> Iterator[str]:
    shown = section.lines if style.verbose else section.lines[:_MOST_LINES]
    marks = [fit(safe(line.mark), _WIDEST_MARK) if section.marked else "" for line in shown]
    column = max(map(width, marks))
    for line, mark in zip(shown, marks, strict=True):
        lead = f"  {mark}{' ' * (column - width(mark))}  " if column else "  "
        first, *others = _hanging(lead, safe(line.text), style)
        yield style.paint(line.tone, lead) + first[len(lead) :] if line.tone else first
        yield from others
        for text in _hanging(" " * (width(lead) + 2), safe(line.detail), style):
            if text.strip():
                yield style.paint("quiet", text)
    left = len(section.lines) - len(shown)
    if left:
        yield f"  +{left:,} more (--verbose shows all)"


def _hanging(lead: str, text: str, style: Style) -> Iterator[str]:
    indent = width(lead)
    for number, line in enumerate(wrap(text, style.width - indent) or [""]):
        yield (" " * indent if number else lead) + line


def write_markdown(comparison: Comparison, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write for a ticket or a wiki, with nothing cut short."""
    out.writelines(f"{line}\n" for line in _markdown(comparison))


def _markdown(comparison: Comparison) -> Iterator[str]:
    story = tell(comparison)
    yield from ("# Two audits compared", "")
    yield from (f"- {which}: {markdown(audit)}" for which, audit in story.audits)
    if story.doubts:
        yield from ("", *(f"> **Warning:** {markdown(doubt)}  " for doubt in story.doubts))
    yield from ("", f"**{markdown(story.summary)}**")
    for section in story.sections:
        yield from ("", f"## {section.title}", "")
        yield from (f"- {_item(line, section)}" for line in section.lines)


def _item(line: Line, section: Section) -> str:
    mark = f"**{markdown(line.mark)}** " if section.marked else ""
    detail = f"<br>{markdown(line.detail)}" if line.detail else ""
    return f"{mark}{markdown(line.text)}{detail}"


def write_csv(comparison: Comparison, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write one table of all differences, safe to open in a spreadsheet."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for section in tell(comparison).sections:
        for line in section.lines:
            cells = (section.what, line.change, line.id, line.before, line.after, line.text)
            rows.writerow([spreadsheet(cell) for cell in cells])


def write_json(comparison: Comparison, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write ASCII JSON, schema 1."""
    it = comparison
    value = {
        "schema": SCHEMA,
        "old": _audit(it.old),
        "new": _audit(it.new),
        "doubts": it.doubts,
        "findings": {
            "appeared": [_finding(finding) for finding in it.appeared],
            "disappeared": [_finding(finding) for finding in it.disappeared],
            "changed": [
                {"before": _finding(change.before), "after": _finding(change.after)}
                for change in it.changed
            ],
        },
        "coverage": [_turn(turn) for turn in it.coverage],
        "traffic": {
            "appeared": [asdict(talk) for talk in it.talks_appeared],
            "disappeared": [asdict(talk) for talk in it.talks_disappeared],
        },
        "hosts": {
            "appeared": [asdict(host) for host in it.hosts_appeared],
            "disappeared": [asdict(host) for host in it.hosts_disappeared],
        },
    }
    out.write(json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1) + "\n")


def _audit(audit: Audit) -> Mapping[str, object]:
    return {
        "path": audit.path,
        "edition": audit.edition,
        "catalog_digest": audit.digest,
        "hosts_file": audit.hosts_file,
        "first_seen": None if audit.first_ns is None else time_text(audit.first_ns),
        "duration_s": audit.duration_s,
        "flows": audit.flows,
    }


def _finding(finding: Finding) -> Mapping[str, object]:
    return {
        "finding_id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity.word,
        "accepted": finding.accepted,
        "title": finding.title,
        "reason": finding.reason,
    }


def _turn(turn: Turn) -> Mapping[str, object]:
    return {
        "group": turn.expected.group,
        "source_roles": turn.expected.sources,
        "destination_roles": turn.expected.destinations,
        "before": turn.before,
        "after": turn.after,
    }


FORMATS: dict[str, Writer] = {
    "table": write_table,
    "json": write_json,
    "markdown": write_markdown,
    "csv": write_csv,
}
