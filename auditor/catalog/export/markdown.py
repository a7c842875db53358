"""Markdown: one table per product, for reading and for pasting."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from auditor.catalog.export.lines import export_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.catalog.export.lines import Line
    from auditor.catalog.model import Catalog

_HEADER = ("Line", "From", "To", "Transport", "Port", "Purpose", "Remarks", "Rule")


def render(catalog: Catalog, packs: Sequence[str]) -> str:
    """Write the rules of some packs."""
    parts = [f"# Port catalog, edition {catalog.edition}\n"]
    for product, lines in groupby(export_lines(catalog, packs), key=lambda line: line.product):
        parts.append(f"## {product}\n\n{_table(lines)}")
    return "\n".join(parts)


def _table(lines: Iterable[Line]) -> str:
    rows = [_HEADER, ("-",) * len(_HEADER), *map(_row, lines)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(line: Line) -> tuple[str, ...]:
    remarks = [line.need] if line.need not in {"expected", "conditional"} else []
    remarks += [f"if {line.condition}"] if line.condition else []
    remarks += [caveat for caveat in line.caveats if caveat not in {"conditional", line.need}]
    ports = [str(port) for port in dict.fromkeys((line.port_low, line.port_high)) if port]
    destinations = ", ".join((*line.destination_roles, *line.destination_names))
    cells = (
        str(line.row or ""),
        ", ".join(line.source_roles),
        destinations,
        line.transport or "",
        "-".join(ports),
        line.purpose,
        "; ".join(remarks),
        line.rule_id,
    )
    # A cell may hold what Markdown would take for its own.
    return tuple(cell.replace("|", "\\|").replace("*", "\\*") for cell in cells)
