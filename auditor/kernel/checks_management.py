"""Time and IKE headers, as auditor.evidence.checks.management describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NTP_PACKET, NTP_CLIENT, NTP_SERVER, ISAKMP = 0, 1, 2, 3

_EARLIEST = 0xBB000000
_CLOSE_S = 86_400


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == ISAKMP:
        return _is_isakmp(data, start, end)
    if not _is_ntp(data, start, end):
        return False
    mode = data[start] & 7
    small = big_endian(data, start + 4, end, 2) < 16 and big_endian(data, start + 8, end, 2) < 16
    if which == NTP_CLIENT:
        return mode == 3 and (_is_blank(data, start) or (small and _times_agree(data, start, end)))
    if which == NTP_SERVER:
        told = big_endian(data, start + 40, end, 4) >= _EARLIEST
        return mode in (2, 4, 5) and small and told and _times_agree(data, start, end)
    return True


@part
def _is_ntp(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Hold length, version, stratum, poll interval and precision against their bounds."""
    size = end - start
    if size < 48 or not 1 <= data[start] >> 3 & 7 <= 4:
        return False
    precise = data[start + 3] in (0x00, 0x20) or data[start + 3] >= 0xE0
    return (
        data[start + 1] <= 16
        and data[start + 2] <= 17
        and precise
        and (size in (48, 68, 72) or _is_filled(data, start, end))
    )


@part
def _is_filled(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Follow extension fields to the end or to an authenticator."""
    place = start + 48
    while end - place not in (0, 4, 20, 24, 36):
        length = big_endian(data, place + 2, end, 2)
        place += length
        if length < 16 or length % 4 or place > end:
            return False
    return True


@part
def _is_blank(data: NDArray[np.uint8], start: int) -> bool:
    """Say whether a client tells nothing but its transmit time."""
    for place in range(start + 4, start + 40):  # noqa: SIM110 - numba knows no any()
        if data[place] != 0:
            return False
    return True


@part
def _times_agree(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Compare the times that are given; at least one is."""
    given = 0
    for place in range(start + 16, start + 48, 8):
        time = big_endian(data, place, end, 4)
        if time:
            given += 1
            if time < _EARLIEST:
                return False
    received = big_endian(data, start + 32, end, 4)
    transmitted = big_endian(data, start + 40, end, 4)
    near = received == 0 or transmitted == 0 or abs(received - transmitted) <= _CLOSE_S
    return given > 0 and near


@part
def _is_isakmp(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read an IKE header, behind the marker of port 4500 or not."""
    if end - start >= 4 and big_endian(data, start, end, 4) == 0:
        start += 4
    if end - start < 28 or big_endian(data, start, end, 8) == 0 or data[start + 16] > 55:
        return False
    version, exchange = data[start + 17], data[start + 18]
    if version == 0x10:
        known = 1 <= exchange <= 6 or exchange in (32, 33)
    else:
        known = version == 0x20 and (34 <= exchange <= 38 or exchange in (43, 44))
    return known and big_endian(data, start + 24, end, 4) == end - start
