"""Datagrams of one side held against each other, as auditor.evidence.checks.media describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.checks_media import is_rtp
from auditor.kernel.jit import compiled, part
from auditor.kernel.reading import four, two

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RTP_HEADER_LEN = 12
_MOST_LOST = 64
_TIME_WINDOW = 1 << 24


@compiled
def rtp_series(
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    fits: NDArray[np.bool_],
) -> None:
    """Follow RTP streams.

    data: (bytes,), of all payloads. start, length: (n, most), of each in data, 0 long = none, and
    none after it. fits: (n,), set to the answers.
    """
    for row in range(start.shape[0]):
        count = 0
        while count < start.shape[1] and length[row, count] >= _RTP_HEADER_LEN:
            count += 1
        short = count < start.shape[1] and length[row, count] > 0
        # A source of zero is what padding and idle counters look like.
        fits[row] = count > 1 and not short and four(data, start[row, 0] + 8) != 0
        for each in range(count if fits[row] else 0):
            at = start[row, each]
            follows = each == 0 or _follows(data, start[row, each - 1], at)
            if not follows or not is_rtp(data, at, at + length[row, each]):
                fits[row] = False
                break


@part
def _follows(data: NDArray[np.uint8], before: int, after: int) -> bool:
    """Say whether a packet goes on with the stream of another, both long enough for a header."""
    step = two(data, after + 2) - two(data, before + 2)
    time = four(data, after + 4) - four(data, before + 4)
    return (
        data[after] & 0xC0 == 0x80
        and four(data, after + 8) == four(data, before + 8)
        and data[after + 1] & 0x7F == data[before + 1] & 0x7F
        and 0 < step & 0xFFFF <= _MOST_LOST
        and time & 0xFFFF_FFFF < _TIME_WINDOW
    )
