"""The host that an HTTP/1 request names, as auditor.evidence.http reads it, in its Host fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.matching import after_visible, is_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING, MAYBE_IN_TARGET = -1, -2
"""Instead of the start of a name: there is none; the target may be absolute and name it."""

_CONNECT = np.frombuffer(b"CONNECT", np.uint8)
_VERSION = np.frombuffer(b" HTTP/1.", np.uint8)
_HOST = np.frombuffer(b"host:", np.uint8)
_LONGEST_TARGET, _LONGEST_HOST = 8192, 300
_TAB, _NEWLINE, _RETURN, _SPACE, _COLON = 0x09, 0x0A, 0x0D, 0x20, 0x3A


@compiled
def host_names(data: NDArray[np.uint8], spans: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Find the host that each stream's request names, without its port.

    data: (bytes,), of all streams. spans: (n, 2), start and end of each in data. found: (n, 2),
    set to start and end of the name, or to one of the numbers above twice.
    """
    for row in range(len(spans)):
        start, end = spans[row, 0], spans[row, 1]
        name, stop = NOTHING, NOTHING
        fields = _after_request_line(data, start, end)
        if fields == MAYBE_IN_TARGET:
            name, stop = MAYBE_IN_TARGET, MAYBE_IN_TARGET
        elif fields != NOTHING:
            name, stop = _only_host(data, fields, end)
        found[row, 0], found[row, 1] = name, stop


@part
def _after_request_line(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Give the place behind a request line with a target of the server's own."""
    place = start
    while place < end and (
        65 <= data[place] <= 90 or (place > start and data[place] in (0x2D, 0x5F))
    ):
        place += 1
    if not 2 <= place - start <= 20 or place == end or data[place] != _SPACE:
        return NOTHING
    if place - start == len(_CONNECT) and is_at(data, start, end, _CONNECT):
        return NOTHING
    target = place + 1
    place = after_visible(data, target, end)
    if not 0 < place - target <= _LONGEST_TARGET or not is_at(data, place, end, _VERSION):
        return NOTHING
    place += len(_VERSION)
    if place == end or data[place] not in (0x30, 0x31):
        return NOTHING
    place += 1
    if place < end and data[place] == _RETURN:
        place += 1
    if place == end or data[place] != _NEWLINE:
        return NOTHING
    return MAYBE_IN_TARGET if data[target] in (0x48, 0x68) else place + 1


@part
def _only_host(data: NDArray[np.uint8], place: int, end: int) -> tuple[int, int]:
    """Read the Host fields up to the blank line; they must agree."""
    name, stop = NOTHING, NOTHING
    while True:
        line_end = place
        while line_end < end and data[line_end] != _NEWLINE:
            line_end += 1
        blank = line_end == place or (line_end == place + 1 and data[place] == _RETURN)
        if line_end == end or blank:
            break
        host, host_end = _host(data, place, line_end)
        if host != NOTHING:
            if name == NOTHING:
                name, stop = host, host_end
            elif stop - name != host_end - host or not is_at(data, host, host_end, data[name:stop]):
                return NOTHING, NOTHING
        place = line_end + 1
    if name == NOTHING:
        return NOTHING, NOTHING
    digits = 0
    while digits < 5 and stop - digits > name and 0x30 <= data[stop - digits - 1] <= 0x39:
        digits += 1
    if stop - digits > name and data[stop - digits - 1] == _COLON:
        stop -= digits + 1
    return name, stop


@part
def _host(data: NDArray[np.uint8], place: int, line_end: int) -> tuple[int, int]:
    """Give the value of a Host field, which must be one word."""
    if line_end - place < len(_HOST):
        return NOTHING, NOTHING
    for step in range(len(_HOST)):
        byte = data[place + step]
        if byte != _HOST[step] and (byte | 0x20 != _HOST[step] or byte == _COLON - 0x20):
            return NOTHING, NOTHING
    begin = place + len(_HOST)
    while begin < line_end and data[begin] in (_SPACE, _TAB):
        begin += 1
    stop = after_visible(data, begin, line_end)
    rest = stop
    while rest < line_end and data[rest] in (_SPACE, _TAB):
        rest += 1
    if rest < line_end and data[rest] == _RETURN:
        rest += 1
    if rest < line_end or not 0 < stop - begin <= _LONGEST_HOST:
        return NOTHING, NOTHING
    return begin, stop
