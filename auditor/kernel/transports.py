"""Transport headers read into PACKET rows: the parts of auditor.kernel.frames behind the addresses.

Positions are those of a frame; `base` is where the frame begins in the bytes of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor import protocols as numbers
from auditor.kernel.jit import part
from auditor.kernel.reading import four, two
from auditor.records import (
    ECHO_ID,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    Status,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OK = int(Status.OK)
_TRUNCATED = int(Status.TRUNCATED)
_MALFORMED = int(Status.MALFORMED)
_ICMP_ERROR = int(Status.ICMP_ERROR)


@part
def short(captured: int, needed: int) -> int:
    """Say why a header is incomplete: the capture ends before `needed`, or the packet itself."""
    return _TRUNCATED if captured < needed else _MALFORMED


@part
def _read_tcp(
    data: NDArray[np.uint8], base: int, position: int, end: int, sent_end: int, row: np.void
) -> int:
    """Read a TCP header, of which 14 bytes are there, into a row; give the status."""
    at = base + position
    header = np.int64(data[at + 12] >> 4) << 2
    if header < 20:
        return _MALFORMED
    payload = min(position + header, end)
    row["src_port"], row["dst_port"] = two(data, at), two(data, at + 2)
    row["tcp_seq"], row["tcp_ack"] = four(data, at + 4), four(data, at + 8)
    row["tcp_flags"] = data[at + 13]
    row["payload_offset"], row["payload_len"] = payload, end - payload
    row["sent_len"] = max(sent_end - position - header, 0)
    if position + 18 <= end:
        row["identity"] |= two(data, at + 16)
    return _OK


@part
def _read_udp(data: NDArray[np.uint8], base: int, position: int, end: int, row: np.void) -> int:
    """Read a UDP header, of which 8 bytes are there, into a row; give the status."""
    at = base + position
    length = two(data, at + 4)
    if 0 < length < 8:
        return _MALFORMED
    if length:  # 0 is a jumbogram or segmentation offload
        end = min(end, position + length)
    row["src_port"], row["dst_port"] = two(data, at), two(data, at + 2)
    row["payload_offset"], row["payload_len"] = position + 8, end - position - 8
    row["identity"] |= two(data, at + 6)
    return _OK


@part
def _read_icmp(
    data: NDArray[np.uint8], base: int, captured: int, position: int, end: int, row: np.void
) -> int:
    """Read an ICMP or ICMPv6 header into a row; give the status."""
    at = base + position
    if position >= end:
        return short(captured, position + 1)
    message = np.int64(data[at])
    if row["transport"] == IPPROTO_ICMP:
        request, reply, error = (
            numbers.ICMP_ECHO,
            numbers.ICMP_ECHO_REPLY,
            message in numbers.ICMP_ERRORS,
        )
    else:
        request, reply, error = (
            numbers.ICMPV6_ECHO,
            numbers.ICMPV6_ECHO_REPLY,
            message in numbers.ICMPV6_ERRORS,
        )
    if error:
        return _ICMP_ERROR
    payload = min(position + 8, end)
    if message in (request, reply):
        if position + 6 > end:
            return short(captured, position + 6)
        if message == request:
            row["src_port"] = ECHO_ID + two(data, at + 4)
        else:
            row["dst_port"] = ECHO_ID + two(data, at + 4)
        row["identity"] |= two(data, at + 2)
    row["payload_offset"], row["payload_len"] = payload, end - payload
    return _OK


@part
def read_transport(
    data: NDArray[np.uint8], base: int, captured: int, span: tuple[int, int, int], row: np.void
) -> int:
    """Read a transport header into a row; give the status.

    span: where it begins, where the captured bytes of the datagram end, where all of them do.
    """
    position, end, sent_end = span
    protocol = row["transport"]
    if protocol == IPPROTO_TCP and position + 14 <= end:
        return _read_tcp(data, base, position, end, sent_end, row)
    if protocol == IPPROTO_UDP and position + 8 <= end:
        return _read_udp(data, base, position, end, row)
    if protocol in (IPPROTO_ICMP, IPPROTO_ICMPV6):
        return _read_icmp(data, base, captured, position, end, row)
    if protocol not in (IPPROTO_TCP, IPPROTO_UDP):
        row["payload_offset"], row["payload_len"] = position, end - position
        return _OK
    if position + 4 > end:
        return short(captured, position + 4)
    at = base + position
    row["src_port"], row["dst_port"] = two(data, at), two(data, at + 2)
    row["payload_offset"] = end
    return _OK
