"""Names that Windows hosts register and answer for in the NetBIOS name service (RFC 1002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.dns import Answer
from auditor.evidence.dns_message import OPCODE, RCODE, RESPONSE, Message
from auditor.records import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.evidence.dns_message import Labels

_QUERY, _REGISTRATION, _REFRESH, _OTHER_REFRESH, _MULTI_HOMED = 0, 5, 8, 9, 15
_CLAIMS = frozenset({_REGISTRATION, _REFRESH, _OTHER_REFRESH, _MULTI_HOMED})
"""Opcodes by which a host claims a name; RFC 1002 gives refresh two numbers."""
_CONFIRMS = frozenset({_QUERY, _REGISTRATION})
_NB, _INTERNET = 0x0020, 1
_ENTRY_LEN = 6
_MOST_ENTRIES = 32
_GROUP = 0x8000
_CODED_LEN = 32
_FIRST_LETTER = ord("a")
_WORKSTATION, _SERVER = 0x00, 0x20


def read_netbios(data: bytes) -> list[Answer]:
    """List the hosts' names that a registration claims, or a positive answer confirms.

    Names of groups, users and services other than workstation and server name no host.
    """
    message = Message.of(data)
    if message is None or message.flags & RCODE:
        return []
    opcodes = _CONFIRMS if message.flags & RESPONSE else _CLAIMS
    if (message.flags & OPCODE) >> 11 not in opcodes:
        return []
    _, place = message.question()
    found = []
    for record in message.records(place, message.records_claimed):
        if record.kind != _NB or record.family != _INTERNET:
            continue
        name = _host_name(record.owner)
        if name is not None:
            entries = data[record.start : record.start + record.length]
            found += [Answer(address, (name,)) for address in _unique(entries)]
    return found


def _host_name(labels: Labels) -> bytes | None:
    """Undo the first-level encoding (RFC 1001 section 14.1): two letters for every byte."""
    if not labels or len(labels[0]) != _CODED_LEN:
        return None
    halves = [letter - _FIRST_LETTER for letter in labels[0]]
    if not all(0 <= half < 16 for half in halves):
        return None
    *name, service = (high << 4 | low for high, low in zip(halves[::2], halves[1::2], strict=True))
    if service not in {_WORKSTATION, _SERVER}:
        return None
    return bytes(name).rstrip(b" \0").lower() or None


def _unique(entries: bytes) -> Iterator[tuple[int, int]]:
    """Give the address words of the entries that are no group's."""
    end = min(len(entries), _MOST_ENTRIES * _ENTRY_LEN)
    for place in range(0, end - _ENTRY_LEN + 1, _ENTRY_LEN):
        flags = int.from_bytes(entries[place : place + 2], "big")
        if not flags & _GROUP:
            number = int.from_bytes(entries[place + 2 : place + _ENTRY_LEN], "big")
            yield 0, IPV4_MAPPED | number
