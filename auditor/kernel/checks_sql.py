"""Packets of TDS, as auditor.evidence.checks.sql describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.matching import is_among
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRELOGIN, LOGIN, TOKENS, PACKETS = 0, 1, 2, 3

_HEADER_LEN = 8
_KINDS = 0b111_0100_0000_1101_1010
_VERSIONS = np.array(
    [0x00000070, 0x00000071, 0x01000071, 0x02000972, 0x03000A73, 0x03000B73, 0x04000074,
     0x00000080, 0x00000008],
    np.int64,
)  # fmt: skip
_TOKENS = np.array(
    [0x88, 0x81, 0xA9, 0xAA, 0xAB, 0xAD, 0xAE, 0xD1, 0xE3, 0xED, 0xFD, 0xFE, 0xFF], np.int64
)


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == PRELOGIN:
        return _is_prelogin(data, start, end)
    if which == LOGIN:
        return _is_login(data, start, end)
    if which == TOKENS:
        packets = _are_packets(data, start, end)
        return packets and is_among(np.int64(data[start + _HEADER_LEN]), _TOKENS)
    return _are_packets(data, start, end)


@part
def _is_header(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell a packet header by its status, its length and the window that is never used."""
    return (
        end - start >= _HEADER_LEN
        and data[start + 1] <= 0x1F
        and big_endian(data, start + 2, end, 2) >= _HEADER_LEN
        and data[start + 7] == 0
    )


@part
def _is_prelogin(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read the options of a prelogin or its answer; all lie inside it."""
    length = big_endian(data, start + 2, end, 2)
    if length > end - start or not _is_header(data, start, end):
        return False
    place = start + _HEADER_LEN
    if place == end or data[place] != 0:
        return False
    while place + 5 <= start + length and data[place] != 0xFF:
        option_end = big_endian(data, place + 1, end, 2) + big_endian(data, place + 3, end, 2)
        if data[place] > 8 or _HEADER_LEN + option_end > length:
            return False
        place += 5
    return place < end and data[place] == 0xFF


@part
def _is_login(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read the length and the version in a login of TDS 7 or later."""
    if end - start < 16 or not _is_header(data, start, end):
        return False
    body_len = 0
    for place in range(start + 11, start + 7, -1):
        body_len = body_len << 8 | np.int64(data[place])
    packet_len = big_endian(data, start + 2, end, 2)
    return (
        body_len >= 36
        and is_among(big_endian(data, start + 12, end, 4), _VERSIONS)
        and (packet_len == body_len + _HEADER_LEN or data[start + 1] & 1 == 0)
    )


@part
def _are_packets(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Follow packets to the end of the payload, where a message must end too."""
    place = start
    while place < end:
        kind = np.int64(data[place])
        if not _is_header(data, place, end) or kind > 18 or _KINDS >> kind & 1 == 0:
            return False
        length = big_endian(data, place + 2, end, 2)
        if place + length == end:
            return data[place + 1] & 1 == 1 and length > _HEADER_LEN
        place += length
    return False
