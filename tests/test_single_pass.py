"""The single pass against the kernels one after another: the same flows, counts and messages."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import SYN, A, B, batch, segment
from ring_blocks import RingPacket, ring_of
from shared import SHARED
from strategies import traffic

from auditor.capture import open_capture
from auditor.decode.compiled import CompiledDecoder
from auditor.decode.compiled_duplicates import CompiledDuplicates
from auditor.decode.compiled_tally import CompiledTally
from auditor.errors import AuditError
from auditor.flows.compiled import CompiledFlowTable
from auditor.flows.result import Flows
from auditor.kernel.single_pass import STRETCH
from auditor.live.messages import MessageKeeper
from auditor.live.single_pass import MOST_NEW_FLOWS, SinglePass

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.capture.live.ring_frames import RingFrames
    from auditor.capture.live.source import LiveFrames

CAPTURES = sorted((SHARED / "captures").glob("*cap*")) if SHARED.is_dir() else []
SAMPLES = sorted((Path(__file__).parents[1] / "sample_pcaps").glob("*.pcap*"))

FRAGMENT = bytes(12) + b"\x08\x00" + bytes([0x45, 0, 0, 28, 0, 1, 0x20, 0]) + bytes(20)
"""A frame that is not plain."""


class Staged:
    """What a watch keeps of packets, stage by stage."""

    def __init__(self) -> None:
        """Begin without frames."""
        self.decoder, self.table = CompiledDecoder(), CompiledFlowTable()
        self.copies, self.keeper, self.tally = (
            CompiledDuplicates(),
            MessageKeeper(),
            CompiledTally(),
        )
        self.calls = self.wire_bytes = 0

    def take(self, frames: FrameBatch) -> None:
        """Take a batch."""
        self.calls += 1
        packets = self.decoder.decode(frames)
        self.copies.mark(packets.rows)
        self.table.update(packets)
        self.keeper.observe(packets)
        self.tally.count(frames, packets.rows["status"])
        self.wire_bytes += int(frames.wire_len.sum())


class Single(Staged):
    """The same in a single pass, but for what is not plain."""

    def __init__(self) -> None:
        """Begin without frames."""
        super().__init__()
        self.asked: list[int] = []
        """For how many flows room was wanted."""
        self.whole = SinglePass(self.table, self.copies, self.keeper)

    def reserve(self, flows: int) -> int:
        """Allow as many as are wanted."""
        self.asked.append(flows)
        return flows

    def take_all(self, frames: LiveFrames) -> None:
        """Take a batch, or frames of a ring."""
        plain = self.whole.take(frames, lambda: self.tally, self.reserve, self.take)
        self.wire_bytes += plain


def check(batches: list[FrameBatch], rings: list[RingFrames] | None = None) -> Single:
    """Hold both against each other; give the one with the single pass.

    rings: the same frames for that one, to be listed as they are taken.
    """
    staged, single = Staged(), Single()
    for frames in batches:
        staged.take(frames)
    for each in rings or batches:
        single.take_all(each)
    ours, theirs = single.table.finish(), staged.table.finish()
    assert ours.facts.tolist() == theirs.facts.tolist()
    for field in fields(Flows):
        if field.name != "facts":
            assert getattr(ours, field.name) == getattr(theirs, field.name), field.name
    assert (single.copies.count, single.wire_bytes) == (staged.copies.count, staged.wire_bytes)
    for name in ("frames", "first_ns", "last_ns", "spans"):
        assert getattr(single.tally, name) == getattr(staged.tally, name), name
    assert single.tally.by_status() == staged.tally.by_status()
    ours_told, theirs_told = single.keeper.take(), staged.keeper.take()
    assert ours_told.rows.tolist() == theirs_told.rows.tolist()
    assert ours_told.batch.data.tolist() == theirs_told.batch.data.tolist()
    return single


def read(path: Path) -> list[FrameBatch]:
    """Read a capture as far as it goes, but for what only files have."""
    batches = []
    with suppress(AuditError), open_capture([str(path)]) as capture:
        batches += [each for each in capture if each.linked is None]
    return batches


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_come_out_alike(path: Path) -> None:
    """Most stretches of a site's traffic are plain, and go through at once."""
    batches = read(path)
    single = check(batches)
    assert single.calls < sum(len(each) for each in batches) / STRETCH + len(batches)


