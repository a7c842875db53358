"""Flows of parts, put together, against those of one table that saw every packet."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, FIN, RST, SYN, A, B, batch, ethernet, icmp, ipv4, tagged, tcp, udp
from strategies import traffic

from auditor.decode.dissect import Decoder
from auditor.flows import FlowTable
from auditor.flows.merging import MergingTable
from auditor.flows.partial import PartTable
from auditor.flows.result import Flows
from auditor.parts.reduce import find_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.decode.packets import Packets

thorough = settings(max_examples=2_000, deadline=None)


def check_merged(
    frames: Sequence[bytes], cuts: Sequence[int], linked: NDArray[np.int64] | None = None
) -> int:
    """Hold merged parts against one table; give how many flows had to be read again."""
    bounds = sorted({0, *(cut for cut in cuts if cut < len(frames)), len(frames)})
    whole, decoder = replace(batch(frames), linked=linked), Decoder()
    one, merging = FlowTable(), MergingTable()
    missed = 0
    for start, end in pairwise(bounds):
        packets = decoder.decode(whole.select(slice(start, end)))
        one.update(packets)
        missed += absorb(merging, packets)
        compare(one.finish(), merging.finish())
    return missed


def absorb(merging: MergingTable, packets: Packets) -> int:
    """Add packets by way of a part."""
    table = PartTable()
    table.update(packets)
    missing = merging.absorb(table.part())
    if len(missing.flows):
        for found in find_missing([packets], missing):
            merging.complete(found)
    return len(missing.flows)


def compare(one: Flows, merged: Flows) -> None:
    """Hold all that is known of flows against each other."""
    for field in fields(Flows):
        expected, found = getattr(one, field.name), getattr(merged, field.name)
        if field.name == "facts":
            assert expected.tolist() == found.tolist()
        else:
            assert expected == found, field.name


@thorough
@given(traffic(), st.lists(st.integers(0, 40), max_size=6))
def test_merges_anything(frames: list[bytes], cuts: list[int]) -> None:
    """Retransmitted, reordered, lost, reused: parts cut anywhere give the flows of one table."""
    check_merged(frames, cuts)


def long_talks(random: Random) -> list[bytes]:
    """Invent hundreds of frames of few conversations: longer than heads are looked for."""
    talks = [_Talk(random, port) for port in range(5000, 5000 + random.randint(1, 3))]
    datagrams = [
        ethernet(ipv4(udp(*ports, bytes(random.choice([0, 20, 90]))), 17, *ends))
        for ports, ends in (((53, 6000), (A, B)), ((6000, 53), (B, A)))
    ]
    frames = []
    for _ in range(random.randint(100, 500)):
        if random.random() < 0.1:
            # One side of a flow of datagrams may speak long before the other does.
            frames.append(datagrams[random.random() < 0.05])
        elif frames and random.random() < 0.01:
            frames.append(ethernet(ipv4(icmp(3, random.choice(frames)[14:50], 3), 1)))
        else:
            frames.append(random.choice(talks).next())
    return frames


class _Talk:
    """A TCP connection that loses frames, is closed now and then, and opened again or not."""

    def __init__(self, random: Random, port: int) -> None:
        self.random, self.port = random, port
        self.next_seq = [random.randrange(1 << 32), random.randrange(1 << 32)]
        self.size = random.choice([0, 5, 40, 700])

    def next(self) -> bytes:
        random = self.random
        side = random.randint(0, 1)
        flags, payload = ACK, bytes(random.randint(0, self.size))
        if random.random() < 0.02:
            flags, payload = random.choice([FIN | ACK, RST, SYN, SYN | ACK]), b""
        if flags & SYN and random.random() < 0.5:
            self.next_seq[side] = random.randrange(1 << 32)
        sequence = self.next_seq[side] - (random.random() < 0.05) * random.randint(0, 3000)
        self.next_seq[side] += len(payload) + (random.random() < 0.05) * random.randint(0, 3000)
        ports = (self.port, 443) if side == 0 else (443, self.port)
        ends = (A, B) if side == 0 else (B, A)
        ack = self.next_seq[1 - side] & 0xFFFF_FFFF
        segment = tcp(*ports, flags, payload, sequence & 0xFFFF_FFFF, ack)
        packet = ipv4(segment, 6, *ends)
        return tagged(packet, (0x8100, random.randint(1, 3))) if self.size else ethernet(packet)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 499), min_size=1, max_size=5))
def test_merges_long_conversations(seed: int, cuts: list[int]) -> None:
    """So do parts of conversations of which only the first packets are handed over."""
    check_merged(long_talks(Random(seed)), cuts)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 1 << 32), st.lists(st.integers(0, 499), min_size=1, max_size=5))
def test_merges_control_blocks(seed: int, cuts: list[int]) -> None:
    """Which flows are two sides of one session is the same however a proxy's trace is cut."""
    random = Random(seed)
    frames = long_talks(random)
    blocks = [[random.randint(0, 3), random.randint(0, 3)] for _ in frames]
    check_merged(frames, cuts, np.array(blocks, np.int64))


def test_takes_over_what_is_certain() -> None:
    """A conversation that goes on is not read again, however many packets a part has of it."""
    talk = [
        tcp_frame(side, ACK, bytes(10), 1000 + 10 * step)
        for step in range(100)
        for side in (True, False)
    ]
    assert check_merged(talk, [90, 100]) == 0


def test_datagrams_are_never_read_again() -> None:
    """Which of a part's first datagrams still count is known, however long their flow is."""
    ports = ((53, A, 6000, B), (6000, B, 53, A))
    talk = [
        ethernet(ipv4(udp(source, target, bytes([step] * 9)), 17, sender, receiver))
        for step in range(150)
        for source, sender, target, receiver in (ports[:1] if step % 20 else ports)
    ]
    for cut in range(1, 80):
        assert check_merged(talk, [cut, cut + 70]) == 0


def test_reads_again_what_is_not_certain() -> None:
    """A SYN that may repeat one of an earlier part is read again once it was accepted."""
    syn = tcp_frame(True, SYN, b"", 999)
    accepted = tcp_frame(False, SYN | ACK, b"", 999)
    assert check_merged([syn, syn, accepted], [1]) == 1


def tcp_frame(from_client: bool, flags: int, payload: bytes, sequence: int) -> bytes:
    """Make a frame of a connection both of whose sides count alike."""
    ports = (5000, 443) if from_client else (443, 5000)
    ends = (A, B) if from_client else (B, A)
    return ethernet(ipv4(tcp(*ports, flags, payload, sequence, sequence), 6, *ends))
