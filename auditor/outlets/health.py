"""Whether an outlet works, in words, and said once per change."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.report.text import count

if TYPE_CHECKING:
    from collections.abc import Callable

    Say = Callable[[str], None]


def say_nothing(line: str) -> None:
    """Keep a change of state to oneself."""


@dataclass(frozen=True, slots=True)
class Health:
    """How an outlet is doing at this moment."""

    name: str
    problem: str | None = None
    """Why it does not work; None = it does."""
    waiting: int = 0
    """What is queued."""
    sent: int = 0
    """Since the process started, as the following."""
    failures: int = 0
    """Attempts that failed."""
    dropped: int = 0
    """What was lost, or refused for good by the other side."""

    @property
    def words(self) -> str:
        """Tell it in one line."""
        parts = [self.problem or "working"]
        if self.waiting:
            parts.append(f"{self.waiting:,} waiting")
        if self.dropped:
            parts.append(f"{self.dropped:,} lost")
        return f"{self.name}: {', '.join(parts)}"


class Condition:
    """Follow one outlet from working to failing and back; several threads may report."""

    def __init__(self, name: str, say: Say) -> None:
        """Take where each change is said, one line each, by whichever thread notices it.

        The capture loop may be that thread, so that `say` must not wait for anything.
        """
        self.name = name
        self.problem: str | None = None
        self.failures = 0
        self._say = say
        self._guard = threading.Lock()
        self._since = 0

    def part(self, name: str) -> Condition:
        """Follow a part of the outlet on its own, said in the same place."""
        return Condition(f"{self.name}, {name}", self._say)

    def failed(self, problem: str) -> None:
        """Count a failure; say it if it is the first one."""
        with self._guard:
            self.failures += 1
            self._since += 1
            first = self.problem is None
            self.problem = problem
        if first:
            self._tell(problem)

    def worked(self) -> None:
        """Note a success; say it if it ends a failure."""
        with self._guard:
            ended, self.problem = self.problem is not None, None
            failures, self._since = self._since, 0
        if ended:
            self._tell(f"working again, after {count(failures, 'failure')}")

    def _tell(self, what: str) -> None:
        # A closed standard error must not reach the capture loop.
        with suppress(OSError, ValueError):
            self._say(f"{self.name}: {what}")
