"""The layouts that pass between the hot stages: PACKET and FLOW, and their vocabulary.

Times are int64 nanoseconds since 1970 UTC, lengths are bytes, addresses are two big-endian
64-bit words with IPv4 mapped into ::ffff:0:0/96. Nothing here knows where bytes come from.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

IPV4_MAPPED = 0xFFFF << 32
"""The low word of an IPv4 address is this prefix plus its 32 bits; the high word is 0."""

ECHO_ID = 0x10000
"""Added to an ICMP echo identifier where it stands in a port field: never a real port."""

NO_TIME = np.iinfo(np.int64).max
"""A time field of a side that sent nothing of that kind."""

IPPROTO_ICMP = 1
IPPROTO_TCP = 6
IPPROTO_UDP = 17
IPPROTO_GRE = 47
IPPROTO_ESP = 50
IPPROTO_ICMPV6 = 58
IPPROTO_SCTP = 132

TRANSPORT_NAMES = {
    IPPROTO_ICMP: "icmp",
    IPPROTO_TCP: "tcp",
    IPPROTO_UDP: "udp",
    IPPROTO_GRE: "gre",
    IPPROTO_ESP: "esp",
    IPPROTO_ICMPV6: "icmpv6",
    IPPROTO_SCTP: "sctp",
}

TRANSPORT_NUMBERS = {name: number for number, name in TRANSPORT_NAMES.items()}

WITH_PORTS = frozenset({"tcp", "udp", "sctp"})
"""Names of the transports whose flows have ports."""


class Status(IntEnum):
    """What became of a frame; every frame has exactly one."""

    OK = 0
    TRUNCATED = 1
    NOT_IP = 2
    FRAGMENT = 3
    UNSUPPORTED = 4
    MALFORMED = 5
    ICMP_ERROR = 6
    DUPLICATE = 7
    """A copy of another frame's packet, where copies are left out."""


class Seen(IntFlag):
    """What one side of a conversation was seen to send, in a form that merges in any order."""

    SYN = 1
    SYN_ACK = 2
    FIN = 4
    RST = 8
    ACK = 16
    DATA = 32


class Tunnel(IntEnum):
    """How the innermost packet was carried: by its nearest carrier that has an id or addresses."""

    NONE = 0
    MPLS = 1
    PPPOE = 2
    GRE = 3
    IPIP = 4
    VXLAN = 5
    GENEVE = 6
    ERSPAN = 7
    GTP = 8
    TEREDO = 9
    L2TP = 10
    PBB = 11
    NSH = 12


PACKET = np.dtype(
    [
        ("time_ns", "i8"),
        ("src_hi", "u8"),
        ("src_lo", "u8"),
        ("dst_hi", "u8"),
        ("dst_lo", "u8"),
        ("wire_len", "u4"),
        ("payload_offset", "u4"),
        ("payload_len", "u4"),
        ("src_port", "u4"),
        ("dst_port", "u4"),
        ("tcp_seq", "u4"),
        ("tcp_ack", "u4"),
        ("sent_len", "u4"),
        ("identity", "u4"),
        ("tunnel_id", "u4"),
        ("vlan", "u4"),
        ("transport", "u1"),
        ("tcp_flags", "u1"),
        ("status", "u1"),
        ("ip_version", "u1"),
        ("tunnel", "u1"),
    ],
    align=True,
)
"""One frame decoded. Row i describes frame i of its batch.

payload_offset, payload_len: the captured transport payload within the frame's captured bytes.
sent_len: a TCP segment's whole payload by its headers, of which a capture may hold less.
identity: the IP identification (high 16 bits, 0 in IPv6) and the transport's checksum (low 16
bits), which a copy of the packet shares and hardly another packet.
src_port, dst_port: 0 without ports; an echo request has ECHO_ID + identifier as src_port, its
reply as dst_port, so that both name the requester's side. vlan: the outer VLAN id in the low 16
bits, the next one in the high 16 (0 = none). transport: IP protocol number of the innermost IP
packet. tunnel_id: what tells two tunnels of a kind apart (docs/stacks.md), 0 where nothing does.
Where status is not OK the address and port fields may be 0.
"""

FLOW = np.dtype(
    [
        ("a_hi", "u8"),
        ("a_lo", "u8"),
        ("b_hi", "u8"),
        ("b_lo", "u8"),
        ("a_port", "u4"),
        ("b_port", "u4"),
        ("packets_a", "u8"),
        ("packets_b", "u8"),
        ("bytes_a", "u8"),
        ("bytes_b", "u8"),
        ("first_a_ns", "i8"),
        ("last_a_ns", "i8"),
        ("first_b_ns", "i8"),
        ("last_b_ns", "i8"),
        ("data_a_ns", "i8"),
        ("data_b_ns", "i8"),
        ("first_frame", "u8"),
        ("capture", "u4"),
        ("tunnel_id", "u4"),
        ("acks_a", "u4"),
        ("acks_b", "u4"),
        ("gaps_a", "u4"),
        ("gaps_b", "u4"),
        ("transport", "u1"),
        ("seen_a", "u1"),
        ("seen_b", "u1"),
        ("unreachable_a", "u1"),
        ("unreachable_b", "u1"),
        ("ip_version", "u1"),
        ("tunnel", "u1"),
    ]
)
"""One conversation between endpoint a (the smaller of the two) and endpoint b: facts only.

X_a counts what a sent; bytes are wire lengths of frames. first/last: NO_TIME and -NO_TIME where a
side sent nothing. data_X_ns: X's first transport payload. unreachable_X: an ICMP unreachable
quoted a packet that X sent. acks_X: acknowledgements of what X sent in TCP; gaps_X: those of them
that covered data which no frame holds. capture: index into the list of sources; first_frame is
1-based there.
Who is client is decided later (auditor.judge.orient), never here.
"""


def opaque(records: NDArray[np.void]) -> NDArray[np.void]:
    """View records whole, as so many bytes each.

    numpy copies, picks and joins these as they are, and any others field by field, which takes
    twenty times as long.
    """
    return records.view(f"V{records.dtype.itemsize}")


def pick(
    records: NDArray[np.void], rows: NDArray[np.int64] | NDArray[np.bool_]
) -> NDArray[np.void]:
    """Copy some records."""
    return opaque(records)[rows].view(records.dtype)


def join(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Copy records of one kind, one part behind the other."""
    return np.concatenate([opaque(part) for part in parts]).view(parts[0].dtype)


def transport_name(protocol: int) -> str:
    """Name an IP protocol number as reports do: `tcp`, `udp`, ..., else `ip-N`."""
    return TRANSPORT_NAMES.get(protocol) or f"ip-{protocol}"


def address_words(address: IPv4Address | IPv6Address | str) -> tuple[int, int]:
    """Split an address into its high and low 64-bit words, IPv4 mapped."""
    parsed = ip_address(address) if isinstance(address, str) else address
    if parsed.version == 4:
        return 0, IPV4_MAPPED | int(parsed)
    number = int(parsed)
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF


def address_text(high: int, low: int) -> str:
    """Render two address words as a person writes the address."""
    if high == 0 and low >> 32 == 0xFFFF:
        return str(IPv4Address(low & 0xFFFF_FFFF))
    return str(IPv6Address(high << 64 | low))
