"""Judged flows as Parquet, a directory for each hour: what a data frame can ask of months.

A file is written under another name and then renamed, so that a reader never meets half of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.outlets.extras import require
from auditor.outlets.health import Condition
from auditor.report import assemble
from auditor.report.frames import FLOWS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from auditor.judge.judged import Judged
    from auditor.outlets.health import Say

_NUMBERS_IN_LISTS = frozenset({"rows", "vlan"})


class FlowStore:
    """Writes the flows of each tick; a disk that is full loses them, counted, and nothing else."""

    def __init__(self, directory: Path, say: Say) -> None:
        """Write below `directory`; raise UsageError if that cannot be."""
        require("pyarrow", "live", "--write-flows")
        self.lost = 0
        """Flows that could not be written."""
        self._directory = directory
        self._condition = Condition(f"flows to {directory}", say)
        self._schema = _schema()
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"--write-flows {directory}: cannot be made: {reason}") from None

    def write(self, judged: Judged, files: Sequence[str]) -> None:
        """Write the flows of a tick, each into the hour in which it was last seen."""
        table = assemble.flow_table(judged, files, ())
        hours = table["last_seen"].dt.floor("h")
        for hour, part in table.groupby(hours, sort=True):
            assert hasattr(hour, "strftime")
            place = self._directory / hour.strftime("date=%Y-%m-%d") / hour.strftime("hour=%H")
            try:
                self._write_part(part, place)
            except OSError as error:
                self.lost += len(part)
                self._condition.failed(f"{error.strerror or error}")
            else:
                self._condition.worked()

    def _write_part(self, part: pd.DataFrame, place: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - as above

        place.mkdir(parents=True, exist_ok=True)
        first_ns = part["first_seen"].min().value
        path = place / f"part-{first_ns}-{part['last_seen'].max().value}.parquet"
        begun = path.with_suffix(".begun")
        arrays = [pa.array(part[each.name], each.type, from_pandas=True) for each in self._schema]
        try:
            parquet.write_table(pa.table(arrays, schema=self._schema), begun, compression="zstd")
            begun.replace(path)
        except OSError:
            begun.unlink(missing_ok=True)
            raise


def _schema() -> pa.Schema:
    """Give the columns of the flow table in Arrow's types, the same in every file."""
    import pyarrow as pa  # noqa: PLC0415 - an extra

    types = {
        "text": pa.string(),
        "count": pa.int64(),
        "id": pa.int64(),
        "number": pa.float64(),
        "port": pa.int32(),
        "flag": pa.bool_(),
        "time": pa.timestamp("ns", tz="UTC"),
        "list": pa.list_(pa.string()),
    }
    return pa.schema(
        [
            pa.field(name, pa.list_(pa.int32()) if name in _NUMBERS_IN_LISTS else types[kind])
            for name, kind in FLOWS.items()
        ]
    )
