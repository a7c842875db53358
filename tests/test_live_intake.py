"""The intake: how much the flow table holds from tick to tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layers import ACK, FIN, SYN, B, batch, segment
from watching import BEGIN_NS, SECOND_NS, HandClock, Replay

from auditor.live.clock import Schedule
from auditor.live.intake import Intake
from auditor.live.tick import Limits, Tick

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.flows.compiled import Flushed

FLOWS = 14
"""In a batch."""
BATCH_NS = 7 * SECOND_NS // 10
"""No tick is a multiple of it, so that ticks come late now and then, and early after that."""


def conversations(number: int) -> list[bytes]:
    """Make connections that are opened and closed, of clients that are new each time."""
    frames = []
    for each in range(FLOWS):
        client = (f"10.1.{number % 250}.{each + 1}", 5000 + number)
        frames += [
            segment(client, (B, 443), SYN, sequence=9),
            segment((B, 443), client, SYN | ACK),
            segment(client, (B, 443), FIN | ACK, b"bye", 10),
        ]
    return frames


def ticks(limits: Limits, hurried_at: int | None = None) -> list[Tick]:
    """Take all ticks but the last of three minutes of connections.

    hurried_at: the number of a batch with which somebody is in a hurry.
    """
    batches = []
    for number in range(1, 260):
        frames = conversations(number)
        time_ns = BEGIN_NS + number * BATCH_NS
        batches.append(batch(frames, times=[time_ns] * len(frames)))
    clock = HandClock()
    replay = Replay(batches, clock)
    intake = Intake([replay], limits, frozenset(), Schedule(60.0, clock), clock)
    replay.intake = intake

    def read() -> FrameBatch | None:
        if replay.given == hurried_at:
            intake.hurry()
        return Replay.read(replay)

    replay.read = read  # type: ignore[method-assign]  # to act in between
    intake.start()
    taken = []
    while True:
        tick = intake.take(60.0)
        assert tick is not None
        if tick.last:
            break
        taken.append(tick)
    assert sum(tick.window is not None for tick in taken) == 3
    return taken


def held(limits: Limits) -> list[float]:
    """Count the flows in the table behind each tick, in those that 10 s bring."""
    of_ten_seconds = FLOWS * 10 * SECOND_NS / BATCH_NS
    return [tick.counters.table_flows / of_ten_seconds for tick in ticks(limits)]


def test_no_tick_is_so_early_that_closed_flows_stay_for_another() -> None:
    """At the end of a window, too, the table holds no more than what one tick brought."""
    found = held(Limits(calm_flows=0))
    assert min(found) > 0.8
    assert max(found) < 1.2


def test_ticks_are_longer_while_there_is_little_to_judge() -> None:
    """Three become one; where flows are more than a few, no more come than one tick brings."""
    calm, busier = held(Limits()), held(Limits(calm_flows=int(1.5 * FLOWS * 10 / 0.7)))
    assert min(calm) > 2.4
    assert max(calm) < 3.6
    assert max(busier) < 2.2
    assert len(calm) < len(busier) < len(held(Limits(calm_ticks=1)))


def test_who_is_in_a_hurry_gets_a_tick_at_once() -> None:
    """With all frames up to now; the next ones come as if nothing had happened."""
    taken = ticks(Limits(), hurried_at=5)
    first, second, third = (tick.counters.frames for tick in taken[:3])
    assert first == 6 * 3 * FLOWS
    assert second - first > 10 * 3 * FLOWS
    assert third - second > 10 * 3 * FLOWS


def test_a_flood_in_one_batch_keeps_to_the_cap_and_is_counted() -> None:
    """Whatever else is in it: room is made in between, and no frame is counted for nothing."""
    syns = [
        segment((f"10.9.{number >> 8}.{number & 255}", 5000), (B, 443), SYN)
        for number in range(40_000)
    ]
    fragment = bytes(12) + b"\x08\x00" + bytes([0x45, 0, 0, 28, 0, 1, 0x20, 0]) + bytes(20)
    frames = [*syns[:25_000], fragment, *syns[25_000:]]
    clock = HandClock()
    replay = Replay([batch(frames, times=[BEGIN_NS] * len(frames))], clock)
    limits = Limits(most_flows=10_000)
    intake = Intake([replay], limits, frozenset(), Schedule(60.0, clock), clock)
    replay.intake = intake
    most: list[int] = []
    flush = intake._table.flush

    def watched_flush(*args: float, **options: float) -> Flushed:
        most.append(intake._table.size)
        return flush(*args, **options)  # type: ignore[arg-type]  # as the table is called

    intake._table.flush = watched_flush  # type: ignore[method-assign,assignment]  # to look on
    intake.start()
    while not (tick := intake.take(60.0)) or not tick.last:
        assert tick is not None
    assert tick.counters.frames == len(frames)
    assert len(most) > 3
    assert max(most) <= limits.most_flows
