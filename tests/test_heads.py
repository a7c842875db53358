"""First payloads per side of a flow: what is kept, in which order, and how much."""

from __future__ import annotations

from itertools import pairwise
from struct import pack

import payloads
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import (
    ACK,
    FIN,
    IPV6,
    PSH,
    RST,
    SYN,
    A,
    B,
    batch,
    datagram,
    decoded,
    ethernet,
    flows_of,
    ipv4,
    ipv6,
    segment,
    udp,
)
from strategies import traffic

from auditor.decode.dissect import Decoder
from auditor.flows import FlowTable
from auditor.flows.compiled import CompiledFlowTable

CLIENT, SERVER = (A, 5000), (B, 443)


def client(sequence: int, payload: bytes, flags: int = PSH | ACK) -> bytes:
    """Make a segment that A sends."""
    return segment(CLIENT, SERVER, flags, payload, sequence & 0xFFFF_FFFF)


def test_keeps_what_each_side_says_first() -> None:
    """Each direction of a connection has one head, reassembled."""
    flows = flows_of(
        client(99, b"", SYN),
        segment(SERVER, CLIENT, SYN | ACK, sequence=699),
        client(103, b" there"),
        segment(SERVER, CLIENT, PSH | ACK, b"220 ready", 700),
        client(100, b"hi,"),
    )
    assert flows.heads_a == [(b"hi, there",)]
    assert flows.heads_b == [(b"220 ready",)]


def test_keeps_no_more_than_is_read() -> None:
    """Of what a hello, CGP or SMB begins the rest is left, by both tables, however it is cut."""
    hello = payloads.tls_client_hello("a.example")
    known = {
        hello: len(hello),
        payloads.tls_server_flight(): len(payloads.tls_server_flight().split(b"\x14\3\3")[0]),
        b"\x1aCGP/01": 256,
        b"\0\0\4\0\xfeSMB": 256,
    }
    for start, kept in known.items():
        stream = start + bytes(3000)
        for size in (50, 97, 700, 1460):
            pieces = ((at, stream[at : at + size]) for at in range(0, min(len(stream), 1460), size))
            frames = batch([client(at, piece) for at, piece in pieces])
            for make in (FlowTable, CompiledFlowTable):
                table = make()
                table.update(Decoder().decode(frames))
                assert table.finish().heads_a == [(stream[:kept],)]


def test_orders_heads_like_facts() -> None:
    """Item i of the heads belongs to flow i."""
    frames = [datagram((A, 2), (B, 53), b"two"), datagram((B, 53), (A, 1), b"one")]
    table = FlowTable()
    table.update(Decoder().decode(batch(frames, times=[20, 10])))
    flows = table.finish()
    assert flows.heads_a == [(), (b"two",)]
    assert flows.heads_b == [(b"one",), ()]


def test_has_no_head_without_payload() -> None:
    """A connection without data has no heads, and so has one that a reset explains."""
    flows = flows_of(client(99, b"", SYN), segment(SERVER, CLIENT, RST | ACK, b"no such port"))
    assert list(flows.heads_a) == list(flows.heads_b) == [()]


def test_learns_the_beginning_from_a_late_syn() -> None:
    """A SYN that the capture shows after its data still says where the stream begins."""
    late = flows_of(client(103, b"def"), client(99, b"", SYN), client(100, b"abc"))
    missing = flows_of(client(103, b"def"), client(99, b"", SYN))
    assert late.heads_a == [(b"abcdef",)]
    assert missing.heads_a == [()]


def test_takes_data_that_travels_with_the_syn() -> None:
    """Early data of a SYN begins the head, and its repetition behind the handshake adds none."""
    flows = flows_of(
        client(99, b"hello", SYN), client(100, b"hello"), client(105, b"!", FIN | PSH | ACK)
    )
    assert flows.heads_a == [(b"hello!",)]


def test_keeps_a_kilobyte_of_a_stream() -> None:
    """Of unknown protocols 1024 bytes are kept, however the segments are cut."""
    flows = flows_of(*(client(300 * index, bytes(300)) for index in range(9)))
    assert [len(head) for head in flows.heads_a[0]] == [1024]


def test_keeps_a_hello_whole() -> None:
    """A TLS hello longer than a kilobyte is kept to its end."""
    hello = b"\x16\x03\x01" + pack("!HB", 2004, 1) + (2000).to_bytes(3, "big") + bytes(2000)
    stream = hello + bytes(3000)
    frames = [client(start, stream[start : start + 700]) for start in range(0, len(stream), 700)]
    assert flows_of(*frames).heads_a == [(hello,)]


def test_crosses_the_wrap_of_sequence_numbers() -> None:
    """A stream that begins just below 2**32 goes on from 0."""
    flows = flows_of(client(-4, b"", SYN), client(-3, b"abc"), client(0, b"def"))
    assert flows.heads_a == [(b"abcdef",)]


