"""The catalog in the formats of other tools; one file per format, listed in FORMATS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.catalog.export import csv, json, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.catalog.model import Catalog

    Render = Callable[[Catalog, Sequence[str]], str]

FORMATS: dict[str, Render] = {
    "csv": csv.render,
    "json": json.render,
    "markdown": markdown.render,
}
"""Format -> function from a catalog and the packs wanted to the text."""
