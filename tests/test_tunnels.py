"""Carriers inside IP and UDP."""

from __future__ import annotations

from struct import pack

import pytest
from carried import (
    INNER_FRAME,
    PACKET,
    PACKET6,
    assert_opened,
    carrier_of,
    gre,
    in_ip,
    label,
    over_udp,
    row_of,
)
from layers import IPV4, IPV6, A, ethernet, ipv4, ipv6, tagged

from auditor.records import Status, address_words

TEB, ERSPAN, ERSPAN_III = 0x6558, 0x88BE, 0x22EB
CHECKSUM, KEY, SEQUENCE, CALL = 0x8000, 0x2000, 0x1000, 0x3081

MIRROR_II = pack("!HHI", 0x1000 | 30, 0x1800 | 77, 5)
MIRROR_III = pack("!HHII", 0x2000 | 30, 77, 0, 0)
MIRROR_III_LONG = pack("!HHII", 0x2000 | 30, 77, 0, 1) + bytes(8)

VXLAN = pack("!BxxxI", 0x08, 42 << 8)
GPE = pack("!BxxBI", 0x0C, 1, 42 << 8)
GENEVE_IP = pack("!BBHI", 0, 0, IPV4, 43 << 8)
GENEVE = pack("!BBHI", 2, 0, TEB, 43 << 8) + bytes(8)
USER = pack("!BBHI", 0x30, 255, len(PACKET), 0xDEADBEEF)
USER_NUMBERED = pack("!BBHIHBB", 0x32, 255, 4 + len(PACKET), 9, 1, 0, 0)
USER_EXTENDED = pack("!BBHIHBB", 0x34, 255, 8, 9, 0, 0, 0x85) + b"\1\0\0\0"
ORIGIN = b"\0\0" + bytes(6)
AUTHENTICATION = b"\0\1\4\4" + bytes(4 + 4 + 9)
LINE = b"\xff\x03\0\x21"
DATA = pack("!HHH", 2, 10, 600)
DATA_FULL = pack("!HHHHHHH", 0x4A02, 0, 10, 600, 1, 1, 3) + bytes(3)
SEAL = b"\x04\x04\0\0" + bytes(8 + 12)

STACKS = {
    "ipip": (in_ip(PACKET, 4), "IPIP", 0),
    "6in4": (in_ip(PACKET6, 41), "IPIP", 0),
    "4in6": (ethernet(ipv6(PACKET, 4), IPV6), "IPIP", 0),
    "gre": (in_ip(gre(PACKET), 47), "GRE", 0),
    "gre ipv6": (in_ip(gre(PACKET6, IPV6), 47), "GRE", 0),
    "gre key": (in_ip(gre(PACKET, IPV4, KEY, 9), 47), "GRE", 9),
    "gre all": (in_ip(gre(PACKET, IPV4, CHECKSUM | KEY | SEQUENCE, 0, 9, 1), 47), "GRE", 9),
    "gre bridge": (in_ip(gre(INNER_FRAME, TEB), 47), "GRE", 0),
    "gre mpls": (in_ip(gre(label(16, bottom=True) + PACKET, 0x8847), 47), "MPLS", 16),
    "pptp": (in_ip(gre(LINE + PACKET, 0x880B, CALL, 8, 1, 1), 47), "GRE", 8),
    "erspan i": (in_ip(gre(INNER_FRAME, ERSPAN), 47), "ERSPAN", 0),
    "erspan ii": (in_ip(gre(MIRROR_II + INNER_FRAME, ERSPAN, SEQUENCE, 1), 47), "ERSPAN", 77),
    "erspan iii": (
        in_ip(gre(MIRROR_III + INNER_FRAME, ERSPAN_III, SEQUENCE, 1), 47), "ERSPAN", 77,
    ),
    "erspan iii long": (
        in_ip(gre(MIRROR_III_LONG + INNER_FRAME, ERSPAN_III, SEQUENCE, 1), 47), "ERSPAN", 77,
    ),
    "vxlan": (over_udp(4789, VXLAN + INNER_FRAME), "VXLAN", 42),
    "vxlan gpe": (over_udp(4790, GPE + PACKET), "VXLAN", 42),
    "geneve": (over_udp(6081, GENEVE + INNER_FRAME), "GENEVE", 43),
    "geneve ip": (over_udp(6081, GENEVE_IP + PACKET), "GENEVE", 43),
    "gtp": (over_udp(2152, USER + PACKET), "GTP", 0xDEADBEEF),
    "gtp numbered": (over_udp(2152, USER_NUMBERED + PACKET), "GTP", 9),
    "gtp extended": (over_udp(2152, USER_EXTENDED + PACKET6), "GTP", 9),
    "teredo": (over_udp(3544, PACKET6), "TEREDO", 0),
    "teredo origin": (over_udp(3544, ORIGIN + PACKET6), "TEREDO", 0),
    "teredo secured": (over_udp(3544, AUTHENTICATION + ORIGIN + PACKET6), "TEREDO", 0),
    "l2tp": (over_udp(1701, DATA + LINE + PACKET), "L2TP", 600),
    "l2tp full": (over_udp(1701, DATA_FULL + LINE + PACKET), "L2TP", 600),
}  # fmt: skip


