"""Names that traffic tells: collected from DNS, and read from the flows' own payload."""

from __future__ import annotations

import shutil
import subprocess
from itertools import chain, pairwise
from struct import pack

import payloads
import pytest
from handshakes import dtls_fragments, dtls_record, named_hello, tls_handshake
from hypothesis import given
from hypothesis import strategies as st
from layers import ACK, PSH, SYN, batch, datagram, decoded, ethernet, flows_of, ipv6, segment, udp
from name_messages import ACK as GRANT
from name_messages import NAK as REFUSAL
from name_messages import (
    REBIND,
    REPLY,
    REQUEST,
    announcement,
    dhcp,
    dhcpv6,
    full_name6,
    host_name,
    lease6,
    netbios_answer,
    netbios_registration,
    wanted,
)
from quic_packets import crypto, initial
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


def test_quic_sni() -> None:
    """A QUIC hello over several datagrams names its UDP flow, whichever side the client is."""
    hello = tls_handshake(named_hello(b"gw.nssvc.net"))
    packets = [initial(crypto(0, hello[:70]), b"id"), initial(crypto(70, hello[70:]), b"id")]
    for client in (CLIENT, ("203.0.113.9", 50_000)):
        names = names_of(*[datagram(client, SERVER, each) for each in packets])
        assert names.own == [(SeenName("gw.nssvc.net", "quic-sni", 1000, None),)]


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


@pytest.mark.parametrize("cuts", [(1, 700), (1100, 1101, 1400), ()])
def test_dns_over_segments(cuts: tuple[int, ...]) -> None:
    """An answer that spans TCP segments is put together, and counts once."""
    aliases = tuple(f"{label}.{'x' * 60}.example" for label in "bcdefghij")
    message = payloads.dns_answer("a.example", SERVER[0], aliases=aliases)
    stream = pack("!H", len(message)) + message
    places = [0, *cuts, len(stream)]
    assert len(stream) > 1400
    frames = [segment(RESOLVER, CLIENT, SYN | ACK, sequence=999)] + [
        segment(RESOLVER, CLIENT, ACK, stream[start:end], sequence=1000 + start)
        for start, end in pairwise(places)
    ]
    (seen,) = names_of(*frames).address_names.values()
    assert [name.name for name in seen] == ["a.example", *aliases]
    assert {(name.time_ns, name.asker) for name in seen} == {(2000, ASKER)}


def test_aliases_over_several_messages() -> None:
    """An address counts for the name whose alias the same asker was given before."""
    alias = payloads.dns_answer("a.example", aliases=("b.example",))
    alias = alias[:2] + b"\x81\x80" + alias[4:]
    frames = [
        datagram(RESOLVER, (CLIENT[0], 50_001), alias),
        answer("b.example", SERVER[0]),
        answer("b.example", SERVER[0], asker="10.0.0.9"),
    ]
    (seen,) = names_of(*frames).address_names.values()
    assert [(name.name, name.time_ns, name.asker) for name in seen] == [
        ("b.example", 2000, ASKER),
        ("a.example", 2000, ASKER),
        ("b.example", 3000, address_words("10.0.0.9")),
    ]


def test_latest_of_two_names() -> None:
    """Two names of one address both stay, and the one given again is the latest."""
    frames = [answer(name, SERVER[0]) for name in ("a.example", "b.example", "a.example")]
    (seen,) = names_of(*frames).address_names.values()
    assert [(name.name, name.time_ns) for name in seen] == [
        ("a.example", 1000),
        ("b.example", 2000),
        ("a.example", 3000),
    ]


def local_names(*frames: bytes) -> set[tuple[str, str, str]]:
    """List address, name and kind of what hosts told of themselves, to everyone."""
    told = names_of(*frames).address_names
    assert all(seen.asker is None for names in told.values() for seen in names)
    return {
        (address_text(*address), seen.name, seen.kind)
        for address, names in told.items()
        for seen in names
    }


DHCP_CLIENT, DHCP_SERVER = ("0.0.0.0", 68), ("255.255.255.255", 67)


def test_dhcp() -> None:
    """A client's name goes with the address that it was granted, or asked for in vain."""
    request = datagram(
        DHCP_CLIENT, DHCP_SERVER, dhcp(REQUEST, host_name(b"Desk-07"), wanted("10.0.0.7"))
    )
    grant = datagram(("10.0.0.2", 67), ("255.255.255.255", 68), dhcp(GRANT, yours="10.0.0.8"))
    refusal = datagram(("10.0.0.2", 67), ("255.255.255.255", 68), dhcp(REFUSAL))
    assert local_names(request, grant) == {("10.0.0.8", "desk-07", "dhcp")}
    assert local_names(request) == {("10.0.0.7", "desk-07", "dhcp")}
    assert local_names(request, refusal) == set()


