"""The outlet for the history: every window goes into a database, sooner or later, once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from auditor.errors import AuditError
from auditor.outlets.delivery import Backoff, Delivery
from auditor.outlets.extras import require
from auditor.outlets.health import Condition, Health, say_nothing
from auditor.outlets.spool import Spool
from auditor.outlets.worker import Inbox, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditor.judge.past import Past
    from auditor.outlets.health import Say
    from auditor.outlets.window import Window

_LOOK_BACK_S = 300.0
"""How long what was looked up counts as what is known."""

_FORGET_S = 3600.0
_FORGET_MORE_S = 1.0
"""Between two looks for what is too old, and if there was much of it."""


class History:
    """Write windows to a database; never blocks and never raises once it is made.

    A window is first queued on disk, then written, then taken out of the queue: one that was
    accepted is written even if the process is killed or the database is away, and one that is
    written twice counts once.
    """

    def __init__(
        self,
        url: str,
        *,
        sensor: str,
        directory: Path,
        keep_days: int | None = None,
        backoff: Backoff | None = None,
        say: Say = say_nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open the history at `url` (see store.database).

        directory: where the queue lies. keep_days: how long counts by hour and windows are kept;
        None = a little more than a year.

        A database that is away is waited for. Raises UsageError for a URL that cannot be meant or
        a library that is not installed, AuditError for a history of a later version, for a file
        that is none, and for a directory that cannot be used.
        """
        require("sqlalchemy", "live", "a history")
        from auditor.outlets.store.keeper import Keeper  # noqa: PLC0415 - SQLAlchemy is an extra
        from auditor.outlets.store.pruning import KEEP_DAYS  # noqa: PLC0415 - as above

        self._keeper = Keeper(url, sensor, KEEP_DAYS if keep_days is None else keep_days)
        self._intake = Condition("history", say)
        self._condition = Condition(f"history in {self._keeper.place}", say)
        self.past: Past | None = None
        """What is known of what is expected, a few minutes old; None until it could be read."""
        self._clock = clock
        self._look_back_s = 0.0
        self._forget_s = 0.0
        problem = self._keeper.probe()
        if problem is not None:
            self._condition.failed(problem)
        else:
            self._look_back()
        self._delivery = Delivery(
            Spool(directory), self._keeper.write, self._condition, backoff=backoff, clock=clock
        )
        self._writer = Worker("history", self._work, self._condition)
        self._inbox: Inbox[Window] = Inbox("windows", self._take, self._intake)

    def window(self, window: Window) -> None:
        """Queue a window; what does not fit is counted as lost."""
        self._inbox.offer(window)

    @property
    def health(self) -> tuple[Health, ...]:
        """Tell how taking windows goes, and how writing them."""
        intake = self._intake
        return (
            Health(
                intake.name,
                intake.problem,
                len(self._inbox),
                failures=intake.failures,
                dropped=self._inbox.missed,
            ),
            self._delivery.health,
        )

    @property
    def state(self) -> str:
        """Tell both in words, one line each."""
        return "\n".join(health.words for health in self.health)

    def close(self, timeout_s: float = 10.0) -> None:
        """Write what waits, as far as that goes in the time given; the rest stays queued."""
        end_s = time.monotonic() + timeout_s
        self._inbox.close(timeout_s)
        self._writer.close(max(0.1, end_s - time.monotonic()))
        self._delivery.stop()
        self._delivery.spool.close()

    def _take(self, window: Window) -> None:
        self._delivery.put([self._keeper.entry(window)])
        self._writer.wake()

    def _work(self) -> float | None:
        wait_s = self._delivery.pump()
        if self._condition.problem is None and self._clock() >= self._look_back_s:
            self._look_back()
        if self._condition.problem is None and self._clock() >= self._forget_s:
            self._forget()
        if self._condition.problem is None:
            left_s = max(0.1, self._forget_s - self._clock())
            return left_s if wait_s is None else min(wait_s, left_s)
        return wait_s

    def _forget(self) -> None:
        self._forget_s = self._clock() + _FORGET_S
        try:
            if self._keeper.forget():
                self._forget_s = self._clock() + _FORGET_MORE_S
        except AuditError as error:
            self._condition.failed(str(error))

    def _look_back(self) -> None:
        self._look_back_s = self._clock() + _LOOK_BACK_S
        try:
            self.past = self._keeper.past()
        except AuditError as error:
            self._condition.failed(str(error))
