"""Server names in the first packets of QUIC connections."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from handshakes import client_hello, named_hello, pieces, server_name, tls_handshake
from hypothesis import given
from hypothesis import strategies as st
from quic_packets import (
    PADDING,
    PING,
    VERSION_1,
    VERSION_2,
    Keys,
    ack,
    crypto,
    initial,
    keys,
    sealed,
    zero_rtt,
)
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.decode.dissect import Decoder
from auditor.evidence.names import NameCollector
from auditor.evidence.quic import read_quic_name
from auditor.evidence.quic_packets import initials
from auditor.evidence.quic_seal import Seal
from auditor.flows import FlowTable

if TYPE_CHECKING:
    from random import Random

    from auditor.evidence.quic_packets import Initial

NAME = b"gateway.example.net"
HELLO = tls_handshake(named_hello(NAME))
CHOSEN, LATER = bytes.fromhex("8394c8f03e515708"), b"server's id"
VERSIONS = pytest.mark.parametrize("version", [VERSION_1, VERSION_2])

PUBLISHED_FRAMES = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000"
    "0413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017"
    "001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559f"
    "edba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408"
    "050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff080110"
    "0104800075300901100f088394c8f03e51570806048000ffff"
).ljust(1162, b"\0")
"""The client's first frames in appendix A.2 of RFC 9001, and of RFC 9369."""


