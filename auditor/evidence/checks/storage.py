"""Storage and remote calls: ONC RPC (RFC 5531), its programs, and iSCSI logins (RFC 7143)."""

from __future__ import annotations

from auditor.evidence.cursor import Cursor

_CALL, _REPLY = 0, 1
_RPC_VERSION = 2
_LAST_FRAGMENT = 0x8000_0000
_LONGEST_FRAGMENT = 1 << 22
# Port mapper and its kin begin at 100000; from 0x40000000 on numbers are for the moment only.
_PROGRAMS = range(100_000, 0x4000_0000)
_MOST_PROGRAM_VERSIONS = 10
_MOST_PROCEDURES = 64
_CREDENTIALS = frozenset({0, 1, 2, 3, 6})
_LONGEST_CREDENTIAL = 400
_LAST_ACCEPT_STATE = 5
_ISCSI_HEADER_LEN = 48


def rpc_call(payload: bytes) -> bool:
    """Read a call: RPC version 2, a program of a known range, credentials of known kinds."""
    cursor = Cursor(payload)
    cursor.skip(4)
    kind, version, program, program_version, procedure = (cursor.number(4) for _ in range(5))
    flavour, length = cursor.number(4), cursor.number(4)
    return (
        len(payload) >= 32
        and kind == _CALL
        and version == _RPC_VERSION
        and program in _PROGRAMS
        and program_version < _MOST_PROGRAM_VERSIONS
        and procedure < _MOST_PROCEDURES
        and flavour in _CREDENTIALS
        and length <= _LONGEST_CREDENTIAL
    )


def rpc_call_over_tcp(payload: bytes) -> bool:
    """Read a call behind the mark that counts its bytes."""
    return _fragment_len(payload) >= 40 and rpc_call(payload[4:])


def rpc_reply_over_tcp(payload: bytes) -> bool:
    """Read an accepted reply behind the mark that counts its bytes."""
    cursor = Cursor(payload)
    cursor.skip(8)
    kind, state, flavour, length = (cursor.number(4) for _ in range(4))
    fragment_len = _fragment_len(payload)
    cursor.skip(length)
    accepted = cursor.number(4)
    return (
        len(payload) >= 28
        and 24 + length <= fragment_len <= len(payload) - 4
        and kind == _REPLY
        and state == 0
        and flavour in _CREDENTIALS
        and length <= _LONGEST_CREDENTIAL
        and accepted <= _LAST_ACCEPT_STATE
    )


def _fragment_len(payload: bytes) -> int:
    mark = int.from_bytes(payload[:4], "big")
    length = mark & ~_LAST_FRAGMENT
    return length if mark & _LAST_FRAGMENT and length <= _LONGEST_FRAGMENT else 0


def iscsi_login(payload: bytes) -> bool:
    """Read a login or its answer: reserved fields, and text of KEY=VALUE that fills its length."""
    length = int.from_bytes(payload[5:8], "big")
    text = payload[_ISCSI_HEADER_LEN : _ISCSI_HEADER_LEN + length]
    return (
        len(payload) >= _ISCSI_HEADER_LEN
        and payload[4] == 0
        and 0 < length == len(text)
        and text.endswith(b"\0")
        and all(b"=" in pair for pair in text.rstrip(b"\0").split(b"\0"))
    )
