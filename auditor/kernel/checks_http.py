"""Request and status lines of HTTP/1, as auditor.evidence.checks.lines describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.matching import after_visible, is_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

REQUEST, REQUEST_CUT, RESPONSE = 0, 1, 2

_METHODS = np.frombuffer(b"GET POST HEAD PUT DELETE PATCH OPTIONS ", np.uint8)
_SLASH = np.frombuffer(b"://", np.uint8)
_VERSION = np.frombuffer(b" HTTP/1.", np.uint8)
_SPACE, _NEWLINE, _RETURN = 0x20, 0x0A, 0x0D


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == REQUEST:
        return _is_request(data, start, end)
    if which == REQUEST_CUT:
        return _is_request_start(data, start, end)
    return _is_response(data, start, end)


@part
def _is_request(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a request line: a method of 3 to 20 letters, a target, version 1."""
    place = start
    while place < end and (
        65 <= data[place] <= 90 or (place > start and data[place] in (0x2D, 0x5F))
    ):
        place += 1
    if not 3 <= place - start <= 20 or place == end or data[place] != _SPACE:
        return False
    target = place + 1
    place = after_visible(data, target, end)
    if not 0 < place - target <= 8192 or not is_at(data, place, end, _VERSION):
        return False
    place += len(_VERSION)
    if place == end or data[place] not in (0x30, 0x31):
        return False
    place += 1
    if place < end and data[place] == _RETURN:
        place += 1
    return place < end and data[place] == _NEWLINE


@part
def _after_method(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Give the place behind a usual method and its space; the start where there is none."""
    first = 0
    for last in range(len(_METHODS)):
        if _METHODS[last] == _SPACE:
            if is_at(data, start, end, _METHODS[first : last + 1]):
                return start + last + 1 - first
            first = last + 1
    return start


@part
def _is_request_start(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read as much of a request line as there is, to the last byte."""
    place = _after_method(data, start, end)
    if place in (start, end):
        return False
    if data[place] != 0x2F:
        for letter in b"http":
            if place == end or data[place] != letter:
                return False
            place += 1
        if place < end and data[place] == 0x73:
            place += 1
        if not is_at(data, place, end, _SLASH):
            return False
    place = after_visible(data, place, end)
    if place == end:
        return True
    # " HTT" must be there; each of what follows it may be missing.
    if not is_at(data, place, end, _VERSION[:4]):
        return False
    place += 4
    for letter in b"P/1.":
        if place < end and data[place] == letter:
            place += 1
    if place < end and data[place] in (0x30, 0x31):
        place += 1
    if place < end and data[place] == _RETURN:
        place += 1
    return place == end


@part
def _is_response(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a status line: version 1 and a status of three digits."""
    if end - start < 12 or not is_at(data, start, end, _VERSION[1:]):
        return False
    if data[start + 7] not in (0x30, 0x31) or data[start + 8] != _SPACE:
        return False
    if not 0x31 <= data[start + 9] <= 0x35:
        return False
    for place in (start + 10, start + 11):
        if not 0x30 <= data[place] <= 0x39:
            return False
    return end - start == 12 or data[start + 12] in (_SPACE, _NEWLINE, _RETURN)
