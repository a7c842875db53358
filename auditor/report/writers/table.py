"""The report for a terminal: what matters first, nothing twice, no line wider than the style's."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from auditor.report.digest import EXPECTED, Digest, digest
from auditor.report.flowlist import HEADINGS, RIGHT_ALIGNED, flow_lines, tell_flows
from auditor.report.model import Report
from auditor.report.text import fit, listed, safe, width, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.report.digest import Item
    from auditor.report.model import FlowReport
    from auditor.report.writers import Style

_MOST_FINDINGS = 30
_MOST_LOW = 10
_MOST_EXPECTED = 12
_MOST_ACCEPTED = 8
_MOST_HIDDEN = 6
_MOST_PROPOSALS = 12
_MOST_NAMES = 20
_MOST_FLOWS = 100

_TITLE = 2
_NUMERIC = frozenset({0, 4})
"""Places of the title and of the right-aligned columns among those of a finding."""

_INDENT = "    "
_LEAST_TITLE = 24


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:
    """Write the report for a person to read from the top until he knows enough."""
    lines = _audit(report, style) if isinstance(report, Report) else _flows(report, style)
    out.writelines(f"{line.rstrip()}\n" for line in lines)


def _audit(report: Report, style: Style) -> Iterator[str]:
    told = digest(report)
    yield from _head((*told.captured, told.basis), told.warnings, style)
    yield ""
    if told.nothing:
        yield told.nothing
    else:
        yield from _body(told, style)
    if style.verbose:
        yield ""
        yield from _pairs(told.provenance, style)


def _body(told: Digest, style: Style) -> Iterator[str]:
    yield _counts(told.counts, style)
    yield from _items("finding", told.findings, _MOST_FINDINGS, style)
    yield from _items(EXPECTED.lower(), told.expected, _MOST_EXPECTED, style)
    yield from _section("Summary", _pairs(told.summary, style), style)
    yield from _section("What this capture cannot show", _hidden(told, style), style)
    yield from _section("Roles guessed from traffic", _proposals(told, style), style)
    yield from _items("accepted by the site", told.accepted, _MOST_ACCEPTED, style)
    yield from _section("Named above", _legend(told.legend, style), style)
    yield ""
    yield from _pairs(told.next_steps, style)


def _head(lines: Sequence[str], warnings: Sequence[str], style: Style) -> Iterator[str]:
    yield style.paint("heading", fit(safe(lines[0]), style.width))
    for line in lines[1:]:
        yield from wrap(safe(line), style.width)
    for warning in warnings:
        for line in _hanging("! ", safe(warning), style):
            yield style.paint("warning", line)


def _counts(counts: Sequence[tuple[str, int]], style: Style) -> str:
    if not counts:
        return style.paint("good", "No findings.")
    return "   ".join(style.paint(word, f"{number:,} {word}") for word, number in counts)


def _section(title: str, content: Iterable[str], style: Style) -> Iterator[str]:
    lines = list(content)
    if lines:
        yield ""
        yield style.paint("heading", title)
        yield from lines


def _items(title: str, items: Sequence[Item], most: int, style: Style) -> Iterator[str]:
    shown = items if style.verbose else _first(items, most)
    if not shown:
        return
    yield ""
    yield from _item_lines(title, shown, style)
    left = items[len(shown) :]
    if left:
        severities = listed(dict.fromkeys(item.severity for item in left), 3)
        yield f"{_INDENT}+{len(left):,} more, {severities} (--verbose shows all)"


def _first(items: Sequence[Item], most: int) -> Sequence[Item]:
    """Keep up to `most`, but few of low severity: who has graver things to do reads no further."""
    graver = sum(item.severity != "low" for item in items)
    return items[: min(most, graver + _MOST_LOW)]


def _item_lines(title: str, items: Sequence[Item], style: Style) -> Iterator[str]:
    """Lay out findings under one line of headings; columns in which none has anything fall away."""
    rows = [[str(i.number), i.severity, "", i.seen, _first_flow(i), i.paper(2)] for i in items]
    used = [n for n, column in enumerate(zip(*rows, strict=True)) if any(column) or n == _TITLE]
    heads = ["#", "sev", "", "seen", "flow", "paper line"]
    widths = [max(map(width, column)) for column in zip(heads, *rows, strict=True)]
    room = style.width - sum(widths[n] for n in used) - 2 * (len(used) - 1)
    titles = [wrap(safe(item.title), max(room, _LEAST_TITLE))[:1] or [""] for item in items]
    for row, item, (first,) in zip(rows, items, titles, strict=True):
        row[1] = style.paint(item.severity, item.severity)
        row[_TITLE] = first
    heads[_TITLE] = fit(title, max(room, _LEAST_TITLE))
    cells = [[row[column] for column in used] for row in (heads, *rows)]
    head, *lines = _grid(cells, ["right" if column in _NUMERIC else "left" for column in used])
    yield style.paint("heading", head)
    indent = " " * (widths[0] + 2 + widths[1] + 2)
    for line, item, (first,) in zip(lines, items, titles, strict=True):
        yield line
        # Nothing stands beside the rest of a long title, so it may use the whole width.
        rest = " ".join(safe(item.title).split())[len(first) :]
        yield from (indent + text for text in wrap(rest, style.width - len(indent)))
        for detail in item.details:
            for text in wrap(safe(detail), style.width - len(indent) - 2):
                yield f"{indent}  {style.paint('quiet', text)}"


def _first_flow(item: Item) -> str:
    return str(item.flow_ids[0]) if item.flow_ids else ""


def _grid(rows: Sequence[Sequence[str]], aligned: Sequence[str]) -> list[str]:
    from tabulate import tabulate  # noqa: PLC0415 - the other formats do without

    # Headings are a row like the others: tabulate would widen the columns under real ones.
    text = tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=aligned)
    return text.splitlines()


def _hidden(told: Digest, style: Style) -> Iterator[str]:
    for why, pairs in told.hidden:
        yield from _hanging("  ", safe(f"{why}:"), style)
        for pair in _capped(pairs, _MOST_HIDDEN, style):
            yield from _hanging(_INDENT, safe(pair), style)


def _proposals(told: Digest, style: Style) -> Iterator[str]:
    shown = told.proposals if style.verbose else told.proposals[:_MOST_PROPOSALS]
    yield from _pairs(shown, style)
    if len(shown) < len(told.proposals):
        yield f"  +{len(told.proposals) - len(shown):,} more (--verbose shows all)"


def _legend(names: Sequence[str], style: Style) -> Iterator[str]:
    shown = _capped(names, _MOST_NAMES, style)
    if names:
        yield from _hanging("  ", safe("; ".join(shown)), style)


def _capped(texts: Sequence[str], most: int, style: Style) -> Sequence[str]:
    if style.verbose or len(texts) <= most:
        return texts
    return [*texts[:most], f"+{len(texts) - most:,} more (--verbose shows all)"]


def _pairs(pairs: Iterable[tuple[str, str]], style: Style) -> Iterator[str]:
    keyed = [(fit(safe(key), style.width // 3), value) for key, value in pairs]
    column = max((width(key) for key, _ in keyed), default=0)
    for key, value in keyed:
        yield from _hanging(f"  {key}{' ' * (column - width(key))}  ", safe(value), style)


def _hanging(lead: str, text: str, style: Style) -> Iterator[str]:
    indent = width(lead)
    for number, line in enumerate(wrap(text, style.width - indent) or [""]):
        yield (" " * indent if number else lead) + line


def _flows(report: FlowReport, style: Style) -> Iterator[str]:
    told = tell_flows(report)
    yield from _head(told.captured, told.warnings, style)
    flows = report.tables["flows"]
    shown = flows if style.verbose else flows.take(slice(_MOST_FLOWS))
    if len(shown):
        rows = flow_lines(shown, since_ns=report.capture.first_ns)
        yield ""
        aligned = ["right" if heading in RIGHT_ALIGNED else "left" for heading in HEADINGS]
        lines = _grid([HEADINGS, *_fitted(rows, style.width)], aligned)
        yield style.paint("quiet", lines[0])
        yield from lines[1:]
        left = len(flows) - len(shown)
        if left:
            yield f"+{left:,} more (--verbose shows all, --format csv gives them as data)"
    yield ""
    yield from _pairs(told.summary, style)
    if style.verbose:
        yield ""
        yield from _pairs(told.provenance, style)


def _fitted(rows: Sequence[Sequence[str]], columns: int) -> list[list[str]]:
    """Shorten the client and the server, the only columns without a natural limit."""
    client, server = HEADINGS.index("client"), HEADINGS.index("server")
    widths = [
        max(len(heading), *(width(row[column]) for row in rows))
        for column, heading in enumerate(HEADINGS)
    ]
    room = columns - sum(widths) - 2 * (len(widths) - 1) + widths[client] + widths[server]
    # The shorter of the two leaves what it does not need to the other.
    half = room // 2
    for_client = max(half, room - widths[server]) if widths[server] < half else half
    for_client = min(for_client, widths[client])
    limits = {client: for_client, server: room - for_client}
    return [
        [fit(cell, limits[column]) if column in limits else cell for column, cell in enumerate(row)]
        for row in rows
    ]