@pytest.mark.parametrize(("frame", "kind", "number"), STACKS.values(), ids=list(STACKS))
def test_opens_what_ip_carries(frame: bytes, kind: str, number: int) -> None:
    """Every tunnel leads to the datagram inside, with the kind and id of its nearest carrier."""
    assert carrier_of(assert_opened(frame)) == (kind, number)


@pytest.mark.parametrize(("frame", "kind", "number"), STACKS.values(), ids=list(STACKS))
def test_keeps_the_outer_packet_of_a_cut_tunnel(frame: bytes, kind: str, number: int) -> None:
    """Where the capture cuts off the inner addresses, the packet between the ends stays."""
    del kind, number
    inner_addresses_end = int(row_of(frame)["payload_offset"]) - 8
    outer = row_of(frame[: inner_addresses_end - 1])
    assert outer["status"] == Status.OK
    assert (outer["src_port"], outer["dst_port"]) != (5000, 53)


@pytest.mark.parametrize(
    ("packet", "protocol", "version"),
    [(SEAL + PACKET, 51, 4), (SEAL[:1] + b"\x04" + SEAL[2:] + PACKET, 51, 6)],
)
def test_steps_over_authentication(packet: bytes, protocol: int, version: int) -> None:
    """An authentication header hides nothing: before IP in tunnel mode, before UDP else."""
    wrapped = ipv4(packet, protocol) if version == 4 else ipv6(packet, protocol)
    row = assert_opened(ethernet(wrapped, IPV4 if version == 4 else IPV6))
    assert carrier_of(row) == ("IPIP", 0)
    assert carrier_of(assert_opened(ethernet(authenticated_query()))) == ("NONE", 0)


def authenticated_query() -> bytes:
    """Make the datagram with an authentication header between IPv4 and UDP."""
    return ipv4(b"\x11" + SEAL[1:] + PACKET[20:], 51, "192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize(
    ("frame", "vlan"),
    [
        (over_udp(4789, VXLAN + INNER_FRAME), 20),
        (tagged(ipv4(gre(INNER_FRAME, TEB), 47), (0x8100, 7)), 20 << 16 | 7),
        (in_ip(gre(MIRROR_II + INNER_FRAME, ERSPAN, SEQUENCE, 1), 47), 20),
        (in_ip(gre(MIRROR_II + ethernet(PACKET), ERSPAN, SEQUENCE, 1), 47), 30),
    ],
    ids=["inside", "both", "mirrored tag", "mirror's note"],
)
def test_gathers_vlans_of_both_sides(frame: bytes, vlan: int) -> None:
    """Ids of the outer and of the inner frame count; a mirror notes the id of an untagged one."""
    assert assert_opened(frame)["vlan"] == vlan


@pytest.mark.parametrize(
    "frame",
    [
        in_ip(gre(bytes(28), 0x0806), 47),
        in_ip(gre(PACKET, IPV4, 0x4000), 47),
        in_ip(gre(PACKET, IPV4, 0x0007), 47),
        in_ip(gre(PACKET, IPV4, CALL, 8, 1, 1), 47),
        in_ip(gre(b"\x30" + bytes(40), ERSPAN, SEQUENCE, 1), 47),
        over_udp(4789, bytes(8) + INNER_FRAME),
        over_udp(4789, VXLAN + ethernet(bytes(28), 0x0806)),
        over_udp(4790, GPE[:3] + b"\x09" + GPE[4:] + PACKET),
        over_udp(6081, b"\x40" + GENEVE_IP[1:] + PACKET),
        over_udp(2152, b"\x30\x01" + USER[2:]),
        over_udp(2152, USER + b"\x10" + bytes(40)),
        over_udp(3544, PACKET),
        over_udp(3544, ipv6(b"", 59, "2001:0:db8::1")),
        over_udp(3544, ipv6(bytes(8), 17, "2001:db8::1", "2001:db8::2")),
        over_udp(1701, pack("!HHHHHH", 0xC802, 12, 10, 0, 1, 1)),
        over_udp(1701, DATA + b"\xff\x03\xc0\x21" + bytes(20)),
        over_udp(5353, VXLAN + INNER_FRAME),
    ],
    ids=[
        "gre arp", "gre routed", "gre version", "pptp without ppp", "erspan version",
        "vxlan flags", "vxlan arp", "gpe protocol", "geneve version", "gtp echo", "gtp no ip",
        "teredo ipv4", "teredo bubble", "teredo foreign", "l2tp control", "l2tp lcp", "port",
    ],
)  # fmt: skip
def test_keeps_the_outer_packet_where_nothing_is_inside(frame: bytes) -> None:
    """What is no packet, or not of the protocol that the port stands for, changes nothing."""
    row = row_of(frame)
    assert row["status"] == Status.OK
    assert carrier_of(row) == ("NONE", 0)
    assert (row["src_hi"], row["src_lo"]) == address_words(A)
    assert row["payload_len"] > 0


def test_stays_within_the_tunnel() -> None:
    """Bytes that the outer packet does not cover are no payload of the inner one."""
    unbounded = ipv4(PACKET[20:], 17, total=0)
    row = row_of(ethernet(ipv4(unbounded, 4)) + b"trailer")
    assert (row["dst_port"], row["payload_len"]) == (53, 5)
