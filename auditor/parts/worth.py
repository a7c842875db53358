"""How many processes read some captures soonest: one, unless there is enough to do for more.

One process reads, unpacks and decodes in a second thread while it puts flows together in the
first, so that two have little to win where there is nothing to unpack. The figures are rough on
purpose: they hold where a processor is a few times slower or quicker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.parts.crew import available_processors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.capture.merge import Track

_PLAIN_S, _PACKED_S = 0.4, 4.0
"""Processor time for a gigabyte as stored: as it was written, and compressed or remote."""
_PLAIN_ALONE, _PACKED_ALONE = 0.6, 0.85
"""How much of that passes on the clock while one process reads."""
_PLAIN_SHARED, _PACKED_SHARED = 1.8, 1.45
"""How much there is to do where parts are remembered, handed over and put together."""
_START_S = 0.15
"""What it takes to begin with more processes, and to wait for the last."""
_LEAST_S = 0.1
"""Less work than this is not worth a process."""
_GIGABYTE = 1e9


def useful_workers(tracks: Sequence[Track], wanted: int) -> int:
    """Say how many processes to read with, `wanted` at most; 1 = this process alone."""
    if not all(track.size for track in tracks):
        return min(wanted, len(tracks))  # Nobody knows how much there is: of URLs, often much.
    plain_s = _PLAIN_S * _gigabytes(track for track in tracks if not track.packed)
    packed_s = _PACKED_S * _gigabytes(track for track in tracks if track.packed)
    work_s = plain_s + packed_s
    workers = min(wanted, len(tracks), int(work_s / _LEAST_S))
    at_a_time = min(workers, available_processors())
    if at_a_time < 2:
        return 1
    alone_s = _PLAIN_ALONE * plain_s + _PACKED_ALONE * packed_s
    shared_s = (_PLAIN_SHARED * plain_s + _PACKED_SHARED * packed_s) / at_a_time + _START_S
    return workers if shared_s < alone_s else 1


def _gigabytes(tracks: Iterable[Track]) -> float:
    return sum(track.size for track in tracks) / _GIGABYTE
