"""SMB and remote procedure calls, as auditor.evidence.checks.windows describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMB_REQUEST, SMB_RESPONSE, RPC_HEADER, RPC_BIND = 0, 1, 2, 3

_DIALECT_SMB1, _DIALECT_SMB2 = 0xFF534D42, 0xFE534D42
_DIALECT_SEALED, _DIALECT_PACKED = 0xFD534D42, 0xFC534D42
_PDUS = 1 << 0 | 1 << 2 | 1 << 3 | 0b1_1111_1111 << 11
"""A bit for each."""
_NDR = np.array([0x045D888AEB1CC911, 0x9FE808002B104860 - (1 << 64)], np.int64)
_NDR_BIG_ENDIAN = np.array([0x8A885D041CEB11C9 - (1 << 64), _NDR[1]], np.int64)
"""The syntaxes' sixteen bytes as two words."""


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == RPC_HEADER:
        return _is_rpc_header(data, start, end)
    if which == RPC_BIND:
        return _is_rpc_bind(data, start, end)
    if which == SMB_REQUEST:
        if start < end and data[start] == 0x81:
            start = min(start + 4 + big_endian(data, start + 2, end, 2), end)
        return _is_smb(data, start, end, False)
    if end - start >= 4 and big_endian(data, start, end, 4) == 0x82000000:
        start += 4
    return _is_smb(data, start, end, True)


@part
def _is_smb(data: NDArray[np.uint8], start: int, end: int, reply: bool) -> bool:
    """Tell a message that goes the right way; what is sealed or packed says nothing of that."""
    if end - start < 4 + 32 or data[start] != 0:
        return False
    length = big_endian(data, start + 1, end, 3)
    dialect = big_endian(data, start + 4, end, 4)
    if dialect == _DIALECT_SMB1:
        return length >= 32 and (data[start + 13] & 0x80 > 0) == reply
    if dialect == _DIALECT_SMB2:
        whole = length >= 64 and big_endian(data, start + 8, end, 2) == 0x4000
        return whole and (data[start + 20] & 1 > 0) == reply
    return dialect in (_DIALECT_SEALED, _DIALECT_PACKED) and length >= 16


@part
def _is_pdu(kind: int) -> bool:
    """Tell the kinds of packets."""
    return kind < 20 and _PDUS >> kind & 1 == 1


@part
def _fragment_len(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Give the length of a fragment by its header; 0 where that is none."""
    if end - start < 16 or not _is_pdu(np.int64(data[start + 2])):
        return 0
    order = data[start + 4]
    if order not in (0x00, 0x10) or data[start + 5] > 3 or big_endian(data, start + 6, end, 2) != 0:
        return 0
    length = big_endian(data, start + 8, end, 2)
    authentication_len = big_endian(data, start + 10, end, 2)
    if order == 0x10:
        length = length >> 8 | (length & 0xFF) << 8
        authentication_len = authentication_len >> 8 | (authentication_len & 0xFF) << 8
    return length if length >= 16 + authentication_len else 0


@part
def _is_rpc_header(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a header as Windows writes it, whose fragment ends here or before the next."""
    length = _fragment_len(data, start, end)
    if length == 0 or big_endian(data, start + 4, end, 4) != 0x10000000 or length > end - start:
        return False
    following = start + length
    if following == end:
        return True
    last = min(following + 3, end) - 1
    return data[following] == 5 and _is_pdu(np.int64(data[last]))


@part
def _is_rpc_bind(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read the header of a bind or its acknowledgement with the usual transfer syntax."""
    if _fragment_len(data, start, end) <= 16:
        return False
    little = data[start + 4] & 0xF0 > 0
    syntax = _NDR if little else _NDR_BIG_ENDIAN
    initial = 0x04 if little else 0x8A
    for place in range(start, end - 15):
        if (
            data[place] == initial
            and big_endian(data, place, end, 8) == syntax[0]
            and big_endian(data, place + 8, end, 8) == syntax[1]
        ):
            return True
    return False
