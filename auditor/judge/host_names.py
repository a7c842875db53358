"""The name that the report shows for each address; unlike naming.py, no verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.names import SeenName
from auditor.judge.told import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation
    from auditor.judge.shown import ShownNames
    from auditor.judge.told import Told

_BEST_FIRST = (
    "inventory",
    "dns",
    "sni",
    "dtls-sni",
    "quic-sni",
    "http-host",
    "dhcp",
    "netbios",
    "mdns",
    "llmnr",
)
"""Kinds of name. What a client asked a server for may be the name of one site among many there, or
of one behind a proxy; what a host calls itself is nothing but its own word."""

_RANK = {kind: -place for place, kind in enumerate(_BEST_FIRST)}


def name_hosts(
    shown: ShownNames, told: Told, hosts: Hosts, orientation: Orientation
) -> dict[int, SeenName]:
    """Choose the best name of each host, client or server, by rows of the hosts' table.

    shown: the name of each flow's server. Of names of one kind the latest told is chosen; of those
    in flows the first.
    """
    best = {row: SeenName(name, "inventory", 0, None) for row, name in hosts.names.items()}
    for server, name in _best_shown(shown, orientation):
        if server not in best or _RANK[name.kind] > _RANK[best[server].kind]:
            best[server] = name
    for row, name in _best_told(told):
        before = best.get(row)
        if before is None or _order(name) > _order(before):
            best[row] = name
    return best


def _best_told(told: Told) -> Iterator[tuple[int, SeenName]]:
    """Give each host, as its row, with the best of the names told of it, the first of equals."""
    rank = np.array([_RANK[kind] for kind in told.kinds], dtype=np.int64)[told.kind]
    place = np.arange(len(rank))
    order = np.lexsort((-place, told.time_ns, rank, told.host))
    host = told.host[order]
    last = np.ones(len(host), dtype=bool)
    last[:-1] = host[1:] != host[:-1]
    last &= host != NOBODY
    for each in order[last].tolist():
        yield int(told.host[each]), told.seen[each]


def _best_shown(shown: ShownNames, orientation: Orientation) -> Iterator[tuple[int, SeenName]]:
    """Give each server, as its row, with the best of its flows' names."""
    kinds = shown.kinds()
    rank = np.array([-1 if kind is None else -_RANK[kind] for kind in kinds.words])[kinds.code]
    flows = np.flatnonzero(rank >= 0)
    server = orientation.server[flows]
    hosts = int(server.max(initial=-1)) + 1
    least = np.full(hosts, len(_RANK))
    np.minimum.at(least, server, rank[flows])
    flows = flows[rank[flows] == least[server]][::-1]
    first = np.full(hosts, -1)
    # Of several values for one place the last stays: that of the first flow.
    first[orientation.server[flows]] = flows
    for row in np.flatnonzero(first >= 0).tolist():
        yield row, shown[int(first[row])]


def _order(name: SeenName) -> tuple[int, int]:
    return _RANK[name.kind], name.time_ns
