"""Records and hellos of TLS and DTLS, as auditor.evidence.checks.tls describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIENT_HELLO, SERVER_HELLO, RECORDS = 0, 1, 2
DTLS_CLIENT_HELLO, DTLS_SERVER_HELLO, DTLS_HANDSHAKE, DTLS_RECORDS = 3, 4, 5, 6

_LONGEST_RECORD = (1 << 14) + 2048
_LONGEST_HELLO = 1 << 17
_DTLS_MESSAGES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 0b11111 << 11 | 1 << 16 | 1 << 20
"""A bit for each kind of handshake message."""


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == CLIENT_HELLO:
        return _is_hello(data, start, end, 1, 41)
    if which == SERVER_HELLO:
        return _is_hello(data, start, end, 2, 38)
    if which == RECORDS:
        return _records(data, start, end)
    if which == DTLS_RECORDS:
        return _dtls_records(data, start, end)
    if not _is_handshake(data, start, end):
        return False
    kind = data[start + 13]
    if which == DTLS_CLIENT_HELLO:
        return kind == 1
    return which == DTLS_HANDSHAKE or kind in (2, 3)


@part
def _is_hello(data: NDArray[np.uint8], start: int, end: int, kind: int, shortest: int) -> bool:
    """Look for a hello at the start of the first record."""
    if end - start < 11 or data[start + 5] != kind or data[start + 2] > 4:
        return False
    record_len = big_endian(data, start + 3, end, 2)
    hello_len = big_endian(data, start + 6, end, 3)
    return (
        4 <= record_len <= _LONGEST_RECORD
        and shortest <= hello_len <= _LONGEST_HELLO
        and data[start + 9] == 3
        and data[start + 10] <= 4
        and big_endian(data, start + 43, end, 1) <= 32
    )


@part
def _records(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Follow records from one to the next: two in a row, or one that ends with the payload."""
    place, records = start, 0
    while place + 5 <= end:
        length = big_endian(data, place + 3, end, 2)
        if not 20 <= data[place] < 25 or data[place + 1] != 3 or data[place + 2] > 4:
            return False
        if not 0 < length <= _LONGEST_RECORD:
            return False
        records += 1
        place += 5 + length
    return records > 1 or (records == 1 and place == end)


@part
def _is_dtls_version(data: NDArray[np.uint8], place: int) -> bool:
    """Tell fe ff and fe fd, and the 01 00 from before the standard."""
    if data[place] == 0xFE:
        return data[place + 1] in (0xFF, 0xFD)
    return data[place] == 1 and data[place + 1] == 0


@part
def _is_handshake(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Look for a DTLS handshake message in clear: epoch 0, and a fragment within its bounds."""
    if end - start < 25:
        return False
    message_len = big_endian(data, start + 14, end, 3)
    fragment_end = big_endian(data, start + 19, end, 3) + big_endian(data, start + 22, end, 3)
    record_len = big_endian(data, start + 11, end, 2)
    kind = np.int64(data[start + 13])
    return (
        _is_dtls_version(data, start + 1)
        and big_endian(data, start + 3, end, 2) == 0
        and kind <= 20
        and _DTLS_MESSAGES >> kind & 1 == 1
        and message_len <= _LONGEST_HELLO
        and fragment_end <= message_len
        and 12 + big_endian(data, start + 22, end, 3) <= record_len <= end - start - 13
    )


@part
def _dtls_records(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Follow records from one to the next until the last ends with the datagram."""
    place = start
    while place + 13 <= end:
        if not 20 <= data[place] < 27 or not _is_dtls_version(data, place + 1):
            return False
        length = big_endian(data, place + 11, end, 2)
        if not 0 < length <= _LONGEST_RECORD:
            return False
        place += 13 + length
    return place == end
