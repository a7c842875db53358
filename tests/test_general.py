"""The general path as a whole: nesting, pieces, errors, hostile bytes, and when it is taken."""

from __future__ import annotations

import subprocess
import sys

import pytest
import test_serial
import test_shims
import test_tunnels
import test_wireless
from carried import (
    HOST,
    INNER_FRAME,
    PACKET,
    PEER,
    QUERY,
    assert_opened,
    carrier_of,
    gre,
    in_ip,
    label,
    over_udp,
    row_of,
)
from hypothesis import given
from hypothesis import strategies as st
from layers import IPV6, batch, decoded, ethernet, icmp, ipv4, ipv6, tcp, udp
from test_dissect import check_rows

from auditor.decode import serial, wireless
from auditor.decode.carriers import find_carriers
from auditor.decode.dissect import Decoder
from auditor.decode.packets import Quote
from auditor.decode.shims import BY_ETHERTYPE
from auditor.flows import FlowTable
from auditor.protocols import CARRIER_ETHERTYPES
from auditor.records import Status, Tunnel, address_words

SEEDS: list[tuple[int, bytes]] = [
    *((1, frame) for frame, *_ in test_shims.STACKS.values()),
    *((1, frame) for frame, *_ in test_tunnels.STACKS.values()),
    *test_wireless.STACKS.values(),
    *test_serial.STACKS.values(),
]
LINKTYPES = sorted(serial.BY_LINKTYPE | wireless.BY_LINKTYPE)


@st.composite
def damaged_frames(draw: st.DrawFn) -> tuple[int, bytes]:
    """Draw a link type, and a frame that carries a packet with bytes changed, cut or added."""
    linktype, intact = draw(st.sampled_from(SEEDS))
    frame = bytearray(intact)
    for _ in range(draw(st.integers(0, 6))):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    return linktype, bytes(frame[: draw(st.integers(0, len(frame)))] + draw(st.binary(max_size=12)))


@given(st.lists(damaged_frames(), max_size=8))
def test_survives_damaged_carriers(frames: list[tuple[int, bytes]]) -> None:
    """Headers with wrong bytes, too short or too long, give sound rows and no exception."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    for linktype, frame in frames:
        check_rows(decoder.decode(batch([frame], linktype)))


@given(st.binary(max_size=120), st.sampled_from(LINKTYPES))
def test_survives_any_bytes(frame: bytes, linktype: int) -> None:
    """Random bytes behind a link type of the general path give a row and no exception."""
    check_rows(decoded(frame, linktype=linktype))


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.binary(max_size=60))
def test_survives_any_gre_header(flags: int, protocol: int, rest: bytes) -> None:
    """Whatever a header says of its options and contents, no dissector gets out of hand."""
    check_rows(decoded(in_ip(gre(rest, protocol, flags), 47)))


@given(st.sampled_from(sorted(CARRIER_ETHERTYPES)), st.binary(max_size=80))
def test_survives_anything_behind_an_ethertype(ethertype: int, rest: bytes) -> None:
    """Any bytes behind the name of a carrier give a row and no exception."""
    check_rows(decoded(ethernet(rest, ethertype)))


@given(damaged_frames(), damaged_frames())
def test_reads_each_frame_within_its_own_bytes(
    frame: tuple[int, bytes], neighbour: tuple[int, bytes]
) -> None:
    """What lies behind a frame in the buffer changes nothing about it."""
    linktype, bytes_of_frame = frame
    alone = decoded(bytes_of_frame, linktype=linktype)
    both = batch([bytes_of_frame, neighbour[1]], linktype)
    beside = Decoder().decode(both.select(slice(0, 1)))
    assert alone.rows.tolist() == beside.rows.tolist()
    assert alone.quotes == beside.quotes


def test_names_the_nearest_carrier_of_several() -> None:
    """Of carriers in carriers the innermost that has an id is the flow's tunnel."""
    overlay = test_tunnels.VXLAN + INNER_FRAME
    frame = in_ip(gre(label(16, bottom=True) + ipv4(udp(1, 4789, overlay), 17), 0x8847), 47)
    assert carrier_of(assert_opened(frame)) == ("VXLAN", 42)


def test_keeps_the_last_packet_that_can_be_read() -> None:
    """A carrier inside a carrier that holds nothing leaves the outer carrier's packet."""
    inner = ipv4(gre(bytes(28), 0x0806), 47, HOST, PEER)
    row = row_of(in_ip(gre(inner, 0x0800, 0x2000, 9), 47))
    assert (carrier_of(row), row["transport"]) == (("GRE", 9), 47)
    assert (row["src_hi"], row["src_lo"]) == address_words(HOST)


def test_follows_only_so_many_carriers() -> None:
    """Of packets in packets without end the ninth is the last, of bridges none is left."""
    packet = PACKET
    for _ in range(2000):
        packet = ipv4(packet, 4)
    row = row_of(ethernet(packet))
    assert (row["status"], row["transport"], row["payload_offset"]) == (Status.OK, 4, 14 + 9 * 20)
    bridges = (bytes(4 + 12) + b"\x88\xe7") * 2000
    assert row_of(ethernet(bridges, 0x88E7))["status"] == Status.UNSUPPORTED


