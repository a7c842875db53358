"""IPv4 and IPv6 headers: options, extension headers, lengths, pieces."""

from __future__ import annotations

import pytest
from layers import A6, B6, IPV6, A, B, decoded, ethernet, fragment6, icmp, ipv4, ipv6, tcp, udp

from auditor.records import Status, address_text

HELLO = tcp(5000, 443, payload=b"hello")


def extension(next_header: int, length: int = 0) -> bytes:
    """Make a hop-by-hop, routing or destination header of (length + 1) * 8 bytes."""
    return bytes([next_header, length]) + bytes(length * 8 + 6)


@pytest.mark.parametrize(
    ("frame", "source", "destination", "version"),
    [
        (ethernet(ipv4(HELLO)), A, B, 4),
        (ethernet(ipv4(HELLO, source="255.255.255.255")), "255.255.255.255", B, 4),
        (ethernet(ipv6(HELLO), IPV6), A6, B6, 6),
        (ethernet(ipv6(HELLO, source="ffff::"), IPV6), "ffff::", B6, 6),
    ],
)
def test_reads_addresses(frame: bytes, source: str, destination: str, version: int) -> None:
    """Addresses come as two words, IPv4 mapped, with the version beside them."""
    row = decoded(frame).rows[0]
    assert address_text(int(row["src_hi"]), int(row["src_lo"])) == source
    assert address_text(int(row["dst_hi"]), int(row["dst_lo"])) == destination
    assert row["ip_version"] == version


def test_steps_over_ipv4_options() -> None:
    """A longer IPv4 header moves the ports and the payload."""
    row = decoded(ethernet(ipv4(HELLO, options=bytes(40)))).rows[0]
    assert (row["src_port"], row["payload_offset"], row["payload_len"]) == (5000, 94, 5)


@pytest.mark.parametrize("chain", [(0,), (43,), (60,), (0, 43, 60), (0, 60, 43, 60)])
def test_steps_over_ipv6_extension_headers(chain: tuple[int, ...]) -> None:
    """Hop-by-hop, routing and destination headers of any size lead on to the transport."""
    packet = HELLO
    for following in (*chain[1:], 6)[::-1]:
        packet = extension(following, length=2) + packet
    row = decoded(ethernet(ipv6(packet, chain[0]), IPV6)).rows[0]
    assert (row["status"], row["transport"]) == (Status.OK, 6)
    assert (row["dst_port"], row["payload_len"]) == (443, 5)


def test_leaves_out_padding_and_trailer() -> None:
    """What follows the IP packet in the frame is no payload."""
    rows = decoded(
        ethernet(ipv4(HELLO)) + b"padding", ethernet(ipv6(HELLO), IPV6) + b"padding"
    ).rows
    assert rows["payload_len"].tolist() == [5, 5]


def test_takes_the_rest_where_the_length_is_zero() -> None:
    """Segmentation offload leaves the length to the network card: all bytes belong to it."""
    rows = decoded(ethernet(ipv4(HELLO, total=0)), ethernet(ipv6(HELLO, length=0), IPV6)).rows
    assert rows["status"].tolist() == [Status.OK, Status.OK]
    assert rows["payload_len"].tolist() == [5, 5]


@pytest.mark.parametrize(
    "packet",
    [
        b"\x55" + ipv4(HELLO)[1:],
        b"\x44" + ipv4(HELLO)[1:],
        ipv4(HELLO, total=19),
        ipv4(HELLO, total=23),
        ipv4(HELLO, options=bytes(40), total=59),
    ],
    ids=["version", "header length", "total length", "no ports", "options"],
)
def test_calls_a_contradictory_ipv4_header_malformed(packet: bytes) -> None:
    """A header that no host would accept is MALFORMED."""
    assert decoded(ethernet(packet)).rows["status"][0] == Status.MALFORMED


def test_calls_a_contradictory_ipv6_packet_malformed() -> None:
    """An extension header that reaches beyond the packet, or another version, is MALFORMED."""
    frames = (
        ethernet(ipv6(extension(6, length=1) + HELLO, 60, length=9), IPV6),
        ethernet(ipv6(extension(6), 60, length=7), IPV6) + HELLO,
        ethernet(ipv4(bytes(40)), IPV6),
    )
    assert decoded(*frames).rows["status"].tolist() == [Status.MALFORMED] * 3


def test_gives_later_pieces_the_ports_of_the_first() -> None:
    """Later fragments join the flow of their first fragment, without payload of their own."""
    body = udp(5000, 53, bytes(40))
    frames = (
        ethernet(ipv4(body[:24], 17, pieces=0x2000)),
        ethernet(ipv4(body[24:40], 17, pieces=0x2003)),
        ethernet(ipv4(body[40:], 17, pieces=5)),
        ethernet(ipv6(fragment6(body[:24], 17, 0, more=True), 44), IPV6),
        ethernet(ipv6(fragment6(body[24:], 17, 3, more=False), 44), IPV6),
    )
    rows = decoded(*frames).rows
    assert rows["status"].tolist() == [Status.OK] * 5
    assert rows["src_port"].tolist() == [5000] * 5
    assert rows["dst_port"].tolist() == [53] * 5
    assert rows["payload_len"].tolist() == [16, 0, 0, 16, 0]


def test_finds_the_transport_behind_headers_inside_a_fragmented_packet() -> None:
    """An IPv6 first piece may begin with further headers; later pieces take its transport."""
    whole = extension(17) + udp(5000, 53, bytes(40))
    frames = (
        ethernet(ipv6(fragment6(whole[:24], 60, 0, more=True), 44), IPV6),
        ethernet(ipv6(fragment6(whole[24:], 60, 3, more=False), 44), IPV6),
    )
    rows = decoded(*frames).rows
    assert rows["transport"].tolist() == [17, 17]
    assert rows["dst_port"].tolist() == [53, 53]


def test_treats_an_atomic_fragment_as_a_whole_packet() -> None:
    """A fragment header of an unfragmented packet is stepped over."""
    row = decoded(ethernet(ipv6(fragment6(HELLO, 6, 0, more=False), 44), IPV6)).rows[0]
    assert (row["status"], row["dst_port"], row["payload_len"]) == (Status.OK, 443, 5)


def test_counts_a_piece_without_its_first_as_fragment() -> None:
    """A later fragment whose first was not seen has status FRAGMENT and its addresses."""
    row = decoded(ethernet(ipv4(bytes(64), 17, pieces=5))).rows[0]
    assert (row["status"], row["src_port"], row["transport"]) == (Status.FRAGMENT, 0, 17)
    assert address_text(int(row["src_hi"]), int(row["src_lo"])) == A


def test_gives_pieces_of_an_echo_its_identifier() -> None:
    """A large ping is one flow: its later fragments carry the identifier of the first."""
    request = icmp(8, bytes(40), rest=b"\x12\x34\0\1")
    frames = (
        ethernet(ipv4(request[:24], 1, pieces=0x2000)),
        ethernet(ipv4(request[24:], 1, pieces=3)),
    )
    assert decoded(*frames).rows["src_port"].tolist() == [0x11234, 0x11234]
