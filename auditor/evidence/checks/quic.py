"""Long headers of QUIC (RFC 8999, RFC 9000, RFC 9369) and the public header of Google's QUIC."""

from __future__ import annotations

from auditor.evidence.cursor import Cursor

_VERSION_1, _VERSION_2 = 0x0000_0001, 0x6B33_43CF
_DRAFTS = range(0xFF00_0011, 0xFF00_0030)
_GOOGLE_LONG = frozenset({b"Q046", b"Q050", b"T050", b"T051"})
_LONGEST_ID = 20
_INITIAL, _RETRY = 0, 3
_RETRY_TAG_LEN = 16
_GOOGLE_VERSION_AND_ID = 0x09


def quic_long_header(payload: bytes) -> bool:
    """Read a long header of a known version: its connection ids, token and length fit."""
    version = payload[1:5]
    number = int.from_bytes(version, "big")
    if number not in {_VERSION_1, _VERSION_2} and number not in _DRAFTS:
        return version in _GOOGLE_LONG and len(payload) > 20
    cursor = Cursor(payload)
    cursor.skip(5)
    for _ in range(2):
        identifier = cursor.block(1)
        if not identifier.whole or identifier.left > _LONGEST_ID:
            return False
    kind = payload[0] >> 4 & 3
    if number == _VERSION_2:
        kind = (kind - 1) & 3  # version 2 numbers the same four types one higher
    if kind == _RETRY:
        return cursor.left >= _RETRY_TAG_LEN
    if kind == _INITIAL:
        token_len = cursor.variable()
        if token_len > cursor.left:
            return False
        cursor.skip(token_len)
    return 20 <= cursor.variable() <= cursor.left


def quic_versions(payload: bytes) -> bool:
    """Read a version negotiation: whole version numbers to the end, a known one among them."""
    cursor = Cursor(payload)
    cursor.skip(5)
    for _ in range(2):
        if not cursor.block(1).whole:
            return False
    if not cursor.left or cursor.left % 4:
        return False
    versions = [cursor.number(4) for _ in range(cursor.left // 4)]
    return any(v in {_VERSION_1, _VERSION_2} or v in _DRAFTS or _is_google(v) for v in versions)


def gquic_packet(payload: bytes) -> bool:
    """Look for Google's public header: flags, connection id, a version such as Q043."""
    if len(payload) <= 14:
        return False
    flags = payload[0]
    return (
        flags & _GOOGLE_VERSION_AND_ID == _GOOGLE_VERSION_AND_ID
        and flags & 0xC0 == 0
        and _is_google(int.from_bytes(payload[9:13], "big"))
    )


def _is_google(version: int) -> bool:
    text = version.to_bytes(4, "big")
    return text[:1] in {b"Q", b"T"} and text[1:].isdigit()
