"""Remote desktop: the connection request and confirmation of X.224 in a TPKT ([MS-RDPBCGR])."""

from __future__ import annotations

_REQUEST, _CONFIRM = 0xE0, 0xD0
_NEGOTIATE_REQUEST, _NEGOTIATE_RESPONSE, _NEGOTIATE_FAILURE = 1, 2, 3
_FIXED_LEN = 11
_NEGOTIATION_LEN = 8


def x224_connection(payload: bytes) -> bool:
    """Read a connection request or confirmation whose two lengths agree."""
    length = int.from_bytes(payload[2:4], "big")
    return (
        _FIXED_LEN <= length <= len(payload)
        and payload[4] + 5 == length
        and payload[5] in {_REQUEST, _CONFIRM}
        and payload[10] == 0
        and (payload[5] == _CONFIRM or payload[6:8] == b"\0\0")
    )


def rdp_negotiation(payload: bytes) -> bool:
    """Look behind it for what only remote desktop has: its cookie, or its negotiation."""
    if not x224_connection(payload):
        return False
    rest = payload[_FIXED_LEN : int.from_bytes(payload[2:4], "big")]
    if payload[5] == _REQUEST and rest.startswith((b"Cookie: mstshash=", b"Cookie: msts=")):
        return True
    kinds = {_REQUEST: {_NEGOTIATE_REQUEST}, _CONFIRM: {_NEGOTIATE_RESPONSE, _NEGOTIATE_FAILURE}}
    return (
        len(rest) == _NEGOTIATION_LEN
        and rest[0] in kinds[payload[5]]
        and rest[2:4] == b"\x08\0"
        and rest[5:] == bytes(3)
    )
