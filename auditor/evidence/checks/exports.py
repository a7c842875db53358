"""Flow records on their way to a collector: IPFIX (RFC 7011), NetFlow 9 (RFC 3954) and 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_IPFIX_HEADER_LEN, _NETFLOW9_HEADER_LEN = 16, 20
_NETFLOW5_HEADER_LEN, _NETFLOW5_RECORD_LEN = 24, 48
_NETFLOW5_MOST_RECORDS = 30
_FIRST_DATA_SET = 256
_NEWEST_NETFLOW9_SET = 2
# From 2001 to 2096: an exporter without a clock starts in 1970, and is then taken for weak.
_PLAUSIBLE_TIMES = range(1_000_000_000, 4_000_000_000)


def ipfix_message(payload: bytes) -> bool:
    """Follow an IPFIX message from set to set to the end of the datagram."""
    if len(payload) < _IPFIX_HEADER_LEN or not _has_time(payload, 4):
        return False
    sets = list(_sets(payload, _IPFIX_HEADER_LEN))
    known = all(number in {2, 3} or number >= _FIRST_DATA_SET for number in sets)
    return int.from_bytes(payload[2:4], "big") == len(payload) and bool(sets) and known


def netflow9_message(payload: bytes) -> bool:
    """Follow a NetFlow 9 packet from set to set to the end of the datagram."""
    if len(payload) < _NETFLOW9_HEADER_LEN or not _has_time(payload, 8):
        return False
    sets = list(_sets(payload, _NETFLOW9_HEADER_LEN))
    return bool(sets) and all(
        number < _NEWEST_NETFLOW9_SET or number >= _FIRST_DATA_SET for number in sets
    )


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
