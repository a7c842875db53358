"""Transport headers: ports, flags, and where the payload lies."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from auditor.decode.internet import short
from auditor.protocols import ICMP_ECHO, ICMP_ECHO_REPLY, ICMPV6_ECHO, ICMPV6_ECHO_REPLY
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

_TCP = Struct("!HHIIBB")
_UDP = Struct("!HHHH")
_PORTS = Struct("!HH")
_SCTP_CHUNK = Struct("!BxH")
_SCTP_DATA = 0
_SCTP_DATA_HEADER = 16
_ECHO_HEADER = 8
_ECHO_REQUESTS = {IPPROTO_ICMP: ICMP_ECHO, IPPROTO_ICMPV6: ICMPV6_ECHO}
_ECHO_REPLIES = {IPPROTO_ICMP: ICMP_ECHO_REPLY, IPPROTO_ICMPV6: ICMPV6_ECHO_REPLY}


class Segment(NamedTuple):
    """A transport header as far as flows need it."""

    src_port: int = 0
    dst_port: int = 0
    payload: int = 0
    """Where the captured payload starts in the frame."""
    payload_len: int = 0
    tcp_seq: int = 0
    tcp_flags: int = 0
    tcp_ack: int = 0
    header_len: int = 0
    """Bytes before the payload; 0 where the header is cut or has none that count."""
    checksum: int = 0
    """0 where it is cut or there is none."""


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
    src_port, dst_port, sequence, ack, offset, flags = _TCP.unpack_from(frame, position)
    if offset < 0x50:
        return Status.MALFORMED
    header_len = offset >> 4 << 2
    payload = min(position + header_len, end)
    checksum = _word(frame, position + 16, end)
    return Segment(
        src_port, dst_port, payload, end - payload, sequence, flags, ack, header_len, checksum
    )


def _read_udp(frame: bytes, position: int, end: int) -> Segment | Status:
    if position + 8 > end:
        return _read_ports(frame, position, end)
    src_port, dst_port, length, checksum = _UDP.unpack_from(frame, position)
    if 0 < length < 8:
        return Status.MALFORMED
    if length:  # 0 is a jumbogram or segmentation offload
        end = min(end, position + length)
    payload_len = end - position - 8
    return Segment(src_port, dst_port, position + 8, payload_len, header_len=8, checksum=checksum)


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
    checksum = _word(frame, position + 2, end)
    return Segment(*ports, payload=payload, payload_len=end - payload, checksum=checksum)


def _word(frame: bytes, position: int, end: int) -> int:
    return frame[position] << 8 | frame[position + 1] if position + 2 <= end else 0


_READERS: dict[int, Callable[[bytes, int, int], Segment | Status]] = {
    IPPROTO_TCP: _read_tcp,
    IPPROTO_UDP: _read_udp,
    IPPROTO_SCTP: _read_sctp,
}
