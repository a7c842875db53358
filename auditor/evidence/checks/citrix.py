"""What Citrix' own protocols and their licensing say first, as far as it was published."""

from __future__ import annotations

_ICA_BANNER = b"\x7f\x7fICA\0"
_CGP_SIGNATURE_LEN = 7
_CGP_REQUEST, _CGP_RESPONSE = 1, 2
_FLEXNET_HEADER_LEN = 20
_FLEXNET_OLD_LEN = 147
_HEARTBEAT_LEN, _HEARTBEAT_LAST_STATE = 20, 0x0B
_RPC_HEADER_LEN = 16
_RPC_LONGEST = 1 << 20
_RPC_SIGNATURE = b"\xa5\xa5"
_RPC_COMMANDS = range(1, 16)


def ica_client_module(payload: bytes) -> bool:
    """Look for a module announcement behind the banner: 01, then one length given twice."""
    behind = _behind_banners(payload)
    return len(behind) >= 5 and behind[0] == 1 and behind[1:3] == behind[3:5]


def ica_server_packet(payload: bytes) -> bool:
    """Look for the server's first packet behind the banner."""
    return _behind_banners(payload).startswith(b"\x00\x0f\x00\x07\x00\x02")


def _behind_banners(payload: bytes) -> bytes:
    """Skip the banner, which a server may repeat until it is answered."""
    place = 0
    while payload.startswith(_ICA_BANNER, place):
        place += len(_ICA_BANNER)
    return payload[place:]


def cgp_bind_request(payload: bytes) -> bool:
    """Look for a bind request behind the signature, within the same packet."""
    return _cgp_command(payload) == _CGP_REQUEST


def cgp_bind_response(payload: bytes) -> bool:
    """Look for a bind response behind the signature."""
    return _cgp_command(payload) == _CGP_RESPONSE


def _cgp_command(payload: bytes) -> int:
    """Find the command behind a length of one or two bytes, by the zero bytes that follow it."""
    for place in (_CGP_SIGNATURE_LEN + 1, _CGP_SIGNATURE_LEN + 2):
        if payload[place + 1 : place + 4] == bytes(3):
            return payload[place]
    return 0


def flexnet_message(payload: bytes) -> bool:
    """Verify a FlexNet message: header checksum, length, and CRC-16 over all behind the CRC."""
    if len(payload) < _FLEXNET_HEADER_LEN:
        return False
    length = int.from_bytes(payload[4:6], "big")
    return (
        _FLEXNET_HEADER_LEN <= length <= len(payload)
        and payload[1] == _sum(payload, _FLEXNET_HEADER_LEN)
        and int.from_bytes(payload[2:4], "big") == _crc16(payload[4:length])
    )


def flexnet_old_message(payload: bytes) -> bool:
    """Verify a FlexNet message of fixed length: the second byte sums up the others."""
    whole = len(payload) >= _FLEXNET_OLD_LEN
    return whole and payload[1] == _sum(payload, _FLEXNET_OLD_LEN)


def _sum(payload: bytes, end: int) -> int:
    return (payload[0] + sum(payload[2:end])) & 0xFF


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _crc_step(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x3A5D if crc & 1 else 0)
    return crc


_CRC_TABLE = tuple(map(_crc_step, range(256)))


def netscaler_rpc_message(payload: bytes) -> bool:
    """Read a NetScaler RPC header: a known command, a length that leads to the next header."""
    if len(payload) < _RPC_HEADER_LEN:
        return False
    length = int.from_bytes(payload[:4], "little")
    following = payload[length + 4 : length + 6]
    return (
        _RPC_HEADER_LEN <= length <= _RPC_LONGEST
        and length <= len(payload)
        and payload[8] & 0x7F in _RPC_COMMANDS
        and (length == len(payload) or following == _RPC_SIGNATURE)
    )


def netscaler_heartbeat(payload: bytes) -> bool:
    """Read the version and the state in a heartbeat between the nodes of a pair."""
    return len(payload) >= _HEARTBEAT_LEN and payload[7] <= _HEARTBEAT_LAST_STATE
