"""Bytes and numbers compared: parts that kernels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.jit import part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@part
def is_at(data: NDArray[np.uint8], start: int, end: int, text: NDArray[np.uint8]) -> bool:
    """Say whether a text stands at a place."""
    if end - start < len(text):
        return False
    for step in range(len(text)):  # noqa: SIM110 - numba knows no any()
        if data[start + step] != text[step]:
            return False
    return True


@part
def is_same(data: NDArray[np.uint8], one: int, one_end: int, other: int, other_end: int) -> bool:
    """Say whether two stretches hold the same bytes."""
    if one_end - one != other_end - other:
        return False
    for step in range(one_end - one):  # noqa: SIM110 - numba knows no any()
        if data[one + step] != data[other + step]:
            return False
    return True


@part
def after_visible(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Pass characters in print that are no space."""
    place = start
    while place < end and 0x21 <= data[place] <= 0x7E:
        place += 1
    return place


@part
def is_among(number: int, numbers: NDArray[np.int64]) -> bool:
    """Look a number up."""
    for each in numbers:  # noqa: SIM110 - numba knows no any()
        if each == number:
            return True
    return False
