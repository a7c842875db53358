"""One UDP datagram between two hosts, and what carries it: input of the general path's tests."""

from __future__ import annotations

from struct import pack
from typing import TYPE_CHECKING

from layers import IPV4, decoded, ethernet, ipv4, ipv6, tagged, udp

from auditor.records import Status, Tunnel, address_words

if TYPE_CHECKING:
    import numpy as np

HOST, HOST6 = "192.0.2.1", "2001:0:db8::1"
PEER, PEER6 = "192.0.2.2", "2001:db8::2"
QUERY = udp(5000, 53, b"query")
PACKET = ipv4(QUERY, 17, HOST, PEER)
PACKET6 = ipv6(QUERY, 17, HOST6, PEER6)
INNER_FRAME = tagged(PACKET, (0x8100, 20))

SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"


def label(value: int, *, bottom: bool) -> bytes:
    """Make an entry of an MPLS label stack."""
    return pack("!I", value << 12 | bottom << 8 | 64)


def gre(payload: bytes, protocol: int = IPV4, flags: int = 0, *words: int) -> bytes:
    """Put a GRE header before a payload; `words` are the optional fields that flags announce."""
    return pack(f"!HH{len(words)}I", flags, protocol, *words) + payload


def over_udp(port: int, payload: bytes) -> bytes:
    """Put UDP, IPv4 and Ethernet before the payload of a protocol that has a port."""
    return ethernet(ipv4(udp(40_000, port, payload), 17))


def in_ip(payload: bytes, protocol: int) -> bytes:
    """Put IPv4 and Ethernet before the payload of a protocol that has a number."""
    return ethernet(ipv4(payload, protocol))


def row_of(frame: bytes, linktype: int = 1) -> np.void:
    """Decode one frame."""
    row: np.void = decoded(frame, linktype=linktype).rows[0]
    return row


def carrier_of(row: np.void) -> tuple[str, int]:
    """Name the tunnel of a row and its id."""
    return Tunnel(row["tunnel"]).name, int(row["tunnel_id"])


def assert_opened(frame: bytes, linktype: int = 1) -> np.void:
    """Assert that a frame is found to carry the datagram, with its payload; give its row."""
    row = row_of(frame, linktype)
    assert row["status"] == Status.OK
    assert (row["transport"], row["src_port"], row["dst_port"]) == (17, 5000, 53)
    host = HOST if row["ip_version"] == 4 else HOST6
    assert (row["src_hi"], row["src_lo"]) == address_words(host)
    start, length = int(row["payload_offset"]), int(row["payload_len"])
    assert frame[start : start + length] == b"query"
    assert row["wire_len"] == len(frame)
    return row
