"""Messages in ASN.1: LDAP (RFC 4511), Kerberos (RFC 4120, RFC 3244), SNMP (RFC 3416, RFC 3412)."""

from __future__ import annotations

from typing import NamedTuple

_INTEGER, _OCTETS, _OID, _ENUMERATED, _SEQUENCE = 0x02, 0x04, 0x06, 0x0A, 0x30
_CONTROLS = b"\xa0"
_LONGEST = 1 << 24

_LDAP_BIND, _LDAP_UNBIND, _LDAP_SEARCH, _LDAP_EXTENDED = 0x60, 0x42, 0x63, 0x77
_LDAP_RESULTS = frozenset({0x61, 0x65, 0x67, 0x69, 0x6B, 0x6D, 0x6F, 0x78})
_LDAP_ENTRIES = frozenset({0x64, 0x73})
_LDAP_CHANGES = frozenset({0x66, 0x68, 0x6C, 0x6E})
_LDAP_CREDENTIALS = frozenset({0x80, 0xA3, 0x89, 0x8A, 0x8B})
_LDAP_LAST_RESULT = 123

_KERBEROS_REQUESTS = frozenset({10, 12})
_KERBEROS_OTHERS = frozenset({11, 13, 14, 15, 20, 21, 22, 30})
_KPASSWD_VERSIONS = frozenset({b"\x00\x01", b"\xff\x80"})
_AP_MESSAGES = frozenset({0x6E, 0x6F, 0x7E})

_SNMP_V1, _SNMP_V2C, _SNMP_V3 = 0, 1, 3
_SNMP_PDUS = frozenset(range(0xA0, 0xA9))
_SNMP_ANSWERS = frozenset({0xA2, 0xA8})
_SNMP_SMALLEST = 484
_SNMP_TRAP_V1 = 0xA4


class _Value(NamedTuple):
    """One encoded value; its content may be claimed beyond the end of the payload."""

    tag: int
    start: int
    end: int


_NOTHING = _Value(-1, 0, 0)


def _read(payload: bytes, place: int) -> _Value:
    """Read a tag and a definite length; _NOTHING where they are missing or make no sense."""
    if place + 2 > len(payload):
        return _NOTHING
    tag, length, start = payload[place], payload[place + 1], place + 2
    if length > 0x7F:
        width = length & 0x7F
        digits = payload[start : start + width]
        if not 0 < width <= 4 or len(digits) < width:
            return _NOTHING
        length, start = int.from_bytes(digits, "big"), start + width
    return _Value(tag, start, start + length) if length <= _LONGEST else _NOTHING


def _number(payload: bytes, value: _Value, tag: int = _INTEGER) -> int:
    """Give a small non-negative number; -1 for anything else."""
    digits = payload[value.start : value.end]
    if value.tag != tag or not 0 < len(digits) == value.end - value.start <= 5 or digits[0] > 0x7F:
        return -1
    return int.from_bytes(digits, "big")


def ldap_request(payload: bytes) -> bool:
    """Read a client's message: number, operation, the fields that the operation begins with."""
    return _ldap_operation(payload) not in _LDAP_RESULTS | _LDAP_ENTRIES | {0}


def ldap_response(payload: bytes) -> bool:
    """Read a server's message in the same way."""
    return _ldap_operation(payload) in _LDAP_RESULTS | _LDAP_ENTRIES


def _ldap_operation(payload: bytes) -> int:
    """Give the tag of the operation in an LDAP message; 0 where it is none."""
    message = _read(payload, 0)
    number = _read(payload, message.start)
    if message.tag != _SEQUENCE or _number(payload, number) < 0:
        return 0
    operation = _read(payload, number.end)
    following = payload[operation.end : min(operation.end + 1, message.end)]
    if operation.end > message.end or following not in {b"", _CONTROLS}:
        return 0
    return operation.tag if _fits_ldap(payload, operation) else 0


