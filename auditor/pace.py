"""What the stages of a pipeline are run with: a watch, and no search for garbage."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Stopwatch:
    """Seconds that each stage took."""

    stage_s: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.stage_s[stage] = now - self._last
        self._last = now


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage in cycles meanwhile.

    There is none among the rows of a report, and to look at all of them again each time that their
    number has grown takes longer than to make them.
    """
    wanted = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if wanted:
            gc.enable()
