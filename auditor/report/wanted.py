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
from auditor.report.cells import plain_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd

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


def wanted_flows(flows: pd.DataFrame, flow_ids: Collection[int]) -> dict[Place, Wanted | None]:
    """Map first frames to the flows of a report's table that they begin.

    None: the beginning of another connection on the same ports, which ends a wanted one.
    """
    chosen = flows["flow_id"].isin(list(flow_ids))
    ends = flows[chosen]
    ports = {*ends["client_port"].dropna(), *ends["server_port"].dropna()}
    alike = (
        (flows["transport"] == "tcp")
        & flows["client_port"].isin(ports)
        & flows["server_port"].isin(ports)
        & flows["client_ip"].isin({*ends["client_ip"], *ends["server_ip"]})
    )
    near = flows[chosen | alike]
    keys = _keys(near)
    begins: dict[Place, Wanted | None] = {}
    for wanted, place, flow in zip(
        chosen[chosen | alike].tolist(), _places(near), _wanted(near, keys), strict=True
    ):
        begins[place] = flow if wanted else None
    return begins


def _places(flows: pd.DataFrame) -> Iterator[Place]:
    return map(Place, flows["capture"].tolist(), flows["first_frame"].tolist())


def _keys(flows: pd.DataFrame) -> list[bytes | None]:
    """Give each flow's key, None where the flow shares it or the table does not tell it."""
    keys = [
        None if transport in _WITH_IDENTIFIERS else _key(transport, client, server)
        for transport, client, server in zip(
            flows["transport"].tolist(), _ends(flows, "client"), _ends(flows, "server"), strict=True
        )
    ]
    holders = Counter(keys)
    return [key if holders[key] == 1 else None for key in keys]


def _ends(flows: pd.DataFrame, side: str) -> Iterator[tuple[str, int]]:
    ports = flows[f"{side}_port"].fillna(0).astype(int).tolist()
    return zip(flows[f"{side}_ip"].tolist(), ports, strict=True)


def _key(transport: str, client: tuple[str, int], server: tuple[str, int]) -> bytes:
    number = _NUMBERS.get(transport) or int(transport.removeprefix("ip-"))
    source, destination = address_words(client[0]), address_words(server[0])
    return quote_key(Quote(0, False, *source, *destination, number, client[1], server[1]))[0]


def _wanted(flows: pd.DataFrame, keys: list[bytes | None]) -> Iterator[Wanted]:
    first, last = (
        flows[name].to_numpy(dtype="datetime64[ns]").astype(np.int64).tolist()
        for name in ("first_seen", "last_seen")
    )
    return map(
        Wanted,
        flows["flow_id"].tolist(),
        first,
        last,
        (flows["packets_out"] + flows["packets_in"]).tolist(),
        map(address_words, flows["client_ip"].tolist()),
        plain_values("client_port", flows["client_port"]),
        (flows["outcome"] == Outcome.REFUSED.value).tolist(),
        keys,
    )
