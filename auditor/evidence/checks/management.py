"""Time, accounts, addresses and machine management: binary headers with lengths that must fit."""

from __future__ import annotations

_NTP_LENGTHS = frozenset({48, 68, 72})
_NTP_MAC_LENGTHS = frozenset({0, 4, 20, 24, 36})
_NTP_VERSIONS = range(1, 5)
_NTP_CLIENT, _NTP_SERVERS = 3, frozenset({2, 4, 5})
_LAST_STRATUM = 16
_NTP_NO_PRECISION = frozenset({0x00, 0x20})
_LONGEST_ROOT_S = 16
# Seconds since 1900: from 1999 to the end of the era in 2036.
_NTP_TIMES = range(0xBB00_0000, 1 << 32)
_NTP_CLOSE_S = 86_400
_RADIUS_HEADER_LEN, _RADIUS_LONGEST = 20, 4096
_TACACS_HEADER_LEN, _TACACS_LONGEST = 12, 1 << 16
_DHCP_OPTIONS, _DHCP_COOKIE = 240, b"\x63\x82\x53\x63"
_DHCP_MESSAGE_KIND, _DHCP_PAD, _DHCP_END = 53, 0, 255
_DHCP_LAST_KIND = 18
_DHCPV6_LAST_OPTION = 255
_DHCPV6_IDENTITIES, _DHCPV6_RELAYED = frozenset({1, 2}), 9
_DHCPV6_RELAY_HEADER_LEN = 34
_DUID_LEN, _DUID_KINDS = 8, range(1, 5)
_ISAKMP_HEADER_LEN = 28
_ISAKMP_EXCHANGES = {0x10: {1, 2, 3, 4, 5, 6, 32, 33}, 0x20: {34, 35, 36, 37, 38, 43, 44}}
_ISAKMP_LAST_PAYLOAD = 55
_NON_ESP_MARKER = bytes(4)
_RMCP_ASF, _RMCP_IPMI = 6, 7
_ASF_NUMBER = b"\x00\x00\x11\xbe"
_IPMI_RMCP_PLUS = 6


def ntp_packet(payload: bytes) -> bool:
    """Hold length, version, stratum, poll interval and precision against their bounds."""
    if len(payload) < 48 or payload[0] >> 3 & 7 not in _NTP_VERSIONS:
        return False
    fits = len(payload) in _NTP_LENGTHS or _fills_ntp(payload)
    precise = payload[3] in _NTP_NO_PRECISION or payload[3] >= 0xE0
    return fits and payload[1] <= _LAST_STRATUM and payload[2] <= 17 and precise


def ntp_client(payload: bytes) -> bool:
    """Read a client's question (RFC 5905): what it cannot know yet is zero or small."""
    if not ntp_packet(payload) or payload[0] & 7 != _NTP_CLIENT:
        return False
    # Careful clients tell nothing but a random transmit time; others repeat what they last learnt.
    return payload[4:40] == bytes(36) or (_has_small_roots(payload) and _times_agree(payload))


def ntp_server(payload: bytes) -> bool:
    """Read a server's answer or broadcast: its times lie within a day of each other."""
    return (
        ntp_packet(payload)
        and payload[0] & 7 in _NTP_SERVERS
        and _has_small_roots(payload)
        and int.from_bytes(payload[40:44], "big") in _NTP_TIMES
        and _times_agree(payload)
    )


def _fills_ntp(payload: bytes) -> bool:
    """Follow extension fields (RFC 7822) to the end or to an authenticator."""
    place = 48
    while len(payload) - place not in _NTP_MAC_LENGTHS:
        length = int.from_bytes(payload[place + 2 : place + 4], "big")
        place += length
        if length < 16 or length % 4 or place > len(payload):
            return False
    return True


def _has_small_roots(payload: bytes) -> bool:
    delay, dispersion = (int.from_bytes(payload[i : i + 2], "big") for i in (4, 8))
    return delay < _LONGEST_ROOT_S and dispersion < _LONGEST_ROOT_S


def _times_agree(payload: bytes) -> bool:
    """Compare the times that are given; at least one is."""
    given = [int.from_bytes(payload[place : place + 4], "big") for place in (16, 24, 32, 40)]
    times = [time for time in given if time]
    # The reference may be old where a server has lost its own source.
    recent = [time for time in given[2:] if time]
    near = not recent or max(recent) - min(recent) <= _NTP_CLOSE_S
    return bool(times) and near and all(time in _NTP_TIMES for time in times)


