"""How many alerts may go out: a token bucket."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many at once, and so many a minute in the long run."""

    burst: int = 200
    per_minute: float = 20.0


class Bucket:
    """Holds a token for each alert that may go out now."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin full; raise UsageError if nothing could ever go out."""
        if limit.burst < 1 or limit.per_minute <= 0:
            raise UsageError("the rate of alerts: expected at least one at once and one a minute")
        self._limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._filled_s = clock()

    def take(self) -> bool:
        """Take a token if there is one."""
        now_s = self._clock()
        gained = (now_s - self._filled_s) / 60.0 * self._limit.per_minute
        self._tokens = min(float(self._limit.burst), self._tokens + max(gained, 0.0))
        self._filled_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
