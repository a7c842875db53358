"""What a file of flows holds beside the columns of a report, so that they can be judged again.

Columns `fact_NAME` are the fields of auditor.records.FLOW; `heads_a` and `heads_b` are first
payloads, there while a flow is young and once an hour. What belongs to no flow (the account) stands
in the file's metadata.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from auditor.evidence.names import SeenName
from auditor.flows.headlist import HeadList
from auditor.records import FLOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Words = tuple[int, int]

VERSION = 1
"""Raised with every change of what is needed to judge again."""

VERSION_KEY = b"citrix-traffic-auditor-flows"
"""Key of a file's metadata whose value is the version."""

ACCOUNT_KEY = b"citrix-traffic-auditor-account"

FACT = "fact_"
HEADS = ("heads_a", "heads_b")
EXTRA_SCHEMA = pa.schema(
    [
        *(pa.field(f"{FACT}{name}", pa.from_numpy_dtype(FLOW[name])) for name in FLOW.names or ()),
        *(pa.field(name, pa.list_(pa.binary())) for name in HEADS),
    ]
)


@dataclass(frozen=True)
class Account:
    """What a file tells beside its flows: sums since the file before it."""

    watch_ns: int
    """When the watch began; it names the watch, whose frames are numbered through."""
    watched: tuple[int, int]
    """Begin and end of the time that the file tells of."""
    frames: int = 0
    wire_bytes: int = 0
    dropped: int | None = None
    """Frames; None where nobody counted."""
    lost_flows: int = 0
    """Flows that were left out or counted anew for want of room."""
    frames_by_status: Mapping[str, int] = field(default_factory=dict)
    macs: Mapping[str, list[Words]] = field(default_factory=dict)
    """Hardware addresses that the site file names -> address words seen behind them."""
    told: Mapping[Words, tuple[SeenName, ...]] = field(default_factory=dict)
    """Names told of addresses."""

    def nothing_more(self) -> Account:
        """Give what another file of the same moment tells: the same span, and no sums."""
        return Account(self.watch_ns, self.watched)

    def pack(self) -> bytes:
        """Write for the metadata."""
        plain = asdict(self)
        plain["told"] = [
            [*address, [[*name[:3], name.asker] for name in names]]
            for address, names in self.told.items()
        ]
        return zlib.compress(json.dumps(plain, separators=(",", ":")).encode())

    @classmethod
    def unpack(cls, content: bytes) -> Account:
        """Read what `pack` wrote; raise ValueError if it is something else."""
        try:
            plain = json.loads(zlib.decompress(content))
            plain["told"] = {
                (high, low): tuple(
                    SeenName(name, kind, time_ns, None if asker is None else tuple(asker))
                    for name, kind, time_ns, asker in names
                )
                for high, low, names in plain["told"]
            }
            plain["macs"] = {
                mac: [(high, low) for high, low in pairs] for mac, pairs in plain["macs"].items()
            }
            first, last = plain["watched"]
            return cls(**{**plain, "watched": (first, last)})
        except (zlib.error, ValueError, TypeError, KeyError) as error:
            raise ValueError("the account of the watch is damaged") from error


def fact_columns(facts: NDArray[np.void]) -> list[pa.Array]:
    """Lay out FLOW records column by column."""
    return [pa.array(np.ascontiguousarray(facts[name])) for name in FLOW.names or ()]


def facts_of(table: pa.Table) -> NDArray[np.void]:
    """Put FLOW records together again."""
    facts = np.empty(len(table), FLOW)
    for name in FLOW.names or ():
        facts[name] = table[f"{FACT}{name}"].to_numpy()
    return facts


def head_column(heads: HeadList, wanted: NDArray[np.bool_]) -> pa.Array:
    """Lay out first payloads; of flows that are not wanted none."""
    lists = [list(heads[row]) if want else [] for row, want in enumerate(wanted.tolist())]
    return pa.array(lists, pa.list_(pa.binary()))


def heads_of(column: pa.ChunkedArray) -> HeadList:
    """Put first payloads together again."""
    return HeadList.of([each or () for each in column.to_pylist()])
