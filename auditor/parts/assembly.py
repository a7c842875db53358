"""A crew got together: processes here, or workers of a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.parts.crew import Crew


def assemble(workers: int, cluster: str | None) -> Crew:
    """Get together who is to read.

    workers: processes here. cluster: a scheduler's address, whose workers count instead. Raise
    UsageError if it cannot be reached.
    """
    if cluster is not None:
        from auditor.parts.cluster import Cluster  # noqa: PLC0415 - needs an extra

        return Cluster(cluster)
    from auditor.parts.processes import Processes  # noqa: PLC0415 - needs another module of many

    return Processes(workers)
