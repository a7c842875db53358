"""Judged flows as Parquet, a directory for each hour: what a data frame can ask of months.

A file is written under another name and then renamed, so that a reader never meets half of one.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from auditor.errors import UsageError
from auditor.judge.finding import Findings
from auditor.outlets.extras import require
from auditor.outlets.health import Condition
from auditor.report import assemble
from auditor.report.layouts import FLOWS
from auditor.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.judge.judged import Judged
    from auditor.outlets.health import Say


class FlowStore:
    """Writes the flows of each tick; a disk that is full loses them, counted, and nothing else."""

    def __init__(self, directory: Path, say: Say) -> None:
        """Write below `directory`; raise UsageError if that cannot be."""
        require("pyarrow", "parquet", "--write-flows")
        from auditor.report.writers.parquet import write_rows  # noqa: PLC0415 - an extra

        # What pyarrow loads when it first writes must not wait for the first frame.
        write_rows(Table.empty(FLOWS), io.BytesIO(), {})
        self._write_rows = write_rows
        self.lost = 0
        """Flows that could not be written."""
        self._directory = directory
        self._condition = Condition(f"flows to {directory}", say)
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"--write-flows {directory}: cannot be made: {reason}") from None

    def write(self, judged: Judged, files: Sequence[str]) -> None:
        """Write the flows of a tick, each into the hour in which it was last seen."""
        table = assemble.flow_table(judged, files, Findings.none(judged.hosts))
        hours = table.array("last_seen").astype("datetime64[h]")
        for hour in np.unique(hours):
            part = table.take(hours == hour)
            place = self._directory / hour.item().strftime("date=%Y-%m-%d/hour=%H")
            try:
                self._write_part(part, place)
            except OSError as error:
                self.lost += len(part)
                self._condition.failed(f"{error.strerror or error}")
            else:
                self._condition.worked()

    def _write_part(self, part: Table, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        first, last = part.array("first_seen").min(), part.array("last_seen").max()
        path = place / f"part-{first.astype(int)}-{last.astype(int)}.parquet"
        begun = path.with_suffix(".begun")
        try:
            with begun.open("wb") as out:
                self._write_rows(part, out, {})
            begun.replace(path)
        except OSError:
            begun.unlink(missing_ok=True)
            raise