def _fits_ldap(payload: bytes, operation: _Value) -> bool:
    first = _read(payload, operation.start)
    second = _read(payload, first.end)
    third = _read(payload, second.end)
    if operation.tag == _LDAP_UNBIND:
        return operation.start == operation.end
    if operation.tag == _LDAP_BIND:
        known = _number(payload, first) in {2, 3} and second.tag == _OCTETS
        return known and third.tag in _LDAP_CREDENTIALS and third.end == operation.end
    if operation.tag in _LDAP_RESULTS:
        code = _number(payload, first, _ENUMERATED)
        return 0 <= code <= _LDAP_LAST_RESULT and second.tag == third.tag == _OCTETS
    if operation.tag == _LDAP_SEARCH:
        scope, aliases = _number(payload, second, _ENUMERATED), _number(payload, third, _ENUMERATED)
        return first.tag == _OCTETS and scope in range(4) and aliases in range(4)
    if operation.tag == _LDAP_EXTENDED:
        name = payload[first.start : first.end]
        return first.tag == 0x80 and len(name) > 4 and not name.strip(b"0123456789.")
    return (
        operation.tag in _LDAP_ENTRIES | _LDAP_CHANGES
        and first.tag == _OCTETS
        and first.end < operation.end
        and second.tag in {_SEQUENCE, _OCTETS}
    )


def kerberos_message(payload: bytes) -> bool:
    """Read a Kerberos message: version 5, and the type that its outermost tag repeats.

    Over TCP a length of four bytes stands before it (RFC 4120 section 7.2.2).
    """
    if payload[:1] == b"\0":
        length = int.from_bytes(payload[:4], "big")
        payload = payload[4:]
        message = _read(payload, 0)
        if message.end != length:
            return False
    message = _read(payload, 0)
    body = _read(payload, message.start)
    kind = message.tag & 0x1F
    # The requests of the ticket service count their fields from 1, all others from 0.
    first_tag = 0xA1 if kind in _KERBEROS_REQUESTS else 0xA0
    if kind not in _KERBEROS_REQUESTS | _KERBEROS_OTHERS or body.end != message.end:
        return False
    version = _read(payload, body.start)
    type_ = _read(payload, version.end)
    return (
        message.tag & 0xE0 == 0x60
        and body.tag == _SEQUENCE
        and version.tag == first_tag
        and type_.tag == first_tag + 1
        and payload[version.start : version.end] == b"\x02\x01\x05"
        and payload[type_.start : type_.end] == bytes([_INTEGER, 1, kind])
    )


def kpasswd_message(payload: bytes) -> bool:
    """Read a password change: length, version, and the authenticator that it carries."""
    if payload[:2] == b"\0\0":
        payload = payload[4:]
    length, authenticator_len = (int.from_bytes(payload[i : i + 2], "big") for i in (0, 4))
    carried = _read(payload, 6)
    return (
        payload[2:4] in _KPASSWD_VERSIONS
        and length >= 6 + authenticator_len
        and length <= len(payload)
        and carried.tag in _AP_MESSAGES
        and (authenticator_len in {0, carried.end - 6})
    )


def snmp_request(payload: bytes) -> bool:
    """Read a question, a trap or an inform of SNMP 1 or 2c."""
    return _snmp_unit(payload) in _SNMP_PDUS - _SNMP_ANSWERS


def snmp_response(payload: bytes) -> bool:
    """Read an answer or a report of SNMP 1 or 2c."""
    return _snmp_unit(payload) in _SNMP_ANSWERS


def _snmp_unit(payload: bytes) -> int:
    """Give the tag of the protocol data unit; 0 where the message is none of version 1 or 2c."""
    message = _read(payload, 0)
    version = _read(payload, message.start)
    community = _read(payload, version.end)
    unit = _read(payload, community.end)
    first = _read(payload, unit.start)
    fits = (
        message.tag == _SEQUENCE
        and message.end == unit.end == len(payload)
        and _number(payload, version) in {_SNMP_V1, _SNMP_V2C}
        and community.tag == _OCTETS
        and first.tag == (_OID if unit.tag == _SNMP_TRAP_V1 else _INTEGER)
    )
    return unit.tag if fits else 0


def snmp3_message(payload: bytes) -> bool:
    """Read the header of SNMP 3: number, largest size, flags, security model."""
    message = _read(payload, 0)
    version = _read(payload, message.start)
    header = _read(payload, version.end)
    number = _read(payload, header.start)
    size = _read(payload, number.end)
    flags = _read(payload, size.end)
    model = _read(payload, flags.end)
    return (
        message.tag == header.tag == _SEQUENCE
        and message.end == len(payload)
        and _number(payload, version) == _SNMP_V3
        and _number(payload, number) >= 0
        and _number(payload, size) >= _SNMP_SMALLEST
        and flags.tag == _OCTETS
        and flags.end - flags.start == 1
        and _number(payload, model) >= 0
        and model.end == header.end
        and _read(payload, header.end).tag == _OCTETS
    )
