"""Arrays that are used again once nobody holds them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST = 4
"""Arrays kept: one is worked on, one waits, one is made."""


class Pool:
    """Gives arrays of one kind, whose items are whatever they were.

    A thread's large arrays are the system's again as soon as they are let go of, and it clears
    memory before it gives it anew, which takes longer than what kernels do with it.
    """

    def __init__(self, layout: np.dtype[Any] | type[np.generic]) -> None:
        """Begin without any; layout: the items' type."""
        self._layout = layout
        self._arrays: list[NDArray[Any]] = []

    def take(self, count: int) -> NDArray[Any]:
        """Give an array of so many items."""
        for place in range(len(self._arrays)):
            # The list is one holder of it, the call another.
            if sys.getrefcount(self._arrays[place]) == _HELD_BY_US:
                if len(self._arrays[place]) < count:
                    self._arrays[place] = np.empty(_room(count), self._layout)
                return self._arrays[place][:count]
        array = np.empty(_room(count), self._layout)
        if len(self._arrays) < _MOST:
            self._arrays.append(array)
        return array[:count]


def _room(count: int) -> int:
    """Round up, so that arrays of much the same length have one size."""
    return 1 << max(count - 1, 0).bit_length()


def _count_holders() -> int:
    held = [np.empty(0)]
    return sys.getrefcount(held[0])


_HELD_BY_US = _count_holders()
"""As this interpreter counts."""