def test_gives_later_pieces_of_a_tunnel_to_the_flow_inside() -> None:
    """Pieces of an outer packet join the flow that its first piece showed, across batches too."""
    whole = udp(40_000, 4789, test_tunnels.VXLAN + INNER_FRAME + bytes(40))
    decoder = Decoder()
    first = decoder.decode(batch([ethernet(ipv4(whole[:88], 17, pieces=0x2000))])).rows[0]
    later = decoder.decode(batch([ethernet(ipv4(whole[88:], 17, pieces=11))])).rows[0]
    for row in (first, later):
        assert (row["status"], row["src_port"], row["dst_port"]) == (Status.OK, 5000, 53)
        assert (row["src_hi"], row["src_lo"]) == address_words(HOST)
        assert carrier_of(row) == ("VXLAN", 42)
    assert later["payload_len"] == 0


def test_gives_pieces_inside_a_tunnel_their_ports() -> None:
    """Pieces of an inner packet find the ports of their first one; alone they are FRAGMENTs."""
    body = udp(5000, 53, bytes(40))
    first = ipv4(body[:24], 17, HOST, PEER, pieces=0x2000)
    later = ipv4(body[24:], 17, HOST, PEER, pieces=3)
    rows = decoded(in_ip(gre(first), 47), in_ip(gre(later), 47)).rows
    assert rows["status"].tolist() == [Status.OK, Status.OK]
    assert rows["dst_port"].tolist() == [53, 53]
    alone = row_of(in_ip(gre(later), 47))
    assert (alone["status"], carrier_of(alone)) == (Status.FRAGMENT, ("GRE", 0))
    assert (alone["src_hi"], alone["src_lo"]) == address_words(HOST)


def test_leaves_later_pieces_of_an_unopened_tunnel_with_its_outer_flow() -> None:
    """Where the first piece held nothing readable, all pieces are the outer packet's."""
    whole = udp(40_000, 4789, bytes(80))
    rows = decoded(
        ethernet(ipv4(whole[:48], 17, pieces=0x2000)), ethernet(ipv4(whole[48:], 17, pieces=6))
    ).rows
    assert rows["dst_port"].tolist() == [4789, 4789]
    assert rows["tunnel"].tolist() == [Tunnel.NONE, Tunnel.NONE]


def test_reads_the_quote_of_an_error_inside_a_tunnel() -> None:
    """An ICMP error that travels in a tunnel quotes a packet of the flow inside."""
    error = ipv4(icmp(3, PACKET, code=3), 1, PEER, HOST)
    frames = (
        in_ip(gre(PACKET), 47),
        in_ip(gre(error), 47),
        ethernet(label(16, bottom=True) + error, 0x8847),
    )
    packets = decoded(*frames)
    assert packets.rows["status"].tolist() == [Status.OK, Status.ICMP_ERROR, Status.ICMP_ERROR]
    assert packets.quotes == [
        Quote(row, True, *address_words(HOST), *address_words(PEER), 17, 5000, 53) for row in (1, 2)
    ]
    table = FlowTable()
    table.update(packets)
    flows = table.finish()
    assert (len(flows.facts), flows.unmatched_errors) == (1, 0)
    assert flows.facts["unreachable_a"][0]


def test_hands_the_tunnel_on_to_the_flow() -> None:
    """A flow says how its earliest packet was carried."""
    table = FlowTable()
    table.update(decoded(over_udp(4789, test_tunnels.VXLAN + INNER_FRAME)))
    flows = table.finish()
    assert (flows.facts["tunnel"][0], flows.facts["tunnel_id"][0]) == (Tunnel.VXLAN, 42)
    assert flows.vlans == [(20,)]
    assert flows.heads_a == [(b"query",)]


def test_learns_no_address_behind_a_mac_from_a_tunnel() -> None:
    """Who sends a tunnel's frames is not who speaks inside."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    decoder.decode(batch([in_ip(gre(PACKET), 47)]))
    assert decoder.mac_addresses == {}
    decoder.decode(batch([ethernet(b"\0\x40\0\1\x08\0" + PACKET, 0x892F)]))
    assert list(decoder.mac_addresses.values()) == [{address_words(HOST)}]


def test_looks_only_at_what_may_carry() -> None:
    """Ordinary rows are no suspects, whatever the port of a TCP segment."""
    rows = decoded(
        ethernet(ipv4(tcp(4789, 2152))),
        ethernet(ipv4(QUERY, 17)),
        ethernet(ipv6(QUERY, 17), IPV6),
        ethernet(bytes(28), 0x0806),
        ethernet(ipv4(icmp(3, PACKET), 1)),
        ethernet(ipv4(bytes(8), 50)),
    ).rows
    assert find_carriers(rows).tolist() == []


def test_knows_how_to_open_what_the_plain_path_hands_over() -> None:
    """Of the EtherTypes that the plain path hands over only TRILL stays closed."""
    assert set(CARRIER_ETHERTYPES) - set(BY_ETHERTYPE) == {0x22F3}


def test_plain_frames_do_not_load_dpkt() -> None:
    """A capture without carriers does not pay for the library that opens them."""
    program = (
        "import sys; from layers import *; from carried import PACKET, gre, in_ip;"
        "decoded(ethernet(PACKET)); assert 'dpkt' not in sys.modules;"
        "decoded(in_ip(gre(PACKET), 47)); assert 'dpkt' in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("frame", [in_ip(gre(PACKET), 47), ethernet(PACKET)])
def test_keeps_time_and_length_of_the_frame(frame: bytes) -> None:
    """A row's time and wire length are the frame's own, however deep the packet lies."""
    row = Decoder().decode(batch([frame[:60]], times=[77], wire_lens=[1500])).rows[0]
    assert (row["time_ns"], row["wire_len"]) == (77, 1500)
