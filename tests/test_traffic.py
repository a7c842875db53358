"""The speakers of the sample captures say what real hosts would."""

from __future__ import annotations

import struct
from io import BytesIO
from itertools import pairwise

import dpkt
import payloads_citrix
import payloads_network
import pytest
from pcap_files import Interface, pcap, pcapng
from traffic import ACK, FIN, RST, SYN, Frame, Host, Tcp, Udp, Wire

A = Host("10.0.0.1")
B = Host("10.0.0.2", ttl=64)
FAR = Host("203.0.113.9")
ROUTER = Host("10.0.0.254", ttl=255)


def _packets(wire: Wire) -> list[dpkt.ip.IP]:
    return [dpkt.ethernet.Ethernet(frame.data).data for frame in wire.captured()]


def test_tcp_conversation_is_gapless() -> None:
    """Both sides acknowledge exactly what the other has sent, from SYN to FIN."""
    wire = Wire()
    Tcp(wire, A, B, 80).connect().send(b"a" * 5000).answer(b"b" * 3000).pause(50).close()
    expected: dict[bytes, int] = {}
    for packet in _packets(wire):
        segment = packet.data
        assert segment.seq == expected.get(packet.src, segment.seq)
        if segment.flags & ACK:
            assert segment.ack <= expected[packet.dst]
        length = len(segment.data) + bool(segment.flags & (SYN | FIN))
        expected[packet.src] = (segment.seq + length) % (1 << 32)
    last = _packets(wire)[-1].data
    assert last.ack == expected[_packets(wire)[-1].dst]


def test_messages_arrive_whole() -> None:
    """Segments of a message join to the message, none above the announced segment size."""
    wire = Wire()
    Tcp(wire, A, B, 80).connect().send(b"0123456789" * 500)
    pieces = [packet.data.data for packet in _packets(wire) if packet.data.data]
    assert b"".join(pieces) == b"0123456789" * 500
    assert max(map(len, pieces)) == 1460


def test_knock_backs_off() -> None:
    """An unanswered SYN is repeated after one and after two more seconds, unchanged."""
    wire = Wire()
    Tcp(wire, A, B, 80).knock(3)
    times = [frame.time_ns for frame in wire.captured()]
    assert [round((late - early) / 1e9) for early, late in pairwise(times)] == [1, 2]
    assert len({packet.data.seq for packet in _packets(wire)}) == 1


def test_refusal_is_a_reset_that_acknowledges_the_syn() -> None:
    """A refused SYN is answered by RST and ACK of its sequence number plus one."""
    wire = Wire()
    Tcp(wire, A, B, 80).refuse()
    syn, reset = (packet.data for packet in _packets(wire))
    assert (syn.flags, reset.flags) == (SYN, RST | ACK)
    assert reset.ack == (syn.seq + 1) % (1 << 32)


@pytest.mark.parametrize(("reporter", "code"), [(ROUTER, 13), (B, 3)])
def test_rejection_quotes_the_packet(reporter: Host, code: int) -> None:
    """An ICMP error quotes header and ports; a router says filtered, the host port unreachable."""
    wire = Wire()
    Udp(wire, A, B, 4000, client_port=5000).send(b"anybody?").reject(reporter)
    error = _packets(wire)[1].data
    assert (error.type, error.code) == (3, code)
    quote = bytes(error.data.data)
    assert struct.unpack(">HH", quote[20:24]) == (5000, 4000)


def test_echo_requests_share_an_identifier() -> None:
    """The pings of one run count up under one identifier, and so do their answers."""
    wire = Wire()
    wire.ping(A, B, at_ms=0, count=3)
    echoes = [packet.data for packet in _packets(wire)]
    assert [echo.type for echo in echoes] == [8, 0] * 3
    assert len({echo.data.id for echo in echoes}) == 1
    assert [echo.data.seq for echo in echoes] == [1, 1, 2, 2, 3, 3]


def test_frames_are_tagged_and_padded() -> None:
    """A frame seen on a trunk carries its VLANs, outermost first, and is never below 60 bytes."""
    wire = Wire()
    Udp(wire.on(1, 20, 70), A, B, 53).send(b"?")
    (frame,) = wire.captured()
    assert frame.interface == 1
    assert struct.unpack(">HHHH", frame.data[12:20]) == (0x8100, 20, 0x8100, 70)
    assert len(frame.data) == 60


def test_internet_is_behind_a_router() -> None:
    """A host of the internet and the way to it have the router's hardware address."""
    wire = Wire()
    Udp(wire, A, FAR, 53).send(b"?").answer(b"!")
    out, back = (frame.data for frame in wire.captured())
    assert out[:6] == back[6:12] == FAR.hardware()
    assert out[6:12] == A.hardware()


def test_conversations_overlap() -> None:
    """Frames come out in time order, whatever was told first."""
    wire = Wire()
    Udp(wire, A, B, 1, at_ms=500).send(b"late")
    Udp(wire, A, B, 2, at_ms=100).send(b"early")
    assert [packet.data.dport for packet in _packets(wire)] == [2, 1]


@pytest.mark.parametrize("nanoseconds", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcap_is_read_back(order: str, *, nanoseconds: bool) -> None:
    """A pcap file of either byte order and precision is read back as it was."""
    frame = Frame(1_772_438_400_123_456_000, b"x" * 60, 0)
    read = list(dpkt.pcap.Reader(BytesIO(pcap([frame], nanoseconds=nanoseconds, order=order))))
    assert [(round(float(time), 6), data) for time, data in read] == [
        (1772438400.123456, b"x" * 60)
    ]


def test_pcapng_names_its_interfaces() -> None:
    """A pcapng file carries its comment, its interfaces' names and the frames of each."""
    frames = [Frame(1_000_000_000, b"a" * 61, 1)]
    made = pcapng(frames, [Interface("core"), Interface("trunk", "VLAN 70")], comment="made here")
    assert all(word in made for word in (b"made here", b"core", b"trunk", b"VLAN 70", b"a" * 61))
    assert len(made) % 4 == 0
    assert struct.unpack("<I", made[-4:])[0] == 32 + 64


def test_license_header_checks_out() -> None:
    """A FlexNet header carries the published checksum and CRC."""
    message = payloads_citrix.flexnet("test")
    assert message[1] == (message[0] + sum(message[2:20])) & 0xFF
    assert struct.unpack(">H", message[4:6])[0] == len(message)
    empty = bytes.fromhex("0014") + bytes(14)
    assert payloads_citrix._crc16(empty) == 0x0F09


def test_published_first_bytes() -> None:
    """What is published of Citrix' protocols stands where it is published."""
    assert bytes.fromhex("7f7f49434100") == payloads_citrix.ICA_BANNER
    assert payloads_citrix.cgp_bind("test").startswith(b"\x1aCGP/01")
    assert len(payloads_citrix.cgp_bind("test")) > 22
    assert payloads_citrix.netscaler_rpc()[:6] == bytes.fromhex("10000000a5a5")
    flow = payloads_network.ipfix("test")
    assert flow[:2] == b"\x00\x0a"
    assert struct.pack(">I", 5951) in flow
