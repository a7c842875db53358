"""Sending what a spool holds, in order, with pauses that grow while the other side is away."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.outlets.health import Condition, Health

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.outlets.spool import Spool


class UnreachableError(Exception):
    """An attempt failed that may succeed later; its text says why."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        """Take the reason, and how long the other side wants to be left alone, if it says so."""
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class RejectedError(Exception):
    """The other side will never take this entry; its text says why."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between attempts: doubled each time, shortened at random so that senders part."""

    first_s: float = 1.0
    most_s: float = 300.0
    chance: Callable[[], float] = random.random
    """0 to 1."""

    def delay_s(self, failures: int) -> float:
        """Give the pause after the given number of failures in a row, at least 1."""
        # 2**64 seconds are longer than any bound, and a float still holds them.
        full = min(self.most_s, self.first_s * 2.0 ** min(failures - 1, 64))
        return full * (0.5 + 0.5 * self.chance())


class Delivery:
    """Send the entries of a spool one after the other; nothing overtakes.

    Holds no thread: `pump` does what is due and says when to come again.
    """

    def __init__(
        self,
        spool: Spool,
        send: Callable[[bytes], None],
        condition: Condition,
        *,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take how to send one entry: `send` raises UnreachableError, RejectedError or OSError."""
        self.spool = spool
        self._send = send
        self._condition = condition
        self._on_disk = condition.part("queue")
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._failures = 0
        self._due_s = 0.0
        self._sent = 0
        self._stopped = False

    def put(self, entries: Sequence[bytes]) -> None:
        """Queue entries."""
        self.spool.put(entries)

    def pump(self) -> float | None:
        """Send what can be sent; give the seconds until the next attempt, None if none is due."""
        self.spool.settle()
        if self.spool.problem is None:
            self._on_disk.worked()
        else:
            self._on_disk.failed(f"in memory: {self.spool.problem}")
        while not self._stopped and (entry := self.spool.head()) is not None:
            left_s = self._due_s - self._clock()
            if left_s > 0:
                return left_s
            assert entry.content is not None
            try:
                self._send(entry.content)
            except RejectedError as error:
                self._condition.failed(f"refused for good: {error}")
                self.spool.set_aside(entry)
                self._rest(None)
            except UnreachableError as error:
                self._condition.failed(str(error))
                self._rest(error.retry_after_s)
            except OSError as error:
                self._condition.failed(str(error.strerror or error))
                self._rest(None)
            else:
                self.spool.done(entry)
                self._sent += 1
                self._failures = 0
                self._condition.worked()
        return self._backoff.most_s if self.spool.problem else None  # to look at the disk again

    def stop(self) -> None:
        """Let `pump` end after the entry that it is at."""
        self._stopped = True

    @property
    def health(self) -> Health:
        """Tell how sending goes."""
        problem = self._condition.problem
        if self.spool.problem:
            problem = "; ".join(filter(None, (problem, f"queued in memory: {self.spool.problem}")))
        return Health(
            self._condition.name,
            problem,
            len(self.spool),
            self._sent,
            self._condition.failures,
            self.spool.dropped + self.spool.refused,
        )

    def _rest(self, wanted_s: float | None) -> None:
        self._failures += 1
        pause_s = self._backoff.delay_s(self._failures)
        if wanted_s is not None:
            pause_s = max(pause_s, min(wanted_s, self._backoff.most_s))
        self._due_s = self._clock() + pause_s
