"""Transport headers: ports, flags and payload, whole, short and impossible."""

from __future__ import annotations

from struct import pack

import pytest
from layers import ACK, IPV6, PSH, SYN, decoded, echo, ethernet, icmp, ipv4, ipv6, tcp, udp

from auditor.records import ECHO_ID, Status


def test_reads_tcp() -> None:
    """A segment gives ports, flags, sequence number and payload."""
    row = decoded(ethernet(ipv4(tcp(5000, 443, PSH | ACK, b"hello", 0xFFFFFFFF)))).rows[0]
    assert (row["src_port"], row["dst_port"]) == (5000, 443)
    assert (row["tcp_flags"], row["tcp_seq"]) == (PSH | ACK, 0xFFFFFFFF)
    assert (row["payload_offset"], row["payload_len"]) == (54, 5)


def test_steps_over_tcp_options() -> None:
    """The data offset says where the payload starts."""
    header = pack("!HHIIBBHHH", 5000, 443, 1, 1, 0x80, SYN, 1024, 0, 0)
    row = decoded(ethernet(ipv4(header + bytes(12) + b"hello"))).rows[0]
    assert (row["payload_offset"], row["payload_len"]) == (66, 5)


@pytest.mark.parametrize("kept", range(4, 20))
def test_counts_a_tcp_header_cut_behind_its_ports(kept: int) -> None:
    """Ports suffice for a flow; flags and sequence number are 0 where the capture lacks them."""
    row = decoded(ethernet(ipv4(tcp(5000, 443, SYN)))[: 34 + kept]).rows[0]
    assert (row["status"], row["src_port"], row["dst_port"]) == (Status.OK, 5000, 443)
    assert row["payload_len"] == 0
    assert row["tcp_flags"] == (SYN if kept >= 14 else 0)


def test_calls_impossible_lengths_malformed() -> None:
    """A TCP header below 20 bytes or a UDP length below 8 is MALFORMED."""
    short = bytearray(tcp(5000, 443))
    short[12] = 0x40
    frames = ethernet(ipv4(bytes(short))), ethernet(ipv4(udp(5000, 53, b"query", length=7), 17))
    assert decoded(*frames).rows["status"].tolist() == [Status.MALFORMED] * 2


@pytest.mark.parametrize(("length", "expected"), [(13, 5), (0, 9), (8, 0), (500, 9)])
def test_clips_udp_to_its_own_length(length: int, expected: int) -> None:
    """Bytes behind the UDP length are none of its payload; 0 leaves the length open."""
    frame = ethernet(ipv4(udp(5000, 53, b"query", length=length) + b"tail", 17))
    assert decoded(frame).rows["payload_len"][0] == expected


def test_takes_the_first_user_data_of_sctp() -> None:
    """Control chunks, padded to four bytes, are stepped over up to the first DATA chunk."""
    cookie = pack("!BBH", 10, 0, 7) + b"abc\0"
    data = pack("!BBHIHHI", 0, 3, 21, 1, 0, 0, 0) + b"hello" + bytes(3)
    frame = ethernet(ipv4(pack("!HHII", 3868, 3869, 1, 0) + cookie + data, 132))
    row = decoded(frame).rows[0]
    assert (row["src_port"], row["dst_port"], row["payload_len"]) == (3868, 3869, 5)
    start = int(row["payload_offset"])
    assert frame[start : start + 5] == b"hello"


def test_counts_sctp_without_user_data() -> None:
    """An SCTP packet of control chunks has ports and no payload."""
    frame = ethernet(ipv4(pack("!HHII", 3868, 3869, 1, 0) + pack("!BBHI", 1, 0, 8, 0) * 4, 132))
    row = decoded(frame).rows[0]
    assert (row["status"], row["src_port"], row["payload_len"]) == (Status.OK, 3868, 0)


@pytest.mark.parametrize(
    ("request_frame", "reply_frame"),
    [
        (ethernet(ipv4(echo(8, 77), 1)), ethernet(ipv4(echo(0, 77), 1))),
        (ethernet(ipv6(echo(128, 77), 58), IPV6), ethernet(ipv6(echo(129, 77), 58), IPV6)),
    ],
    ids=["icmp", "icmpv6"],
)
def test_marks_the_requesters_side_of_an_echo(request_frame: bytes, reply_frame: bytes) -> None:
    """A request carries the identifier as its source port, a reply as its destination port."""
    rows = decoded(request_frame, reply_frame).rows
    assert rows["src_port"].tolist() == [ECHO_ID + 77, 0]
    assert rows["dst_port"].tolist() == [0, ECHO_ID + 77]
    assert rows["payload_len"].tolist() == [4, 4]


def test_gives_other_icmp_no_ports() -> None:
    """Timestamps, neighbour discovery and the like have ports 0."""
    frames = ethernet(ipv4(icmp(13, bytes(12)), 1)), ethernet(ipv6(icmp(135, bytes(16)), 58), IPV6)
    rows = decoded(*frames).rows
    assert rows["status"].tolist() == [Status.OK, Status.OK]
    assert rows["src_port"].tolist() == rows["dst_port"].tolist() == [0, 0]


def test_needs_the_identifier_of_an_echo() -> None:
    """An echo cut before its identifier is TRUNCATED, and MALFORMED where the packet ends there."""
    frame = ethernet(ipv4(echo(8, 77), 1))
    packet = ethernet(ipv4(echo(8, 77)[:5], 1)) + bytes(20)
    assert decoded(frame[:39], packet).rows["status"].tolist() == [
        Status.TRUNCATED,
        Status.MALFORMED,
    ]


@pytest.mark.parametrize("protocol", [2, 47, 50, 51, 89, 112, 255])
def test_counts_every_other_protocol_without_ports(protocol: int) -> None:
    """ESP, GRE, VRRP and all others are flows between addresses, their whole payload kept."""
    row = decoded(ethernet(ipv4(b"anything at all", protocol))).rows[0]
    assert (row["status"], row["transport"]) == (Status.OK, protocol)
    assert (row["src_port"], row["dst_port"], row["payload_len"]) == (0, 0, 15)
