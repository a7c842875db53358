"""Rows that agree in some columns, gathered without looking at them one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Column = NDArray[np.int64] | NDArray[np.uint32] | NDArray[np.uint8] | NDArray[np.bool_]

_WIDEST_TABLE = 1 << 20
"""Up to so many combinations, if rows are not fewer by far, are looked up in a table: it is faster
than to sort."""


@dataclass(frozen=True)
class Groups:
    """The groups present, in the order of their columns, and the group of every row."""

    group_of: NDArray[np.int64]
    """Shape (n rows,)."""
    first: NDArray[np.int64]
    """Shape (n groups,): the first row of each."""

    def __len__(self) -> int:
        """Count the groups."""
        return len(self.first)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Shape (n rows,): all rows group by group, ascending within each."""
        return ascending(self.group_of, len(self))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Shape (n groups + 1,): where each group begins in `rows`, and where the last ends."""
        sizes = np.bincount(self.group_of, minlength=len(self))
        return np.concatenate([[0], np.cumsum(sizes)])

    def by_first(self) -> Groups:
        """Put the groups into the order of their first rows."""
        order = ascending(self.first, len(self.group_of))
        place = np.empty(len(self), dtype=np.int64)
        place[order] = np.arange(len(self))
        return Groups(place[self.group_of], self.first[order])

    def rows_of(self, number: int) -> NDArray[np.int64]:
        """List the rows of one group, ascending."""
        return self.rows[self.starts[number] : self.starts[number + 1]]


def group(columns: Iterable[Column]) -> Groups:
    """Gather the rows that agree in all columns; columns hold no negative numbers."""
    key: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    most = 0
    for column in columns:
        size = int(column.max()) + 1 if len(column) else 1
        if not most:
            key, most = column.astype(np.int64), size
            continue
        if most * size >= 1 << 62:
            _, key = np.unique(key, return_inverse=True)
            most = len(key)
        key = key * size + column
        most *= size
    return _dense(key, most) if most <= min(_WIDEST_TABLE, 4 * len(key)) else _sparse(key, most)


def ascending(key: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Give the rows in the order of their keys, equal ones as they are; 0 <= key < most.

    Numpy sorts integers many times faster than it tells their order, so the row goes along with the
    key in one integer; a key that leaves no room for it is sorted by halves.
    """
    bits = len(key).bit_length()
    if most > 1 << 63 - bits:
        half = most.bit_length() // 2
        by_low = ascending(key & (1 << half) - 1, 1 << half)
        return by_low[ascending(key[by_low] >> half, (most >> half) + 1)]
    packed = key << bits | np.arange(len(key))
    packed.sort()
    order: NDArray[np.int64] = packed & (1 << bits) - 1
    return order


def _dense(key: NDArray[np.int64], most: int) -> Groups:
    """Find groups through a table of every key there could be."""
    first = np.full(most, len(key))
    # Of several assignments to a place the last one stays: the first row, in reversed order.
    first[key[::-1]] = np.arange(len(key) - 1, -1, -1)
    present = first < len(key)
    number = np.cumsum(present) - 1
    return Groups(number[key], first[present])


def _sparse(key: NDArray[np.int64], most: int) -> Groups:
    order = ascending(key, most)
    ordered = key[order]
    begins = np.ones(len(key), dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    group_of = np.empty(len(key), dtype=np.int64)
    group_of[order] = np.cumsum(begins) - 1
    return Groups(group_of, order[begins])
