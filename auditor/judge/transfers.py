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
    requests = {
        (int(orientation.client[row]), int(orientation.client_port[row])): row
        for row in np.flatnonzero(is_request).tolist()
    }
    if not requests:
        return orientation, Transfers(service_port, answered)

    client_is_a = orientation.client_is_a.copy()
    facts = flows.facts
    ends = (
        (hosts.a, facts["a_port"], hosts.b, True),
        (hosts.b, facts["b_port"], hosts.a, False),
    )
    askers = list({port for _, port in requests})
    for asker, asker_port, answerer, asker_is_a in ends:
        for row in np.flatnonzero(is_udp & ~is_request & np.isin(asker_port, askers)).tolist():
            request = requests.get((int(asker[row]), int(asker_port[row])))
            if request is not None and _same_machine(hosts, orientation, request, answerer[row]):
                client_is_a[row] = asker_is_a
                service_port[row] = orientation.server_port[request]
                answered[request] = True
    turned = replace(
        orientation,
        client_is_a=client_is_a,
        inferred=orientation.inferred & (service_port == orientation.server_port),
        client=np.where(client_is_a, hosts.a, hosts.b),
        server=np.where(client_is_a, hosts.b, hosts.a),
        client_port=np.where(client_is_a, facts["a_port"], facts["b_port"]),
        server_port=np.where(client_is_a, facts["b_port"], facts["a_port"]),
    )
    return turned, Transfers(service_port, answered)


def _same_machine(hosts: Hosts, orientation: Orientation, request: int, answerer: np.int64) -> bool:
    server = hosts.table[int(orientation.server[request])]
    # A request to the broadcast address may be answered by anybody.
    return bool(server.special) or server.machine == hosts.table[int(answerer)].machine
