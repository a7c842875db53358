"""Names that traffic tells: collected from DNS, and read from the flows' own payload."""

from __future__ import annotations

import shutil
import subprocess
from itertools import chain
from struct import pack

import payloads
import pytest
from handshakes import dtls_fragments, dtls_record, named_hello
from hypothesis import given
from hypothesis import strategies as st
from layers import ACK, PSH, SYN, batch, datagram, decoded, flows_of, segment
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.decode.dissect import Decoder
from auditor.evidence.names import NameCollector, Names, SeenName
from auditor.flows import FlowTable
from auditor.hostnames import safe_name
from auditor.records import address_text, address_words

CLIENT, SERVER, RESOLVER = ("10.0.0.1", 50_000), ("192.0.2.7", 443), ("10.0.0.53", 53)
ASKER = address_words(CLIENT[0])


def names_of(*frames: bytes) -> Names:
    """Collect the names of Ethernet frames."""
    collector = NameCollector()
    collector.observe(decoded(*frames))
    return collector.finish(flows_of(*frames))


def answer(
    name: str, address: str, *, aliases: tuple[str, ...] = (), asker: str = CLIENT[0]
) -> bytes:
    """Make a frame with a DNS answer."""
    message = payloads.dns_answer(name, address, aliases=aliases)
    return datagram(RESOLVER, (asker, 50_001), message)


def own_names(names: Names) -> list[tuple[str, str]]:
    """List name and kind of all names in the flows' own payload."""
    return [(seen.name, seen.kind) for flow in names.own for seen in flow]


@pytest.mark.parametrize("client", [("10.0.0.1", 50_000), ("203.0.113.9", 50_000)])
def test_sni(client: tuple[str, int]) -> None:
    """A ClientHello names its flow, whichever side of the record the client is."""
    names = names_of(segment(client, SERVER, PSH | ACK, payloads.tls_client_hello("A.Example")))
    assert names.own == [(SeenName("a.example", "sni", 1000, None),)]


def test_sni_in_segments() -> None:
    """A ClientHello that spans segments is put together."""
    hello = payloads.tls_client_hello("a.example")
    names = names_of(
        segment(CLIENT, SERVER, SYN, sequence=999),
        segment(CLIENT, SERVER, ACK, hello[90:], sequence=1090),
        segment(CLIENT, SERVER, ACK, hello[:90], sequence=1000),
    )
    assert own_names(names) == [("a.example", "sni")]


def test_dtls_sni() -> None:
    """A DTLS hello over several datagrams names its UDP flow."""
    fragments = dtls_fragments(named_hello(b"gw.nssvc.net", cookie=b""), 50)
    names = names_of(*[datagram(CLIENT, SERVER, dtls_record(each)) for each in fragments])
    assert own_names(names) == [("gw.nssvc.net", "dtls-sni")]


def test_http_host() -> None:
    """An HTTP request names its flow."""
    request = payloads.http_request("crl3.digicert.com:80")
    names = names_of(segment(CLIENT, ("192.0.2.7", 80), PSH | ACK, request))
    assert own_names(names) == [("crl3.digicert.com", "http-host")]


@pytest.mark.parametrize("host", ["192.0.2.7", "[2001:db8::1]:80", "a\u202eb", "*.example", "a_:b"])
def test_untrustworthy_host(host: str) -> None:
    """An address or junk in place of a name is not taken."""
    request = payloads.http_request(host)
    assert own_names(names_of(segment(CLIENT, SERVER, PSH | ACK, request))) == []


def test_transport_matters() -> None:
    """TLS records in a datagram and an HTTP request over UDP name nobody."""
    frames = (
        datagram(CLIENT, SERVER, payloads.tls_client_hello("a.example")),
        datagram(CLIENT, SERVER, payloads.http_request("a.example")),
    )
    assert own_names(names_of(*frames)) == []


def test_dns_answer() -> None:
    """An answer gives the address its names, with time and asker."""
    names = names_of(answer("a.example", SERVER[0], aliases=("b.example",)))
    assert names.address_names == {
        address_words(SERVER[0]): (
            SeenName("a.example", "dns", 1000, ASKER),
            SeenName("b.example", "dns", 1000, ASKER),
        )
    }


def test_dns_over_tcp() -> None:
    """Answers within a TCP segment count, several of them too."""
    messages = [payloads.dns_answer(name, SERVER[0]) for name in ("a.example", "b.example")]
    stream = b"".join(pack("!H", len(each)) + each for each in messages)
    (seen,) = names_of(segment(RESOLVER, CLIENT, ACK, stream)).address_names.values()
    assert [name.name for name in seen] == ["a.example", "b.example"]


