"""What one window leaves in the history, as plain values that a queue on disk can hold."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.vocabulary import SERVED
from auditor.outlets.store.schema import HOUR_NS, NO_PORT
from auditor.report.frames import frame_of

if TYPE_CHECKING:
    from auditor.outlets.window import Window
    from auditor.report.table import Table

MOST_EDGES = 50_000
"""Of one window; a scan of a whole network must not fill the disk."""

_EDGE = ["client_ip", "server_ip", "transport", "port", "verdict"]


@dataclass(frozen=True, slots=True)
class EdgeHour:
    """Who talked to whom within an hour, and how it was judged."""

    client: str
    server: str
    transport: str
    port: int
    verdict: str
    hour_ns: int
    client_name: str | None
    server_name: str | None
    first_ns: int
    last_ns: int
    flows: int
    answered: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Expected:
    """One row of the coverage."""

    rule_group: str
    source: str
    destination: str
    product: str
    paper_rows: str
    """JSON list, as the next and `ports`."""
    rule_ids: str
    transport: str
    ports: str
    status: str
    strength: str | None
    why: str | None


@dataclass(frozen=True)
class Record:
    """One window of one sensor."""

    sensor: str
    first_ns: int
    last_ns: int
    frames: int
    bytes: int
    dropped: int | None
    flows: int
    left_out: int
    edition: str
    catalog_digest: str
    edges: tuple[EdgeHour, ...]
    expected: tuple[Expected, ...]


def pack(record: Record) -> bytes:
    """Write for the queue."""
    return zlib.compress(_text(record))


def unpack(content: bytes) -> Record:
    """Read what `pack` wrote; raise ValueError if it is something else."""
    try:
        value = json.loads(zlib.decompress(content))
        value["edges"] = tuple(EdgeHour(**edge) for edge in value["edges"])
        value["expected"] = tuple(Expected(**one) for one in value["expected"])
        return Record(**value)
    except (zlib.error, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"expected a window, found {content[:20]!r}") from error


def digest_of(record: Record) -> str:
    """Name the content: a window that is written twice has the same one."""
    return hashlib.sha256(_text(record)).hexdigest()[:32]


def _text(record: Record) -> bytes:
    return json.dumps(asdict(record), separators=(",", ":"), sort_keys=True).encode()


def record_of(window: Window, sensor: str) -> Record:
    """Sum up a window."""
    report = window.report
    edges, left_out = _edges(window)
    return Record(
        sensor=_clean(sensor) or "",
        first_ns=window.first_ns,
        last_ns=max(window.first_ns, window.last_ns),
        frames=report.capture.frames,
        bytes=report.capture.bytes,
        dropped=report.capture.dropped,
        flows=report.summary["flows"],
        left_out=left_out,
        edition=report.audit.edition,
        catalog_digest=report.audit.catalog_digest,
        edges=edges,
        expected=_expected(report.tables["coverage"]),
    )


def _edges(window: Window) -> tuple[tuple[EdgeHour, ...], int]:
    """Count flows per edge and hour; give also how many were too many."""
    flows, counts = frame_of(window.report.tables["flows"]), window.report.counts()
    first = flows["first_seen"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    last = flows["last_seen"].to_numpy(dtype="datetime64[ns]").astype(np.int64)
    # A flow that began before the window is counted in it all the same.
    within = np.clip(first, window.first_ns, max(window.first_ns, window.last_ns - 1))
    table = flows[["client_ip", "server_ip", "transport", "verdict", "client_name", "server_name"]]
    table = table.assign(
        port=flows["server_port"].fillna(NO_PORT).astype(np.int64),
        hour=within // HOUR_NS * HOUR_NS,
        first=first,
        last=last,
        flows=counts,
        answered=counts * flows["outcome"].isin([outcome.value for outcome in SERVED]),
        bytes=flows["bytes_out"] + flows["bytes_in"],
    )
    counted = (
        table.groupby([*_EDGE, "hour"], sort=True)
        .agg(
            client_name=("client_name", "last"),
            server_name=("server_name", "last"),
            first=("first", "min"),
            last=("last", "max"),
            flows=("flows", "sum"),
            answered=("answered", "sum"),
            bytes=("bytes", "sum"),
        )
        .reset_index()
    )
    left_out = max(0, len(counted) - MOST_EDGES)
    if left_out:
        # What was answered says more of a site than what was only tried.
        counted = counted.sort_values(["answered", "flows"], ascending=False, kind="stable")
        counted = counted.head(MOST_EDGES)
    columns = [counted[name].tolist() for name in (*_EDGE, "hour", "client_name", "server_name")]
    numbers = [counted[name].tolist() for name in ("first", "last", "flows", "answered", "bytes")]
    edges = tuple(
        EdgeHour(client, server, transport, port, verdict, hour, _clean(a), _clean(b), *rest)
        for client, server, transport, port, verdict, hour, a, b, *rest in zip(
            *columns, *numbers, strict=True
        )
    )
    return edges, left_out


def _expected(coverage: Table) -> tuple[Expected, ...]:
    names = ("group", "source_roles", "destination_roles", "product", "rows", "rule_ids")
    more = ("transport", "ports", "status", "strength", "why")
    columns = map(coverage.values, (*names, *more))
    return tuple(
        Expected(
            rule_group=group,
            source=",".join(sources),
            destination=",".join(destinations),
            product=product or "",
            paper_rows=json.dumps(rows),
            rule_ids=json.dumps(rule_ids),
            transport=transport or "",
            ports=json.dumps(ports),
            status=status,
            strength=strength,
            why=_clean(why),
        )
        for (
            group,
            sources,
            destinations,
            product,
            rows,
            rule_ids,
            transport,
            ports,
            status,
            strength,
            why,
        ) in zip(*columns, strict=True)
    )


def _clean(text: str | None) -> str | None:
    """Make a name from the wire fit for a database: no NUL, no half of a surrogate pair."""
    if not isinstance(text, str):
        return None
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
