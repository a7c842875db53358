"""What Windows services say first: SMB, remote procedure calls, .NET message framing.

[MS-SMB], [MS-SMB2], RFC 1002; C706 (DCE 1.1) with [MS-RPCE]; [MC-NMF].
"""

from __future__ import annotations

from typing import Literal

from auditor.evidence.cursor import Cursor

_SESSION_GRANTED = b"\x82\0\0\0"
_SESSION_REQUEST = 0x81
_SMB1, _SMB2, _SMB3_SEALED, _SMB3_PACKED = b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB"
_SMB1_REPLY, _SMB2_REPLY = 0x80, 0x01
_SHORTEST_SMB1, _SHORTEST_SMB2 = 32, 64

_PDU_HEADER_LEN, _DATAGRAM_HEADER_LEN = 16, 80
_PDUS = frozenset({0, 2, 3, *range(11, 20)})
_LAST_DATAGRAM_PDU = 10
# The transfer syntax that every bind offers and every acknowledgement names.
_NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860")
_NDR_BIG_ENDIAN = bytes.fromhex("8a885d041ceb11c99fe808002b104860")
_WINDOWS_DREP = b"\x10\0\0\0"

_NMF_MODES = range(1, 5)
_NMF_SCHEMES = (b"net.tcp://", b"net.p2p://", b"net.pipe://", b"soap.tcp://")


def smb_request(payload: bytes) -> bool:
    """Look for an SMB request, behind a session request if there is one."""
    if payload[:1] == bytes([_SESSION_REQUEST]):
        payload = payload[4 + int.from_bytes(payload[2:4], "big") :]
    return _is_smb(payload, reply=False)


def smb_response(payload: bytes) -> bool:
    """Look for an SMB response, behind the grant of a session if there is one."""
    return _is_smb(payload.removeprefix(_SESSION_GRANTED), reply=True)


def _is_smb(payload: bytes, *, reply: bool) -> bool:
    length = int.from_bytes(payload[1:4], "big")
    message = payload[4:]
    dialect = message[:4]
    if payload[:1] != b"\0" or len(message) < _SHORTEST_SMB1:
        return False
    if dialect == _SMB1:
        return length >= _SHORTEST_SMB1 and bool(message[9] & _SMB1_REPLY) is reply
    if dialect == _SMB2:
        whole = length >= _SHORTEST_SMB2 and message[4:6] == b"\x40\0"
        return whole and bool(message[16] & _SMB2_REPLY) is reply
    # What is sealed or packed says nothing of its direction.
    return dialect in {_SMB3_SEALED, _SMB3_PACKED} and length >= 16


def dce_rpc_header(payload: bytes) -> bool:
    """Read a header as Windows writes it whose fragment ends with the payload or before the next.

    Other byte orders look too much like small numbers to be told by a header alone.
    """
    length = _fragment_len(payload)
    if payload[4:8] != _WINDOWS_DREP or not length or length > len(payload):
        return False
    following = payload[length : length + 3]
    return not following or (following[0] == 5 and following[-1] in _PDUS)


def dce_rpc_bind(payload: bytes) -> bool:
    """Read the header of a bind or its acknowledgement that names the usual transfer syntax."""
    if len(payload) < _PDU_HEADER_LEN:
        return False
    syntax = _NDR if _order(payload[4]) == "little" else _NDR_BIG_ENDIAN
    return _fragment_len(payload) > _PDU_HEADER_LEN and syntax in payload


def _fragment_len(payload: bytes) -> int:
    """Give the length of a fragment by its header; 0 where that is none."""
    if len(payload) < _PDU_HEADER_LEN or payload[2] not in _PDUS or not _is_drep(payload[4:8]):
        return 0
    order = _order(payload[4])
    length, authentication_len = (int.from_bytes(payload[i : i + 2], order) for i in (8, 10))
    enough = length >= _PDU_HEADER_LEN + authentication_len
    return length if enough else 0


def dce_rpc_datagram(payload: bytes) -> bool:
    """Read a connectionless header (C706 section 12.5.3) whose body ends with the datagram."""
    if len(payload) < _DATAGRAM_HEADER_LEN or payload[1] > _LAST_DATAGRAM_PDU:
        return False
    body_len = int.from_bytes(payload[74:76], "little")
    return (
        payload[4:7] == _WINDOWS_DREP[:3]
        and payload[2] & 0x81 == 0
        # The activity's identifier is made up on the spot, so of the usual variant (RFC 9562).
        and payload[48] & 0xC0 == 0x80
        and payload[3] & 0xFD == 0
        and _DATAGRAM_HEADER_LEN + body_len == len(payload)
    )


def _is_drep(label: bytes) -> bool:
    """Tell a data representation: order and characters, kind of float, two zeros."""
    return label[0] in {0x00, 0x10} and label[1] <= 3 and label[2:] == b"\0\0"


def _order(label: int) -> Literal["little", "big"]:
    return "little" if label & 0xF0 else "big"


def net_tcp_preamble(payload: bytes) -> bool:
    """Read the preamble of .NET message framing: version 1, a mode, where the message goes."""
    cursor = Cursor(payload)
    version, mode = cursor.take(3), cursor.take(2)
    via = cursor.take(1)
    length = cursor.number(1)
    if length > 0x7F:
        length = length & 0x7F | cursor.number(1) << 7
    return (
        version[:2] == b"\0\x01"
        and len(mode) == 2
        and mode[0] == 1
        and mode[1] in _NMF_MODES
        and via == b"\x02"
        and 0 < length <= cursor.left
        and cursor.take(length).lower().startswith(_NMF_SCHEMES)
    )