def test_only_answers_of_a_resolver() -> None:
    """What is not sent from the DNS port is no answer."""
    message = payloads.dns_answer("a.example", SERVER[0])
    assert names_of(datagram(CLIENT, RESOLVER, message)).address_names == {}
    assert names_of(datagram(("10.0.0.53", 5353), CLIENT, message)).address_names == {}


def test_earliest_answer_counts() -> None:
    """Of answers to the same asker the earliest is kept, in whatever order they are read."""
    frames = [answer("a.example", SERVER[0])] * 3
    collector = NameCollector()
    for times in ([7000, 9000, 8000], [5000, 6000, 9000]):
        collector.observe(Decoder().decode(batch(frames, times=times)))
    ((seen,),) = collector.finish(flows_of()).address_names.values()
    assert seen.time_ns == 5000


def test_every_asker() -> None:
    """Each host that got the answer is remembered."""
    names = names_of(*[answer("a.example", SERVER[0], asker=f"10.0.0.{n}") for n in range(1, 5)])
    (seen,) = names.address_names.values()
    assert [name.asker for name in seen] == [address_words(f"10.0.0.{n}") for n in range(1, 5)]


@pytest.mark.parametrize(
    ("bounds", "kept", "forgotten"),
    [((2, 9, 99), 6, 3), ((9, 2, 99), 6, 3), ((9, 9, 5), 5, 4), ((9, 9, 99), 9, 0)],
)
def test_bounds(bounds: tuple[int, int, int], kept: int, forgotten: int) -> None:
    """Addresses, names of an address and answers in all are bounded; what is left out counts."""
    frames = [answer(f"{n}.example", f"192.0.2.{a}") for a in range(3) for n in "abc"]
    collector = NameCollector(*bounds)
    collector.observe(decoded(*frames))
    collector.observe(decoded(*frames[: kept // 3]))
    names = collector.finish(flows_of())
    assert sum(map(len, names.address_names.values())) == kept
    assert names.forgotten == forgotten


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=120)), max_size=5))
def test_junk(payload: list[tuple[bool, bytes]]) -> None:
    """Junk from and to any port neither raises nor becomes an unsafe name."""
    prefixes = (b"", b"\x16\x03\x01\x00\x60", b"\x16\xfe\xfd", b"GET / HTTP/1.1\r\nHost: ")
    frames = []
    for number, (turned, junk) in enumerate(payload):
        source, destination = (CLIENT[0], number + 1), RESOLVER
        if turned:
            source, destination = destination, source
        for prefix in prefixes:
            frames.append(datagram(source, destination, prefix + junk))
            frames.append(segment(source, destination, ACK, prefix + junk))
    names = names_of(*frames)
    for seen in (*names.own, *names.address_names.values()):
        assert all(name.name.isprintable() for name in seen)


REAL_CAPTURES = [
    "CESNET+ipfixprobe__tests__functional__inputs__tls.pcap",
    "arkime+arkime__tests__pcap__arkime_synthetic.pcap",
    "seladb+PcapPlusPlus__Tests__Pcap++Test__PcapExamples__many_interfaces-1.pcapng",
]


def tshark(capture: str, display_filter: str, *fields: str) -> list[list[list[str]]]:
    """List the values of fields, frame by frame and field by field, as tshark sees them."""
    wanted = chain.from_iterable(("-e", field) for field in fields)
    command = ["tshark", "-r", capture, "-Y", display_filter, "-T", "fields", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        [cell.split(",") if cell else [] for cell in line.split("\t")]
        for line in done.stdout.splitlines()
    ]


@needs_shared
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark to compare with")
@pytest.mark.parametrize("file", REAL_CAPTURES)
def test_same_names_as_tshark(file: str) -> None:
    """Real captures tell the same names as they tell Wireshark's dissectors."""
    path = str(SHARED / "captures" / file)
    table, decoder, collector = FlowTable(), Decoder(), NameCollector()
    with open_capture([path]) as capture:
        for frames in capture:
            packets = decoder.decode(frames)
            table.update(packets)
            collector.observe(packets)
    names = collector.finish(table.finish())

    stems = "tls.handshake.extensions_server_name", "dtls.handshake.extensions_server_name"
    told = tshark(path, "not quic and (tcp or dtls)", *stems, "http.host")
    in_payload = {
        safe_name(value.split(":")[0]) for frame in told for cell in frame for value in cell
    }
    assert {name for name, _ in own_names(names)} == in_payload - {None}

    # What lies inside a tunnel is the decoder's business.
    answers = tshark(path, "udp.srcport == 53 and dns.a and not geneve", "dns.qry.name", "dns.a")
    given = {(asked[0].lower(), address) for asked, found in answers for address in found}
    remembered = {
        (seen.name, address_text(*address))
        for address, entries in names.address_names.items()
        for seen in entries
    }
    assert given <= remembered
