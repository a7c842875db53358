"""The flow table: which packets are one conversation, and the facts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers import (
    ACK,
    FIN,
    IPV6,
    PSH,
    ROUTER,
    RST,
    SYN,
    A,
    B,
    batch,
    datagram,
    decoded,
    echo,
    ethernet,
    flows_of,
    icmp,
    ipv4,
    ipv6,
    segment,
    tagged,
    tcp,
    udp,
)

from auditor.decode.dissect import Decoder
from auditor.flows import Flows, FlowTable
from auditor.records import ECHO_ID, FLOW, NO_TIME, Seen, Status, address_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLIENT, SERVER = (A, 5000), (B, 443)

HANDSHAKE = (
    segment(CLIENT, SERVER, SYN, sequence=100),
    segment(SERVER, CLIENT, SYN | ACK, sequence=700),
    segment(CLIENT, SERVER, ACK, sequence=101),
)


def unreachable(quoted: bytes, kind: int = 3) -> bytes:
    """Make the frame of an ICMP error about an Ethernet frame that A sent."""
    return ethernet(ipv4(icmp(kind, quoted[14:42], 1), 1, ROUTER, A))


def flows_in(frames: Sequence[bytes], parts: Iterable[slice]) -> Flows:
    """Assemble the frames of one capture part by part, in that order."""
    whole, decoder, table = batch(frames), Decoder(), FlowTable()
    for part in parts:
        table.update(decoder.decode(whole.select(part)))
    return table.finish()


def cut_at(place: int) -> tuple[slice, slice]:
    """Cut a capture in two."""
    return slice(0, place), slice(place, None)


def test_joins_both_directions() -> None:
    """A request and its reply are one flow whose endpoint a is the smaller one."""
    flows = flows_of(datagram((B, 53), (A, 5000), b"reply"), datagram((A, 5000), (B, 53)))
    (facts,) = flows.facts
    assert (facts["a_hi"], facts["a_lo"], facts["a_port"]) == (*address_words(A), 5000)
    assert (facts["b_hi"], facts["b_lo"], facts["b_port"]) == (*address_words(B), 53)
    assert (facts["packets_a"], facts["packets_b"]) == (1, 1)
    assert (facts["bytes_a"], facts["bytes_b"]) == (42, 47)
    assert (facts["first_a_ns"], facts["last_a_ns"]) == (2000, 2000)
    assert (facts["first_b_ns"], facts["last_b_ns"]) == (1000, 1000)
    assert (facts["data_a_ns"], facts["data_b_ns"]) == (NO_TIME, 1000)
    assert (facts["first_frame"], facts["transport"], facts["ip_version"]) == (1, 17, 4)


@pytest.mark.parametrize(
    "other",
    [
        datagram((A, 5001), (B, 53)),
        datagram((A, 5000), (B, 54)),
        datagram((A, 5000), (ROUTER, 53)),
        segment((A, 5000), (B, 53)),
        ethernet(ipv6(udp(5000, 53), 17), IPV6),
    ],
)
def test_keeps_other_conversations_apart(other: bytes) -> None:
    """Another port, address, transport or version is another flow."""
    assert len(flows_of(datagram((A, 5000), (B, 53)), other).facts) == 2


def test_orders_endpoints_by_high_word_then_low_then_port() -> None:
    """Endpoint a is the smaller by address, and by port between equal addresses."""
    flows = flows_of(
        ethernet(ipv6(udp(1, 2), 17, "2001:db8::1", "fe80::"), IPV6),
        ethernet(ipv6(udp(1, 2), 17, "fe80::", "2001:db8::1"), IPV6),
        datagram((A, 9), (A, 8)),
    )
    assert flows.facts["a_port"].tolist() == [1, 2, 8]
    assert flows.facts["packets_a"].tolist() == [1, 0, 0]


def test_takes_a_port_that_talks_to_itself_for_endpoint_a() -> None:
    """Where both endpoints are the same, all packets count as sent by a."""
    (facts,) = flows_of(segment(CLIENT, CLIENT, SYN)).facts
    assert (facts["packets_a"], facts["packets_b"]) == (1, 0)
    assert (facts["first_b_ns"], facts["last_b_ns"]) == (NO_TIME, -NO_TIME)


def test_keys_an_echo_by_requester_and_identifier() -> None:
    """Request and reply are one flow; pings in both directions with one identifier are two."""
    flows = flows_of(
        ethernet(ipv4(echo(8, 77), 1, A, B)),
        ethernet(ipv4(echo(0, 77), 1, B, A)),
        ethernet(ipv4(echo(8, 77), 1, B, A)),
    )
    assert flows.facts["a_port"].tolist() == [ECHO_ID + 77, 0]
    assert flows.facts["b_port"].tolist() == [0, ECHO_ID + 77]
    assert flows.facts["packets_b"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("flags", "payload", "seen"),
    [
        (SYN, b"", Seen.SYN),
        (SYN, b"early", Seen.SYN),
        (SYN | ACK, b"", Seen.SYN_ACK),
        (ACK, b"", Seen.ACK),
        (PSH | ACK, b"data", Seen.ACK | Seen.DATA),
        (FIN | ACK, b"", Seen.FIN | Seen.ACK),
        (RST, b"", Seen.RST),
        (RST | ACK, b"go away", Seen.RST),
        (0, b"", Seen(0)),
        (0, b"data", Seen.DATA),
    ],
)
def test_notes_what_a_side_was_seen_to_send(flags: int, payload: bytes, seen: Seen) -> None:
    """Flags and payload give Seen bits; payload beside SYN or RST is no data."""
    (facts,) = flows_of(segment(SERVER, CLIENT, flags, payload)).facts
    assert (facts["seen_a"], facts["seen_b"]) == (0, seen)
    assert (facts["data_b_ns"] == 1000) == bool(seen & Seen.DATA)


def test_notes_no_flags_outside_tcp() -> None:
    """A datagram shows data at most."""
    (facts,) = flows_of(datagram((A, 1), (B, 2), b"x")).facts
    assert (facts["seen_a"], facts["seen_b"]) == (Seen.DATA, 0)


@pytest.mark.parametrize("end", [FIN | ACK, RST])
@pytest.mark.parametrize("ender", [(CLIENT, SERVER), (SERVER, CLIENT)])
def test_begins_a_new_flow_where_ports_are_used_again(
    end: int, ender: tuple[tuple[str, int], tuple[str, int]]
) -> None:
    """After a FIN or RST of either side a SYN with another number opens a second flow."""
    flows = flows_of(
        *HANDSHAKE,
        segment(*ender, end),
        segment(CLIENT, SERVER, SYN, sequence=9000),
        segment(SERVER, CLIENT, SYN | ACK),
    )
    assert flows.facts["packets_a"].tolist() == [2 + (ender[0] == CLIENT), 1]
    assert flows.facts["packets_b"].tolist() == [1 + (ender[0] == SERVER), 1]
    assert flows.facts["first_frame"].tolist() == [1, 5]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((segment(CLIENT, SERVER, SYN, sequence=100),), SYN),
        ((segment(CLIENT, SERVER, SYN, sequence=99),), SYN),
        ((*HANDSHAKE, segment(CLIENT, SERVER, FIN)), SYN | ACK),
    ],
    ids=["no end", "other number without end", "not an opening"],
)
def test_keeps_a_flow_that_does_not_begin_anew(first: tuple[bytes, ...], second: int) -> None:
    """A SYN without an end before it, or a SYN+ACK, stays in its flow."""
    assert len(flows_of(*first, segment(CLIENT, SERVER, second, sequence=100)).facts) == 1


def test_keeps_a_refused_client_that_tries_again_in_one_flow() -> None:
    """A SYN repeated with its number after a RST is the same attempt."""
    attempt = segment(CLIENT, SERVER, SYN, sequence=100), segment(SERVER, CLIENT, RST | ACK)
    (facts,) = flows_of(*attempt * 3).facts
    assert (facts["packets_a"], facts["packets_b"]) == (3, 3)


def test_begins_a_new_flow_after_the_end_of_one_without_its_beginning() -> None:
    """A flow seen from its middle ends, and the next SYN opens another."""
    flows = flows_of(segment(CLIENT, SERVER, FIN), segment(CLIENT, SERVER, SYN, sequence=0))
    assert len(flows.facts) == 2


def test_marks_the_sender_of_an_unreachable_packet() -> None:
    """An ICMP unreachable marks the side whose packet it quotes, on the newest flow."""
    sent = segment(SERVER, CLIENT, SYN, sequence=5)
    ended = segment(CLIENT, SERVER, RST)
    again = segment(SERVER, CLIENT, SYN, sequence=6)
    flows = flows_of(sent, ended, again, unreachable(again), unreachable(sent, kind=11))
    assert flows.facts["unreachable_b"].tolist() == [0, 1]
    assert flows.facts["unreachable_a"].tolist() == [0, 0]
    assert flows.unmatched_errors == 0


def test_marks_the_flow_that_is_newest_when_the_error_comes() -> None:
    """An error between two flows of the same ports belongs to the first, in any batches."""
    first = segment(CLIENT, SERVER, SYN, sequence=5)
    frames = (
        first,
        segment(SERVER, CLIENT, RST),
        unreachable(first),
        segment(CLIENT, SERVER, SYN, sequence=6),
    )
    for cut in range(5):
        flows = flows_in(frames, cut_at(cut))
        assert flows.facts["unreachable_a"].tolist() == [1, 0]


def test_keeps_an_error_that_comes_before_its_flow() -> None:
    """An error waits for the flow that it quotes, and then is not unmatched."""
    sent = segment(SERVER, CLIENT, SYN)
    (facts,) = (flows := flows_of(unreachable(sent), unreachable(sent, kind=11), sent)).facts
    assert (facts["unreachable_a"], facts["unreachable_b"]) == (0, 1)
    assert flows.unmatched_errors == 0


def test_counts_errors_that_match_no_flow() -> None:
    """Errors about flows that never come, and errors that quote too little, are counted."""
    sent = segment(CLIENT, SERVER, SYN)
    flows = flows_of(unreachable(sent), unreachable(sent), unreachable(sent[:16]))
    assert len(flows.facts) == 0
    assert flows.unmatched_errors == 3


def test_makes_no_flow_of_what_is_not_ok() -> None:
    """Frames without a readable packet are in no flow."""
    flows = flows_of(
        ethernet(bytes(28), 0x0806), HANDSHAKE[0][:36], ethernet(ipv4(bytes(8), pieces=9))
    )
    assert len(flows.facts) == 0
    assert list(flows.heads_a) == list(flows.heads_b) == []
    assert flows.vlans == []


def test_gathers_vlans() -> None:
    """A flow names each VLAN once, an outer one before its inner one; the key ignores them."""
    packet = ipv4(udp(1, 2), 17)
    flows = flows_of(
        tagged(packet, (0x8100, 20)),
        tagged(packet, (0x88A8, 100), (0x8100, 20)),
        tagged(packet, (0x8100, 7)),
        ethernet(packet),
        datagram((A, 8), (B, 9)),
    )
    assert flows.vlans == [(7, 20, 100), ()]


def test_sorts_by_time_then_endpoints() -> None:
    """Flows come by their first packet, and by endpoints where that is the same."""
    frames = [datagram((A, port), (B, 53)) for port in (3, 1, 2)]
    table = FlowTable()
    table.update(Decoder().decode(batch(frames, times=[50, 50, 40])))
    flows = table.finish()
    assert flows.facts["a_port"].tolist() == [2, 1, 3]
    assert flows.facts["first_frame"].tolist() == [3, 2, 1]


def test_describes_a_flow_by_its_earliest_frame() -> None:
    """Time decides which frame is first, then the order of captures, then the frame number."""
    frame = datagram((A, 1), (B, 2))
    table = FlowTable()
    for capture, number, time_ns in ((1, 8, 50), (1, 7, 50), (0, 9, 50), (2, 1, 60)):
        table.update(
            Decoder().decode(batch([frame], times=[time_ns], first_number=number, capture=capture))
        )
    (facts,) = table.finish().facts
    assert (facts["capture"], facts["first_frame"], facts["first_a_ns"]) == (0, 9, 50)


def test_goes_on_after_a_report() -> None:
    """Finishing changes nothing: later packets are added to the same flows."""
    table = FlowTable()
    for packets in (1, 2):
        table.update(decoded(datagram((A, 1), (B, 2))))
        assert table.finish().facts["packets_a"].tolist() == [packets]


def test_grows() -> None:
    """Thousands of flows keep their facts apart."""
    frames = [datagram((A, port), (B, 53), bytes(port % 7)) for port in range(1, 3000)]
    flows = flows_of(*frames, *frames)
    assert flows.facts["packets_a"].tolist() == [2] * 2999
    assert flows.facts["bytes_a"].tolist() == [2 * len(frame) for frame in frames]


ENDPOINTS = [(A, 1), (A, 2), (B, 1)]

conversations = st.lists(
    st.one_of(
        st.builds(
            segment,
            st.sampled_from(ENDPOINTS),
            st.sampled_from(ENDPOINTS),
            st.sampled_from([SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST]),
            st.binary(max_size=3),
            st.integers(0, 2),
        ),
        st.builds(
            datagram,
            st.sampled_from(ENDPOINTS),
            st.sampled_from(ENDPOINTS),
            st.binary(max_size=3),
        ),
        st.builds(unreachable, st.just(segment(ENDPOINTS[0], ENDPOINTS[2], SYN))),
        st.builds(lambda size: tagged(ipv4(tcp(1, 2)), (0x8100, size)), st.integers(0, 3)),
        st.just(b"not a frame"),
    ),
    max_size=20,
)


@given(conversations, st.integers(0, 20))
def test_counts_every_packet_once(frames: list[bytes], cut: int) -> None:
    """Packets and bytes over all flows are those of the OK frames, however they are batched."""
    flows = flows_in(frames, cut_at(cut))
    rows = decoded(*frames).rows
    rows = rows[rows["status"] == Status.OK]
    facts = flows.facts
    assert facts["packets_a"].sum() + facts["packets_b"].sum() == len(rows)
    assert facts["bytes_a"].sum() + facts["bytes_b"].sum() == rows["wire_len"].sum()
    assert ((facts["packets_a"] > 0) == (facts["first_a_ns"] < NO_TIME)).all()
    assert (np.minimum(facts["data_a_ns"], facts["first_a_ns"]) == facts["first_a_ns"]).all()
    assert len(facts) == len(flows.heads_a) == len(flows.heads_b) == len(flows.vlans)


@given(conversations, st.integers(0, 20))
def test_does_not_depend_on_batches(frames: list[bytes], cut: int) -> None:
    """The same frames in one batch or in two give the same flows, heads and counts."""
    one, two = flows_of(*frames), flows_in(frames, cut_at(cut))
    assert one.facts.tolist() == two.facts.tolist()
    assert (one.heads_a, one.heads_b, one.vlans) == (two.heads_a, two.heads_b, two.vlans)
    assert one.unmatched_errors == two.unmatched_errors


@given(conversations, st.data())
def test_gathers_facts_in_any_order(frames: list[bytes], data: st.DataObject) -> None:
    """Facts do not depend on the order of packets, save acknowledgements and ports used again."""
    frames = [frame for frame in frames if not _may_reopen(frame)]
    order = data.draw(st.permutations(range(len(frames))))
    one = flows_of(*frames)
    two = flows_in(frames, [slice(row, row + 1) for row in order])
    for name in set(FLOW.names or ()) - {"acks_a", "acks_b", "gaps_a", "gaps_b"}:
        assert one.facts[name].tolist() == two.facts[name].tolist()
    assert one.vlans == two.vlans
    assert one.unmatched_errors == two.unmatched_errors


def _may_reopen(frame: bytes) -> bool:
    """Tell whether a frame ends a connection, without which no SYN opens a second flow."""
    rows = decoded(frame).rows
    return bool(rows["transport"][0] == 6 and rows["tcp_flags"][0] & (FIN | RST))
