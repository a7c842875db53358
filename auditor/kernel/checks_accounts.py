"""Messages in ASN.1: LDAP, Kerberos, SNMP, as auditor.evidence.checks.accounts has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import part
from auditor.kernel.reading import big_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

LDAP_REQUEST, LDAP_RESPONSE, KERBEROS, SNMP_REQUEST, SNMP_RESPONSE = 0, 1, 2, 3, 4

_INTEGER, _OCTETS, _OID, _ENUMERATED, _SEQUENCE = 0x02, 0x04, 0x06, 0x0A, 0x30
_CONTROLS = 0xA0
_LONGEST = 1 << 24


@part
def answer(which: int, data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Answer one check of one payload; which: a number from above."""
    if which == KERBEROS:
        return _is_kerberos(data, start, end)
    if which in (SNMP_REQUEST, SNMP_RESPONSE):
        unit = _snmp_unit(data, start, end)
        answer = unit in (0xA2, 0xA8)
        return answer if which == SNMP_RESPONSE else 0xA0 <= unit <= 0xA8 and not answer
    operation = _ldap_operation(data, start, end)
    response = _is_result(operation) or operation in (0x64, 0x73)
    return response if which == LDAP_RESPONSE else operation != 0 and not response


@part
def _read(data: NDArray[np.uint8], start: int, end: int, place: int) -> tuple[int, int, int]:
    """Give tag, start and end of a value at a place; -1 and the payload's start for none."""
    if place + 2 > end:
        return -1, start, start
    tag, length = np.int64(data[place]), np.int64(data[place + 1])
    begin = place + 2
    if length > 0x7F:
        width = length & 0x7F
        if not 0 < width <= 4 or begin + width > end:
            return -1, start, start
        length = big_endian(data, begin, end, width)
        begin += width
    if length > _LONGEST:
        return -1, start, start
    return tag, begin, begin + length


@part
def _number(data: NDArray[np.uint8], end: int, value: tuple[int, int, int], tag: int) -> int:
    """Give a small non-negative number; -1 for anything else."""
    kind, begin, stop = value
    if kind != tag or not 0 < stop - begin <= 5 or stop > end or data[begin] > 0x7F:
        return -1
    return big_endian(data, begin, stop, stop - begin)


@part
def _is_result(tag: int) -> bool:
    """Tell the tags of LDAP's results."""
    return tag in (0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78)


@part
def _ldap_operation(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Give the tag of the operation in an LDAP message; 0 where it is none."""
    tag, begin, message_end = _read(data, start, end, start)
    number = _read(data, start, end, begin)
    if tag != _SEQUENCE or _number(data, end, number, _INTEGER) < 0:
        return 0
    operation = _read(data, start, end, number[2])
    following = operation[2]
    if following > message_end:
        return 0
    if following < min(message_end, end) and data[following] != _CONTROLS:
        return 0
    return operation[0] if _fits_ldap(data, start, end, operation) else 0


@part
def _fits_ldap(
    data: NDArray[np.uint8], start: int, end: int, operation: tuple[int, int, int]
) -> bool:
    """Read the fields that an LDAP operation begins with."""
    tag = operation[0]
    first = _read(data, start, end, operation[1])
    second = _read(data, start, end, first[2])
    third = _read(data, start, end, second[2])
    if tag == 0x42:
        return operation[1] == operation[2]
    if tag == 0x60:
        known = 2 <= _number(data, end, first, _INTEGER) <= 3 and second[0] == _OCTETS
        credentials = third[0] in (0x80, 0xA3, 0x89, 0x8A, 0x8B)
        return known and credentials and third[2] == operation[2]
    if _is_result(tag):
        code = _number(data, end, first, _ENUMERATED)
        return 0 <= code <= 123 and second[0] == _OCTETS and third[0] == _OCTETS
    if tag == 0x63:
        scope = _number(data, end, second, _ENUMERATED)
        aliases = _number(data, end, third, _ENUMERATED)
        return first[0] == _OCTETS and 0 <= scope < 4 and 0 <= aliases < 4
    if tag == 0x77:
        return first[0] == 0x80 and _is_identifier(data, first[1], min(first[2], end))
    return (
        tag in (0x64, 0x73, 0x66, 0x68, 0x6C, 0x6E)
        and first[0] == _OCTETS
        and first[2] < operation[2]
        and second[0] in (_SEQUENCE, _OCTETS)
    )


@part
def _is_identifier(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell more than four digits and dots."""
    for place in range(start, end):
        if data[place] != 0x2E and not 0x30 <= data[place] <= 0x39:
            return False
    return end - start > 4


@part
def _is_kerberos(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Read a Kerberos message, over TCP behind its length."""
    length = -1
    if start < end and data[start] == 0:
        length = big_endian(data, start, end, 4)
        start = min(start + 4, end)
    message = _read(data, start, end, start)
    if length >= 0 and message[2] - start != length:
        return False
    body = _read(data, start, end, message[1])
    kind = message[0] & 0x1F
    request = kind in (10, 12)
    if not request and kind not in (11, 13, 14, 15, 20, 21, 22, 30):
        return False
    if body[2] != message[2]:
        return False
    first_tag = 0xA1 if request else 0xA0
    version = _read(data, start, end, body[1])
    type_ = _read(data, start, end, version[2])
    return (
        message[0] & 0xE0 == 0x60
        and body[0] == _SEQUENCE
        and version[0] == first_tag
        and type_[0] == first_tag + 1
        and _holds_integer(data, end, version, 5)
        and _holds_integer(data, end, type_, kind)
    )


@part
def _holds_integer(
    data: NDArray[np.uint8], end: int, value: tuple[int, int, int], number: int
) -> bool:
    """Say whether a value is an integer of one byte."""
    _, begin, stop = value
    return (
        min(stop, end) - begin == 3
        and data[begin] == _INTEGER
        and data[begin + 1] == 1
        and data[begin + 2] == number
    )


@part
def _snmp_unit(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Give the tag of the data unit of SNMP 1 or 2c; 0 where there is none."""
    message = _read(data, start, end, start)
    version = _read(data, start, end, message[1])
    community = _read(data, start, end, version[2])
    unit = _read(data, start, end, community[2])
    first = _read(data, start, end, unit[1])
    fits = (
        message[0] == _SEQUENCE
        and message[2] == end
        and unit[2] == end
        and 0 <= _number(data, end, version, _INTEGER) <= 1
        and community[0] == _OCTETS
        and first[0] == (_OID if unit[0] == 0xA4 else _INTEGER)
    )
    return unit[0] if fits else 0
