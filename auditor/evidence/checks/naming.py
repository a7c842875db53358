"""Messages in the form of DNS (RFC 1035), and NetBIOS names (RFC 1001, RFC 1002).

mDNS (RFC 6762) and LLMNR (RFC 4795) use the same form; a port tells them apart, a payload does not.
"""

from __future__ import annotations

from struct import Struct

_HEADER = Struct(">6H")
_QUESTION = Struct(">HH")
_RECORD = Struct(">HHIH")
_OPCODES = frozenset({0, 1, 2, 4, 5})
_LAST_RCODE = 11
_RESERVED = 0x0040
_MOST_QUESTIONS, _MOST_RECORDS = 64, 1024
_CLASSES = frozenset({1, 3, 4, 254, 255})
_KINDS = frozenset({*range(1, 66), *range(99, 110), *range(249, 262), 32768, 32769})
_OPT, _TSIG, _SIG0 = 41, 250, 24
_LONGEST_NAME = 255
_LONGEST_LABEL = 63
_POINTER = 0xC0
_NETBIOS_KINDS = frozenset({b"\0\x0a", b"\0\x01", b"\0\x02", b"\0\x20", b"\0\x21"})
_CODED = frozenset(b"ABCDEFGHIJKLMNOP")
_DATAGRAM_HEADER_LEN = 14
_MORE = 0x01


def dns_message(payload: bytes) -> bool:
    """Parse a message to its last byte: every name, type, class and length is as it must be."""
    if len(payload) < _HEADER.size:
        return False
    _, flags, questions, *others = _HEADER.unpack_from(payload)
    records = sum(others)
    if not _plausible(flags, questions, records):
        return False
    place = _HEADER.size
    for _ in range(questions):
        place = _after_question(payload, place)
        if not place:
            return False
    for _ in range(records):
        place = _after_record(payload, place)
        if not place:
            return False
    return place == len(payload)


def dns_question(payload: bytes) -> bool:
    """Read the header and one question of a message that may be cut."""
    if len(payload) < _HEADER.size:
        return False
    _, flags, questions, *others = _HEADER.unpack_from(payload)
    plausible = questions == 1 and _plausible(flags, questions, sum(others))
    return plausible and _after_question(payload, _HEADER.size) > _HEADER.size + 5


def dns_over_tcp(payload: bytes) -> bool:
    """Parse the first message of a stream behind its length."""
    end = 2 + int.from_bytes(payload[:2], "big")
    message = payload[2:end]
    return dns_message(message) if end <= len(payload) else dns_question(message)


def _plausible(flags: int, questions: int, records: int) -> bool:
    response = flags >> 15
    return (
        flags >> 11 & 15 in _OPCODES
        and not flags & _RESERVED
        and flags & 15 <= (_LAST_RCODE if response else 0)
        and questions <= _MOST_QUESTIONS
        and records <= _MOST_RECORDS
        and (questions > 0 or (response > 0 and records > 0))
    )


def _after_question(payload: bytes, place: int) -> int:
    """Give the place behind a question; 0 where there is none."""
    place = _after_name(payload, place)
    if not place or place + _QUESTION.size > len(payload):
        return 0
    kind, family = _QUESTION.unpack_from(payload, place)
    known = kind in _KINDS and family & 0x7FFF in _CLASSES
    return place + _QUESTION.size if known else 0


def _after_record(payload: bytes, place: int) -> int:
    """Give the place behind a resource record; 0 where there is none."""
    place = _after_name(payload, place)
    if not place or place + _RECORD.size > len(payload):
        return 0
    kind, family, _, length = _RECORD.unpack_from(payload, place)
    place += _RECORD.size + length
    # The class of these holds something else (RFC 6891, RFC 8945, RFC 2931).
    known = kind in {_OPT, _TSIG, _SIG0} or (kind in _KINDS and family & 0x7FFF in _CLASSES)
    return place if known and place <= len(payload) else 0


def _after_name(payload: bytes, place: int) -> int:
    """Give the place behind a name; 0 where labels or a pointer are not as they must be."""
    start = place
    while place < len(payload) and place - start < _LONGEST_NAME:
        length = payload[place]
        if length == 0:
            return place + 1
        if length >= _POINTER:
            target = int.from_bytes(payload[place : place + 2], "big") & 0x3FFF
            backwards = _HEADER.size <= target < start and place + 2 <= len(payload)
            return place + 2 if backwards else 0
        label = payload[place + 1 : place + 1 + length]
        if length > _LONGEST_LABEL or min(label, default=0) < 0x20:
            return 0
        place += 1 + length
    return 0


def netbios_name_message(payload: bytes) -> bool:
    """Read a name service message: what is asked or told begins with a name in its half-bytes."""
    if len(payload) < _HEADER.size:
        return False
    _, _, questions, answers, authorities, additions = _HEADER.unpack_from(payload)
    name_end = _after_coded_name(payload, _HEADER.size)
    if not name_end or max(questions, answers, authorities, additions) > 1:
        return False
    kind, family = (payload[name_end + i : name_end + i + 2] for i in (0, 2))
    return kind in _NETBIOS_KINDS and family == b"\0\x01"


def netbios_datagram(payload: bytes) -> bool:
    """Read a datagram service message: its length, and the two names that follow."""
    if len(payload) < _DATAGRAM_HEADER_LEN or not 0x10 <= payload[0] <= 0x12:
        return False
    length = int.from_bytes(payload[10:12], "big")
    second = _after_coded_name(payload, _DATAGRAM_HEADER_LEN)
    # A fragment that is not the first, or an old server that counts the header in, ends elsewhere.
    fits = length in {len(payload) - _DATAGRAM_HEADER_LEN, len(payload)} or payload[1] & _MORE
    return bool(fits and second and _after_coded_name(payload, second))


def netbios_session_request(payload: bytes) -> bool:
    """Read a session request: two names that fill the length given."""
    called = _after_coded_name(payload, 4)
    end = _after_coded_name(payload, called) if called else 0
    return end > 0 and end == 4 + int.from_bytes(payload[2:4], "big")


def _after_coded_name(payload: bytes, place: int) -> int:
    """Give the place behind a name of 32 letters A to P and its scope; 0 where there is none."""
    coded = payload[place + 1 : place + 33]
    if payload[place : place + 1] != b"\x20" or len(coded) < 32 or not _CODED.issuperset(coded):
        return 0
    return _after_name(payload, place)