def test_dhcpv6() -> None:
    """A client's name goes with its IPv6 address, in use or granted."""
    asks = dhcpv6(REBIND, full_name6("desk.corp.example"), lease6("2001:db8::7"))
    grants = dhcpv6(REPLY, lease6("2001:db8::8"))
    frames = (
        ethernet(ipv6(udp(546, 547, asks), 17), 0x86DD),
        ethernet(ipv6(udp(547, 546, grants), 17), 0x86DD),
    )
    assert local_names(*frames) == {
        ("2001:db8::7", "desk.corp.example", "dhcp"),
        ("2001:db8::8", "desk.corp.example", "dhcp"),
    }


def test_netbios() -> None:
    """Registrations and answers from the name service's port name hosts."""
    claim = netbios_registration(b"DESK-07", "10.0.0.7")
    reply = netbios_answer(b"FILES", ("10.0.0.8", False), service=0x20)
    frames = (
        datagram(("10.0.0.7", 137), ("10.0.0.255", 137), claim),
        datagram(("10.0.0.8", 137), ("10.0.0.7", 137), reply),
        datagram(("10.0.0.9", 999), ("10.0.0.7", 137), netbios_answer(b"X", ("10.0.0.9", False))),
    )
    assert local_names(*frames) == {
        ("10.0.0.7", "desk-07", "netbios"),
        ("10.0.0.8", "files", "netbios"),
    }


def test_llmnr_and_mdns() -> None:
    """Answers of LLMNR name hosts; those of mDNS within its own domain do."""
    frames = (
        datagram(("10.0.0.7", 5355), CLIENT, payloads.dns_answer("Desk-07", "10.0.0.7")),
        datagram(
            ("10.0.0.9", 5353),
            ("224.0.0.251", 5353),
            announcement(("printer.local", "10.0.0.9"), ("www.bank.example", "10.0.0.9")),
        ),
    )
    assert local_names(*frames) == {
        ("10.0.0.7", "desk-07", "llmnr"),
        ("10.0.0.9", "printer.local", "mdns"),
    }


@pytest.mark.parametrize("port", [67, 137, 547, 5353, 5355])
def test_local_names_come_in_datagrams(port: int) -> None:
    """What looks like such a message on a TCP connection is not read."""
    for message in (
        dhcp(REQUEST, host_name(b"desk"), used="10.0.0.7"),
        netbios_registration(b"DESK-07", "10.0.0.7"),
        announcement(("printer.local", "10.0.0.9")),
    ):
        assert local_names(segment(("10.0.0.7", port), CLIENT, ACK, message)) == set()


def test_only_answers_of_a_resolver() -> None:
    """What is not sent from the DNS port is no answer."""
    message = payloads.dns_answer("a.example", SERVER[0])
    assert names_of(datagram(CLIENT, RESOLVER, message)).address_names == {}
    assert names_of(datagram(("10.0.0.53", 5354), CLIENT, message)).address_names == {}


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
        ports = 53, 67, 137, 547, 5353, 5355
        source, destination = (CLIENT[0], number + 1), (RESOLVER[0], ports[len(junk) % 6])
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


def names_in(path: str) -> Names:
    """Collect the names of a capture."""
    table, decoder, collector = FlowTable(), Decoder(), NameCollector()
    with open_capture([path]) as capture:
        for frames in capture:
            packets = decoder.decode(frames)
            table.update(packets)
            collector.observe(packets)
    return collector.finish(table.finish())


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
@pytest.mark.parametrize(
    ("file", "names"),
    [
        (
            "arkime+arkime__tests__pcap__arkime_synthetic.pcap",
            {
                ("10.1.12.200", "mypc", "llmnr"),
                ("10.1.13.200", "mydevice.local", "mdns"),
                ("10.20.8.77", "testhost", "netbios"),
            },
        ),
        (
            "zeek+zeek__testing__btest__Traces__tunnels__Teredo.pcap",
            {("192.168.2.18", "wii", "dhcp")},
        ),
    ],
)
def test_local_names_of_real_captures(file: str, names: set[tuple[str, str, str]]) -> None:
    """Real captures tell the names of local protocols that Wireshark shows in them."""
    found = names_in(str(SHARED / "captures" / file)).address_names
    assert names == {
        (address_text(*address), seen.name, seen.kind)
        for address, entries in found.items()
        for seen in entries
        if seen.kind != "dns"
    }


@needs_shared
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark to compare with")
@pytest.mark.parametrize("file", REAL_CAPTURES)
def test_same_names_as_tshark(file: str) -> None:
    """Real captures tell the same names as they tell Wireshark's dissectors."""
    path = str(SHARED / "captures" / file)
    names = names_in(path)
    stems = "tls.handshake.extensions_server_name", "dtls.handshake.extensions_server_name"
    told = tshark(path, "tcp or dtls or quic", *stems, "http.host")
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
