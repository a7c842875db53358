"""CSV: a header and one line per service; lists are joined by `;`, what is absent is empty."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from auditor.catalog.export.lines import COLUMNS, export_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.catalog.model import Catalog


def render(catalog: Catalog, packs: Sequence[str]) -> str:
    """Write the rules of some packs."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in export_lines(catalog, packs):
        writer.writerow(_cell(getattr(line, column)) for column in COLUMNS)
    return text.getvalue()


def _cell(value: str | int | tuple[str, ...] | None) -> str:
    if value is None:
        return ""
    return ";".join(value) if isinstance(value, tuple) else str(value)
