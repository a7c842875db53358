"""Reads the names in the heads of all flows; either side of one may turn out to be the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.evidence.http import read_http_host
from auditor.evidence.many import has_many_heads, sealed
from auditor.evidence.own_names import OWN_KINDS, OwnNames
from auditor.evidence.quic import read_quic_name
from auditor.evidence.quic_packets import VERSIONS
from auditor.evidence.tls import read_dtls_name, read_tls_name
from auditor.flows.headlist import MOST_HEADS
from auditor.hostnames import safe_name
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, NO_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.flows.headlist import HeadList

    Read = Callable[[Sequence[bytes]], bytes | None]

_READERS: dict[int, dict[str, Read]] = {
    IPPROTO_TCP: {"sni": read_tls_name, "http-host": read_http_host},
    IPPROTO_UDP: {"dtls-sni": read_dtls_name, "quic-sni": read_quic_name},
}
"""By IP protocol: the kinds of name that the heads of one side can hold, and who finds them."""

_IN_PIECES = -2
"""What kernels answer where a name, if there is one, must be read by the functions above."""


class _Found(NamedTuple):
    """Names found by one reader; columns of one length."""

    place: NDArray[np.int64]
    """Which of the heads at hand."""
    name: NDArray[np.int32]
    """Index into the words so far; -1 = what was found is no host name."""


def read_own_names(flows: Flows, *, many: bool | None = None) -> OwnNames:
    """Read the names in the heads.

    many: whether to use compiled code; None = where it is worth it.
    """
    words = _Words()
    heads_of = {"a": flows.heads_a, "b": flows.heads_b}
    if many is None:
        many = has_many_heads(flows)
    columns: list[tuple[NDArray[np.generic], ...]] = []
    for letter, heads in heads_of.items():
        times = flows.facts[f"data_{letter}_ns"]
        spoke = (times != NO_TIME) & (heads.length[:, 0] > 0)
        for transport, readers in _READERS.items():
            rows = np.flatnonzero(spoke & (flows.facts["transport"] == transport))
            those = heads.select(rows)
            for kind, read in readers.items():
                found = _read_many(kind, those, words) if many else _read(read, those, words)
                named = rows[found.place[found.name >= 0]]
                name = found.name[found.name >= 0]
                kinds = np.full(len(named), OWN_KINDS.index(kind), np.uint8)
                columns.append((named, name, kinds, times[named]))
    flow, name, kinds, time_ns = (np.concatenate(column) for column in zip(*columns, strict=True))
    # Stable: of one flow, what endpoint a sent comes first.
    order = np.argsort(flow, kind="stable")
    return OwnNames(
        len(flows.facts), flow[order], name[order], kinds[order], time_ns[order], tuple(words.known)
    )


def _read(read: Read, heads: HeadList, words: _Words) -> _Found:
    """Read heads one by one."""
    found = [(place, raw) for place, each in enumerate(heads) if (raw := read(each)) is not None]
    places = np.array([place for place, _ in found], np.int64)
    return _Found(places, np.array([words.number(raw) for _, raw in found], np.int32))


def _read_many(kind: str, heads: HeadList, words: _Words) -> _Found:
    """Find names by compiled code, and read one by one what it leaves."""
    read = {**_READERS[IPPROTO_TCP], **_READERS[IPPROTO_UDP]}[kind]
    spans = np.full((len(heads), 2), _IN_PIECES, np.int64)
    if kind == "quic-sni":
        spans[~_has_quic_version(heads)] = -1
    else:
        _find(kind, heads, spans)
    whole = np.flatnonzero(spans[:, 0] >= 0)
    rest = np.flatnonzero(spans[:, 0] == _IN_PIECES)
    left = _read(read, heads.select(rest), words)
    return _Found(
        np.concatenate([whole, rest[left.place]]),
        np.concatenate([words.numbers(sealed(heads.data), spans[whole]), left.name]),
    )


def _find(kind: str, heads: HeadList, spans: NDArray[np.int64]) -> None:
    """Set `spans` to start and end of each name in the data, or to what a kernel says instead."""
    from auditor.kernel.hello_names import dtls_names, tls_names  # noqa: PLC0415 - numba is slow
    from auditor.kernel.http_names import host_names  # noqa: PLC0415 - as above

    if kind == "dtls-sni":
        dtls_names(sealed(heads.data), heads.start, heads.length, spans)
        return
    stream = np.stack([heads.start[:, 0], heads.start[:, 0] + heads.length[:, 0]], axis=1)
    (tls_names if kind == "sni" else host_names)(sealed(heads.data), stream, spans)


def _has_quic_version(heads: HeadList) -> NDArray[np.bool_]:
    """Mark the items of which some head has a version of QUIC where a long header has it."""
    marked = np.zeros(len(heads), bool)
    for place in range(MOST_HEADS):
        rows = np.flatnonzero(heads.length[:, place] >= 5)
        start = heads.start[rows, place]
        version = np.zeros(len(rows), np.int64)
        for step in range(1, 5):
            version = version << 8 | heads.data[start + step]
        marked[rows] |= np.isin(version, VERSIONS)
    return marked


class _Words:
    """Host names, each with a number."""

    def __init__(self) -> None:
        """Begin without any."""
        self.known: dict[str, int] = {}

    def number(self, raw: bytes) -> int:
        """Give the number of a name as sent; -1 if it is no host name."""
        name = safe_name(raw)
        return -1 if name is None else self.known.setdefault(name, len(self.known))

    def numbers(self, data: NDArray[np.uint8], spans: NDArray[np.int64]) -> NDArray[np.int32]:
        """Give the same of many that stand in `data`; spans: (n, 2), start and end of each."""
        from auditor.kernel.interning import intern  # noqa: PLC0415 - numba is slow to load

        slots = np.full(1 << (2 * len(spans)).bit_length(), -1, np.int32)
        first = np.empty(len(spans), np.int64)
        group = np.empty(len(spans), np.int32)
        count = intern(data, spans, slots, first, group)
        raw = (data[start:end].tobytes() for start, end in spans[first[:count]].tolist())
        return np.fromiter(map(self.number, raw), np.int32, count)[group]
