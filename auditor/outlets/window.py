"""What the live loop hands to every outlet: one span of time, audited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.report.model import Report


@dataclass(frozen=True, slots=True)
class Counters:
    """What the sensor has counted since it started: totals, which never go down."""

    frames: int = 0
    bytes: int = 0
    """Wire lengths, summed."""
    dropped: int = 0
    """Frames that were lost before anybody looked at them."""
    frames_by_status: Mapping[str, int] = field(default_factory=dict)
    """As in CaptureInfo."""
    table_flows: int = 0
    """Flows held at this moment."""
    table_room: int = 0
    """Flows that can be held; 0 = not known."""
    lag_ns: int = 0
    """How far judging is behind the wire at this moment."""
    duplicates: int = 0
    """Frames that hold a packet which another frame holds, whether left out or not."""
    errors: int = 0
    """Mistakes of the program itself that the watch survived."""


@dataclass(frozen=True, slots=True)
class Window:
    """One span of time that was watched.

    Flows of the report are counted within the span alone: packets and bytes of windows add up.
    """

    first_ns: int
    """Begin of the span, whether or not a frame came; nanoseconds since 1970 UTC."""
    last_ns: int
    """End of the span, exclusive."""
    report: Report
    counters: Counters = field(default_factory=Counters)


@dataclass(frozen=True, slots=True)
class FailedWindow:
    """One span of time of which no report could be made."""

    first_ns: int
    last_ns: int
    reason: str
    """In a line."""
