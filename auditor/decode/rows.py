"""PACKET rows, of frames with all their headers and of those that lack some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.records import IPPROTO_TCP, Status, Tunnel

if TYPE_CHECKING:
    from auditor.decode.internet import Datagram
    from auditor.decode.transports import Segment

Row = tuple[int, ...]
"""The fields of PACKET, in its order."""


def whole(
    datagram: Datagram,
    segment: Segment,
    time_ns: int,
    wire_len: int,
    vlan: int,
    tunnel: tuple[int, int] = (0, 0),
) -> Row:
    """Make the row of a packet whose transport header could be read."""
    header_len = segment.header_len if datagram.protocol == IPPROTO_TCP else 0
    return (
        time_ns,
        datagram.src_hi,
        datagram.src_lo,
        datagram.dst_hi,
        datagram.dst_lo,
        wire_len,
        segment.payload,
        segment.payload_len,
        segment.src_port,
        segment.dst_port,
        segment.tcp_seq,
        segment.tcp_ack,
        max(datagram.sent_end - datagram.position - header_len, 0) if header_len else 0,
        datagram.identification << 16 | segment.checksum,
        tunnel[1],
        vlan,
        datagram.protocol,
        segment.tcp_flags,
        Status.OK,
        datagram.version,
        tunnel[0],
    )


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
        0,
        0,
        datagram.identification << 16,
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
    return (time_ns, *(0,) * 4, wire_len, *(0,) * 9, vlan, 0, 0, status, 0, Tunnel.NONE)
