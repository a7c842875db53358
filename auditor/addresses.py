"""Many addresses at once: distinct ones, where a range of them lies, and their text.

An address object for each of a million hosts would take longer than judging all their flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

_GROUPS = 8
"""Of 16 bits each in an IPv6 address."""


@dataclass(frozen=True, slots=True, eq=False)
class AddressList:
    """Addresses in ascending order, each once, as pairs of words (auditor.records)."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]

    def __len__(self) -> int:
        """Count the addresses."""
        return len(self.high)

    @property
    def is_ipv4(self) -> NDArray[np.bool_]:
        """Mark the IPv4 addresses; they stand side by side."""
        marked: NDArray[np.bool_] = (self.high == 0) & (
            self.low >> np.uint64(32) == IPV4_MAPPED >> 32
        )
        return marked

    def place(self, words: tuple[int, int]) -> int:
        """Give the row before which an address belongs, or where it stands."""
        high = np.uint64(words[0])
        first, end = np.searchsorted(self.high, high), np.searchsorted(self.high, high, "right")
        return int(first + np.searchsorted(self.low[first:end], np.uint64(words[1])))

    def row_of(self, words: tuple[int, int]) -> int | None:
        """Give the row of an address, None where it is not among these."""
        row = self.place(words)
        return row if row < len(self) and self.words_of(row) == words else None

    def rows_of(self, words: Collection[tuple[int, int]]) -> NDArray[np.int64]:
        """Give the row of each of many addresses, -1 where it is not among these."""
        if not len(self):
            return np.full(len(words), -1)
        high, low = np.array(list(words), dtype=np.uint64).reshape(-1, 2).T
        first, end = np.zeros(len(high), np.int64), np.full(len(high), len(self))
        for _ in range(len(self).bit_length()):
            middle = np.minimum((first + end) // 2, len(self) - 1)
            here = self.high[middle], self.low[middle]
            below = (here[0] < high) | ((here[0] == high) & (here[1] < low))
            first = np.where(below & (first < end), middle + 1, first)
            end = np.where(below, end, middle)
        row = np.minimum(first, len(self) - 1)
        return np.where((self.high[row] == high) & (self.low[row] == low), row, -1)

    def words_of(self, row: int) -> tuple[int, int]:
        """Give one address as two words."""
        return int(self.high[row]), int(self.low[row])

    def texts(self) -> NDArray[np.object_]:
        """Write every address as a person does."""
        return address_texts(self.high, self.low)


def distinct_addresses(
    high: NDArray[np.uint64], low: NDArray[np.uint64]
) -> tuple[AddressList, NDArray[np.int64]]:
    """List the different addresses, and the row of each given one in that list."""
    highs, lows = np.unique(high), np.unique(low)
    if len(highs) <= 1:
        return AddressList(np.repeat(highs, len(lows)), lows), np.searchsorted(lows, low)
    # One integer per address: numpy sorts these far faster than pairs.
    key = np.searchsorted(highs, high) * len(lows) + np.searchsorted(lows, low)
    keys = np.unique(key)
    upper, lower = np.divmod(keys, len(lows))
    return AddressList(highs[upper], lows[lower]), np.searchsorted(keys, key)


def address_texts(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.object_]:
    """Write addresses as a person does: dotted IPv4, and IPv6 by RFC 5952."""
    texts = np.empty(len(high), dtype=object)
    is_ipv4 = AddressList(high, low).is_ipv4
    texts[is_ipv4] = _ipv4_texts(low[is_ipv4])
    texts[~is_ipv4] = _ipv6_texts(high[~is_ipv4], low[~is_ipv4])
    return texts


def _ipv4_texts(low: NDArray[np.uint64]) -> NDArray[np.object_]:
    upper = _written(low >> np.uint64(16) & np.uint64(0xFFFF), lambda n: f"{n >> 8}.{n & 255}.")
    lower = _written(low & np.uint64(0xFFFF), lambda n: f"{n >> 8}.{n & 255}")
    texts: NDArray[np.object_] = upper + lower
    return texts


def _ipv6_texts(high: NDArray[np.uint64], low: NDArray[np.uint64]) -> NDArray[np.object_]:
    shifts = (48, 32, 16, 0)
    groups = np.stack(
        [word >> np.uint64(shift) & np.uint64(0xFFFF) for word in (high, low) for shift in shifts]
    )
    first, length = _longest_zeros(groups == 0)
    texts = np.empty(len(high), dtype=object)
    shape = np.where(length > 1, first * (_GROUPS + 1) + length, 0)
    for number in np.unique(shape).tolist():
        chosen = shape == number
        start, zeros = divmod(number, _GROUPS + 1)
        ends = ((0, start), (start + zeros, _GROUPS)) if zeros else ((0, _GROUPS),)
        parts = [_joined(groups[begin:end, chosen]) for begin, end in ends]
        texts[chosen] = parts[0] + "::" + parts[1] if zeros else parts[0]
    return texts


def _longest_zeros(
    zero: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give where the longest run of zero groups begins, the first of equals, and its length."""
    count = zero.shape[1]
    best, best_first = np.zeros(count, np.int64), np.zeros(count, np.int64)
    run = np.zeros(count, np.int64)
    for group in range(_GROUPS):
        run = np.where(zero[group], run + 1, 0)
        longer = run > best
        best[longer] = run[longer]
        best_first[longer] = group + 1 - run[longer]
    return best_first, best


def _joined(groups: NDArray[np.uint64]) -> NDArray[np.object_]:
    text = np.full(groups.shape[1], "", dtype=object)
    for number, group in enumerate(groups):
        text = text + (":" if number else "") + _written(group, "{:x}".format)
    return text


def _written(numbers: NDArray[np.uint64], write: Callable[[int], str]) -> NDArray[np.object_]:
    """Write each different number once; equal numbers share one text."""
    different, which = np.unique(numbers, return_inverse=True)
    texts = np.empty(len(different), dtype=object)
    texts[:] = [write(number) for number in different.tolist()]
    return texts[which]