@pytest.mark.parametrize(
    ("header", "secrets", "begins", "ends"),
    [
        (
            "c300000001088394c8f03e5157080000449e00000002",
            Keys(
                bytes.fromhex("1f369613dd76d5467730efcbe3b1a22d"),
                bytes.fromhex("fa044b2f42a3fd3b46fb255c"),
                bytes.fromhex("9f50449e04a0e810283a1e9933adedd2"),
            ),
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            "d36b3343cf088394c8f03e5157080000449e00000002",
            Keys(
                bytes.fromhex("8b1a0bc121284290a29e0971b5cd045d"),
                bytes.fromhex("91f73e2351d8fa91660e909f"),
                bytes.fromhex("45b95e15235d6f45a6b19cbcb0294ba9"),
            ),
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
            "a18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ],
    ids=["RFC 9001", "RFC 9369"],
)
def test_published_packet(header: str, secrets: Keys, begins: str, ends: str) -> None:
    """The packet that the standard publishes, byte by byte as it stands there, is opened."""
    packet = sealed(bytes.fromhex(header), 2, PUBLISHED_FRAMES, secrets)
    assert len(packet) == 1200
    assert packet.hex().startswith(begins)
    assert packet.hex().endswith(ends)
    assert read_quic_name([packet]) == b"example.com"


@VERSIONS
@given(
    cuts=st.lists(st.integers(1, len(HELLO)), max_size=8),
    between=st.lists(st.sampled_from([PING, PADDING * 40, ack(), ack(ecn=True)]), max_size=6),
    order=st.randoms(use_true_random=False),
    datagrams=st.integers(1, 3),
    number_len=st.integers(1, 4),
)
def test_scattered_hello(
    version: int,
    cuts: list[int],
    between: list[bytes],
    order: Random,
    datagrams: int,
    number_len: int,
) -> None:
    """A ClientHello may come in pieces, in any order, among other frames, over three datagrams."""
    places = [0, *sorted(set(cuts))]
    frames = [
        crypto(place, piece) for place, piece in zip(places, pieces(HELLO, *cuts), strict=False)
    ] + between
    order.shuffle(frames)
    heads = [
        initial(
            b"".join(frames[number::datagrams]),
            CHOSEN,
            version=version,
            number=number,
            number_len=number_len,
            source=b"own",
            token=b"token",
        )
        for number in range(datagrams)
    ]
    assert read_quic_name(heads) == NAME


@VERSIONS
def test_hello_after_retry(version: int) -> None:
    """After a Retry the client starts anew under the id that the server chose."""
    lost = tls_handshake(client_hello())[:30]
    first = initial(crypto(0, lost), CHOSEN, version=version)
    again = initial(crypto(0, HELLO), LATER, version=version, token=b"from Retry", number=1)
    assert read_quic_name([first, again]) == NAME


def test_rest_of_hello_under_the_servers_id() -> None:
    """Once it has heard the server, the client goes on under another id with the same keys."""
    first = initial(crypto(0, HELLO[:40]), CHOSEN)
    rest = initial(ack() + crypto(40, HELLO[40:]), LATER, sealed_by=keys(CHOSEN), number=1)
    assert read_quic_name([first, rest]) == NAME
    assert read_quic_name([rest]) is None


def test_change_of_version() -> None:
    """A client that went over to version 2 still seals with what it chose first."""
    first = initial(crypto(0, HELLO[:40]), CHOSEN)
    other = keys(CHOSEN, VERSION_2)
    rest = initial(crypto(40, HELLO[40:]), LATER, sealed_by=other, version=VERSION_2, number=1)
    assert read_quic_name([first, rest]) == NAME


@VERSIONS
def test_packets_side_by_side(version: int) -> None:
    """Initial packets are found behind and before others in one datagram."""
    half = len(HELLO) // 2
    datagram = (
        zero_rtt(CHOSEN, version=version)
        + initial(crypto(0, HELLO[:half]), CHOSEN, version=version)
        + initial(crypto(half, HELLO[half:]), CHOSEN, version=version, number=1)
        + bytes(30)
    )
    assert read_quic_name([datagram]) == NAME


def test_hello_cut_behind_the_name() -> None:
    """The name counts although the rest of the hello was not captured."""
    extensions = server_name(NAME), (21, bytes(3000))
    hello = tls_handshake(client_hello(*extensions))
    assert read_quic_name([initial(crypto(0, hello[:1000]), CHOSEN)]) == NAME


@pytest.mark.parametrize(
    "frames",
    [
        tls_handshake(client_hello()),
        crypto(0, tls_handshake(named_hello(NAME), kind=2)),
        crypto(1, HELLO),
        crypto(0, HELLO[:60]) + crypto(61, HELLO[61:]),
        crypto(0, HELLO)[:-1],
        b"\x1c" + crypto(0, HELLO),
        b"\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" + crypto(0, HELLO),
        crypto(1 << 20, HELLO),
        PADDING * 1100,
        PING * 30 + b"\x06",
    ],
)
def test_frames_without_name(frames: bytes) -> None:
    """A gap, another message, a lying length or a frame that does not belong gives no name."""
    assert read_quic_name([initial(frames, CHOSEN)]) is None


def test_servers_packets() -> None:
    """What the server sealed is not taken for a client's."""
    seal = keys(CHOSEN, label="server in")
    assert read_quic_name([initial(crypto(0, HELLO), CHOSEN, sealed_by=seal)]) is None


@given(st.data())
def test_any_changed_byte_breaks_the_seal(data: st.DataObject) -> None:
    """A packet of which one byte was changed, or the end is missing, names nobody."""
    packet = initial(crypto(0, HELLO), CHOSEN, source=b"own", token=b"token")
    place = data.draw(st.integers(0, len(packet) - 1))
    broken = bytearray(packet)
    broken[place] ^= data.draw(st.integers(1, 255))
    assert read_quic_name([bytes(broken)]) is None
    assert read_quic_name([packet[:place]]) is None


@given(st.binary(max_size=400), st.integers(0, 60), st.sampled_from([VERSION_1, VERSION_2, 0xBABA]))
def test_junk(junk: bytes, start: int, version: int) -> None:
    """Junk, bare or behind the beginning of a packet, is never an error and never a name."""
    packet = initial(crypto(0, HELLO), CHOSEN)
    header = b"\xc3" + version.to_bytes(4, "big")
    for head in (junk, header + junk, packet[:start] + junk):
        assert read_quic_name([head, junk, head]) is None


@given(st.binary(max_size=200))
def test_junk_behind_a_true_seal(frames: bytes) -> None:
    """Whatever a client seals, reading it ends, without an error."""
    packet = initial(frames, CHOSEN)
    assert read_quic_name([packet]) is None or b"\x06" in frames


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datagrams full of packets under ever new ids cost a fixed number of attempts."""
    attempts: list[int] = []
    original = Seal.open

    def counted(self: Seal, packet: Initial) -> bytes | None:
        attempts.append(1)
        return original(self, packet)

    monkeypatch.setattr(Seal, "open", counted)
    other = keys(b"someone else")
    heads = [
        b"".join(initial(PING, bytes([number, place]), sealed_by=other) for place in range(30))
        for number in range(3)
    ]
    assert read_quic_name(heads) is None
    assert 12 <= len(attempts) <= 48
    assert sum(1 for head in heads for _ in initials(head)) == 12


def test_cryptography_is_loaded_only_for_quic() -> None:
    """Reading other payload does not load the library that opens packets."""
    script = (
        "import sys\n"
        "from auditor.evidence.quic import read_quic_name\n"
        "read_quic_name([b'\\x16\\xfe\\xfd' + bytes(60), b'\\xc0\\0\\0\\0\\1' + bytes(9)])\n"
        "assert 'cryptography' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


REAL_CAPTURES = {
    "OISF+suricata-verify__tests__quic-frag-middle-gap__input.pcap": 1,
    "OISF+suricata-verify__tests__quic-ietf-ja3__input.pcap": 1,
    "arkime+arkime__tests__pcap__quicietfooo.pcap": 1,
    "arkime+arkime__tests__pcap__arkime_synthetic.pcap": 1,
    "CESNET+ipfixprobe__tests__functional__inputs__tls.pcap": 1,
    "the-tcpdump-group+tcpdump__tests__quic_handshake.pcap": 1,
    "the-tcpdump-group+tcpdump__tests__quic_retry.pcap": 1,
    "zeek+zeek__testing__btest__Traces__quic__"
    "quic-multiple-initial-fragmented-crypto-only-initial.pcap": 1,
    "zeek+zeek__testing__btest__Traces__quic__quic-multiple-initial-fragmented-crypto.pcap": 1,
    "zeek+zeek__testing__btest__Traces__quic__quicdoq.pcap": 0,
}
"""Captures and how many names they tell. Of one more, quic-decrypt-fail-google-de-51833.pcap,
tshark reads the name in the ninth datagram; heads keep three."""


@needs_shared
@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark to compare with")
@pytest.mark.parametrize("file", REAL_CAPTURES)
def test_same_names_as_tshark(file: str) -> None:
    """Real connections tell the same names as they tell Wireshark's dissector."""
    path = str(SHARED / "captures" / file)
    table, decoder = FlowTable(), Decoder()
    with open_capture([path]) as capture:
        for frames in capture:
            table.update(decoder.decode(frames))
    own = NameCollector().finish(table.finish()).own
    found = {seen.name for flow in own for seen in flow if seen.kind == "quic-sni"}
    field = "tls.handshake.extensions_server_name"
    command = ["tshark", "-r", path, "-Y", f"quic and {field}", "-T", "fields", "-e", field]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert found == set(told.replace(",", "\n").split())
    assert len(found) == REAL_CAPTURES[file]
