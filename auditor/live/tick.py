"""What is handed from the threads that take frames to who judges, every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.decode.packets import Packets
    from auditor.flows.compiled import Flushed
    from auditor.live.clock import Span
    from auditor.live.lane import Macs
    from auditor.outlets.window import Counters


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much is remembered."""

    tick_s: float = 10.0
    """Between two flushes of the table, about: what goes on longer is handed over in parts."""
    calm_ticks: int = 3
    """Ticks that are made one while few flows are in the table, so that what goes on is judged less
    often."""
    calm_flows: int = 50_000
    """Few are less than that; and a fifth as many messages."""
    idle_s: float = 300.0
    """Without a packet for so long, a flow has ended."""
    closed_s: float = 5.0
    """Without a packet for so long since it was handed over, a flow with a FIN or RST has ended.

    Well below the shortest tick that divides a window, three quarters of `tick_s`: held for a
    second one by some milliseconds, the flows of a tick would be in the table three times over, and
    its memory grow for that.
    """
    most_flows: int = 1_000_000
    """In the flow table."""
    most_records: int = 200_000
    """In each ledger."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What was left out for want of room, since the start."""

    evicted_attempts: int = 0
    """Attempts that the flow table forgot before their time."""
    evicted_flows: int = 0
    """Conversations, likewise: what follows of them counts as another flow."""
    unjudged_flows: int = 0
    """Flows that nobody had time to judge."""
    messages: int = 0
    """Messages that might have told names."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a few seconds brought."""

    flushed: Flushed
    messages: Packets
    macs: Macs
    counters: Counters
    """Totals since the start."""
    losses: Losses
    dropped_known: bool
    """Whether the source can tell what it lost."""
    first_ns: int | None
    """Of the tick's frames; None without one."""
    last_ns: int | None
    taken_s: float
    """By the steady clock."""
    notices: tuple[str, ...] = ()
    window: Span | None = None
    """The window that ends with this tick."""
    last: bool = False
    error: BaseException | None = None
    """Why it is the last one, unless that was asked for."""
