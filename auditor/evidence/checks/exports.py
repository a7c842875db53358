"""Flow records on their way to a collector: IPFIX (RFC 7011), NetFlow 9 (RFC 3954) and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPFIX_HEADER_LEN, _NETFLOW9_HEADER_LEN = 16, 20
_NETFLOW5_HEADER_LEN, _NETFLOW5_RECORD_LEN = 24, 48
_NETFLOW5_MOST_RECORDS = 30
_TEMPLATE_SETS = {2: 4, 3: 6}
"""Sets that hold templates, by number, and how long a template's own header is in each."""
_FIRST_DATA_SET = 256
_NETSCALER_ENTERPRISE = 5951
_NETFLOW9_TEMPLATES = frozenset({0, 1})
# From 2001 to 2096: an exporter without a clock starts in 1970, and is then taken for weak.
_PLAUSIBLE_TIMES = range(1_000_000_000, 4_000_000_000)


def ipfix_message(payload: bytes) -> bool:
    """Follow an IPFIX message from set to set to the end of the datagram."""
    if len(payload) < _IPFIX_HEADER_LEN or not _has_time(payload, 4):
        return False
    sets = list(_sets(payload, _IPFIX_HEADER_LEN))
    known = all(number in _TEMPLATE_SETS or number >= _FIRST_DATA_SET for number in sets)
    return int.from_bytes(payload[2:4], "big") == len(payload) and bool(sets) and known


def ipfix_netscaler(payload: bytes) -> bool:
    """Look among the templates of an IPFIX message for a field of NetScaler's own."""
    place = _IPFIX_HEADER_LEN
    for number in _sets(payload, place):
        end = place + int.from_bytes(payload[place + 2 : place + 4], "big")
        if number in _TEMPLATE_SETS:
            fields = _fields(payload[place + 4 : end], _TEMPLATE_SETS[number])
            if _NETSCALER_ENTERPRISE in fields:
                return True
        place = end
    return False


def _fields(templates: bytes, header_len: int) -> Iterator[int]:
    """Give the enterprise of each field of each template; 0 for fields of the standard."""
    cursor = Cursor(templates)
    while cursor.left > header_len:
        cursor.skip(2)
        count = cursor.number(2)
        cursor.skip(header_len - 4)
        for _ in range(count):
            if cursor.left < 4:
                return
            private = cursor.number(2) & 0x8000
            cursor.skip(2)
            yield cursor.number(4) if private else 0


def netflow9_message(payload: bytes) -> bool:
    """Follow a NetFlow 9 packet from set to set to the end of the datagram."""
    if len(payload) < _NETFLOW9_HEADER_LEN or not _has_time(payload, 8):
        return False
    sets = list(_sets(payload, _NETFLOW9_HEADER_LEN))
    known = all(number in _NETFLOW9_TEMPLATES or number >= _FIRST_DATA_SET for number in sets)
    count = int.from_bytes(payload[2:4], "big")
    return bool(sets) and known and 0 < count <= len(payload)


def _sets(payload: bytes, place: int) -> Iterator[int]:
    """Give the number of each set; -1 where the lengths do not lead to the end."""
    while place < len(payload):
        number, length = (int.from_bytes(payload[place + i : place + i + 2], "big") for i in (0, 2))
        place += length
        if length < 4 or place > len(payload):
            yield -1
            return
        yield number


def _has_time(payload: bytes, place: int) -> bool:
    return int.from_bytes(payload[place : place + 4], "big") in _PLAUSIBLE_TIMES


def netflow5_message(payload: bytes) -> bool:
    """Hold the count of records in a NetFlow 5 packet against its length."""
    count = int.from_bytes(payload[2:4], "big")
    expected = _NETFLOW5_HEADER_LEN + count * _NETFLOW5_RECORD_LEN
    return 0 < count <= _NETFLOW5_MOST_RECORDS and len(payload) == expected
