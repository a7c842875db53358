"""Server names in ClientHellos over TLS and DTLS."""

from __future__ import annotations

import payloads
import pytest
from handshakes import (
    DTLS12,
    SUPPORTED_VERSIONS,
    client_hello,
    dtls_fragments,
    dtls_record,
    named_hello,
    server_name,
    tls_handshake,
    tls_record,
    tls_records,
)
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.tls import read_dtls_name, read_tls_name

NAME = b"crl3.digicert.com"
NAMES = st.binary(min_size=1, max_size=80)
CUTS = st.lists(st.integers(1, 300), max_size=6)


def test_tls_name() -> None:
    """A ClientHello in one record tells the server's name."""
    assert read_tls_name([payloads.tls_client_hello("gw1.c.nssvc.net")]) == b"gw1.c.nssvc.net"


@given(NAMES, CUTS)
def test_tls_name_over_records(name: bytes, cuts: list[int]) -> None:
    """A ClientHello may be cut into records anywhere, its own header included."""
    stream = tls_records(tls_handshake(named_hello(name)), *cuts)
    assert read_tls_name([stream + tls_record(b"\1", kind=20)]) == name


def test_tls_hello_cut_behind_the_name() -> None:
    """The name counts although the capture ends before the ClientHello does."""
    stream = tls_record(tls_handshake(named_hello(NAME) + bytes(400)))
    end = stream.index(NAME) + len(NAME)
    assert read_tls_name([stream[:end]]) == NAME


def test_tls_name_cut_in_the_middle() -> None:
    """Half a name is no name."""
    stream = tls_record(tls_handshake(named_hello(NAME)))
    end = stream.index(NAME) + len(NAME)
    assert read_tls_name([stream[: end - 1]]) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\x00",
        payloads.tls_client_hello(None),
        payloads.tls_server_flight(),
        tls_record(tls_handshake(named_hello(NAME), kind=2)),
        tls_record(tls_handshake(named_hello(NAME)), kind=23),
        tls_record(tls_handshake(client_hello())),
        tls_record(tls_handshake(client_hello(server_name(NAME, kind=1)))),
        tls_record(tls_handshake(client_hello((0, b"")))),
        tls_record(b"") + tls_record(tls_handshake(named_hello(NAME))),
        b"\x16\x03\x01\xff\xff" + tls_handshake(named_hello(NAME)),
        b"GET / HTTP/1.1\r\nHost: crl3.digicert.com\r\n\r\n",
    ],
)
def test_tls_without_name(head: bytes) -> None:
    """Other messages, other records and hellos without a host name give nothing."""
    assert read_tls_name([head]) is None


def test_no_head() -> None:
    """A silent side names nobody."""
    assert read_tls_name([]) is None
    assert read_dtls_name([]) is None


def test_first_host_name_counts() -> None:
    """Of several names the first of the kind host name is taken."""
    other, first = server_name(b"other", kind=3)[1][2:], server_name(NAME)[1][2:]
    last = server_name(b"last.example")[1][2:]
    names = other + first + last
    extension = 0, len(names).to_bytes(2, "big") + names
    assert read_tls_name([tls_record(tls_handshake(client_hello(extension)))]) == NAME


def test_lying_lengths() -> None:
    """A length that claims more than its surroundings hold never reaches beyond them."""
    kind, data = server_name(NAME)
    huge = data[:3] + b"\xff\xff" + data[5:]
    stream = tls_record(tls_handshake(client_hello((kind, huge), SUPPORTED_VERSIONS)))
    assert read_tls_name([stream]) is None


def test_dtls_name() -> None:
    """A DTLS ClientHello in one datagram tells the server's name."""
    assert read_dtls_name([payloads.dtls_client_hello("gw1.c.nssvc.net")]) == b"gw1.c.nssvc.net"


@given(NAMES, CUTS, st.randoms(use_true_random=False), st.booleans())
def test_dtls_name_in_fragments(
    name: bytes, cuts: list[int], order: object, together: bool
) -> None:
    """Fragments may come in any order, in one datagram each or several together."""
    fragments = dtls_fragments(named_hello(name, cookie=b""), *cuts)
    order.shuffle(fragments)  # type: ignore[attr-defined]  # hypothesis has no public type for it
    records = [dtls_record(fragment, version=DTLS12) for fragment in fragments]
    assert read_dtls_name([b"".join(records)] if together else records) == name


def test_dtls_hello_with_cookie() -> None:
    """The second hello, with the server's cookie, serves where the first one was lost."""
    (fragment,) = dtls_fragments(named_hello(NAME, cookie=bytes(20)), number=1)
    assert read_dtls_name([dtls_record(fragment)]) == NAME


def test_dtls_first_hello_incomplete() -> None:
    """The second hello tells the name if a fragment of the first one is missing."""
    first = dtls_fragments(named_hello(b"first.example", cookie=b""), 40, 90)
    (second,) = dtls_fragments(named_hello(NAME, cookie=bytes(20)), number=1)
    assert (
        read_dtls_name([dtls_record(first[0]), dtls_record(first[2]), dtls_record(second)]) == NAME
    )


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x16\xfe\xfd",
        payloads.dtls_client_hello(None),
        payloads.dtls_hello_verify(),
        payloads.dtls_data(200, 1),
        dtls_record(dtls_fragments(named_hello(NAME, cookie=b""))[0], epoch=1),
        dtls_record(dtls_fragments(named_hello(NAME, cookie=b""))[0], version=b"\xfe\x00"),
        dtls_record(dtls_fragments(named_hello(NAME, cookie=b""), kind=2)[0]),
        payloads.tls_client_hello(NAME.decode()),
    ],
)
def test_dtls_without_name(datagram: bytes) -> None:
    """Other messages, encrypted epochs and unknown versions give nothing."""
    assert read_dtls_name([datagram]) is None


@given(st.binary(max_size=600), st.data())
def test_junk(junk: bytes, data: st.DataObject) -> None:
    """Junk, bare or in place of a part of a hello, is never an error."""
    for whole in (
        tls_records(tls_handshake(named_hello(NAME)), 60),
        b"".join(map(dtls_record, dtls_fragments(named_hello(NAME, cookie=b""), 60))),
    ):
        start = data.draw(st.integers(0, len(whole)))
        broken = whole[:start] + junk[:40] + whole[data.draw(st.integers(start, len(whole))) :]
        for head in (junk, broken, b"\x16\x03\x01" + junk, b"\x16\xfe\xfd" + junk):
            read_tls_name([head])
            read_dtls_name([head, junk, head])
