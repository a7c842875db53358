"""Transport headers: ports, flags, and where the payload lies."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from auditor.decode.internet import short
from auditor.records import (
    ECHO_ID,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_SCTP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_TCP = Struct("!HHI4xBB")
_UDP = Struct("!HHH")
_PORTS = Struct("!HH")
_SCTP_CHUNK = Struct("!BxH")
_SCTP_DATA = 0
_SCTP_DATA_HEADER = 16
_ECHO_HEADER = 8
_ECHO_REQUESTS = {IPPROTO_ICMP: 8, IPPROTO_ICMPV6: 128}
_ECHO_REPLIES = {IPPROTO_ICMP: 0, IPPROTO_ICMPV6: 129}


class Segment(NamedTuple):
    """A transport header as far as flows need it."""

    src_port: int = 0
    dst_port: int = 0
    payload: int = 0
    """Where the captured payload starts in the frame."""
    payload_len: int = 0
    tcp_seq: int = 0
    tcp_flags: int = 0


def read_segment(frame: bytes, protocol: int, position: int, end: int) -> Segment | Status:
    """Read the transport header at `position` of a datagram whose captured bytes end at `end`.

    Ports suffice: the rest of a header that the capture cut off reads as 0.
    """
    reader = _READERS.get(protocol)
    if reader:
        return reader(frame, position, end)
    if protocol in _ECHO_REQUESTS:
        return _read_icmp(frame, protocol, position, end)
    return Segment(payload=position, payload_len=end - position)


def _read_tcp(frame: bytes, position: int, end: int) -> Segment | Status:
    if position + 14 > end:
        return _read_ports(frame, position, end)
    src_port, dst_port, sequence, offset, flags = _TCP.unpack_from(frame, position)
    if offset < 0x50:
        return Status.MALFORMED
    payload = min(position + (offset >> 4 << 2), end)
    return Segment(src_port, dst_port, payload, end - payload, sequence, flags)


def _read_udp(frame: bytes, position: int, end: int) -> Segment | Status:
    if position + 8 > end:
        return _read_ports(frame, position, end)
    src_port, dst_port, length = _UDP.unpack_from(frame, position)
    if 0 < length < 8:
        return Status.MALFORMED
    if length:  # 0 is a jumbogram or segmentation offload
        end = min(end, position + length)
    return Segment(src_port, dst_port, position + 8, end - position - 8)


def _read_ports(frame: bytes, position: int, end: int) -> Segment | Status:
    if position + 4 > end:
        return short(frame, position + 4)
    src_port, dst_port = _PORTS.unpack_from(frame, position)
    return Segment(src_port, dst_port, end)


def _read_sctp(frame: bytes, position: int, end: int) -> Segment | Status:
    """Take the first DATA chunk's user data as the payload (RFC 9260, 3.3.1)."""
    ports = _read_ports(frame, position, end)
    if isinstance(ports, Status):
        return ports
    chunk = position + 12
    while chunk + _SCTP_DATA_HEADER <= end:
        kind, length = _SCTP_CHUNK.unpack_from(frame, chunk)
        if kind == _SCTP_DATA:
            payload = chunk + _SCTP_DATA_HEADER
            return ports._replace(
                payload=payload, payload_len=max(min(chunk + length, end) - payload, 0)
            )
        chunk += max(length + 3 & ~3, 4)
    return ports


def _read_icmp(frame: bytes, protocol: int, position: int, end: int) -> Segment | Status:
    if position >= end:
        return short(frame, position + 1)
    message = frame[position]
    payload = min(position + _ECHO_HEADER, end)
    request = message == _ECHO_REQUESTS[protocol]
    if not request and message != _ECHO_REPLIES[protocol]:
        return Segment(payload=payload, payload_len=end - payload)
    if position + 6 > end:
        return short(frame, position + 6)
    identifier = ECHO_ID + (frame[position + 4] << 8 | frame[position + 5])
    ports = (identifier, 0) if request else (0, identifier)
    return Segment(*ports, payload=payload, payload_len=end - payload)


_READERS: dict[int, Callable[[bytes, int, int], Segment | Status]] = {
    IPPROTO_TCP: _read_tcp,
    IPPROTO_UDP: _read_udp,
    IPPROTO_SCTP: _read_sctp,
}
