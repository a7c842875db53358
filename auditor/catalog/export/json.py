"""JSON: the lines of the CSV as objects, and the words that they use."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from auditor.catalog.export.lines import export_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.catalog.model import Catalog


def render(catalog: Catalog, packs: Sequence[str]) -> str:
    """Write the rules of some packs, all roles and all features."""
    document = {
        "schema": 1,
        "edition": catalog.edition,
        "catalog_digest": catalog.digest,
        "lines": [asdict(line) for line in export_lines(catalog, packs)],
        "roles": [asdict(role) for role in catalog.roles.values()],
        "features": [asdict(feature) for feature in catalog.features.values()],
    }
    return json.dumps(document, indent=1) + "\n"
