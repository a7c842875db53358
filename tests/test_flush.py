"""A flow table that runs on: flows are handed out again and again, and forgotten when they end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, FIN, PSH, SYN, A, B, batch, datagram, segment
from strategies import traffic

from auditor.decode.dissect import Decoder
from auditor.decode.packets import Packets
from auditor.flows import FlowTable
from auditor.flows.compiled import CompiledFlowTable, Flushed

CLIENT, SERVER = (A, 5000), (B, 443)
LONG = 1e9


def taken(table: CompiledFlowTable, *frames: bytes, at_ns: int = 1000) -> CompiledFlowTable:
    """Let a table take frames of one moment."""
    table.update(Decoder().decode(batch(frames, times=[at_ns] * len(frames))))
    return table


def flushed(
    table: CompiledFlowTable,
    now_s: float = 0.0,
    *,
    idle_s: float = LONG,
    closed_s: float = LONG,
    most: int | None = None,
) -> Flushed:
    """Flush, by default without forgetting."""
    return table.flush(now_s, idle_s=idle_s, closed_s=closed_s, most=most)


def test_counts_begin_anew_and_the_handshake_is_known() -> None:
    """A flow that goes on is handed out with the packets since, and knows how it began."""
    table = CompiledFlowTable()
    taken(table, segment(CLIENT, SERVER, SYN, sequence=9), segment(SERVER, CLIENT, SYN | ACK))
    first = flushed(table)
    taken(table, segment(CLIENT, SERVER, PSH | ACK, b"later", 10), at_ns=2000)
    second = flushed(table)
    facts = second.flows.facts
    assert first.flows.facts["packets_a"].tolist() == facts["packets_a"].tolist() == [1]
    assert facts["packets_b"].tolist() == [0]
    assert facts["first_a_ns"].tolist() == facts["first_b_ns"].tolist() == [1000]
    assert facts["last_a_ns"].tolist() == [2000]
    assert facts["seen_a"] & 1
    assert facts["seen_b"] & 2
    assert second.flows.heads_a == [(b"later",)]
    assert (first.begun.tolist(), second.begun.tolist()) == ([True], [False])


def test_a_patient_flush_waits_for_an_answer() -> None:
    """A datagram is given with what answers it, or by the next flush: it is no attempt in vain."""
    asked, unheard, answered = ((A, port) for port in (5000, 6000, 7000))
    table = taken(CompiledFlowTable(), *(datagram(each, SERVER) for each in (asked, unheard)))
    taken(table, datagram(answered, SERVER), datagram(SERVER, answered))
    first = table.flush(0.0, idle_s=LONG, closed_s=LONG, patience_s=10.0).flows.facts
    assert first["b_port"].tolist() + first["a_port"].tolist() in ([443, 7000], [7000, 443])
    taken(table, datagram(SERVER, asked))
    second = table.flush(1.0, idle_s=LONG, closed_s=LONG, patience_s=10.0).flows.facts
    assert sorted((second["packets_a"] + second["packets_b"]).tolist()) == [1, 2]


def test_patience_has_an_end() -> None:
    """What nobody has answered for long is an attempt, though no flush came in between."""
    table = CompiledFlowTable()
    taken(table, datagram(CLIENT, SERVER), segment((A, 6000), SERVER, SYN), at_ns=0)
    taken(table, datagram((A, 7000), SERVER), at_ns=11 * 10**9)
    first = table.flush(0.0, idle_s=LONG, closed_s=LONG, patience_s=10.0).flows.facts
    assert sorted(first["transport"].tolist()) == [6, 17]
    assert len(flushed(table).flows.facts) == 1


def test_a_patient_flush_waits_for_what_a_connection_is() -> None:
    """A handshake is given with the payload behind it, or by the next flush; counted once."""
    table = taken(CompiledFlowTable(), *conversation((A, 5000))[:2], datagram(CLIENT, SERVER))
    taken(table, segment((A, 6000), SERVER, SYN), datagram(SERVER, CLIENT))
    first = table.flush(0.0, idle_s=LONG, closed_s=LONG, patience_s=10.0)
    assert first.flows.facts["transport"].tolist() == [17]
    taken(table, *conversation((A, 5000))[2:])
    second = table.flush(1.0, idle_s=LONG, closed_s=LONG, patience_s=10.0)
    packets = second.flows.facts["packets_a"] + second.flows.facts["packets_b"]
    assert sorted(packets.tolist()) == [1, 4]
    assert second.begun.all()
    assert len(flushed(table).flows.facts) == 0


def test_hands_out_only_what_spoke() -> None:
    """A flow without a packet since the last time is not handed out, but not forgotten either."""
    table = taken(CompiledFlowTable(), datagram(CLIENT, SERVER, b"one"))
    flushed(table)
    assert len(flushed(table).flows.facts) == 0
    assert table.size == 1


def test_forgets_what_is_idle_or_closed() -> None:
    """What was idle too long goes, and sooner what was closed."""
    table = taken(CompiledFlowTable(), datagram(CLIENT, SERVER))
    taken(table, segment(CLIENT, SERVER, FIN | ACK), datagram((A, 1), SERVER))
    assert len(flushed(table, 0.0).flows.facts) == 3
    taken(table, datagram((A, 1), SERVER))
    flushed(table, 100.0, idle_s=300.0, closed_s=10.0)
    assert table.size == 2
    flushed(table, 350.0, idle_s=300.0, closed_s=10.0)
    assert table.size == 1
    taken(table, datagram(CLIENT, SERVER))
    again = flushed(table, 360.0)
    assert again.begun.tolist() == [True]
    assert table.size == 2


def test_time_of_packets_decides_nothing() -> None:
    """A clock on the wall that was set back or ahead neither keeps flows nor ends them."""
    table = taken(CompiledFlowTable(), datagram(CLIENT, SERVER), at_ns=10**18)
    flushed(table, 0.0, idle_s=300.0)
    taken(table, datagram((A, 1), SERVER), at_ns=5)
    flushed(table, 299.0, idle_s=300.0)
    assert table.size == 2
    flushed(table, 301.0, idle_s=300.0)
    assert table.size == 1


def conversation(client: tuple[str, int]) -> list[bytes]:
    """Make a connection that both sides take part in."""
    return [
        segment(client, SERVER, SYN, sequence=9),
        segment(SERVER, client, SYN | ACK),
        segment(client, SERVER, ACK, b"hello", 10),
        segment(SERVER, client, PSH | ACK, b"there"),
    ]


def test_a_flood_of_attempts_pushes_no_conversation_out() -> None:
    """Of a full table attempts go first, answered or not, those longest silent before others."""
    table = CompiledFlowTable()
    for port in range(20):
        taken(table, *conversation((A, 5000 + port)))
    flushed(table, 0.0)
    half_open = [
        frame
        for port in range(50)
        for frame in (
            segment(("10.9.0.1", port), SERVER, SYN),
            segment(SERVER, ("10.9.0.1", port), SYN | ACK),
        )
    ]
    taken(table, *half_open, *(segment(("10.9.0.2", port), SERVER, SYN) for port in range(50)))
    crowded = flushed(table, 10.0, most=30)
    assert len(crowded.flows.facts) == 100
    assert (crowded.evicted_attempts, crowded.evicted_flows) == (90, 0)
    assert table.size == 30
    taken(table, *(segment((A, 5000 + port), SERVER, PSH | ACK, b"more", 15) for port in range(20)))
    assert flushed(table, 20.0).begun.tolist() == [False] * 20


def test_conversations_go_when_nothing_else_is_left_to_go() -> None:
    """Beyond the cap the conversations longest silent go, counted apart."""
    table = CompiledFlowTable()
    for port in range(10):
        taken(table, *conversation((A, 5000 + port)))
        flushed(table, float(port))
    crowded = flushed(table, 20.0, most=4)
    assert (crowded.evicted_attempts, crowded.evicted_flows) == (0, 6)
    taken(table, *(segment((A, 5000 + port), SERVER, ACK, b"more", 15) for port in range(10)))
    again = flushed(table, 30.0)
    ports = np.maximum(again.flows.facts["a_port"], again.flows.facts["b_port"])
    assert sorted(ports[~again.begun].tolist()) == [5006, 5007, 5008, 5009]


def test_two_million_invented_clients_leave_a_thousand_real_ones_alone() -> None:
    """A SYN flood against a table of 100,000 flows ends no established one."""
    table = CompiledFlowTable()
    for port in range(1000):
        taken(table, *conversation((A, 5000 + port)))
    evicted = 0
    random = np.random.default_rng(7)
    for number in range(40):
        if table.size + 50_000 > 100_000:
            result = flushed(table, number, most=50_000)
            evicted += result.evicted_attempts
            assert result.evicted_flows == 0
        table.update(_flood(random, 50_000))
        assert table.size <= 100_000
    assert evicted > 1_800_000
    for port in range(1000):
        taken(table, segment((A, 5000 + port), SERVER, ACK, b"more", 15))
    again = flushed(table, 100.0)
    assert int(np.count_nonzero(~again.begun & (again.flows.facts["seen_b"] & 16 > 0))) == 1000


def _flood(random: np.random.Generator, count: int) -> Packets:
    """Make SYNs from sources of which hardly two are the same."""
    whole = Decoder().decode(batch([segment(("10.8.0.1", 1), SERVER, SYN)] * 2))
    rows = np.repeat(whole.rows[:1], count)
    rows["src_lo"] = 0xFFFF << 32 | random.integers(1, 1 << 32, count, np.uint64)
    rows["src_port"] = random.integers(1024, 65536, count)
    frames = whole.batch.select(np.zeros(count, np.int64))
    return Packets(frames, rows)


@settings(max_examples=300, deadline=None)
@given(traffic(), st.lists(st.integers(1, 40), max_size=4))
def test_loses_nothing(frames: list[bytes], cuts: list[int]) -> None:
    """However often it is flushed: packets add up, and heads end as they would have."""
    whole, table, plain = batch(frames), CompiledFlowTable(), FlowTable()
    packets = wire = 0
    bounds = sorted({0, *(cut for cut in cuts if cut < len(frames)), len(frames)})
    for start, end in pairwise(bounds):
        part = Decoder().decode(whole.select(slice(start, end)))
        table.update(part)
        plain.update(part)  # in the same batches: what a SYN tells holds for all of its own
        flows = flushed(table).flows
        packets += int(flows.facts["packets_a"].sum() + flows.facts["packets_b"].sum())
        wire += int(flows.facts["bytes_a"].sum() + flows.facts["bytes_b"].sum())
    expected = plain.finish()
    facts = expected.facts
    assert packets == int(facts["packets_a"].sum() + facts["packets_b"].sum())
    assert wire == int(facts["bytes_a"].sum() + facts["bytes_b"].sum())
    assert table.size == len(facts)
    heads = table._heads.list_of(np.arange(2 * table.size))
    assert sorted(heads) == sorted([*expected.heads_a, *expected.heads_b])
