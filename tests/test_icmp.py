"""ICMP errors and the packets that they quote."""

from __future__ import annotations

from struct import pack

import pytest
from layers import (
    A6,
    B6,
    IPV6,
    ROUTER,
    ROUTER6,
    SYN,
    A,
    B,
    decoded,
    echo,
    ethernet,
    icmp,
    ipv4,
    ipv6,
    tcp,
    udp,
)

from auditor.decode.packets import Quote
from auditor.records import ECHO_ID, Status, address_words

SENT = ipv4(tcp(5000, 443, SYN))
SENT6 = ipv6(tcp(5000, 443, SYN))


def error(kind: int, quoted: bytes, code: int = 1) -> bytes:
    """Make the frame of an ICMP error that a router sends to A."""
    return ethernet(ipv4(icmp(kind, quoted, code), 1, ROUTER, A))


def error6(kind: int, quoted: bytes, code: int = 1) -> bytes:
    """Make the frame of an ICMPv6 error that a router sends to A."""
    return ethernet(ipv6(icmp(kind, quoted, code), 58, ROUTER6, A6), IPV6)


@pytest.mark.parametrize("kind", [3, 4, 5, 11, 12])
def test_reads_the_quote_of_an_icmp_error(kind: int) -> None:
    """Every ICMP error quotes; type 3 alone says unreachable."""
    packets = decoded(error(kind, SENT[:28]))
    assert packets.rows["status"][0] == Status.ICMP_ERROR
    assert packets.quotes == [
        Quote(0, kind == 3, *address_words(A), *address_words(B), 6, 5000, 443)
    ]


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_reads_the_quote_of_an_icmpv6_error(kind: int) -> None:
    """Every ICMPv6 error quotes; type 1 alone says unreachable."""
    packets = decoded(error6(kind, SENT6))
    assert packets.rows["status"][0] == Status.ICMP_ERROR
    assert packets.quotes == [
        Quote(0, kind == 1, *address_words(A6), *address_words(B6), 6, 5000, 443)
    ]


def test_finds_the_packet_in_an_icmpv6_redirect() -> None:
    """A redirect quotes in an option behind two addresses and other options."""
    options = b"\2\1" + bytes(6) + pack("!BB6x", 4, 8) + SENT6
    packets = decoded(error6(137, bytes(32) + options, code=0))
    assert packets.rows["status"][0] == Status.ICMP_ERROR
    assert [(quote.src_port, quote.unreachable) for quote in packets.quotes] == [(5000, False)]


def test_reads_quotes_of_other_transports() -> None:
    """UDP gives ports, an echo its identifier, a protocol without ports its number."""
    packets = decoded(
        error(3, ipv4(udp(5000, 53), 17)),
        error(3, ipv4(echo(8, 77), 1)),
        error(3, ipv4(bytes(8), 50)),
    )
    assert [quote[6:] for quote in packets.quotes] == [
        (17, 5000, 53),
        (1, ECHO_ID + 77, 0),
        (50, 0, 0),
    ]


def test_names_the_row_of_each_quote() -> None:
    """Quotes come in the order of frames and name their own."""
    frames = (ethernet(SENT), error(3, SENT), ethernet(SENT), error(11, SENT))
    assert [quote.row for quote in decoded(*frames).quotes] == [1, 3]


@pytest.mark.parametrize(
    "quoted",
    [
        b"",
        SENT[:19],
        SENT[:23],
        ipv4(bytes(8), 17, pieces=5),
        b"\x44" + SENT[1:],
        ipv4(echo(8, 77), 1)[:25],
    ],
    ids=["nothing", "cut address", "cut port", "later piece", "no header", "cut echo"],
)
def test_keeps_no_quote_of_too_little(quoted: bytes) -> None:
    """An error whose quote names no flow is an error without a quote."""
    packets = decoded(error(3, quoted))
    assert packets.rows["status"][0] == Status.ICMP_ERROR
    assert packets.quotes == []


def test_reads_a_quote_across_versions() -> None:
    """The quoted packet's own version counts, not the error's."""
    packets = decoded(error(3, SENT6))
    assert packets.quotes[0][1:4] == (True, *address_words(A6))
