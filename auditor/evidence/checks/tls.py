"""Records and hellos of TLS and DTLS (RFC 8446, RFC 5246, RFC 6347, RFC 9146), and of SSH."""

from __future__ import annotations

_CLIENT_HELLO, _SERVER_HELLO, _HELLO_VERIFY = 1, 2, 3
_RECORD_LEN, _DTLS_RECORD_LEN, _DTLS_MESSAGE_LEN = 5, 13, 12
_LONGEST_RECORD = (1 << 14) + 2048
_LONGEST_HELLO = 1 << 17
_SHORTEST_CLIENT_HELLO, _SHORTEST_SERVER_HELLO = 41, 38
_SSL2_VERSIONS = frozenset({b"\x00\x02", b"\x03\x00", b"\x03\x01", b"\x03\x02", b"\x03\x03"})
# Captures of headers alone end soon after the version of the hello.
_HELLO_START_LEN = 11
_LONGEST_SESSION_ID = 32
_CONTENT_TYPES = range(20, 25)
_DTLS_CONTENT_TYPES = range(20, 27)
_NEWEST_MINOR = 4
# 01 00 is what OpenSSL spoke before the standard, and some VPN gateways still do.
_DTLS_VERSIONS = frozenset({b"\xfe\xff", b"\xfe\xfd", b"\x01\x00"})
_DTLS_MESSAGES = frozenset({0, 1, 2, 3, 4, 11, 12, 13, 14, 15, 16, 20})


def tls_client_hello(payload: bytes) -> bool:
    """Look for a ClientHello at the start of the first record."""
    return _is_hello(payload, _CLIENT_HELLO, _SHORTEST_CLIENT_HELLO)


def tls_server_hello(payload: bytes) -> bool:
    """Look for a ServerHello at the start of the first record."""
    return _is_hello(payload, _SERVER_HELLO, _SHORTEST_SERVER_HELLO)


def _is_hello(payload: bytes, kind: int, shortest: int) -> bool:
    if len(payload) < _HELLO_START_LEN or payload[5] != kind or payload[2] > _NEWEST_MINOR:
        return False
    record_len = int.from_bytes(payload[3:5], "big")
    hello_len = int.from_bytes(payload[6:9], "big")
    return (
        4 <= record_len <= _LONGEST_RECORD
        and shortest <= hello_len <= _LONGEST_HELLO
        and payload[9] == 3
        and payload[10] <= _NEWEST_MINOR
        and max(payload[43:44], default=0) <= _LONGEST_SESSION_ID
    )


def ssl2_client_hello(payload: bytes) -> bool:
    """Look for the hello of old clients, SSL 2.0 in form: its three lengths add up."""
    if len(payload) < 11 or payload[2] != _CLIENT_HELLO or payload[3:5] not in _SSL2_VERSIONS:
        return False
    record_len = int.from_bytes(payload[:2], "big") & 0x7FFF
    ciphers, session, challenge = (int.from_bytes(payload[i : i + 2], "big") for i in (5, 7, 9))
    return (
        ciphers > 0
        and ciphers % 3 == 0
        and session in {0, 16}
        and 16 <= challenge <= 32
        and record_len == 9 + ciphers + session + challenge
    )


def tls_records(payload: bytes) -> bool:
    """Follow records from one to the next: two in a row, or one that ends with the payload."""
    place = records = 0
    while place + _RECORD_LEN <= len(payload):
        length = int.from_bytes(payload[place + 3 : place + 5], "big")
        if (
            payload[place] not in _CONTENT_TYPES
            or payload[place + 1] != 3
            or payload[place + 2] > _NEWEST_MINOR
            or not 0 < length <= _LONGEST_RECORD
        ):
            return False
        records += 1
        place += _RECORD_LEN + length
    return records > 1 or (records == 1 and place == len(payload))


def dtls_client_hello(payload: bytes) -> bool:
    """Look for a ClientHello in the first record of a datagram."""
    return dtls_handshake(payload) and payload[_DTLS_RECORD_LEN] == _CLIENT_HELLO


def dtls_server_hello(payload: bytes) -> bool:
    """Look for a ServerHello or HelloVerifyRequest in the first record of a datagram."""
    return dtls_handshake(payload) and payload[_DTLS_RECORD_LEN] in {_SERVER_HELLO, _HELLO_VERIFY}


def dtls_handshake(payload: bytes) -> bool:
    """Look for a handshake message in clear: epoch 0, and a fragment within its bounds."""
    if len(payload) < _DTLS_RECORD_LEN + _DTLS_MESSAGE_LEN:
        return False
    message = payload[_DTLS_RECORD_LEN:]
    record_len = int.from_bytes(payload[11:13], "big")
    message_len = int.from_bytes(message[1:4], "big")
    fragment_offset = int.from_bytes(message[6:9], "big")
    fragment_len = int.from_bytes(message[9:12], "big")
    return (
        payload[1:3] in _DTLS_VERSIONS
        and payload[3:5] == b"\0\0"
        and message[0] in _DTLS_MESSAGES
        and message_len <= _LONGEST_HELLO
        and fragment_offset + fragment_len <= message_len
        and _DTLS_MESSAGE_LEN + fragment_len <= record_len <= len(message)
    )


def dtls_records(payload: bytes) -> bool:
    """Follow records from one to the next until the last ends with the datagram."""
    place = 0
    while place + _DTLS_RECORD_LEN <= len(payload):
        if payload[place] not in _DTLS_CONTENT_TYPES:
            return False
        if payload[place + 1 : place + 3] not in _DTLS_VERSIONS:
            return False
        length = int.from_bytes(payload[place + 11 : place + 13], "big")
        if not 0 < length <= _LONGEST_RECORD:
            return False
        place += _DTLS_RECORD_LEN + length
    return place == len(payload)


def ssh_key_exchange(payload: bytes) -> bool:
    """Read SSH's list of key exchange methods (RFC 4253 section 7.1), sent in clear."""
    packet_len, names_len = (int.from_bytes(payload[i : i + 4], "big") for i in (0, 22))
    names = payload[26 : 26 + names_len]
    return (
        40 < packet_len < _LONGEST_RECORD
        and payload[5:6] == b"\x14"
        and 4 <= payload[4] < 64
        and 0 < names_len < packet_len
        and b"-sha" in names
        and names.isascii()
    )
