"""Who reads the parts: what processes here and workers of a cluster have in common."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result_co = TypeVar("Result_co", covariant=True)
Result = TypeVar("Result")


class WorkerLostError(Exception):
    """A worker died of its work, as often as it was tried; its text says how."""


class Errand(Protocol[Result_co]):
    """Work that somebody was sent to do."""

    def result(self) -> Result_co:
        """Wait for it; raise what it raised, or WorkerLostError."""


class Crew(Protocol):
    """Workers."""

    @property
    def size(self) -> int:
        """How many errands run at a time."""

    def send(self, work: Callable[..., Result], *arguments: object) -> Errand[Result]:
        """Let a worker call a function of ours."""

    def close(self) -> None:
        """Send everybody home, whatever they are doing."""


def available_processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
