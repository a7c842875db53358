"""Messages in the form of DNS, as auditor.evidence.checks.naming describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

MESSAGE, QUESTION, OVER_TCP = 0, 1, 2

_OPCODES = 0b110111
"""A bit for each."""
_OPT, _TSIG, _SIG0 = 41, 250, 24


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == OVER_TCP:
        message_end = start + 2 + big_endian(data, start, end, 2)
        if message_end <= end:
            return _is_message(data, start + 2, message_end)
        return _is_question(data, min(start + 2, end), end)
    return _is_message(data, start, end) if which == MESSAGE else _is_question(data, start, end)


@part
def _records_claimed(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Sum up the three counts of records."""
    return (
        big_endian(data, start + 6, end, 2)
        + big_endian(data, start + 8, end, 2)
        + big_endian(data, start + 10, end, 2)
    )


@part
def _is_plausible(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Hold the flags and the counts of a header against their bounds."""
    flags, questions = big_endian(data, start + 2, end, 2), big_endian(data, start + 4, end, 2)
    records = _records_claimed(data, start, end)
    response = flags >> 15
    opcode = flags >> 11 & 15
    return (
        opcode <= 5
        and _OPCODES >> opcode & 1 == 1
        and flags & 0x0040 == 0
        and flags & 15 <= (11 if response else 0)
        and questions <= 64
        and records <= 1024
        and (questions > 0 or (response > 0 and records > 0))
    )


@part
def _is_message(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Parse a message to its last byte."""
    if end - start < 12 or not _is_plausible(data, start, end):
        return False
    place = start + 12
    for _ in range(big_endian(data, start + 4, end, 2)):
        place = _after_question(data, start, end, place)
        if place == 0:
            return False
    for _ in range(_records_claimed(data, start, end)):
        place = _after_record(data, start, end, place)
        if place == 0:
            return False
    return place == end


@part
def _is_question(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read the header and one question of a message that may be cut."""
    if end - start < 12 or big_endian(data, start + 4, end, 2) != 1:
        return False
    plausible = _is_plausible(data, start, end)
    return plausible and _after_question(data, start, end, start + 12) > start + 12 + 5


@part
def _is_known(kind: int, family: int) -> bool:
    """Tell the types and classes that exist."""
    if not (1 <= kind <= 65 or 99 <= kind <= 109 or 249 <= kind <= 261 or 32768 <= kind <= 32769):
        return False
    family &= 0x7FFF
    return family in (1, 3, 4) or 254 <= family <= 255


@part
def _after_question(data: NDArray[np.uint8], start: int, end: int, place: int) -> int:
    """Give the place behind a question; 0 where there is none."""
    place = _after_name(data, start, end, place)
    if place == 0 or place + 4 > end:
        return 0
    known = _is_known(big_endian(data, place, end, 2), big_endian(data, place + 2, end, 2))
    return place + 4 if known else 0


@part
def _after_record(data: NDArray[np.uint8], start: int, end: int, place: int) -> int:
    """Give the place behind a resource record; 0 where there is none."""
    place = _after_name(data, start, end, place)
    if place == 0 or place + 10 > end:
        return 0
    kind, family = big_endian(data, place, end, 2), big_endian(data, place + 2, end, 2)
    known = kind in (_OPT, _TSIG, _SIG0) or _is_known(kind, family)
    place += 10 + big_endian(data, place + 8, end, 2)
    return place if known and place <= end else 0


@part
def _after_name(data: NDArray[np.uint8], start: int, end: int, place: int) -> int:
    """Give the place behind a name; 0 where labels or a pointer are not as they must be."""
    begin = place
    while place < end and place - begin < 255:
        length = np.int64(data[place])
        if length == 0:
            return place + 1
        if length >= 0xC0:
            target = start + (big_endian(data, place, end, 2) & 0x3FFF)
            backwards = start + 12 <= target < begin and place + 2 <= end
            return place + 2 if backwards else 0
        if length > 63 or place + 1 == end:
            return 0
        for at in range(place + 1, min(place + 1 + length, end)):
            if data[at] < 0x20:
                return 0
        place += 1 + length
    return 0
