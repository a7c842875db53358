"""What people and service managers ask of a running watch by signals."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


@dataclass
class Requests:
    """What was asked for and is not done yet; a context within which signals are heeded.

    SIGINT and SIGTERM end the watch; a second SIGINT is KeyboardInterrupt at once. SIGUSR1 asks
    for a report, SIGHUP for reading the site file and the rules again; neither is on Windows.
    """

    stop: bool = False
    interrupted: bool = False
    """The end was asked for by a person at the keyboard."""
    report: bool = False
    reload: bool = False
    _before: dict[int, object] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Heed signals, if this is the thread to which they come."""
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP"):
                number = getattr(signal, name, None)
                if number is not None:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave signals to whoever heeded them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - signal's signature
        match signal.Signals(number).name:
            case "SIGINT":
                if self.interrupted:
                    raise KeyboardInterrupt
                self.stop = self.interrupted = True
            case "SIGTERM":
                self.stop = True
            case "SIGUSR1":
                self.report = True
            case _:
                self.reload = True
