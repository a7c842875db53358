"""IPv4 and IPv6 headers, up to the transport that they carry."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from auditor.protocols import (
    CARRIER_ETHERTYPES,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    IPV6_EXTENSIONS,
    IPV6_FRAGMENT,
)
from auditor.records import IPV4_MAPPED, Status

_IPV4 = Struct("!BxHHHxB2xII")
_IPV6 = Struct("!BxxxHBx4Q")
_IPV6_FRAGMENT = Struct("!BxHI")


class Fragment(NamedTuple):
    """What an IP header says of a datagram that travels in pieces."""

    identification: int
    offset: int
    """Place in the whole datagram in units of 8 bytes; 0 = the piece that holds the ports."""


class Datagram(NamedTuple):
    """An IP header as far as flows need it."""

    version: int
    protocol: int
    """Of the payload, after all extension headers; a later IPv6 fragment's: of its first piece."""
    src_hi: int
    src_lo: int
    dst_hi: int
    dst_lo: int
    position: int
    """Where the payload starts in the frame."""
    end: int
    """Where its captured bytes end: neither Ethernet padding nor trailer belongs to it."""
    fragment: Fragment | None
    """None for a whole datagram."""
    sent_end: int
    """Where its bytes end by the header, captured or not."""
    identification: int
    """0 in IPv6."""


def read_datagram(frame: bytes, ethertype: int, position: int) -> Datagram | Status:
    """Read the IP header that stands at `position`.

    UNSUPPORTED is a protocol that is known to carry IP deeper inside; NOT_IP is any other.
    """
    if ethertype == ETHERTYPE_IPV4:
        return _read_ipv4(frame, position)
    if ethertype == ETHERTYPE_IPV6:
        return _read_ipv6(frame, position)
    return Status.UNSUPPORTED if ethertype in CARRIER_ETHERTYPES else Status.NOT_IP


def short(frame: bytes, needed: int) -> Status:
    """Say why a header is incomplete: the capture ends before `needed`, or the packet itself."""
    return Status.TRUNCATED if len(frame) < needed else Status.MALFORMED


def _read_ipv4(frame: bytes, position: int) -> Datagram | Status:
    captured = len(frame)
    if captured < position + 20:
        return Status.TRUNCATED
    first, total, identification, pieces, protocol, source, destination = _IPV4.unpack_from(
        frame, position
    )
    header = (first & 0x0F) << 2
    if first >> 4 != 4 or header < 20 or 0 < total < header:
        return Status.MALFORMED
    payload = position + header
    if captured < payload:
        return Status.TRUNCATED
    # A total length of 0 is what segmentation offload leaves to the network card to fill in.
    sent_end = position + total if total else captured
    return Datagram(
        4,
        protocol,
        0,
        IPV4_MAPPED | source,
        0,
        IPV4_MAPPED | destination,
        payload,
        min(sent_end, captured),
        Fragment(identification, pieces & 0x1FFF) if pieces & 0x3FFF else None,
        sent_end,
        identification,
    )


def _read_ipv6(frame: bytes, position: int) -> Datagram | Status:
    captured = len(frame)
    if captured < position + 40:
        return Status.TRUNCATED
    first, length, protocol, src_hi, src_lo, dst_hi, dst_lo = _IPV6.unpack_from(frame, position)
    if first >> 4 != 6:
        return Status.MALFORMED
    position += 40
    # A length of 0 is a jumbogram or segmentation offload: the rest belongs to it.
    sent_end = position + length if length else captured
    end = min(sent_end, captured)
    fragment = None
    while protocol in IPV6_EXTENSIONS:
        if position + 8 > end:
            return short(frame, position + 8)
        if protocol == IPV6_FRAGMENT:
            protocol, pieces, identification = _IPV6_FRAGMENT.unpack_from(frame, position)
            position += 8
            if pieces & 0xFFF9:
                fragment = Fragment(identification, pieces >> 3)
            if pieces >> 3:  # what follows is a slice of payload, no header
                break
        else:
            protocol, position = frame[position], position + (frame[position + 1] + 1) * 8
    if position > end:
        return short(frame, position)
    return Datagram(
        6, protocol, src_hi, src_lo, dst_hi, dst_lo, position, end, fragment, sent_end, 0
    )
