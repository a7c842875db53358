"""Flows gathered by who talks to which service of whom: what a person means by a connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group
from auditor.judge.wording import service_text
from auditor.records import WITH_PORTS, transport_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.hosts import Host, Hosts
    from auditor.judge.judged import Judged

_HIGHEST_PORT = 0xFFFF
"""What is above is the identifier of an echo."""


@dataclass(frozen=True)
class Conversation:
    """The flows of one client to one service of one server."""

    client: Host
    server: Host
    transport: str
    port: int | None

    @property
    def service(self) -> str:
        """Write the service as `tcp/443`."""
        return service_text(self.transport, self.port)

    def __str__(self) -> str:
        """Write `client -> server tcp/443`."""
        return f"{self.client.label} -> {self.server.label} {self.service}"


def conversation(client: Host, server: Host, transport: int, port: int) -> Conversation:
    """Make a conversation; transport: IP protocol number; port: 0 where there is none."""
    name = transport_name(transport)
    return Conversation(client, server, name, port if name in WITH_PORTS else None)


@dataclass(frozen=True, eq=False)
class Conversations:
    """Conversations as columns, in the order of their first flows; arrays have shape (n,)."""

    hosts: Hosts
    client: NDArray[np.int64]
    """Row of the hosts: of the first flow, where several addresses go by one name."""
    server: NDArray[np.int64]
    client_label: NDArray[np.int64]
    """Hosts by number: equal numbers are the same host by its label."""
    server_label: NDArray[np.int64]
    transport: NDArray[np.uint8]
    """Of the first flow, as the port is."""
    port: NDArray[np.int64]
    """0 where there is none."""
    first: NDArray[np.int64]
    """The first flow of each."""
    flows: NDArray[np.int64]
    """Rows of the flow table, conversation by conversation, ascending within each."""
    starts: NDArray[np.int64]
    """Shape (n + 1,): where each conversation begins in `flows`."""

    def __len__(self) -> int:
        """Count the conversations."""
        return len(self.first)

    def __getitem__(self, number: int) -> Conversation:
        """Make one conversation an object."""
        table = self.hosts.table
        ends = table[int(self.client[number])], table[int(self.server[number])]
        return conversation(*ends, int(self.transport[number]), int(self.port[number]))

    def flows_of(self, number: int) -> NDArray[np.int64]:
        """List the flows of one conversation."""
        return self.flows[self.starts[number] : self.starts[number + 1]]

    def every(self, flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark the conversations of which all flows are marked; flag: by row of the flow table."""
        return ~self.some(~flag)

    def some(self, flag: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark the conversations of which at least one flow is marked."""
        return self.bits(flag.astype(np.uint8)) > 0

    def bits(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Join the bits of the flows of each conversation; values: by row of the flow table."""
        if not len(self):
            return values[:0]
        joined: NDArray[np.uint8] = np.bitwise_or.reduceat(values[self.flows], self.starts[:-1])
        return joined

    @property
    def owner(self) -> NDArray[np.int64]:
        """Give the conversation of each item of `flows`."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def values(self, column: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List what different values the flows of each conversation have.

        column: by row of the flow table. Gives conversations and values, side by side, ascending.
        """
        owner, values = self.owner, column[self.flows]
        first = group((owner, values)).first
        return owner[first], values[first]

    def select(self, chosen: NDArray[np.bool_]) -> Conversations:
        """Narrow to some conversations."""
        sizes = np.diff(self.starts)
        return Conversations(
            self.hosts,
            self.client[chosen],
            self.server[chosen],
            self.client_label[chosen],
            self.server_label[chosen],
            self.transport[chosen],
            self.port[chosen],
            self.first[chosen],
            self.flows[np.repeat(chosen, sizes)],
            np.concatenate([[0], np.cumsum(sizes[chosen])]),
        )


def converse(
    judged: Judged, marked: NDArray[np.bool_], *, by_service: bool = True
) -> Conversations:
    """Gather the marked flows by client, server, transport and port, or by the two hosts alone.

    Hosts are told apart by label: addresses under one name are one host to a reader.
    """
    rows = np.flatnonzero(marked)
    hosts, orientation = judged.hosts, judged.orientation
    client, server = orientation.client[rows], orientation.server[rows]
    transport = judged.flows.facts["transport"][rows]
    port = orientation.server_port[rows].astype(np.int64)
    port[port > _HIGHEST_PORT] = 0
    label = hosts.label_of
    services = (transport, port) if by_service else ()
    found = group((label[client], label[server], *services)).by_first()
    first = found.first
    return Conversations(
        hosts,
        client[first],
        server[first],
        label[client[first]],
        label[server[first]],
        transport[first],
        port[first],
        rows[first],
        rows[found.rows],
        found.starts,
    )


def narrowed(judged: Judged, talks: Conversations, marked: NDArray[np.bool_]) -> Conversations:
    """Leave the marked flows of some conversations, as if the others had never been gathered.

    marked: by row of the flow table.
    """
    kept = marked[talks.flows]
    owner, flows = talks.owner[kept], talks.flows[kept]
    sizes = np.bincount(owner, minlength=len(talks))
    held = np.flatnonzero(sizes)
    begins = (np.cumsum(sizes) - sizes)[held]
    order = np.argsort(flows[begins])
    held, begins, sizes = held[order], begins[order], sizes[held[order]]
    first, starts = flows[begins], np.concatenate([[0], np.cumsum(sizes)])
    within = np.arange(len(flows)) - np.repeat(starts[:-1], sizes)
    orientation, facts = judged.orientation, judged.flows.facts
    port = orientation.server_port[first].astype(np.int64)
    port[port > _HIGHEST_PORT] = 0
    return Conversations(
        talks.hosts,
        orientation.client[first],
        orientation.server[first],
        talks.client_label[held],
        talks.server_label[held],
        facts["transport"][first],
        port,
        first,
        flows[np.repeat(begins, sizes) + within],
        starts,
    )
