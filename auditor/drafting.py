"""Sites drafted from captures, for programs: what `auditor hosts infer` writes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.infer.draft import draft_site
from auditor.pipeline import examine
from auditor.traffic import READING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from auditor.catalog.model import Catalog
    from auditor.pipeline import Source
    from auditor.site.model import Site
    from auditor.traffic import Progress, Reading


def infer_hosts(
    sources: Source | Sequence[Source],
    *,
    threshold: float | None = None,
    catalog: Sequence[str | PathLike[str]] | Catalog = (),
    edition: str | None = None,
    since: str | int | None = None,
    until: str | int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
    dedup: bool = False,
) -> Site:
    """Infer who is who from captures, as `auditor hosts infer` does.

    threshold: from which confidence on a role is taken, 0 to 1; None = as the shipped clues say.
    Everything else as for `audit`.
    """
    found = examine(
        sources,
        catalog=catalog,
        edition=edition,
        threshold=threshold,
        since=since,
        until=until,
        progress=progress,
        reading=replace(reading, dedup=dedup or reading.dedup),
    )
    return draft_site(found.judged, found.names, found.inference).site
