"""A flow table that runs on: flows are handed out again and again, and forgotten when they end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, FIN, PSH, SYN, A, B, batch, datagram, segment
from strategies import traffic

from auditor.decode.dissect import Decoder
from auditor.flows import FlowTable
from auditor.flows.compiled import CompiledFlowTable
from auditor.records import NO_TIME

CLIENT, SERVER = (A, 5000), (B, 443)
EVER = -NO_TIME


def taken(table: CompiledFlowTable, *frames: bytes, at_ns: int = 1000) -> CompiledFlowTable:
    """Let a table take frames of one moment."""
    table.update(Decoder().decode(batch(frames, times=[at_ns] * len(frames))))
    return table


def test_counts_begin_anew_and_the_handshake_is_known() -> None:
    """A flow that goes on is handed out with the packets since, and still as established."""
    table = CompiledFlowTable()
    taken(table, segment(CLIENT, SERVER, SYN, sequence=9), segment(SERVER, CLIENT, SYN | ACK))
    first = table.flush(EVER, closed_since_ns=EVER)
    taken(table, segment(CLIENT, SERVER, PSH | ACK, b"later", 10), at_ns=2000)
    second = table.flush(EVER, closed_since_ns=EVER)
    assert first.facts["packets_a"].tolist() == second.facts["packets_a"].tolist() == [1]
    assert second.facts["first_a_ns"].tolist() == [2000]
    assert second.facts["seen_a"] & 1
    assert second.facts["seen_b"] & 2
    assert second.heads_a == [(b"later",)]


def test_hands_out_only_what_spoke() -> None:
    """A flow without a packet since the last time is not handed out, but not forgotten either."""
    table = taken(CompiledFlowTable(), datagram(CLIENT, SERVER, b"one"))
    table.flush(EVER, closed_since_ns=EVER)
    assert len(table.flush(EVER, closed_since_ns=EVER).facts) == 0
    assert table.size == 1


def test_forgets_what_is_idle_or_closed() -> None:
    """What was idle too long goes, and sooner what was closed."""
    table = taken(CompiledFlowTable(), datagram(CLIENT, SERVER), at_ns=1000)
    taken(table, segment(CLIENT, SERVER, FIN | ACK), datagram((A, 1), SERVER), at_ns=2000)
    assert len(table.flush(1500, closed_since_ns=2500).facts) == 3
    assert table.size == 1
    taken(table, datagram(CLIENT, SERVER), at_ns=3000)
    flows = table.flush(EVER, closed_since_ns=EVER)
    assert flows.facts["packets_a"].tolist() == [1]
    assert table.size == 2


@settings(max_examples=300, deadline=None)
@given(traffic(), st.lists(st.integers(1, 40), max_size=4))
def test_loses_nothing(frames: list[bytes], cuts: list[int]) -> None:
    """However often it is flushed: packets add up, and heads end as they would have."""
    whole, table = batch(frames), CompiledFlowTable()
    packets = wire = 0
    bounds = sorted({0, *(cut for cut in cuts if cut < len(frames)), len(frames)})
    for start, end in pairwise(bounds):
        table.update(Decoder().decode(whole.select(slice(start, end))))
        flows = table.flush(EVER, closed_since_ns=EVER)
        packets += int(flows.facts["packets_a"].sum() + flows.facts["packets_b"].sum())
        wire += int(flows.facts["bytes_a"].sum() + flows.facts["bytes_b"].sum())
    plain = FlowTable()
    plain.update(Decoder().decode(whole))
    expected = plain.finish()
    facts = expected.facts
    assert packets == int(facts["packets_a"].sum() + facts["packets_b"].sum())
    assert wire == int(facts["bytes_a"].sum() + facts["bytes_b"].sum())
    assert table.size == len(facts)
    heads = table._heads.list_of(np.arange(2 * table.size))
    assert sorted(heads) == sorted([*expected.heads_a, *expected.heads_b])
