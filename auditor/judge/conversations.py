"""Flows gathered by who talks to which service of whom: what a person means by a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.wording import service_text
from auditor.records import WITH_PORTS, transport_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from auditor.hosts import Host
    from auditor.judge.judged import Judged


@dataclass(frozen=True)
class Conversation:
    """The flows of one client to one service of one server."""

    client: Host
    server: Host
    transport: str
    port: int | None
    flows: NDArray[np.int64]
    """Rows of the flow table, ascending, never empty."""
    pair: tuple[int, int]
    """The two hosts as numbers: equal pairs are the same hosts by their labels."""

    @property
    def service(self) -> str:
        """Write the service as `tcp/443`."""
        return service_text(self.transport, self.port)

    def __str__(self) -> str:
        """Write `client -> server tcp/443`."""
        return f"{self.client.label} -> {self.server.label} {self.service}"


class Conversations:
    """Gathers marked flows."""

    def __init__(self, judged: Judged) -> None:
        """Prepare for one result.

        Hosts are told apart by label: addresses under one name are one host to a reader.
        """
        self._judged = judged
        labels: dict[str, int] = {}
        self._label_of = np.array(
            [labels.setdefault(host.label, len(labels)) for host in judged.hosts.table],
            dtype=np.int64,
        )
        port = judged.orientation.server_port
        self._port = np.where(port > 0xFFFF, 0, port).astype(np.int64)

    def of(self, mask: NDArray[np.bool_]) -> Iterator[Conversation]:
        """Gather the marked flows by client, server, transport and port, by first flow."""
        rows = np.flatnonzero(mask)
        if not len(rows):
            return
        table, orientation = self._judged.hosts.table, self._judged.orientation
        client = self._label_of[orientation.client[rows]]
        server = self._label_of[orientation.server[rows]]
        transport = self._judged.flows.facts["transport"][rows].astype(np.int64)
        labels = int(self._label_of.max()) + 1
        key = ((client * labels + server) * 256 + transport) * 0x10000 + self._port[rows]
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        parts = np.split(rows[np.argsort(group, kind="stable")], np.cumsum(np.bincount(group))[:-1])
        for number in np.argsort(first).tolist():
            row = int(parts[number][0])
            name = transport_name(int(self._judged.flows.facts["transport"][row]))
            yield Conversation(
                table[int(orientation.client[row])],
                table[int(orientation.server[row])],
                name,
                int(self._port[row]) if name in WITH_PORTS else None,
                parts[number],
                (int(client[first[number]]), int(server[first[number]])),
            )
