"""The server's name in a ClientHello, as auditor.evidence.tls reads it, where it lies in one piece.

Whatever is claimed beyond the end reads as zero or as nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.jit import compiled, part
from auditor.kernel.matching import is_same
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING, IN_PIECES = -1, -2
"""Instead of the start of a name: there is none; the hello must be put together first."""

_LONGEST_RECORD = (1 << 14) + 2048


@compiled
def tls_names(data: NDArray[np.uint8], spans: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Find the name that each stream asks for.

    data: (bytes,), of all streams. spans: (n, 2), start and end of each in data. found: (n, 2),
    set to start and end of the name, or to one of the numbers above twice.
    """
    for row in range(len(spans)):
        start, stop = _tls_name(data, spans[row, 0], spans[row, 1])
        found[row, 0], found[row, 1] = start, stop


@compiled
def dtls_names(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int32],
    found: NDArray[np.int64],
) -> None:
    """Find the name that the first datagrams of each side ask for.

    data: (bytes,), of all datagrams. starts, lengths: (n, most), of each in data, 0 long = none.
    found: (n, 2), as for tls_names.
    """
    for row in range(len(starts)):
        # Message number and piece of the latest hello, name of the first that has one.
        state = (-1, 0, 0, NOTHING, NOTHING)
        for place in range(starts.shape[1]):
            if state[3] != IN_PIECES and lengths[row, place] > 0:
                end = starts[row, place] + lengths[row, place]
                state = _datagram_name(data, starts[row, place], end, state)
        found[row, 0], found[row, 1] = state[3], state[4]


@part
def _number(data: NDArray[np.uint8], place: int, end: int, width: int) -> int:
    """Read a big-endian number of `width` bytes; 0 where fewer are left."""
    if place + width > end:
        return 0
    return big_endian(data, place, end, width)


@part
def _block(data: NDArray[np.uint8], place: int, end: int, width: int) -> tuple[int, int]:
    """Read a length of `width` bytes; give start and end of what it counts."""
    begin = min(place + width, end)
    return begin, min(begin + _number(data, place, end, width), end)


@part
def _tls_name(data: NDArray[np.uint8], start: int, end: int) -> tuple[int, int]:
    if _number(data, start, end, 2) != 0x1603:
        return NOTHING, NOTHING
    length = _number(data, start + 3, end, 2)
    begin, stop = _block(data, start + 3, end, 2)
    if not 0 < length <= _LONGEST_RECORD or _number(data, begin, stop, 1) != 1:
        return NOTHING, NOTHING
    if stop < end and begin + 4 + _number(data, begin + 1, stop, 3) > stop:
        return IN_PIECES, IN_PIECES
    hello, hello_end = _block(data, begin + 1, stop, 3)
    return _server_name(data, hello, hello_end, False)


@part
def _datagram_name(
    data: NDArray[np.uint8], start: int, end: int, state: tuple[int, int, int, int, int]
) -> tuple[int, int, int, int, int]:
    """Read the hellos of a datagram; they must be whole, in order, or sent again as they were."""
    latest, piece, piece_end, name, name_end = state
    place = start
    if _number(data, place, end, 2) != 0x16FE:
        return state
    while _number(data, place, end, 1) == 22 and _number(data, place + 1, end, 2) in (
        0xFEFF,
        0xFEFD,
    ):
        epoch = _number(data, place + 3, end, 2)
        message, record_end = _block(data, min(place + 11, end), end, 2)
        place = record_end
        while epoch == 0 and message < record_end:
            number = _number(data, message + 4, record_end, 2)
            offset = _number(data, message + 6, record_end, 3)
            begin, stop = _block(data, min(message + 9, record_end), record_end, 3)
            hello = data[message] == 1
            message = stop
            if not hello or (
                number == latest and offset == 0 and is_same(data, piece, piece_end, begin, stop)
            ):
                continue
            if offset != 0 or number <= latest:
                return latest, piece, piece_end, IN_PIECES, IN_PIECES
            latest, piece, piece_end = number, begin, stop
            if name == NOTHING:
                name, name_end = _server_name(data, begin, stop, True)
    return latest, piece, piece_end, name, name_end


@part
def _server_name(data: NDArray[np.uint8], place: int, end: int, cookie: bool) -> tuple[int, int]:
    """Find the first host name in the body of a ClientHello, whole or cut."""
    _, place = _block(data, min(place + 34, end), end, 1)
    if cookie:
        _, place = _block(data, place, end, 1)
    _, place = _block(data, place, end, 2)
    _, place = _block(data, place, end, 1)
    place, stop = _block(data, place, end, 2)
    while place < stop:
        kind = _number(data, place, stop, 2)
        extension, place = _block(data, min(place + 2, stop), stop, 2)
        if kind == 0 and extension < place:
            listed, listed_end = _block(data, extension, place, 2)
            while listed < listed_end:
                name_kind = data[listed]
                length = _number(data, listed + 1, listed_end, 2)
                name, listed = _block(data, listed + 1, listed_end, 2)
                if name_kind == 0:
                    if listed - name < length:
                        return NOTHING, NOTHING
                    return name, listed
            return NOTHING, NOTHING
    return NOTHING, NOTHING
