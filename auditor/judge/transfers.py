"""Transfers that answer a request from another port (TFTP), joined to their request.

A TFTP server answers from a port of its own choice to the port that asked (RFC 1350, chapter 4).
Seen alone the request went unanswered and the server opened an undocumented flow to its client.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import IPPROTO_UDP

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.orient import Orientation


@dataclass(frozen=True)
class Transfers:
    """What joining changed; both arrays have shape (n flows,)."""

    service_port: NDArray[np.uint32]
    """The port by which a flow is judged: its server's, or that of the request it answers."""
    answered: NDArray[np.bool_]
    """A request that a transfer answers."""


def join_transfers(
    flows: Flows, hosts: Hosts, orientation: Orientation, ports: Collection[int]
) -> tuple[Orientation, Transfers]:
    """Turn every transfer towards the client of its request.

    ports: those of UDP on which requests of this kind arrive.
    """
    service_port = orientation.server_port.copy()
    answered = np.zeros(len(flows.facts), dtype=bool)
    is_udp = flows.facts["transport"] == IPPROTO_UDP
    is_request = is_udp & np.isin(orientation.server_port, list(ports))
    # Port 0 is nobody's (RFC 6335): records of many flows, which were joined before.
    is_request &= orientation.client_port > 0
    requests = _Requests(np.flatnonzero(is_request), orientation)
    if not len(requests.rows):
        return orientation, Transfers(service_port, answered)

    client_is_a = orientation.client_is_a.copy()
    facts = flows.facts
    others = np.flatnonzero(is_udp & ~is_request)
    ends = (
        (hosts.a, facts["a_port"], hosts.b, True),
        (hosts.b, facts["b_port"], hosts.a, False),
    )
    for asker, asker_port, answerer, asker_is_a in ends:
        chosen, request = requests.of(others, asker[others], asker_port[others])
        fits = _same_machine(hosts, orientation.server[request], answerer[chosen])
        chosen, request = chosen[fits], request[fits]
        client_is_a[chosen] = asker_is_a
        service_port[chosen] = orientation.server_port[request]
        answered[request] = True
    same = client_is_a == orientation.client_is_a
    hosts_of = orientation.client, orientation.server
    ports_of = orientation.client_port, orientation.server_port
    turned = replace(
        orientation,
        client_is_a=client_is_a,
        inferred=orientation.inferred & (service_port == orientation.server_port),
        client=np.where(same, *hosts_of),
        server=np.where(same, *hosts_of[::-1]),
        client_port=np.where(same, *ports_of),
        server_port=np.where(same, *ports_of[::-1]),
    )
    return turned, Transfers(service_port, answered)


class _Requests:
    """Requests by who asked from which port; of several from one port the last counts."""

    def __init__(self, rows: NDArray[np.int64], orientation: Orientation) -> None:
        keys = _endpoint(orientation.client[rows], orientation.client_port[rows])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        last = np.ones(len(keys), dtype=bool)
        last[:-1] = keys[1:] != keys[:-1]
        self._keys = keys[last]
        self.rows = rows[order][last]

    def of(
        self, rows: NDArray[np.int64], host: NDArray[np.int64], port: NDArray[np.uint32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give those of some flows with an end that asked, and the request of each."""
        keys = _endpoint(host, port)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        found = self._keys[place] == keys
        return rows[found], self.rows[place[found]]


def _endpoint(host: NDArray[np.int64], port: NDArray[np.uint32]) -> NDArray[np.int64]:
    endpoint: NDArray[np.int64] = host * 0x10000 + port
    return endpoint


def _same_machine(
    hosts: Hosts, asked: NDArray[np.int64], answerer: NDArray[np.int64]
) -> NDArray[np.bool_]:
    # A request to the broadcast address may be answered by anybody.
    anybody = hosts.where(lambda party: bool(party.special))
    same: NDArray[np.bool_] = hosts.machine[asked] == hosts.machine[answerer]
    return same | anybody[asked]