def radius_attributes(payload: bytes) -> bool:
    """Follow the attributes of a RADIUS packet (RFC 2865) to the end of its length."""
    length = int.from_bytes(payload[2:4], "big")
    # Bytes behind the length are padding and are ignored.
    if not _RADIUS_HEADER_LEN < length <= min(len(payload), _RADIUS_LONGEST):
        return False
    if any(payload[length:]):
        return False
    place = _RADIUS_HEADER_LEN
    while place + 2 <= length and payload[place] and payload[place + 1] >= 2:
        place += payload[place + 1]
    return place == length


def tacacs_header(payload: bytes) -> bool:
    """Read a TACACS+ header (RFC 8907 section 4.1) whose body is all there or just begun."""
    if len(payload) < _TACACS_HEADER_LEN:
        return False
    kind, sequence, flags = payload[1:4]
    length = int.from_bytes(payload[8:12], "big")
    following = payload[_TACACS_HEADER_LEN + length :]
    return (
        kind in {1, 2, 3}
        and sequence > 0
        and flags & ~0x05 == 0
        and 0 < length <= min(_TACACS_LONGEST, len(payload) - _TACACS_HEADER_LEN)
        and (not following or following[0] == payload[0])
    )


def dhcp_options(payload: bytes) -> bool:
    """Follow the options behind the cookie (RFC 2131) to the one that gives the message's kind."""
    if payload[236:_DHCP_OPTIONS] != _DHCP_COOKIE or payload[2] > 16:
        return False
    place = _DHCP_OPTIONS
    while place + 2 < len(payload) and payload[place] != _DHCP_END:
        if payload[place] == _DHCP_PAD:
            place += 1
            continue
        if payload[place] == _DHCP_MESSAGE_KIND:
            return payload[place + 1] == 1 and 1 <= payload[place + 2] <= _DHCP_LAST_KIND
        place += 2 + payload[place + 1]
    return False


def dhcpv6_options(payload: bytes) -> bool:
    """Follow the options of a DHCPv6 message (RFC 8415) to its end; one of them says who speaks."""
    relayed = payload[:1] in {b"\x0c", b"\x0d"}
    end = len(payload)
    place = _DHCPV6_RELAY_HEADER_LEN if relayed else 4
    identified = False
    while place < end:
        kind, length = (
            int.from_bytes(payload[at : at + 2], "big") if at + 2 <= end else 0
            for at in (place, place + 2)
        )
        start = min(place + 4, end)
        place = start + length
        if not 0 < kind <= _DHCPV6_LAST_OPTION or place > end:
            return False
        if kind in _DHCPV6_IDENTITIES:
            known = int.from_bytes(payload[start : start + 2], "big") in _DUID_KINDS
            identified |= length >= _DUID_LEN and known
        elif relayed and kind == _DHCPV6_RELAYED:
            identified |= dhcpv6_options(payload[start:place])
    return identified


def isakmp_header(payload: bytes) -> bool:
    """Read an IKE header (RFC 2408, RFC 7296), behind the marker of port 4500 or not (RFC 3948)."""
    payload = payload.removeprefix(_NON_ESP_MARKER)
    if len(payload) < _ISAKMP_HEADER_LEN:
        return False
    return (
        payload[:8] != bytes(8)
        and payload[16] <= _ISAKMP_LAST_PAYLOAD
        and payload[18] in _ISAKMP_EXCHANGES.get(payload[17], set())
        and int.from_bytes(payload[24:28], "big") == len(payload)
    )


def rmcp_message(payload: bytes) -> bool:
    """Read what follows an RMCP header: an IPMI session with its length, or an ASF message."""
    if len(payload) < 12:
        return False
    kind = payload[3] & 0x1F
    if kind == _RMCP_ASF:
        return payload[4:8] == _ASF_NUMBER and len(payload) == 12 + payload[11]
    if kind != _RMCP_IPMI or len(payload) < 14 or payload[4] > _IPMI_RMCP_PLUS:
        return False
    if payload[4] == _IPMI_RMCP_PLUS:
        length = int.from_bytes(payload[14:16], "little")
        return 16 + length <= len(payload)
    head = 13 if payload[4] == 0 else 29
    # A byte of padding may follow where a network card mistook some lengths.
    return len(payload) > head and len(payload) - head - 1 - payload[head] in {0, 1}
