"""The ledger: what flows become when they are many, and what is kept of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, FIN, PSH, SYN, batch, datagram, echo, ethernet, ipv4, segment, tagged, tcp

from auditor.catalog.load import load_catalog, rules_directory
from auditor.decode.dissect import Decoder
from auditor.evidence.names import NameCollector, Names
from auditor.evidence.own_names import OwnNames
from auditor.flows.compiled import CompiledFlowTable
from auditor.flows.headlist import HeadList
from auditor.hosts import resolve
from auditor.judge.judged import Judged, judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener
from auditor.live import fold
from auditor.live.ledger import Ledger

BOOK = RuleBook(load_catalog())
LISTENER = Listener.load(rules_directory())

C, D, S = "10.0.0.1", "10.0.0.3", "10.0.0.2"
REQUEST = b"GET / HTTP/1.1\r\nHost: store.example\r\n\r\n"


def judged(*frames: bytes) -> tuple[Judged, Names]:
    """Judge the flows of frames."""
    table, collector = CompiledFlowTable(), NameCollector()
    packets = Decoder().decode(batch(frames))
    table.update(packets)
    collector.observe(packets)
    flows = table.finish()
    names = collector.finish(flows)
    return judge_flows(flows, names, resolve(flows), BOOK, LISTENER), names


def ledger_of(*frames: bytes, most: int = 1000, head_bytes: int = 1 << 20) -> Ledger:
    """Condense the flows of frames."""
    ledger = Ledger(most, head_bytes)
    add(ledger, *frames)
    return ledger


def add(ledger: Ledger, *frames: bytes) -> None:
    """Add the flows of frames, all of them new."""
    result, names = judged(*frames)
    ledger.add(result, names, np.ones(len(result.flows.facts), dtype=bool))


def connection(port: int, server_port: int = 80, client: str = C) -> list[bytes]:
    """Make a connection that asks a web server."""
    ends = (client, port), (S, server_port)
    return [
        segment(*ends, SYN, sequence=9),
        segment(*ends[::-1], SYN | ACK),
        segment(*ends, PSH | ACK, REQUEST, 10),
        segment(*ends[::-1], FIN | ACK),
    ]


def test_flows_that_are_alike_become_one() -> None:
    """Client ports are forgotten; packets add up; it is known how many flows there were."""
    ledger = ledger_of(*connection(5000), *connection(5001))
    add(ledger, *connection(5002))
    flows = ledger.flows()
    assert len(ledger) == len(flows.facts) == 1
    fact = flows.facts[0]
    assert (fact["a_port"], fact["b_port"]) == (0, 80)
    assert (fact["packets_a"], fact["packets_b"]) == (6, 6)
    assert flows.weights is not None
    assert flows.weights.tolist() == [3]
    assert flows.heads_a == [(REQUEST,)]
    (own,) = ledger.own_names()
    assert [name.name for name in own] == ["store.example"]


def test_what_differs_stays_apart() -> None:
    """Another service, client, outcome, or name in the payload is another record."""
    ledger = ledger_of(
        *connection(5000),
        *connection(5001, 8080),
        *connection(5002, client=D),
        segment((C, 5003), (S, 80), SYN),
        segment((C, 5004), (S, 80), SYN, sequence=9),
        segment((C, 5004), (S, 80), PSH | ACK, REQUEST.replace(b"store", b"other"), 10),
        segment((S, 80), (C, 5004), SYN | ACK),
    )
    assert len(ledger) == 5


def test_an_echo_is_known_by_who_asked() -> None:
    """A record of pings still shows which side sent the requests."""
    for kind, ends in ((8, (C, S)), (8, (S, C))):
        frame = ethernet(ipv4(echo(kind, 77), 1, *ends))
        flows = ledger_of(frame).flows()
        result = judge_flows(flows, _no_names(1), resolve(flows), BOOK, LISTENER)
        asked = result.hosts.table[int(result.orientation.client[0])].address
        assert asked == ends[0]


def _no_names(count: int) -> Names:
    return Names(OwnNames.of([()] * count), {})


def test_vlans_are_united() -> None:
    """A record has every VLAN on which one of its flows was seen."""
    packet = ipv4(tcp(5000, 80, SYN), 6, C, S)
    other = ipv4(tcp(5001, 80, SYN), 6, C, S)
    ledger = ledger_of(tagged(packet, (0x8100, 7)), tagged(other, (0x8100, 9)))
    assert ledger.flows().vlans == [(7, 9)]


def test_a_full_ledger_drops_attempts_first() -> None:
    """Of records without room those go that nobody answered, and it is counted."""
    frames = [frame for port in range(1, 9) for frame in connection(5000, port)]
    frames += [segment((C, 6000), (S, port), SYN) for port in range(100, 120)]
    ledger = ledger_of(*frames, most=10)
    assert len(ledger) == 10
    assert ledger.forgotten == 18
    assert set(range(1, 9)) < set(ledger.flows().facts["b_port"].tolist())
    whole = Ledger(10)
    whole.absorb(ledger)
    assert whole.forgotten == 18


def test_heads_beyond_their_room_are_short() -> None:
    """When payloads take too much memory, 64 bytes of each stay, enough for most greetings."""
    long = b"GET /" + b"x" * 900
    frames = [
        segment((C, 5000), (S, port), flags, payload, sequence)
        for port in range(80, 100)
        for flags, payload, sequence in ((SYN, b"", 9), (PSH | ACK, long, 10))
    ]
    heads = ledger_of(*frames, head_bytes=8000).flows().heads_a
    lengths = [len(head) for heads_of in heads for head in heads_of]
    assert len(lengths) == 20
    assert set(lengths) == {64, 905}
    assert sum(lengths) < 4000 + 20 * 64


def test_a_told_name_lasts_as_long_as_its_record() -> None:
    """What DNS told a client is told again by the record, long after the answer is forgotten."""
    answer = _dns_answer(b"\x05cloud\x07example\x00", S)
    opening = segment((C, 5000), (S, 443), SYN)
    ledger = ledger_of(datagram(("10.0.0.53", 53), (C, 4000), answer), opening)
    ((address, names),) = ledger.told_names().items()
    assert address == (0, 0xFFFF << 32 | 0x0A000002)
    assert [(name.name, name.kind) for name in names] == [("cloud.example", "dns")]
    assert names[0].asker == (0, 0xFFFF << 32 | 0x0A000001)


def _dns_answer(name: bytes, address: str) -> bytes:
    octets = bytes(map(int, address.split(".")))
    header = b"\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
    question = name + b"\x00\x01\x00\x01"
    return header + question + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + octets


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 99)), max_size=60))
def test_groups_are_those_of_a_dictionary(rows: list[tuple[int, int, int]]) -> None:
    """Grouping, minima and first marks agree with the obvious way to do it."""
    table = np.array(rows, np.uint64).reshape(-1, 3)
    values = table[:, 2].astype(np.int64)
    order, starts = fold.group([table[:, 0], table[:, 1]], values)
    expected: dict[tuple[int, int], list[int]] = {}
    for one, two, value in rows:
        expected.setdefault((one, two), []).append(value)
    firsts = order[starts]
    keys = [tuple(table[row, :2].tolist()) for row in firsts]
    assert len(keys) == len(set(keys)) == len(expected)
    least = fold.reduce(np.minimum, values, order, starts).tolist()
    marked = fold.first_marked(values % 2 == 1, order, starts).tolist()
    for key, smallest, first, mark in zip(keys, least, firsts, marked, strict=True):
        assert smallest == min(expected[key])
        assert values[first] == smallest
        odd = [value for value in expected[key] if value % 2]
        assert values[mark] == (min(odd) if odd else smallest)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=90), max_size=3), max_size=8),
    st.lists(st.lists(st.binary(min_size=1, max_size=90), max_size=3), max_size=8),
    st.randoms(use_true_random=False),
)
def test_heads_are_gathered_as_they_are(
    one: list[list[bytes]], two: list[list[bytes]], random: object
) -> None:
    """Heads of two lists, in any order, come out byte for byte."""
    both = [*one, *two]
    rows = list(range(len(both)))
    random.shuffle(rows)  # type: ignore[attr-defined]  # a random.Random
    parts = [HeadList.of(one), HeadList.of(two)]
    gathered = fold.gather_heads(parts, np.array(rows, np.int64), 1 << 20)
    assert list(gathered) == [tuple(both[row]) for row in rows]
