"""Arrays with more room, or with other items in the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Item = TypeVar("_Item", bound=np.generic)


def doubled(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the bytes twice the room."""
    wider = np.empty(2 * len(data), np.uint8)
    wider[: len(data)] = data
    return wider


def placed(column: NDArray[_Item], kept: NDArray[_Item], room: int) -> NDArray[_Item]:
    """Put what is kept first, and nothing behind it; in the same memory if that is of the size."""
    if len(column) != room:
        return lengthened(kept, max(room, len(kept)))
    column[: len(kept)] = kept
    column[len(kept) :] = 0
    return column


def lengthened(column: NDArray[_Item], length: int) -> NDArray[_Item]:
    """Give items more room; what is new is zero."""
    longer = np.zeros((length, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer
