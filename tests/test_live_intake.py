"""The intake: how much the flow table holds from tick to tick."""

from __future__ import annotations

from layers import ACK, FIN, SYN, B, batch, segment
from watching import BEGIN_NS, SECOND_NS, HandClock, Replay

from auditor.live.clock import Schedule
from auditor.live.intake import Intake, Limits

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


def test_no_tick_is_so_early_that_closed_flows_stay_for_another() -> None:
    """At the end of a window, too, the table holds no more than what one tick brought."""
    batches = []
    for number in range(1, 260):
        frames = conversations(number)
        time_ns = BEGIN_NS + number * BATCH_NS
        batches.append(batch(frames, times=[time_ns] * len(frames)))
    clock = HandClock()
    replay = Replay(batches, clock)
    limits = Limits()
    intake = Intake([replay], limits, frozenset(), Schedule(60.0, clock), clock)
    replay.intake = intake
    intake.start()
    held, windows = [], 0
    while True:
        tick = intake.take(60.0)
        assert tick is not None
        if tick.last:
            break
        windows += tick.window is not None
        held.append(tick.counters.table_flows)
    of_a_tick = FLOWS * limits.tick_s * SECOND_NS / BATCH_NS
    assert windows == 3
    assert min(held) > 0.8 * of_a_tick
    assert max(held) < 1.2 * of_a_tick
