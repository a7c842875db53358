"""Real-time traffic, as auditor.evidence.checks.media and quic describe it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

RTP_PACKET, RTCP_PACKETS, RTCP_COMPOUND, STUN, UDT, QUIC_LONG, QUIC_GOOGLE = range(7)

_RTP_HEADER_LEN = 12
_VERSION_2 = 0x6B3343CF
_GOOGLE = np.array([0x51303436, 0x51303530, 0x54303530, 0x54303531], np.int64)


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == RTP_PACKET:
        return is_rtp(data, start, end)
    if which == RTCP_PACKETS:
        return _count_rtcp(data, start, end) > 0
    if which == RTCP_COMPOUND:
        second = start + 4 * (big_endian(data, start + 2, end, 2) + 1)
        return _count_rtcp(data, start, end) > 1 and data[second + 1] == 202
    if which == STUN:
        return _is_stun(data, start, end)
    if which == QUIC_LONG:
        return _is_quic(data, start, end)
    if which == QUIC_GOOGLE:
        return _is_google(data, start, end)
    return (
        end - start >= 24
        and big_endian(data, start + 16, end, 4) == 4
        and 1 <= big_endian(data, start + 20, end, 4) <= 2
    )


@part
def is_rtp(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read an RTP header: payload type, contributors, extension fit."""
    if end - start < _RTP_HEADER_LEN or 64 <= data[start + 1] & 0x7F < 96:
        return False
    header_end = start + _RTP_HEADER_LEN + 4 * np.int64(data[start] & 0x0F)
    if data[start] & 0x10:
        header_end += 4 + 4 * big_endian(data, header_end + 2, end, 2)
    return end >= header_end


@part
def _count_rtcp(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Follow packets to the end of the datagram; 0 where a report does not begin."""
    place, packets = start, 0
    while place + 4 <= end:
        kind = data[place + 1]
        length = 4 * (big_endian(data, place + 2, end, 2) + 1)
        if data[place] & 0xC0 != 0x80 or not 192 <= kind < 214:
            return 0
        if packets == 0:
            blocks = 24 * np.int64(data[place] & 0x1F)
            if kind not in (200, 201) or length < (28 if kind == 200 else 8) + blocks:
                return 0
        packets += 1
        place += length
    return packets if place == end else 0


@part
def _is_stun(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Follow the attributes of a STUN message to its end."""
    if end - start < 20:
        return False
    length = big_endian(data, start + 2, end, 2)
    stop = start + 20 + length
    if length % 4 or stop > end:
        return False
    place = start + 20
    while place < stop:
        attribute_len = big_endian(data, place + 2, stop, 2)
        place += 4
        if attribute_len > stop - place:
            return False
        place += (attribute_len + 3) & ~3
    return True


@part
def _after_variable(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Pass a number that tells its own width, or what is left of it."""
    first = big_endian(data, start, end, 1)
    return min(start + (1 << (first >> 6)), end)


@part
def _variable(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Read a number that tells its own width; where bytes are missing they count as zero."""
    first = big_endian(data, start, end, 1)
    more = (1 << (first >> 6)) - 1
    rest = big_endian(data, start + 1, end, more) if start + 1 + more <= end else 0
    return (first & 0x3F) << 8 * more | rest


@part
def _is_google(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Look for Google's public header: flags, connection id, a version such as Q043."""
    if end - start <= 14 or data[start] & 0xC9 != 0x09 or data[start + 9] not in (0x51, 0x54):
        return False
    for place in range(start + 10, start + 13):  # noqa: SIM110 - numba knows no any()
        if not 0x30 <= data[place] <= 0x39:
            return False
    return True


@part
def _is_quic(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a long header of a known version: connection ids, token and length fit."""
    number = big_endian(data, start + 1, end, 4)
    if number not in (1, _VERSION_2) and not 0xFF000011 <= number < 0xFF000030:
        for known in _GOOGLE:
            if number == known:
                return end - start > 20
        return False
    place = min(start + 5, end)
    for _ in range(2):
        length = big_endian(data, place, end, 1)
        place = min(place + 1, end)
        if length > end - place or length > 20:
            return False
        place += length
    kind = np.int64(data[start]) >> 4 & 3
    if number == _VERSION_2:
        kind = (kind - 1) & 3
    if kind == 3:
        return end - place >= 16
    if kind == 0:
        token_len = _variable(data, place, end)
        place = _after_variable(data, place, end)
        if token_len > end - place:
            return False
        place += token_len
    packet_len = _variable(data, place, end)
    return 20 <= packet_len <= end - _after_variable(data, place, end)
