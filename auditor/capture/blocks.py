"""The contents of a capture in large blocks, each joined to what was left of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.reader import os_reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.compressed import Content

_ROOM_BYTES = 1 << 16
"""In front of a block, for what was left of the one before: a frame's length, hardly ever more."""


class Blocks:
    """Hands out blocks, none of which is written to again."""

    def __init__(self, content: Content, block_bytes: int) -> None:
        """Read `block_bytes` at a time, as far as they are there."""
        self.reason: str | None = None
        """Once the contents have ended: why they ended early; None where they did not."""
        self._content = content
        self._block_bytes = block_bytes

    def follow(self, rest: NDArray[np.uint8], need: int) -> NDArray[np.uint8]:
        """Give `rest`, which the last block ends with, and what follows it.

        That is at least `need` bytes, or all that are left.
        """
        while True:
            block = np.empty(_ROOM_BYTES + self._block_bytes, np.uint8)
            try:
                count = self._content.readinto(block.data[_ROOM_BYTES:])
            except OSError as error:
                count, self.reason = 0, f"found {os_reason(error)}"
            if not count:
                self.reason = self.reason or self._content.damage
                return rest
            rest = _joined(rest, block, count)
            if len(rest) >= need:
                return rest


def _joined(rest: NDArray[np.uint8], block: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    end = _ROOM_BYTES + count
    if len(rest) > _ROOM_BYTES:
        return np.concatenate([rest, block[_ROOM_BYTES:end]])
    start = _ROOM_BYTES - len(rest)
    block[start:_ROOM_BYTES] = rest
    return block[start:end]
