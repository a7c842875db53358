"""Progress on a terminal's standard error: silent for a second, then one line, then gone."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

from auditor.report.text import byte_size, duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

_QUIET_S = 1.0
_BETWEEN_S = 0.2


class Progress:
    """A line that rewrites itself; to be called with bytes read, bytes in all, frames so far."""

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        wanted: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to stream (default standard error), if it is a terminal."""
        self._stream = sys.stderr if stream is None else stream
        self._shown = wanted and self._stream.isatty()
        self._clock = clock
        self._start = clock()
        self._next = self._start + _QUIET_S
        self._width = 0

    def __enter__(self) -> Self:
        """Start nothing: the first line appears when there is something to wait for."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wipe the line, so that nothing of it stays beside the report."""
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._stream.flush()

    def __call__(self, done: int, total: int, frames: int) -> None:
        """Show how far the reading has come; total is 0 where nobody knows it."""
        if not self._shown:
            return
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _BETWEEN_S
        text = _line(done, total, frames, now - self._start)
        text = text[: max(shutil.get_terminal_size().columns - 1, 1)]
        self._stream.write(f"\r{text:<{self._width}}")
        self._stream.flush()
        self._width = len(text)


def _line(done: int, total: int, frames: int, elapsed_s: float) -> str:
    parts = [byte_size(done), f"{frames:,} frames", f"{frames / elapsed_s:,.0f} frames/s"]
    if total and 0 < done <= total:
        parts[0] += f" of {byte_size(total)}"
        left = duration(elapsed_s * (total - done) / done)
        parts = [f"{100 * done // total} %", f"{left} left", *parts]
    return f"auditor: {', '.join(parts)}"
