"""Rows of a table written as lines of JSON; by auditor.report.writers.json_lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.packing import copy_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD, FRESH, NUMBER, OPTIONAL, TIME, DECIMAL = range(6)
"""What the values of a column are: numbers of words; of words of these rows alone; integers;
integers of which -1 is none; nanoseconds since 1970, NaT is none; nanoseconds, to be written as
seconds, or less than zero: -1 - the number of a word of these rows."""

LONGEST = 32
"""Bytes of the longest value that is no word: a time."""

_NONE = np.frombuffer(b"null", np.uint8)
_NAT = np.int64(-(1 << 63))
_DAY_NS = 86_400_000_000_000
_SECOND_NS = 1_000_000_000
_ZERO, _QUOTE, _DASH, _COLON, _POINT = 0x30, 0x22, 0x2D, 0x3A, 0x2E
_T, _Z = 0x54, 0x5A


class Words(NamedTuple):
    """Texts, one behind the other."""

    data: NDArray[np.uint8]
    """Shape (bytes,)."""
    ends: NDArray[np.int64]
    """Shape (words + 1,): 0, then where each word ends."""


@part
def _put_word(out: NDArray[np.uint8], at: int, words: Words, number: int) -> int:
    begin, end = words.ends[number], words.ends[number + 1]
    copy_bytes(out[at : at + end - begin], words.data[begin:end])
    return at + end - begin


@part
def _put_digits(out: NDArray[np.uint8], at: int, value: np.uint64, width: int) -> int:
    """Write the last `width` digits."""
    rest = value
    for place in range(width):
        out[at + width - 1 - place] = _ZERO + np.int64(rest % np.uint64(10))
        rest //= np.uint64(10)
    return at + width


@part
def _put_number(out: NDArray[np.uint8], at: int, value: int) -> int:
    size = np.uint64(value)
    if value < 0:
        out[at] = _DASH
        at += 1
        size = np.uint64(-(value + 1)) + np.uint64(1)  # the least of all has no opposite
    width, bound = 1, size
    while bound >= np.uint64(10):
        bound //= np.uint64(10)
        width += 1
    return _put_digits(out, at, size, width)


@part
def _put_decimal(out: NDArray[np.uint8], at: int, value_ns: int) -> int:
    """Write seconds without zeros at the end, but for one behind the point."""
    at = _put_number(out, at, value_ns // _SECOND_NS)
    out[at] = _POINT
    end = _put_digits(out, at + 1, np.uint64(value_ns % _SECOND_NS), 9)
    while out[end - 1] == _ZERO and end > at + 2:
        end -= 1
    return end


@part
def _put_time(out: NDArray[np.uint8], at: int, time_ns: int) -> int:
    """Write a time of the years 1677 to 2262, between quotes.

    Years are counted from March on, so that a leap day ends one: 400 of them have 146,097 days.
    """
    days, of_day_ns = time_ns // _DAY_NS, time_ns % _DAY_NS
    days += 719_468  # from March of the year 0
    era, day = days // 146_097, days % 146_097
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * era + (1 if month >= 10 else 0)
    month += 3 if month < 10 else -9
    seconds = of_day_ns // _SECOND_NS
    out[at] = _QUOTE
    at = _put_digits(out, at + 1, np.uint64(year), 4)
    out[at] = _DASH
    at = _put_digits(out, at + 1, np.uint64(month), 2)
    out[at] = _DASH
    at = _put_digits(out, at + 1, np.uint64(day + 1), 2)
    out[at] = _T
    at = _put_digits(out, at + 1, np.uint64(seconds // 3600), 2)
    out[at] = _COLON
    at = _put_digits(out, at + 1, np.uint64(seconds // 60 % 60), 2)
    out[at] = _COLON
    at = _put_digits(out, at + 1, np.uint64(seconds % 60), 2)
    out[at] = _POINT
    at = _put_digits(out, at + 1, np.uint64(of_day_ns % _SECOND_NS), 9)
    out[at], out[at + 1] = _Z, _QUOTE
    return at + 2


@compiled
def write_lines(
    kinds: NDArray[np.int64],
    values: NDArray[np.int64],
    words: Words,
    fresh: Words,
    out: NDArray[np.uint8],
) -> int:
    """Write rows, and give how many bytes they took.

    kinds: shape (columns,), WORD and so on. values: shape (columns, rows). words: the first one
    stands before the first column, and so on; one more behind the last. fresh: words of these rows
    alone. out: bytes, enough of them.
    """
    at = 0
    for row in range(values.shape[1]):
        for column in range(values.shape[0]):
            at = _put_word(out, at, words, column)
            kind, value = kinds[column], values[column, row]
            if kind == WORD:
                at = _put_word(out, at, words, value)
            elif kind == FRESH:
                at = _put_word(out, at, fresh, value)
            elif (kind == OPTIONAL and value == -1) or (kind == TIME and value == _NAT):
                copy_bytes(out[at : at + 4], _NONE)
                at += 4
            elif kind == TIME:
                at = _put_time(out, at, value)
            elif kind == DECIMAL and value < 0:
                at = _put_word(out, at, fresh, -1 - value)
            elif kind == DECIMAL:
                at = _put_decimal(out, at, value)
            else:
                at = _put_number(out, at, value)
        at = _put_word(out, at, words, values.shape[0])
    return at
