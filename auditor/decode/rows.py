"""PACKET rows of frames whose own transport header is not there to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.records import Status, Tunnel

if TYPE_CHECKING:
    from auditor.decode.internet import Datagram

Row = tuple[int, ...]
"""The fields of PACKET, in its order."""


def portless(
    status: Status,
    datagram: Datagram,
    time_ns: int,
    wire_len: int,
    vlan: int,
    ports: tuple[int, int] = (0, 0),
    tunnel: tuple[Tunnel, int] = (Tunnel.NONE, 0),
) -> Row:
    """Make the row of a datagram that has addresses; `ports` are those that others told."""
    kind, tunnel_id = tunnel
    return (
        time_ns,
        *datagram[2:6],
        wire_len,
        0,
        0,
        *ports,
        0,
        tunnel_id,
        vlan,
        datagram.protocol,
        0,
        status,
        datagram.version,
        kind,
    )


def nowhere(status: Status, time_ns: int, wire_len: int, vlan: int) -> Row:
    """Make the row of a frame without addresses."""
    return (time_ns, 0, 0, 0, 0, wire_len, 0, 0, 0, 0, 0, 0, vlan, 0, 0, status, 0, Tunnel.NONE)
