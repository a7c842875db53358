"""Databases: SQL Server's TDS ([MS-TDS]), MySQL's greeting, PostgreSQL's first messages."""

from __future__ import annotations

from auditor.evidence.cursor import Cursor

_TDS_HEADER_LEN = 8
_TDS_KINDS = frozenset({1, 3, 4, 6, 7, 14, 16, 17, 18})
_TDS_LAST = 0x01
_TDS_STATUS = 0x1F
_PRELOGIN_END, _PRELOGIN_LAST = 0xFF, 8
_SHORTEST_LOGIN = 36
_TDS_VERSIONS = frozenset(
    bytes.fromhex(version)
    for version in ("00000070", "00000071", "01000071", "02000972", "03000A73", "03000B73",
                    "04000074", "00000080", "00000008")
)  # fmt: skip
# ALTMETADATA, COLMETADATA, ORDER, ERROR, INFO, LOGINACK, FEATUREEXTACK, ROW, ENVCHANGE, SSPI, DONE.
_TOKENS = frozenset({0x88, 0x81, 0xA9, 0xAA, 0xAB, 0xAD, 0xAE, 0xD1, 0xE3, 0xED, 0xFD, 0xFE, 0xFF})
_GREETING_VERSION = 10
_AUTHENTICATIONS = frozenset({0, 2, 3, 5, 6, 7, 8, 9, 10})
_LONGEST_STARTUP = 10_000


def tds_prelogin(payload: bytes) -> bool:
    """Read the options of a prelogin, or of the answer in the same form; all lie inside it."""
    length = int.from_bytes(payload[2:4], "big")
    if length > len(payload) or not _is_tds_header(payload):
        return False
    place = _TDS_HEADER_LEN
    if payload[place : place + 1] != b"\0":
        return False
    while place + 5 <= length and payload[place] != _PRELOGIN_END:
        offset, size = (int.from_bytes(payload[place + i : place + i + 2], "big") for i in (1, 3))
        if payload[place] > _PRELOGIN_LAST or _TDS_HEADER_LEN + offset + size > length:
            return False
        place += 5
    return payload[place : place + 1] == b"\xff"


def tds_login(payload: bytes) -> bool:
    """Read the length and the version in a login of TDS 7 or later."""
    body_len = int.from_bytes(payload[8:12], "little")
    packet_len = int.from_bytes(payload[2:4], "big")
    return (
        _is_tds_header(payload)
        and body_len >= _SHORTEST_LOGIN
        and payload[12:16] in _TDS_VERSIONS
        and (packet_len == body_len + _TDS_HEADER_LEN or not payload[1] & _TDS_LAST)
    )


def tds_tokens(payload: bytes) -> bool:
    """Read a server's packet: its first token is one that an answer begins with."""
    return tds_packets(payload) and payload[_TDS_HEADER_LEN] in _TOKENS


def tds_packets(payload: bytes) -> bool:
    """Follow packets to the end of the payload, where a message must end too."""
    place = 0
    while place < len(payload):
        header = payload[place : place + _TDS_HEADER_LEN]
        length = int.from_bytes(header[2:4], "big")
        last = len(header) == _TDS_HEADER_LEN and header[1] & _TDS_LAST
        if not _is_tds_header(header) or header[0] not in _TDS_KINDS:
            return False
        place += length
        if place == len(payload):
            return bool(last) and length > _TDS_HEADER_LEN
    return False


def _is_tds_header(payload: bytes) -> bool:
    """Tell a packet header by its status, its length and the window that is never used."""
    return (
        len(payload) >= _TDS_HEADER_LEN
        and payload[1] <= _TDS_STATUS
        and int.from_bytes(payload[2:4], "big") >= _TDS_HEADER_LEN
        and payload[7] == 0
    )


def mysql_greeting(payload: bytes) -> bool:
    """Read a server's greeting, version 10: a version in print, and the filler behind the salt."""
    length = int.from_bytes(payload[:3], "little")
    end = payload.find(b"\0", 5)
    version = payload[5:end] if end > 0 else b""
    return (
        payload[3:5] == bytes([0, _GREETING_VERSION])
        and length + 4 <= len(payload)
        and 0 < len(version) <= 80
        and version[:1].isdigit()
        and version.isascii()
        and payload[end + 13 : end + 14] == b"\0"
    )


def postgresql_startup(payload: bytes) -> bool:
    """Read a start-up message: pairs of names and values that fill its length, `user` first."""
    length = int.from_bytes(payload[:4], "big")
    pairs = payload[8:length]
    return (
        8 < length <= min(len(payload), _LONGEST_STARTUP)
        and pairs.endswith(b"\0\0")
        and (pairs.startswith(b"user\0") or b"\0user\0" in pairs)
    )


def postgresql_authentication(payload: bytes) -> bool:
    """Read the server's authentication request and what may follow it."""
    cursor = Cursor(payload)
    cursor.skip(1)
    length, kind = cursor.number(4), cursor.number(4)
    following = payload[1 + length : 2 + length]
    return (
        8 <= length < len(payload)
        and kind in _AUTHENTICATIONS
        and (kind not in {0, 2, 3, 6, 7, 9} or length == 8)
        and (not following or following in b"SKZNER")
    )
