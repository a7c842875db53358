"""The decoder as a whole: any bytes, and dpkt as a second opinion."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers import (
    ACK,
    IPV6,
    ROUTER,
    A,
    batch,
    decoded,
    echo,
    ethernet,
    fragment6,
    icmp,
    ipv4,
    ipv6,
    tagged,
    tcp,
    udp,
)

from auditor.decode.dissect import Decoder
from auditor.records import PACKET, Status, Tunnel, address_words

if TYPE_CHECKING:
    from auditor.decode.packets import Packets

LINKTYPES = (0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 147)

SEEDS = (
    ethernet(ipv4(tcp(5000, 443, ACK, b"hello"))),
    ethernet(ipv4(tcp(5000, 443), options=bytes(8))),
    ethernet(ipv4(udp(5000, 53, b"query"), 17, pieces=0x2000)),
    ethernet(ipv4(bytes(16), 17, pieces=3)),
    ethernet(ipv4(bytes(40), 132)),
    ethernet(ipv4(echo(8, 77), 1)),
    ethernet(ipv4(icmp(3, ipv4(udp(5000, 53), 17)), 1, ROUTER, A)),
    ethernet(ipv6(b"\x3c\0" + bytes(6) + b"\6\0" + bytes(6) + tcp(5000, 443), 0), IPV6),
    ethernet(ipv6(fragment6(udp(5000, 53), 17, 0, more=True), 44), IPV6),
    ethernet(ipv6(icmp(137, bytes(32) + b"\4\6" + bytes(6) + ipv6(udp(1, 2), 17)), 58), IPV6),
    tagged(ipv4(udp(5000, 53), 17), (0x88A8, 100), (0x8100, 20)),
    ethernet(b"\xaa\xaa\x03\0\0\0\x08\0" + ipv4(udp(5000, 53), 17), 36),
)


@st.composite
def damaged_frames(draw: st.DrawFn) -> bytes:
    """Draw a well-formed frame with some bytes changed, cut or added."""
    frame = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    return bytes(frame[: draw(st.integers(0, len(frame)))] + draw(st.binary(max_size=12)))


def check_rows(packets: Packets) -> None:
    """Assert what holds of rows whatever the bytes are."""
    rows = packets.rows
    assert rows.dtype == PACKET
    assert len(rows) == len(packets.batch)
    assert rows["time_ns"].tolist() == packets.batch.time_ns.tolist()
    assert rows["wire_len"].tolist() == packets.batch.wire_len.tolist()
    ends = rows["payload_offset"].astype(int) + rows["payload_len"]
    assert (ends <= packets.batch.captured_len).all()
    assert set(rows["status"].tolist()) <= set(Status)
    assert ((rows["status"] != Status.OK) | (rows["ip_version"] > 0)).all()
    errors = [row for row, status in enumerate(rows["status"]) if status == Status.ICMP_ERROR]
    quoting = [quote.row for quote in packets.quotes]
    assert set(quoting) <= set(errors)
    assert quoting == sorted(quoting)


@given(st.lists(st.binary(max_size=120), max_size=8), st.sampled_from(LINKTYPES))
def test_survives_any_bytes(frames: list[bytes], linktype: int) -> None:
    """Random bytes behind any link type give a row per frame and no exception."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    check_rows(decoder.decode(batch(frames, linktype)))


@given(st.lists(damaged_frames(), max_size=8))
def test_survives_damaged_headers(frames: list[bytes]) -> None:
    """Headers with wrong bytes, too short or too long, give a row per frame and no exception."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    check_rows(decoder.decode(batch(frames)))


@given(damaged_frames(), damaged_frames())
def test_reads_each_frame_within_its_own_bytes(frame: bytes, neighbour: bytes) -> None:
    """What lies beside a frame in the buffer changes nothing about it."""
    alone = decoded(frame)
    beside = Decoder().decode(batch([frame, neighbour]).select(slice(0, 1)))
    assert alone.rows.tolist() == beside.rows.tolist()
    assert alone.quotes == beside.quotes


@given(st.lists(st.sampled_from(SEEDS), max_size=12), st.integers(0, 12))
def test_does_not_depend_on_batches(frames: list[bytes], cut: int) -> None:
    """The same frames in one batch or in two give the same rows."""
    whole = batch(frames)
    decoder = Decoder()
    parts = [decoder.decode(whole.select(rows)) for rows in (slice(0, cut), slice(cut, None))]
    assert [row for part in parts for row in part.rows.tolist()] == decoded(*frames).rows.tolist()


def test_decodes_an_empty_batch() -> None:
    """No frames give no rows, with the layout all the same."""
    packets = decoded()
    assert packets.rows.shape == (0,)
    assert packets.rows.dtype == PACKET


def test_counts_a_cut_frame_at_its_wire_length() -> None:
    """A capture with a snap length tells how long the frame was; payload is what it kept."""
    frame = ethernet(ipv4(tcp(5000, 443, ACK, bytes(1000))))
    row = Decoder().decode(batch([frame[:96]], wire_lens=[len(frame)])).rows[0]
    assert (row["status"], row["wire_len"], row["payload_len"]) == (Status.OK, 1054, 42)


def test_takes_a_tunnel_for_its_inner_packet() -> None:
    """A packet inside GRE belongs to the hosts that speak, not to the ends of the tunnel."""
    inner = ipv4(tcp(5000, 443), source="192.0.2.1", destination="192.0.2.2")
    row = decoded(ethernet(ipv4(b"\0\0\x08\0" + inner, 47))).rows[0]
    assert (row["transport"], row["src_port"], row["dst_port"]) == (6, 5000, 443)
    assert (row["src_hi"], row["src_lo"]) == address_words("192.0.2.1")
    assert (row["tunnel"], row["tunnel_id"]) == (Tunnel.GRE, 0)


@pytest.mark.parametrize("frame", SEEDS)
def test_agrees_with_dpkt(frame: bytes) -> None:
    """Where dpkt finds ports, they are the same ports, and so are addresses and transport."""
    packet = dpkt.ethernet.Ethernet(frame).data
    while isinstance(packet, dpkt.llc.LLC):
        packet = packet.data
    row = decoded(frame).rows[0]
    assert row["transport"] == packet.p
    assert (row["src_hi"], row["src_lo"]) == address_words(ip_address(packet.src))
    assert (row["dst_hi"], row["dst_lo"]) == address_words(ip_address(packet.dst))
    if isinstance(packet.data, (dpkt.tcp.TCP, dpkt.udp.UDP)):
        assert (row["src_port"], row["dst_port"]) == (packet.data.sport, packet.data.dport)
        assert row["payload_len"] == len(packet.data.data)