def test_keeps_three_datagrams() -> None:
    """Of UDP the first three datagrams of each side are kept, each up to 1500 bytes."""
    sizes = 10, 9000, 20, 30
    packets = [ethernet(ipv4(udp(1, 2, bytes([size % 251]) * size), 17, A, B)) for size in sizes]
    heads = flows_of(*packets).heads_a[0]
    assert [len(head) for head in heads] == [10, 1500, 20]


def test_keeps_one_head_of_sctp() -> None:
    """Of SCTP the first user data is kept."""
    frames = [
        ethernet(
            ipv4(pack("!HHII", 1, 2, 1, 0) + pack("!BBHIHHI", 0, 3, 21, 1, 0, 0, 0) + data, 132)
        )
        for data in (b"first", b"later")
    ]
    assert flows_of(*frames).heads_a == [(b"first",)]


def test_keeps_heads_of_flows_apart_where_ports_are_used_again() -> None:
    """A second connection of the same ports has heads of its own."""
    flows = flows_of(
        client(99, b"", SYN),
        client(100, b"old"),
        client(103, b"", RST),
        client(499, b"", SYN),
        client(500, b"new"),
    )
    assert flows.heads_a == [(b"old",), (b"new",)]


def test_keeps_little_once_the_budget_is_spent() -> None:
    """Beyond the budget each side keeps 64 bytes, and is counted where it had more."""
    table = FlowTable(head_budget=1500)
    frames = [
        datagram((A, 1), (B, 53), bytes(1500)),
        datagram((A, 2), (B, 53), bytes(100)),
        datagram((A, 3), (B, 53), bytes(60)),
        datagram((A, 3), (B, 53), bytes(60)),
        client(0, bytes(50)),
        client(50, bytes(50)),
        client(100, bytes(50)),
        datagram((A, 4), (B, 53), bytes(64)),
        segment((A, 6000), SERVER, ACK, bytes(64)),
    ]
    table.update(decoded(*frames))
    flows = table.finish()
    kept = dict(zip(flows.facts["a_port"].tolist(), flows.heads_a, strict=True))
    assert {port: [len(head) for head in heads] for port, heads in kept.items()} == {
        1: [1500],
        2: [64],
        3: [60, 4],
        5000: [64],
        4: [64],
        6000: [64],
    }
    assert flows.clipped_heads == 3


def test_gives_back_what_a_finished_head_does_not_need() -> None:
    """Bytes that waited in vain are no longer held against the budget."""
    table = FlowTable(head_budget=3000)
    table.update(
        decoded(
            client(99, b"", SYN),
            client(2000, bytes(1400)),
            client(100, bytes(1200)),
            datagram((A, 1), (B, 2), bytes(1500)),
            datagram((A, 3), (B, 2), bytes(1500)),
        )
    )
    flows = table.finish()
    assert [len(heads[0]) for heads in flows.heads_a] == [1024, 1500, 1500]
    assert flows.clipped_heads == 0


@given(
    st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=300)), max_size=12),
    st.integers(0, 1000),
)
def test_bounds_heads(pieces: list[tuple[int, bytes]], budget: int) -> None:
    """Whatever arrives, all that exceeds the budget is one payload and 64 bytes per side."""
    table = FlowTable(head_budget=budget)
    frames = [client(place, payload) for place, payload in pieces]
    frames += [ethernet(ipv6(udp(place, 53, payload), 17), IPV6) for place, payload in pieces]
    table.update(decoded(*frames))
    flows = table.finish()
    kept = sum(len(head) for heads in flows.heads_a for head in heads)
    assert kept <= budget + 300 + 64 * len(flows.facts)


@settings(deadline=None)
@given(traffic())
def test_does_not_depend_on_batches(frames: list[bytes]) -> None:
    """A SYN counts from when it came on, wherever batches end: frame by frame gives the same."""
    for make in (FlowTable, CompiledFlowTable):
        at_once, stepwise = make(), make()
        whole = batch(frames)
        at_once.update(Decoder().decode(whole))
        for row in range(len(frames)):
            stepwise.update(Decoder().decode(whole.select(slice(row, row + 1))))
        assert at_once.finish().heads_a == stepwise.finish().heads_a
        assert at_once.finish().heads_b == stepwise.finish().heads_b


def test_a_later_syn_is_not_known_before() -> None:
    """What came before it was taken for the beginning, in one batch as in two."""
    frames = [client(5_000_000, b"midstream"), client(9, b"", SYN), client(10, b"new")]
    for make in (FlowTable, CompiledFlowTable):
        heads = []
        for bounds in ([0, 3], [0, 1, 2, 3]):
            table = make()
            for start, end in pairwise(bounds):
                table.update(Decoder().decode(batch(frames).select(slice(start, end))))
            heads.append(list(table.finish().heads_a))
        assert heads[0] == heads[1]
