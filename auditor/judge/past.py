"""What a history tells of expected traffic: when it was last seen, or how long in vain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.times import minute_text

if TYPE_CHECKING:
    from collections.abc import Mapping

LATELY_NS = 7 * 24 * 3600 * 10**9
"""What was seen this long before the end of a watch, or after it, is not missing: a week has every
kind of day in it."""

Key = tuple[str, str, str]
"""Group, source role, destination role."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one expectation, over all sensors."""

    seen_ns: int | None
    """End of the last window that saw it; None = none ever did."""
    vain_s: float
    """Seconds of windows since then that could have shown it; of the sensor that has most."""


@dataclass(frozen=True, slots=True)
class Past:
    """A history: what is known of each expectation."""

    known: Mapping[Key, Known]

    def seen_lately(self, key: Key, until_ns: int) -> str | None:
        """Say when it was last seen, if that was not long before the end of a watch."""
        known = self.known.get(key)
        if known is None or known.seen_ns is None or until_ns - known.seen_ns > LATELY_NS:
            return None
        return f"not seen here, but by {minute_text(known.seen_ns)} (history)"

    def vain_s(self, key: Key) -> float:
        """Tell the seconds for which it was looked for in vain; 0 if nobody did."""
        known = self.known.get(key)
        return known.vain_s if known is not None else 0.0

    def in_vain(self, key: Key) -> str | None:
        """Say for how long it was looked for in vain; None if nobody did."""
        known = self.known.get(key)
        if known is None or (known.seen_ns is None and known.vain_s <= 0):
            return None
        watched = span_text(known.vain_s)
        if known.seen_ns is None:
            return f"never seen in {watched} of watching (history)"
        since = f"last seen by {minute_text(known.seen_ns)}"
        return f"{since}, not in {watched} of watching since (history)"


def span_text(seconds: float) -> str:
    """Write a span of time in its largest fitting unit, whole."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds // 60:.0f} min"
    if seconds < 172_800:
        return f"{seconds // 3600:.0f} h"
    return f"{seconds // 86_400:.0f} d"
