"""The first payloads of many flows side by side, in one block of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

MOST_HEADS = 3
"""Heads of one side of one flow."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadList(Sequence[tuple[bytes, ...]]):
    """What one side of every flow sent first: item i is a tuple of flow i's heads.

    A million flows have their heads here without an object each; who asks for an item gets copies.
    """

    data: NDArray[np.uint8]
    """The bytes of all heads, and maybe others between them."""
    start: NDArray[np.int64]
    """Shape (n, MOST_HEADS): where each head begins in data."""
    length: NDArray[np.int32]
    """Shape (n, MOST_HEADS): bytes of each head; 0 = none, and none after it."""

    @classmethod
    def of(cls, heads: Iterable[Sequence[bytes]]) -> Self:
        """Lay out heads that exist as objects, none of them empty."""
        listed = [tuple(each) for each in heads]
        length = np.zeros((len(listed), MOST_HEADS), np.int32)
        for row, several in enumerate(listed):
            length[row, : len(several)] = [len(head) for head in several]
        data = np.frombuffer(b"".join(head for several in listed for head in several), np.uint8)
        ends = np.cumsum(length.ravel(), dtype=np.int64).reshape(length.shape)
        return cls(data, ends - length, length)

    @classmethod
    def empty(cls, flows: int) -> Self:
        """Stand for flows of which no head is kept."""
        return cls(
            np.empty(0, np.uint8),
            np.broadcast_to(np.int64(0), (flows, MOST_HEADS)),
            np.broadcast_to(np.int32(0), (flows, MOST_HEADS)),
        )

    def __len__(self) -> int:
        """Count the flows."""
        return len(self.length)

    @overload
    def __getitem__(self, row: int) -> tuple[bytes, ...]: ...
    @overload
    def __getitem__(self, row: slice) -> HeadList: ...
    def __getitem__(self, row: int | slice) -> tuple[bytes, ...] | HeadList:
        """Copy the heads of a flow, or narrow to some flows without copying."""
        if isinstance(row, slice):
            return HeadList(self.data, self.start[row], self.length[row])
        return tuple(
            self.data[start : start + length].tobytes()
            for start, length in zip(
                self.start[row].tolist(), self.length[row].tolist(), strict=True
            )
            if length
        )

    def __eq__(self, other: object) -> bool:
        """Compare the heads, with those of any sequence."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as every list; typeshed knows no such thing

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> HeadList:
        """Narrow to some flows, or put them in another order, sharing the bytes."""
        return HeadList(self.data, self.start[rows], self.length[rows])
