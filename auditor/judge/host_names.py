"""The name that the report shows for each address; unlike naming.py, no verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.names import SeenName

if TYPE_CHECKING:
    from auditor.evidence.names import Names
    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation

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
    shown: dict[int, SeenName], names: Names, hosts: Hosts, orientation: Orientation
) -> dict[int, SeenName]:
    """Choose the best name of each host, client or server, by rows of the hosts' table.

    shown: flow -> the name of its server. Of names of one kind the latest told is chosen; of those
    in flows the first.
    """
    best = {
        row: SeenName(host.name, "inventory", 0, None)
        for row, host in enumerate(hosts.table)
        if host.name
    }
    for flow, name in sorted(shown.items()):
        row = int(orientation.server[flow])
        if row not in best or _RANK[name.kind] > _RANK[best[row].kind]:
            best[row] = name
    for row, pair in enumerate(hosts.words):
        for name in names.address_names.get(pair, ()):
            before = best.get(row)
            if before is None or _order(name) > _order(before):
                best[row] = name
    return best


def _order(name: SeenName) -> tuple[int, int]:
    return _RANK[name.kind], name.time_ns
