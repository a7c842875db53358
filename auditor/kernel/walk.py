"""Where records and blocks lie in the bytes of a capture; twins: the loops of capture's walkers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.matching import is_among

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL, NEED_HEADER, NEED_RECORD, TOO_LONG = range(4)
"""Why walk_records stopped."""


@part
def _word(data: NDArray[np.uint8], at: int, big_endian: int) -> int:
    """Read four bytes."""
    if big_endian:
        return (
            (np.int64(data[at]) << 24)
            | (np.int64(data[at + 1]) << 16)
            | (np.int64(data[at + 2]) << 8)
            | np.int64(data[at + 3])
        )
    return (
        np.int64(data[at])
        | (np.int64(data[at + 1]) << 8)
        | (np.int64(data[at + 2]) << 16)
        | (np.int64(data[at + 3]) << 24)
    )


@compiled
def walk_records(
    data: NDArray[np.uint8],
    at: int,
    layout: NDArray[np.int64],
    columns: NDArray[np.int64],
    state: NDArray[np.int64],
) -> int:
    """Find the whole pcap records of data[at:] and give how many they are.

    data: the bytes, shape (bytes,). layout: shape (6,): bytes of a record header; where in it the
    captured length stands; where another one does that bounds it (or the same place); 1 if
    big-endian; the longest frame; nanoseconds of a fraction. columns: shape (4, most): of each
    record is set where its frame begins, captured and wire length in bytes, nanoseconds since
    1970. state: shape (3,): is set to where the first record not taken begins, why (FULL ...),
    and that record's captured length in bytes.
    """
    record_len, captured_at, bound_at = layout[0], layout[1], layout[2]
    big_endian, limit, fraction_ns = layout[3], layout[4], layout[5]
    most, size = columns.shape[1], data.shape[0]
    count = 0
    state[1] = FULL
    while count < most:
        if at + record_len > size:
            state[1] = NEED_HEADER
            break
        captured = min(
            _word(data, at + captured_at, big_endian), _word(data, at + bound_at, big_endian)
        )
        state[2] = captured
        if captured > limit:
            state[1] = TOO_LONG
            break
        if at + record_len + captured > size:
            state[1] = NEED_RECORD
            break
        wire = max(_word(data, at + 8, big_endian), _word(data, at + 12, big_endian))
        columns[0, count] = at + record_len
        columns[1, count] = captured
        columns[2, count] = max(wire, captured)
        columns[3, count] = (
            _word(data, at, big_endian) * 1_000_000_000
            + _word(data, at + 4, big_endian) * fraction_ns
        )
        at += record_len + captured
        count += 1
    state[0] = at
    return count


@compiled
def walk_blocks(
    data: NDArray[np.uint8],
    at: int,
    layout: NDArray[np.int64],
    limits: NDArray[np.int64],
    known: NDArray[np.int64],
    starts: NDArray[np.int64],
    state: NDArray[np.int64],
) -> int:
    """Find sound pcapng blocks of one kind from `at` on, and give how many they are.

    data: shape (bytes,). layout: shape (6,): the kind; bytes beside its frame; where its interface
    stands, or -1; bytes of that field; where its captured length stands; 1 if big-endian. limits:
    shape (interfaces,): the longest frame of each. known: kinds that stop the walk; others are
    passed over. starts: shape (most,): is set to where each block begins. state: shape (1,): is
    set to where the walk stopped.
    """
    kind, min_len, interface_at, width = layout[0], layout[1], layout[2], layout[3]
    captured_at, big_endian = layout[4], layout[5]
    size = data.shape[0]
    count = 0
    for _ in range(starts.shape[0]):
        if at + 12 > size:
            break
        found, length = _word(data, at, big_endian), _word(data, at + 4, big_endian)
        following = at + ((length + 3) & ~3)
        if length < 12 or following > size:
            break
        if _word(data, following - 4, big_endian) != length:
            break
        if found == kind:
            if length < min_len:
                break
            interface, captured = 0, 0
            if interface_at >= 0:
                interface = _word(data, at + interface_at, big_endian)
                if width == 2:
                    interface = interface >> 16 if big_endian else interface & 0xFFFF
                captured = _word(data, at + captured_at, big_endian)
            if interface >= limits.shape[0]:
                break
            if captured > length - min_len or captured > limits[interface]:
                break
            starts[count] = at
            count += 1
        elif is_among(found, known):
            break
        at = following
    state[0] = at
    return count
