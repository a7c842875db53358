"""Errors that nobody foresaw, survived: months of watching must not end by one odd packet."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable


def say_nothing(line: str) -> None:
    """Keep a line to oneself."""


@dataclass
class Mishaps:
    """Says each in a line, and counts them."""

    say: Callable[[str], None] = say_nothing
    traces: bool = False
    """Say where in the program it happened, step by step, too."""
    count: int = 0
    _said: str | None = None

    def note(self, what: str, error: Exception, *, ends: bool = False, often: bool = False) -> str:
        """Say what is the consequence of an error, and give the reason.

        ends: the watch ends by it. often: it may come every few seconds, and for the same reason
        is said once.
        """
        self.count += 1
        reason = reason_of(error)
        if often and reason == self._said:
            return reason
        self._said = reason
        self.say(f"{what}: {reason}" + ("" if ends else "; the watch goes on"))
        if self.traces:
            for line in "".join(traceback.format_exception(error)).splitlines():
                self.say(line)
        return reason


def reason_of(error: BaseException) -> str:
    """Say in a line why something failed; of a mistake in the program, where."""
    if isinstance(error, AuditError):
        return str(error).splitlines()[0]
    first = next(iter(str(error).splitlines()), "")
    reason = f"{type(error).__name__}: {first}" if first else type(error).__name__
    steps = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) or not steps:
        return reason
    place = Path(steps[-1].filename)
    return f"{reason} (in {place.parent.name}/{place.name}, line {steps[-1].lineno})"
