"""Real-time traffic and what it travels with: RTP, RTCP, STUN, UDT, and AFS, which resembles it."""

from __future__ import annotations

from itertools import pairwise

from auditor.evidence.cursor import Cursor

_RTP_HEADER_LEN = 12
# RFC 5761 section 4: these payload types would read as RTCP packet types.
_TAKEN_BY_RTCP = range(64, 96)
_MOST_LOST = 64
_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION = 200, 201, 202
_RTCP_TYPES = range(192, 214)
_REPORT_LEN = {_SENDER_REPORT: 28, _RECEIVER_REPORT: 8}
_REPORT_BLOCK_LEN = 24
_STUN_HEADER_LEN = 20
_UDT_HANDSHAKE_LEN = 24
_AFS_SERVICES = frozenset({1, 4, 50, 51, 52, 73, 731, 732, 22314})
_AFS_MOST_CALLS = 1 << 16


def rtp_packet(payload: bytes) -> bool:
    """Read an RTP header (RFC 3550 section 5.1): payload type, contributors, extension fit."""
    if len(payload) < _RTP_HEADER_LEN or payload[1] & 0x7F in _TAKEN_BY_RTCP:
        return False
    header_len = _RTP_HEADER_LEN + 4 * (payload[0] & 0x0F)
    if payload[0] & 0x10:
        words = payload[header_len + 2 : header_len + 4]
        header_len += 4 + 4 * int.from_bytes(words, "big")
    return len(payload) >= header_len


def rtp_series(payloads: tuple[bytes, ...]) -> bool:
    """Follow one RTP stream: same source, same kind, numbers that climb, time that does not fall.

    Two packets of which each field might be chance agree in 32 bits of source and 9 of number.
    """
    packets = [payload for payload in payloads if len(payload) >= _RTP_HEADER_LEN]
    if len(packets) < 2 or len(packets) < len(payloads):
        return False
    for before, after in pairwise(packets):
        step = int.from_bytes(after[2:4], "big") - int.from_bytes(before[2:4], "big")
        time = int.from_bytes(after[4:8], "big") - int.from_bytes(before[4:8], "big")
        if (
            after[0] & 0xC0 != 0x80
            or after[8:12] != before[8:12]
            or after[1] & 0x7F != before[1] & 0x7F
            or not 0 < step & 0xFFFF <= _MOST_LOST
            or time & 0xFFFF_FFFF >= 1 << 24
        ):
            return False
    # A source of zero is what padding and idle counters look like.
    return packets[0][8:12] != bytes(4) and all(rtp_packet(packet) for packet in packets)


def rtcp_packets(payload: bytes) -> bool:
    """Follow RTCP packets to the end of the datagram; a report begins, as it must."""
    return _count_rtcp(payload) > 0


def rtcp_compound(payload: bytes) -> bool:
    """Follow RTCP packets as `rtcp_packets`; a source description is the second one."""
    if _count_rtcp(payload) < 2:
        return False
    second = 4 * (int.from_bytes(payload[2:4], "big") + 1)
    return payload[second + 1] == _DESCRIPTION


def _count_rtcp(payload: bytes) -> int:
    place = packets = 0
    while place + 4 <= len(payload):
        kind = payload[place + 1]
        length = 4 * (int.from_bytes(payload[place + 2 : place + 4], "big") + 1)
        if payload[place] & 0xC0 != 0x80 or kind not in _RTCP_TYPES:
            return 0
        if not packets:
            blocks = _REPORT_BLOCK_LEN * (payload[place] & 0x1F)
            if kind not in _REPORT_LEN or length < _REPORT_LEN[kind] + blocks:
                return 0
        packets += 1
        place += length
    return packets if place == len(payload) else 0


def stun_attributes(payload: bytes) -> bool:
    """Follow the attributes of a STUN message (RFC 8489 section 5) to the end of the message."""
    if len(payload) < _STUN_HEADER_LEN:
        return False
    end = _STUN_HEADER_LEN + int.from_bytes(payload[2:4], "big")
    if end % 4 or end > len(payload):
        return False
    cursor = Cursor(payload[_STUN_HEADER_LEN:end])
    while cursor.left:
        cursor.skip(2)
        attribute = cursor.block(2)
        if not attribute.whole:
            return False
        cursor.skip(-attribute.left % 4)
    return True


def udt_handshake(payload: bytes) -> bool:
    """Read a UDT 4 handshake: control packet of type 0, version 4, a stream or datagrams."""
    return (
        len(payload) >= _UDT_HANDSHAKE_LEN
        and int.from_bytes(payload[16:20], "big") == 4
        and int.from_bytes(payload[20:24], "big") in {1, 2}
    )


def afs_rx_data(payload: bytes) -> bool:
    """Read the Rx header of an AFS data packet: a young call's first packet, a known service."""
    cursor = Cursor(payload)
    epoch, connection, call, sequence, serial = (cursor.number(4) for _ in range(5))
    kind, flags, status, security = (cursor.number(1) for _ in range(4))
    checksum, service = cursor.number(2), cursor.number(2)
    return (
        epoch > 0
        and connection > 0
        and 0 < call < _AFS_MOST_CALLS
        and sequence == 1
        and 0 < serial < _AFS_MOST_CALLS
        and kind == 1
        and flags < 0x40
        and status == 0
        and security <= 5
        and (security > 0 or checksum == 0)
        and service in _AFS_SERVICES
    )
