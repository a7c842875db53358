"""Threads between the capture loop and what is slow: nothing in them can hold the loop up."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.outlets.health import Condition

T = TypeVar("T")


class Worker:
    """Call `work` in a thread of its own: when woken, and when the seconds it gave are over."""

    def __init__(
        self, name: str, work: Callable[[], float | None], condition: Condition | None = None
    ) -> None:
        """Start the thread; what `work` raises is a failure of the condition, not the end."""
        self._work = work
        self._condition = condition
        self._wake = threading.Event()
        self._closing = False
        # A sink that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Have the work done soon."""
        self._wake.set()

    def close(self, timeout_s: float) -> bool:
        """Do the work once more and end; say whether that came to pass in time."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        last = False
        while not last:
            last = self._closing
            self._wake.clear()
            wait_s: float | None = 1.0
            try:
                wait_s = self._work()
            except Exception as error:  # noqa: BLE001 - an outlet's bug must not end the watch
                if self._condition is not None:
                    self._condition.failed(f"{type(error).__name__}: {error}")
            if not last and not self._closing:
                self._wake.wait(wait_s)


class Inbox(Generic[T]):
    """Hand items to `take` in a thread of its own, in order; what finds no room is counted."""

    def __init__(
        self,
        name: str,
        take: Callable[[T], None],
        condition: Condition,
        *,
        room: int = 8,
        tick: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Start the thread; `tick` is called after each round as a Worker's `work` is."""
        self.missed = 0
        """Items that found no room, or whose taking failed."""
        self._take = take
        self._tick = tick
        self._room = room
        self._condition = condition
        self._items: deque[T] = deque()
        self._worker = Worker(name, self._round, condition)

    def __len__(self) -> int:
        """Count the items that wait."""
        return len(self._items)

    def offer(self, item: T) -> bool:
        """Queue an item without waiting; False if there is no room."""
        if len(self._items) >= self._room:
            self.missed += 1
            self._condition.failed(f"too slow: {self._room} windows wait already")
            return False
        self._items.append(item)
        self._worker.wake()
        return True

    def close(self, timeout_s: float) -> bool:
        """Take what waits and end; say whether that came to pass in time."""
        return self._worker.close(timeout_s)

    def _round(self) -> float | None:
        while self._items:
            item = self._items[0]
            try:
                self._take(item)
            except Exception as error:  # noqa: BLE001 - the next item may well be taken
                self.missed += 1
                self._condition.failed(f"{type(error).__name__}: {error}")
            else:
                self._condition.worked()
            # Only now: an item that is being taken still needs its room.
            self._items.popleft()
        return self._tick()
