"""The contents of a capture in large blocks, read ahead while the last one is worked on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.reader import os_reason

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from auditor.capture.compressed import Content

_ROOM_BYTES = 1 << 16
"""In front of a block, for what was left of the one before: a frame's length, hardly ever more."""


class Blocks:
    """Hands out blocks, each joined to what its taker left of the last one.

    Two buffers take turns: a block is borrowed until the next one is asked for.
    """

    def __init__(self, content: Content, block_bytes: int, *, ahead: bool) -> None:
        """Read `block_bytes` at a time; `ahead` of their use, if nothing can make a read wait."""
        self.reason: str | None = None
        """Once the contents have ended: why they ended early; None where they did not."""
        self._content = content
        self._buffers = [np.empty(0, np.uint8)] * 2
        self._size = _ROOM_BYTES + block_bytes
        self._turn = 0
        self._pool = ThreadPoolExecutor(1) if ahead else None
        self._coming: Future[int] | None = None

    def follow(self, rest: NDArray[np.uint8], need: int) -> NDArray[np.uint8]:
        """Give `rest`, which the last block ends with, and what follows it.

        That is at least `need` bytes, or all that are left.
        """
        while True:
            try:
                count = self._coming.result() if self._coming else self._fill(self._turn)
            except OSError as error:
                count, self.reason = 0, f"found {os_reason(error)}"
            self._coming = None
            if not count:
                self.reason = self.reason or self._content.damage
                return rest
            rest = _joined(rest, self._buffers[self._turn], count)
            self._turn = 1 - self._turn
            if len(rest) >= need:
                if self._pool is not None:
                    self._coming = self._pool.submit(self._fill, self._turn)
                return rest

    def close(self) -> None:
        """Wait for what is being read."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _fill(self, turn: int) -> int:
        """Read into one of the buffers, behind the room; give how many bytes."""
        if not len(self._buffers[turn]):
            self._buffers[turn] = np.empty(self._size, np.uint8)
        return self._content.readinto(self._buffers[turn].data[_ROOM_BYTES:])


def _joined(rest: NDArray[np.uint8], buffer: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    end = _ROOM_BYTES + count
    if len(rest) > _ROOM_BYTES:
        return np.concatenate([rest, buffer[_ROOM_BYTES:end]])
    start = _ROOM_BYTES - len(rest)
    buffer[start:_ROOM_BYTES] = rest
    return buffer[start:end]
