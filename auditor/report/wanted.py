"""Which flows of a report are looked for in its captures again, and how each is recognised.

A flow is known by its pair of endpoints. Where that is not enough, it is known by its first frame:
of several connections on the same ports that says where each begins, and of pings it tells them
apart.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.decode.packets import Quote
from auditor.flows.keys import quote_key
from auditor.judge.vocabulary import Outcome
from auditor.records import TRANSPORT_NAMES, address_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from auditor.report.table import Table

_ERROR_NS = 60_000_000_000
"""How long after a flow's last frame an ICMP error that quotes it may come."""

_NUMBERS = {name: number for number, name in TRANSPORT_NAMES.items()}
_WITH_IDENTIFIERS = frozenset({"icmp", "icmpv6"})
"""Transports whose flows differ in more than the table says."""


class Place(NamedTuple):
    """A frame of a capture."""

    capture: str
    """As CaptureInfo.files has it."""
    number: int
    """1-based, as Wireshark counts."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A flow of which frames are wanted."""

    flow_id: int
    first_ns: int
    last_ns: int
    packets: int
    client: tuple[int, int]
    """Address words."""
    client_port: int | None
    errors: bool
    """ICMP errors that quote it are wanted too."""
    key: bytes | None
    """As auditor.flows.keys; None where only its first frame tells it from others."""

    @property
    def until_ns(self) -> int:
        """Time of the last frame that can matter."""
        return self.last_ns + (_ERROR_NS if self.errors else 0)


def wanted_flows(flows: Table, flow_ids: Collection[int]) -> dict[Place, Wanted | None]:
    """Map first frames to the flows of a report's table that they begin.

    None: the beginning of another connection on the same ports, which ends a wanted one.
    """
    chosen = np.isin(flows.array("flow_id"), list(flow_ids))
    ends = flows.take(chosen)
    ports = [*ends.values("client_port"), *ends.values("server_port")]
    ports = [port for port in ports if port is not None]
    addresses = {*ends.values("client_ip"), *ends.values("server_ip")}
    alike = (
        flows.where("transport", {"tcp"})
        & np.isin(flows.array("client_port"), ports)
        & np.isin(flows.array("server_port"), ports)
        & flows.where("client_ip", addresses)
    )
    near = flows.take(chosen | alike)
    keys = _keys(near)
    begins: dict[Place, Wanted | None] = {}
    for wanted, place, flow in zip(
        chosen[chosen | alike].tolist(), _places(near), _wanted(near, keys), strict=True
    ):
        begins[place] = flow if wanted else None
    return begins


def _places(flows: Table) -> Iterator[Place]:
    return map(Place, flows.values("capture"), flows.values("first_frame"))


def _keys(flows: Table) -> list[bytes | None]:
    """Give each flow's key, None where the flow shares it or the table does not tell it."""
    keys = [
        None if transport in _WITH_IDENTIFIERS else _key(transport, client, server)
        for transport, client, server in zip(
            flows.values("transport"), _ends(flows, "client"), _ends(flows, "server"), strict=True
        )
    ]
    holders = Counter(keys)
    return [key if holders[key] == 1 else None for key in keys]


def _ends(flows: Table, side: str) -> Iterator[tuple[str, int]]:
    ports = [port or 0 for port in flows.values(f"{side}_port")]
    return zip(flows.values(f"{side}_ip"), ports, strict=True)


def _key(transport: str, client: tuple[str, int], server: tuple[str, int]) -> bytes:
    number = _NUMBERS.get(transport) or int(transport.removeprefix("ip-"))
    source, destination = address_words(client[0]), address_words(server[0])
    return quote_key(Quote(0, False, *source, *destination, number, client[1], server[1]))[0]


def _wanted(flows: Table, keys: list[bytes | None]) -> Iterator[Wanted]:
    first, last = (flows.array(name).astype(np.int64) for name in ("first_seen", "last_seen"))
    return map(
        Wanted,
        flows.values("flow_id"),
        first.tolist(),
        last.tolist(),
        (flows.array("packets_out") + flows.array("packets_in")).tolist(),
        map(address_words, flows.values("client_ip")),
        flows.values("client_port"),
        flows.where("outcome", {Outcome.REFUSED}).tolist(),
        keys,
    )
