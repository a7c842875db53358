"""Citrix' own protocols, as auditor.evidence.checks.citrix describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.matching import is_at
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

ICA_CLIENT_MODULE, ICA_SERVER_PACKET, CGP_BIND_REQUEST, CGP_BIND_RESPONSE = 0, 1, 2, 3
FLEXNET_MESSAGE, FLEXNET_OLD_MESSAGE, RPC_MESSAGE, HEARTBEAT = 4, 5, 6, 7

_BANNER = np.frombuffer(b"\x7f\x7fICA\0", np.uint8)
_SERVER_PACKET = np.frombuffer(b"\x00\x0f\x00\x07\x00\x02", np.uint8)
_CRC_POLYNOMIAL = 0x3A5D


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which in (ICA_CLIENT_MODULE, ICA_SERVER_PACKET):
        place = start
        while is_at(data, place, end, _BANNER):
            place += len(_BANNER)
        if which == ICA_SERVER_PACKET:
            return is_at(data, place, end, _SERVER_PACKET)
        lengths = big_endian(data, place + 1, end, 2), big_endian(data, place + 3, end, 2)
        return end - place >= 5 and data[place] == 1 and lengths[0] == lengths[1]
    if which == CGP_BIND_REQUEST:
        return _cgp_command(data, start, end) == 1
    if which == CGP_BIND_RESPONSE:
        return _cgp_command(data, start, end) == 2
    if which == FLEXNET_MESSAGE:
        return _is_flexnet(data, start, end)
    if which == FLEXNET_OLD_MESSAGE:
        return end - start >= 147 and data[start + 1] == _sum(data, start, start + 147)
    if which == RPC_MESSAGE:
        return _is_rpc(data, start, end)
    return end - start >= 20 and data[start + 7] <= 0x0B


@part
def _cgp_command(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Find the command behind a length of one or two bytes, by three zeros; 0 = none."""
    for place in (start + 8, start + 9):
        if place + 4 <= end and big_endian(data, place + 1, end, 3) == 0:
            return np.int64(data[place])
    return np.int64(0)


@part
def _sum(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Sum up the bytes but the second, to eight bits."""
    total = np.int64(data[start])
    for place in range(start + 2, end):
        total += np.int64(data[place])
    return total & 0xFF


@part
def _is_flexnet(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Verify header checksum, length, and CRC-16 over all behind the CRC."""
    if end - start < 20:
        return False
    length = big_endian(data, start + 4, end, 2)
    if not 20 <= length <= end - start or data[start + 1] != _sum(data, start, start + 20):
        return False
    crc = 0
    for place in range(start + 4, start + length):
        crc ^= np.int64(data[place])
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc == big_endian(data, start + 2, end, 2)


@part
def _is_rpc(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a known command, and a length that leads to the next header."""
    if end - start < 16:
        return False
    length = np.int64(0)
    for place in range(start + 3, start - 1, -1):
        length = length << 8 | np.int64(data[place])
    following = start + length + 4
    return (
        16 <= length <= min(1 << 20, end - start)
        and 1 <= data[start + 8] & 0x7F <= 15
        and (
            length == end - start
            or (following + 2 <= end and big_endian(data, following, end, 2) == 0xA5A5)
        )
    )
