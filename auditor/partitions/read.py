"""Reading flows that a watch wrote: the parts of a flow become one flow again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.errors import CaptureError
from auditor.evidence.names import NameCollector, Names
from auditor.partitions.layout import (
    ACCOUNT_KEY,
    EXTRA_SCHEMA,
    HEADS,
    VERSION,
    VERSION_KEY,
    Account,
    facts_of,
    heads_of,
)
from auditor.partitions.merging import Parts
from auditor.report.model import CaptureInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditor.evidence.names import SeenName
    from auditor.flows import Flows

    Words = tuple[int, int]

EXPECTED = "expected flows that `auditor live --write-flows` wrote"
_COLUMNS = ["capture", "vlan", "last_seen", *EXTRA_SCHEMA.names]


@dataclass
class Gathered:
    """All that files of flows hold, put together."""

    flows: Flows
    names: Names
    macs: dict[str, set[Words]]
    capture: CaptureInfo
    watched_s: float
    interrupted: bool


@dataclass
class _Books:
    """What the accounts of the files amount to."""

    frames: int = 0
    bytes: int = 0
    dropped: int | None = None
    lost_flows: int = 0
    by_status: dict[str, int] = field(default_factory=dict)
    macs: dict[str, set[Words]] = field(default_factory=dict)
    told: dict[Words, dict[SeenName, None]] = field(default_factory=dict)
    spans: list[tuple[int, int]] = field(default_factory=list)

    def add(self, account: Account, since_ns: int | None, until_ns: int | None) -> None:
        """Add an account; of what lies outside the span of time only what was told counts."""
        for address, names in account.told.items():
            self.told.setdefault(address, {}).update(dict.fromkeys(names))
        for mac, pairs in account.macs.items():
            self.macs.setdefault(mac, set()).update(pairs)
        first, last = account.watched
        begin = first if since_ns is None else max(first, since_ns)
        end = last if until_ns is None else min(last, until_ns)
        if end < begin:
            return
        self.spans.append((begin, end))
        self.frames += account.frames
        self.bytes += account.wire_bytes
        self.lost_flows += account.lost_flows
        if account.dropped is not None:
            self.dropped = (self.dropped or 0) + account.dropped
        for status, count in account.frames_by_status.items():
            self.by_status[status] = self.by_status.get(status, 0) + count

    def watched_s(self) -> float:
        """Sum the time that the files tell of, what they share counted once."""
        watched_ns, until_ns = 0, None
        for first, last in sorted(self.spans):
            begin = first if until_ns is None else max(first, until_ns)
            watched_ns += max(last - begin, 0)
            until_ns = last if until_ns is None else max(last, until_ns)
        return watched_ns / 1e9

    def address_names(self) -> dict[Words, tuple[SeenName, ...]]:
        """Give the names that were told, by time."""
        return {
            address: tuple(sorted(names, key=lambda name: name.time_ns))
            for address, names in self.told.items()
        }


def read_partitions(
    paths: Sequence[Path],
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Gathered:
    """Read files of flows; of a span of time those parts of flows that were last seen in it.

    Files that cannot be read are named. Raises CaptureError if there is none that can.
    """
    parts, books = Parts(), _Books()
    unreadable: list[CaptureError] = []
    sizes = [path.stat().st_size for path in paths]
    done, interrupted = 0, False
    try:
        for path, size in zip(paths, sizes, strict=True):
            try:
                _read_one(path, parts, books, (since_ns, until_ns))
            except CaptureError as error:
                unreadable.append(error)
            done += size
            if progress is not None:
                progress(done, sum(sizes), books.frames)
    except KeyboardInterrupt:
        interrupted = True
    if len(unreadable) == len(paths):
        first = unreadable[0]
        raise CaptureError(first.source, "\n".join([first.reason, *map(str, unreadable[1:])]))
    flows = parts.flows()
    names = NameCollector().finish(flows)
    told = names.address_names | books.address_names()
    return Gathered(
        flows,
        Names(names.own, told),
        books.macs,
        _info(parts.files, flows, books, unreadable),
        books.watched_s(),
        interrupted,
    )


def _info(
    files: Sequence[str], flows: Flows, books: _Books, unreadable: Sequence[CaptureError]
) -> CaptureInfo:
    first_ns = np.minimum(flows.facts["first_a_ns"], flows.facts["first_b_ns"])
    last_ns = np.maximum(flows.facts["last_a_ns"], flows.facts["last_b_ns"])
    lost = f"bounds of the watch: {books.lost_flows:,} flows were left out or counted anew"
    return CaptureInfo(
        files=tuple(files),
        frames=books.frames,
        bytes=books.bytes,
        first_ns=int(first_ns.min()) if len(flows.facts) else None,
        last_ns=int(last_ns.max()) if len(flows.facts) else None,
        truncated=bool(books.lost_flows),
        dropped=books.dropped,
        unreadable=tuple(map(str, unreadable)),
        warnings=(lost,) if books.lost_flows else (),
        frames_by_status=books.by_status,
    )


def _read_one(path: Path, parts: Parts, books: _Books, span: tuple[int | None, int | None]) -> None:
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.schema_arrow.metadata or {}
            _check(path, metadata, file.schema_arrow)
            account = Account.unpack(metadata[ACCOUNT_KEY])
            table = file.read(_COLUMNS)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CaptureError(str(path), f"{EXPECTED}, found a damaged file: {reason}") from None
    last_ns = table["last_seen"].cast(pa.int64()).to_numpy()
    kept = np.ones(len(last_ns), dtype=bool)
    if span[0] is not None:
        kept &= last_ns >= span[0]
    if span[1] is not None:
        kept &= last_ns < span[1]
    books.add(account, *span)
    if not kept.all():
        table = table.filter(pa.array(kept))
    if len(table):
        parts.add(
            facts_of(table),
            (heads_of(table[HEADS[0]]), heads_of(table[HEADS[1]])),
            [tuple(tags or ()) for tags in table["vlan"].to_pylist()],
            table["capture"].to_pylist(),
            account.watch_ns,
        )


def _check(path: Path, metadata: dict[bytes, bytes], schema: pa.Schema) -> None:
    version = metadata.get(VERSION_KEY)
    if version is None:
        judged = "verdict" in schema.names and "client_ip" in schema.names
        found = "the table of a report, which cannot be judged again" if judged else "another table"
        raise CaptureError(str(path), f"{EXPECTED}, found {found}")
    if version != str(VERSION).encode():
        text = version.decode("ascii", "replace")
        raise CaptureError(
            str(path), f"{EXPECTED} in version {VERSION} of the layout, found version {text}"
        )
    lacking = sorted({*_COLUMNS, ACCOUNT_KEY.decode()} - {*schema.names, *_texts(metadata)})
    if lacking:
        raise CaptureError(str(path), f"{EXPECTED}, found a table without {', '.join(lacking)}")


def _texts(metadata: dict[bytes, bytes]) -> list[str]:
    return [key.decode("utf-8", "replace") for key in metadata]
