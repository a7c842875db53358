"""Judged flows as Parquet, a directory for each hour: what a data frame can ask of months.

A file is written under another name and then renamed, so that a reader never meets half of one.
`auditor audit` reads the files back (auditor.partitions).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from auditor.errors import UsageError
from auditor.outlets.extras import require
from auditor.outlets.health import Condition
from auditor.outlets.window import Counters
from auditor.records import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from auditor.evidence.names import Names, SeenName
    from auditor.judge.judged import Judged
    from auditor.live.tick import Tick
    from auditor.outlets.health import Say
    from auditor.partitions.layout import Account

_HOUR_NS = 3600 * 10**9

_YOUNG_NS = 60 * 10**9
"""How long after its first payload a flow may still show more of what it says first."""

_MOST_SHOWN = 2_000_000
"""Flows of an hour that are remembered; beyond, first payloads are written once more."""

_SLACK_NS = 10**9
"""By how much messages may come out of order."""


class FlowStore:
    """Writes the flows of each tick; a disk that is full loses them, counted, and nothing else."""

    def __init__(self, directory: Path, say: Say) -> None:
        """Write below `directory`; raise UsageError if that cannot be."""
        require("pyarrow", "parquet", "--write-flows")
        from auditor.partitions.write import warm_up  # noqa: PLC0415 - an extra

        # What pyarrow loads when it first writes must not wait for the first frame.
        warm_up()
        self.lost = 0
        """Flows that could not be written."""
        self._directory = directory
        self._condition = Condition(f"flows to {directory}", say)
        self._watch_ns = time.time_ns()
        self._told_ns: int | None = None
        """Up to when names are written; None: of this hour none are."""
        self._until_ns = 0
        self._hour = -1
        self._shown = np.empty(0, np.uint64)
        """First frames of the flows whose first payloads are written in this hour."""
        self._counted = Counters()
        self._lost_flows = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"--write-flows {directory}: cannot be made: {reason}") from None

    def write(self, judged: Judged, files: Sequence[str], names: Names, tick: Tick) -> None:
        """Write the flows of a tick, each into the hour in which it was last seen."""
        from auditor.partitions.write import flow_columns  # noqa: PLC0415 - an extra

        facts = judged.flows.facts
        last_ns = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
        hours = last_ns // _HOUR_NS
        if hours.max() > self._hour:
            # Each hour's directory can be judged by itself.
            self._hour, self._told_ns = int(hours.max()), None
            self._shown = np.empty(0, np.uint64)
        table = flow_columns(judged, files, self._with_heads(facts, last_ns))
        account = self._account(tick, names, last_ns)
        for hour in np.unique(hours).tolist():
            rows = np.flatnonzero(hours == hour)
            part = table.take(rows)
            place = (
                self._directory
                / f"{datetime.fromtimestamp(hour * 3600, UTC):date=%Y-%m-%d/hour=%H}"
            )
            name = f"part-{_first_ns(facts[rows])}-{int(last_ns[rows].max())}.parquet"
            try:
                _write_file(part, account, place, name)
            except OSError as error:
                self.lost += len(rows)
                self._lost_flows -= len(rows)  # told by the next file that is written
                self._condition.failed(f"{error.strerror or error}")
            else:
                self._condition.worked()
                account = account.nothing_more()

    def _with_heads(self, facts: NDArray[np.void], last_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark flows whose first payloads are due: still growing, or not written in this hour."""
        due = _young(facts, last_ns) | ~np.isin(facts["first_frame"], self._shown)
        if len(self._shown) > _MOST_SHOWN:
            self._shown = np.empty(0, np.uint64)
        speaks = (facts["data_a_ns"] != NO_TIME) | (facts["data_b_ns"] != NO_TIME)
        self._shown = np.union1d(self._shown, facts["first_frame"][due & speaks])
        return due

    def _account(self, tick: Tick, names: Names, last_ns: NDArray[np.int64]) -> Account:
        """Sum up what came since the last file."""
        from auditor.partitions.layout import Account  # noqa: PLC0415 - an extra

        now, before = tick.counters, self._counted
        lost_flows = tick.losses.evicted_flows + tick.losses.unjudged_flows
        end_ns = int(last_ns.max()) if tick.last_ns is None else max(tick.last_ns, self._until_ns)
        begin_ns = self._until_ns or tick.first_ns or end_ns
        account = Account(
            self._watch_ns,
            (begin_ns, end_ns),
            now.frames - before.frames,
            now.bytes - before.bytes,
            now.dropped - before.dropped if tick.dropped_known else None,
            lost_flows - self._lost_flows,
            {
                status: count - before.frames_by_status.get(status, 0)
                for status, count in now.frames_by_status.items()
            },
            {mac: sorted(pairs) for mac, pairs in tick.macs.items()},
            self._news(names),
        )
        self._counted, self._until_ns, self._lost_flows = now, end_ns, lost_flows
        return account

    def _news(self, names: Names) -> dict[tuple[int, int], tuple[SeenName, ...]]:
        """Give the names that were told since the last file; in a new hour all that are known."""
        since_ns = 0 if self._told_ns is None else self._told_ns - _SLACK_NS
        told = {
            address: fresh
            for address, seen in names.address_names.items()
            if (fresh := tuple(name for name in seen if name.time_ns > since_ns))
        }
        latest = (name.time_ns for seen in told.values() for name in seen)
        self._told_ns = max(latest, default=self._told_ns or 0)
        return told


def _young(facts: NDArray[np.void], last_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark flows whose first payloads are not older than what may still complete them."""
    young = np.zeros(len(facts), dtype=bool)
    for side in "ab":
        data_ns = facts[f"data_{side}_ns"]
        young |= (data_ns != NO_TIME) & (last_ns - np.minimum(data_ns, last_ns) < _YOUNG_NS)
    return young


def _first_ns(facts: NDArray[np.void]) -> int:
    return int(np.minimum(facts["first_a_ns"], facts["first_b_ns"]).min())


def _write_file(table: pa.Table, account: Account, place: Path, name: str) -> None:
    from auditor.partitions.write import write_part  # noqa: PLC0415 - an extra

    place.mkdir(parents=True, exist_ok=True)
    path = place / name
    begun = path.with_suffix(".begun")
    try:
        with begun.open("wb") as out:
            write_part(table, account, out)
        begun.replace(path)
    except OSError:
        begun.unlink(missing_ok=True)
        raise