@pytest.mark.skipif(not CAPTURES, reason="needs the reference captures")
def test_every_capture_comes_out_alike() -> None:
    """Tunnels, fragments, ICMP errors, damage: what is not plain is taken in its place."""
    calls = 0
    for path in CAPTURES:
        calls += check(read(path)).calls
    assert calls > 100


def test_what_is_plain_but_in_places_comes_out_alike() -> None:
    """A long batch is taken in turn by the single pass and otherwise, in its order."""
    plain = [each.frame(row) for each in read(_sample("branch-office")) for row in range(len(each))]
    other = [each.frame(row) for each in read(_sample("sd-wan")) for row in range(len(each))]
    mixed = [*plain, *other[:40], *plain[:1500], *other, *plain[1500:3000]]
    assert check([batch(mixed), batch(mixed[::-1])]).calls > 2


def test_where_nothing_is_plain_stretches_grow() -> None:
    """Tunnels throughout cost few calls more than without the single pass."""
    single = check([batch([FRAGMENT] * 40 * STRETCH)])
    assert 2 < single.calls < 8


@settings(max_examples=300, deadline=None)
@given(traffic())
def test_anything_comes_out_alike(several: list[bytes]) -> None:
    """Retransmitted, reordered, lost, reused: nothing depends on how it was taken."""
    check([batch(several), batch(several)])


@settings(max_examples=100, deadline=None)
@given(st.lists(traffic(), min_size=1, max_size=4))
def test_a_ring_is_listed_as_it_is_taken(blocks: list[list[bytes]]) -> None:
    """Block by block, whatever was not plain in between: the same frames in the same order."""
    check([in_ring(blocks).all()], [in_ring(blocks)])


def test_a_ring_of_many_frames_comes_out_alike() -> None:
    """Stretches end where they will, blocks where they do; what is not plain is taken in place."""
    plain = [each.frame(row) for each in read(_sample("branch-office")) for row in range(len(each))]
    turn = [*plain[3000:3700], FRAGMENT, *plain[:900]]
    blocks = [plain[:3000], [], turn, [*turn, *plain, *turn], [FRAGMENT] * 3000, plain[:1]]
    single = check([in_ring(blocks).all()], [in_ring(blocks)])
    assert single.calls > 3
    assert single.tally.frames == sum(map(len, blocks))


def in_ring(blocks: list[list[bytes]]) -> RingFrames:
    """Let frames wait in so many blocks of a ring."""
    return ring_of([[RingPacket(each) for each in block] for block in blocks])


def test_heads_find_room() -> None:
    """A store that is nearly full is widened before a stretch might need more."""
    single = Single()
    store = single.table._heads._store
    single.table._heads._store = store._replace(data=np.empty(1 << 10, np.uint8))
    expected = check(read(_sample("branch-office")))
    for each in read(_sample("branch-office")):
        single.take_all(each)
    ours, theirs = single.table.finish(), expected.table.finish()
    assert ours.facts.tolist() == theirs.facts.tolist()
    assert ours.heads_a == theirs.heads_a


def _sample(name: str) -> Path:
    (path,) = (each for each in SAMPLES if each.name.startswith(f"{name}."))
    return path


def test_a_pass_makes_room_for_no_more_flows_than_there_may_be() -> None:
    """A flood of attempts fills the table little by little, and comes out alike."""
    many = 5 * MOST_NEW_FLOWS // 2
    flood = [
        segment((f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 5000), (B, 443), SYN)
        for number in range(many)
    ]
    single = check([in_ring([flood]).all()], [in_ring([flood])])
    assert single.table.size == many
    assert 1 <= single.calls < 10
    assert max(single.asked) == MOST_NEW_FLOWS


def test_a_large_batch_of_few_flows_takes_little_room() -> None:
    """So that a batch pushes nobody out of a small table."""
    single = Single()
    single.take_all(in_ring([[segment((A, 5000), (B, 443), SYN)] * 40_000]))
    assert single.table.size == 1
    assert single.asked == [MOST_NEW_FLOWS]
    assert len(single.table.facts.entries) <= 2 * MOST_NEW_FLOWS
