"""What infrastructure, storage and media say first, after the RFCs."""

from __future__ import annotations

from struct import pack

import payloads
import payloads_network as network
import payloads_windows as windows
from openings import Opening, changed, sized, tcp_client, tcp_server, udp_client, udp_server
from payloads import noise

MAC = bytes.fromhex("02005e100001")
DISCOVER, OFFER = (
    windows.dhcp(1, MAC),
    windows.dhcp(2, MAC, offered="192.0.2.9", server="192.0.2.1"),
)
DUID = pack(">HHHHI6s", 1, 14, 1, 1, 0x2C000000, MAC)
SOLICIT = b"\x01\xab\xcd\xef" + DUID + bytes.fromhex("0006 0002 0017")
QUERY, RESPONSE = payloads.dns_query("a.example"), payloads.dns_answer("a.example", "192.0.2.7")
POINTED = (
    QUERY[:2]
    + b"\x81\x80\0\1\0\1\0\0\0\0"
    + QUERY[12:]
    + b"\xc0\x0c"
    + pack(">HHIH", 1, 1, 60, 4)
    + bytes(4)
)
MDNS = (
    b"\0\0\x84\0\0\0\0\1\0\0\0\0"
    + payloads.dns_name("pc.local")
    + pack(">HHIH", 1, 0x8001, 60, 4)
    + MAC[:4]
)
NTP_ASKED = bytes.fromhex("23 00 06 ec") + bytes(36) + noise("transmit", 8)
NTP_NOW = 0xEE000000
NTP_TIMES = pack(">8I", NTP_NOW - 900, 7, NTP_NOW, 8, NTP_NOW, 9, NTP_NOW, 10)
NTP_TOLD = bytes.fromhex("24 02 06 e9 00000100 00000a00 c0000201") + NTP_TIMES
GET, GOT = network.snmp(0xA0), network.snmp(0xA2)
TRAP1 = windows.der(
    0xA4,
    b"\x06\x03\x2b\x06\x01",
    b"\x40\x04\xc0\0\2\1",
    b"\x02\x01\x06\x02\x01\x01\x43\x01\x05\x30\x00",
)
TRAP1 = windows.der(0x30, b"\x02\x01\x00", b"\x04\x06public", TRAP1)
SNMP3_HEADER = windows.der(0x30, bytes.fromhex("020135 020300ffe3 040104 020103"))
SNMP3_REST = windows.der(4, bytes(16)), windows.der(4, bytes(40))
SNMP3 = windows.der(0x30, b"\x02\x01\x03", SNMP3_HEADER, *SNMP3_REST)
LOG = b"<134>Mar  2 08:00:00 adc default"
RADIUS, ACCEPT = network.radius(1), network.radius(2)
RADIUS_BARE = b"\x05\x07\0\x14" + noise("authenticator", 16)
TACACS, TACACS_ANSWER = network.tacacs(), network.tacacs(answer=True)
READ = b"\0\1ardbp32.bin\0octet\0blksize\x001456\0"
SEARCH = windows.ssdp_search()
PING = bytes.fromhex("0600ff06 000011be 80 00 00 00")
IPMI = bytes.fromhex("0600ff07 00 00000000 00000000 09 2018c88100388e04b5")
IPMI_SIGNED = IPMI[:4] + b"\x02" + IPMI[5:13] + bytes(16) + IPMI[13:]
IPMI_2 = bytes.fromhex("0600ff07 06 10 00000000 00000000 2000") + bytes(32)
TEMPLATE = pack(">HHHHHHI", 256, 2, 8, 4, 0x8000 | 129, 4, 5951)
DATA = pack(">HH", 256, 12) + bytes(8)


def ipfix(*sets: bytes) -> bytes:
    """Build an IPFIX message."""
    body = b"".join(sets)
    return pack(">HHIII", 10, 16 + len(body), 1_772_438_400, 1, 0) + body


APPFLOW = ipfix(pack(">HH", 2, 4 + len(TEMPLATE)) + TEMPLATE, DATA)
OTHER_VENDOR = ipfix(pack(">HH", 2, 4 + len(TEMPLATE)) + TEMPLATE[:-4] + pack(">I", 9), DATA)
NETFLOW9 = pack(">HHIIII", 9, 1, 1000, 1_772_438_400, 1, 0) + DATA
NETFLOW5 = pack(">HHIIIIBBH", 5, 1, 1000, 1_772_438_400, 0, 1, 0, 0, 0) + bytes(48)


def call(program: int) -> bytes:
    """Build the call of an ONC RPC program's null procedure."""
    return pack(">10I", 0x1F2E3D4C, 0, 2, program, 3, 0, 0, 0, 0, 0)


def marked(message: bytes) -> bytes:
    """Put the record mark of a last fragment before a message."""
    return pack(">I", 0x80000000 | len(message)) + message


REPLY = marked(pack(">6I", 0x1F2E3D4C, 1, 0, 0, 0, 0))
KEYS = b"InitiatorName=iqn.2026-03.example:host\0SessionType=Normal\0"
LOGIN = bytes.fromhex("43870000 00") + len(KEYS).to_bytes(3, "big") + bytes(40) + KEYS + b"\0"
LOGGED_IN = b"\x23" + LOGIN[1:]
TRACKER = bytes.fromhex("0000041727101980 00000000 01020304")
RX = pack(">5I4B2H", 0x9A7C3D21, 0x50607080, 1, 1, 1, 1, 5, 0, 0, 0, 52) + bytes(20)
REPORT = pack(">BBHI", 0x80, 200, 6, 0x1234) + bytes(20)
DESCRIPTION = pack(">BBHI", 0x81, 202, 3, 0x1234) + b"\x01\x05audio" + b"\0"
STUN = (
    bytes.fromhex("0001 0008 2112a442")
    + noise("transaction", 12)
    + bytes.fromhex("80220004")
    + b"test"
)


def rtp(number: int, *, source: int = 0x5EED, kind: int = 8) -> bytes:
    """Build an RTP packet of 20 ms of audio."""
    return pack(">BBHII", 0x80, kind, number & 0xFFFF, number * 160, source) + noise("audio", 160)


OPENINGS = {
    "dhcp-request": udp_client(
        DISCOVER, OFFER, changed(DISCOVER, 236), DISCOVER[:239], DISCOVER[:240] + b"\x3d\x01\0\xff"
    ),
    "dhcp-answer": udp_server(OFFER, DISCOVER, changed(OFFER, 241, 2), changed(OFFER, 242, 0)),
    "dhcpv6-message": udp_client(
        SOLICIT, SOLICIT[:-1], changed(SOLICIT, 5, 9), changed(SOLICIT, 9, 7)
    ),
    "dns-query": udp_client(QUERY, RESPONSE, QUERY[:-1], QUERY + b"x", changed(QUERY, 3, 0x43)),
    "dns-response": udp_server(RESPONSE, QUERY, RESPONSE[:-1], changed(RESPONSE, 7, 9)),
    "dns-announcement": udp_client(MDNS, MDNS[:-1], changed(MDNS, 2, 0x04), changed(MDNS, 7, 0)),
    "dns-question": udp_client(
        RESPONSE[:40],
        changed(QUERY, -1, 9),
        QUERY[:-1],
        changed(QUERY, 5, 2),
        changed(QUERY, 12, 64),
    ),
    "dns-query-over-tcp": tcp_client(
        sized(QUERY, width=2), QUERY, sized(RESPONSE, width=2), sized(QUERY, width=2)[:-1]
    ),
    "dns-response-over-tcp": tcp_server(
        sized(RESPONSE, width=2), sized(QUERY, width=2), sized(RESPONSE, b"x", width=2)
    ),
    "ntp-client": udp_client(
        NTP_ASKED, NTP_ASKED[:-1], changed(NTP_ASKED, 16), changed(NTP_ASKED, 0, 0x24)
    ),
    "ntp-server": udp_server(
        NTP_TOLD,
        changed(NTP_TOLD, 1, 17),
        changed(NTP_TOLD, 4),
        changed(NTP_TOLD, 32, 0xE0),
        NTP_TOLD + b"x",
    ),
    "ntp-packet": udp_server(changed(NTP_TOLD, 4), changed(NTP_TOLD, 3, 9), NTP_TOLD[:47]),
    "snmp-request": udp_client(GET, GOT, changed(GET, 4, 9), GET + b"\0", changed(GET, 1)),
    "snmp-response": udp_server(GOT, GET, GOT[:-1]),
    "snmp3-message": udp_client(SNMP3, SNMP3[:-1], changed(SNMP3, 4, 2), changed(SNMP3, 12)),
    "syslog-message": udp_client(
        LOG, LOG.replace(b"134", b"192"), LOG.replace(b"Mar", b"Mrz"), LOG.replace(b"134", b"014")
    ),
    "syslog-over-tcp": tcp_client(b"33 " + LOG + b"\n", b"x " + LOG, b"33" + LOG),
    "syslog-priority": udp_client(b"<13>just text", b"<1x3>text and"),
    "radius-request": udp_client(
        RADIUS, ACCEPT, changed(RADIUS, 3), changed(RADIUS, 21), RADIUS + b"x"
    ),
    "radius-answer": udp_server(ACCEPT, RADIUS, ACCEPT[:-1]),
    "radius-bare": udp_server(RADIUS_BARE, RADIUS_BARE + b"\0", changed(RADIUS_BARE, 3)),
    "tacacs-client": tcp_client(
        TACACS, TACACS_ANSWER, TACACS[:-1], changed(TACACS, 3, 2), changed(TACACS, 1, 4)
    ),
    "tacacs-server": tcp_server(TACACS_ANSWER, TACACS, changed(TACACS_ANSWER, 8)),
    "tacacs-session": tcp_client(changed(TACACS, 2, 5), changed(TACACS, 2, 0), TACACS + b"\xc2"),
    "tftp-request": udp_client(
        READ, READ[:-1], READ.replace(b"octet", b"octxt"), changed(READ, 3, 7), changed(READ, 1, 3)
    ),
    "tftp-option-answer": udp_server(
        b"\0\6blksize\x001456\0", b"\0\6blksize\0", b"\0\6other\x001\0"
    ),
    "tftp-first-block": udp_server(network.tftp_data(1, b"abc"), network.tftp_data(2, b"abc")),
    "ssdp-message": udp_client(SEARCH, SEARCH.replace(b"1.1", b"2.1"), b"NOTIFY / HTTP/1.1\r\n"),
    "rmcp-message": udp_client(
        PING, changed(PING, 7), PING + b"x", changed(PING, 0), IPMI[:-2], IPMI_2[:-1]
    ),
    "appflow-template": udp_client(APPFLOW, OTHER_VENDOR, APPFLOW[:-1], ipfix(DATA)),
    "ipfix-message": udp_client(
        ipfix(DATA),
        ipfix(DATA)[:-1],
        changed(ipfix(DATA), 19, 11),
        changed(ipfix(DATA), 4, 0),
        changed(ipfix(DATA), 16, 0),
    ),
    "netflow-9": udp_client(
        NETFLOW9,
        NETFLOW9[:-1],
        changed(NETFLOW9, 20, 0)[:20] + bytes.fromhex("0003000c") + bytes(8),
    ),
    "netflow-5": udp_client(NETFLOW5, NETFLOW5[:-1], changed(NETFLOW5, 3, 31)),
    "nfs-call": udp_client(
        call(100003), call(100099), changed(call(100003), 11), call(100003)[:30]
    ),
    "nfs-call-over-tcp": tcp_client(
        marked(call(100003)), call(100003), changed(marked(call(100003)), 0, 0)
    ),
    "onc-rpc-call": udp_client(
        call(100000), call(1000), changed(call(100000), 27, 9), changed(call(100000), 19, 99)
    ),
    "onc-rpc-call-over-tcp": tcp_client(
        marked(call(100000)), marked(call(7)), changed(marked(call(100000)), 1)
    ),
    "onc-rpc-reply-over-tcp": tcp_server(
        REPLY, REPLY[:-1], changed(REPLY, -1, 6), changed(REPLY, 15, 1)
    ),
    "iscsi-login": tcp_client(
        LOGIN, changed(LOGIN, 7), changed(LOGIN, -2, 0x41), LOGIN.replace(b"=", b"-"), LOGIN[:40]
    ),
    "iscsi-login-answer": tcp_server(LOGGED_IN, LOGIN, LOGGED_IN[:-2]),
    "rfb-version": tcp_server(b"RFB 003.008\n", b"RFB 003.008\r", b"RFC 003.008\n"),
    "bittorrent-handshake": tcp_client(
        b"\x13BitTorrent protocol" + bytes(48), b"\x13BitTorrent protocoI" + bytes(48)
    ),
    "bittorrent-tracker": udp_client(TRACKER, changed(TRACKER, 7)),
    "bittorrent-nodes": udp_client(b"d1:ad2:id20:" + bytes(20) + b"e", b"d1:ad2:id21:" + bytes(21)),
    "afs-rx-data": udp_client(
        RX, changed(RX, 27, 99), changed(RX, 15, 2), changed(RX, 22), RX[:27]
    ),
    "rtcp-compound": udp_client(
        REPORT + DESCRIPTION, REPORT, REPORT + DESCRIPTION[:-1], REPORT * 2, DESCRIPTION + REPORT
    ),
    "rtcp-report": udp_client(
        REPORT, REPORT[:-1], changed(REPORT, 1, 202), changed(REPORT, 0, 0x82)
    ),
    "rtp-series": Opening(
        "udp",
        "client",
        (rtp(1), rtp(2), rtp(4)),
        (
            rtp(1),
            (rtp(1), rtp(2, source=9)),
            (rtp(2), rtp(1)),
            (rtp(1), rtp(1)),
            (rtp(1), rtp(900)),
            (rtp(1), rtp(2, kind=0)),
            (rtp(1), b"noise"),
            (rtp(1, source=0), rtp(2, source=0)),
        ),
    ),
    "rtp-packet": udp_client(
        rtp(1),
        changed(rtp(1), 0, 0x40),
        rtp(1, kind=72),
        rtp(1)[:11],
        changed(rtp(1)[:20], 0, 0x8F),
    ),
    "stun-message": udp_client(
        STUN, changed(STUN, 4), changed(STUN, 3, 12), changed(STUN, 23, 5), changed(STUN, 0, 0x80)
    ),
}

FURTHER = {
    "dns-response": [POINTED],
    "dns-question": [QUERY[:-4] + pack(">HH", 65, 1)],
    "ntp-client": [b"\x1b" + NTP_TOLD[1:]],
    "ntp-server": [NTP_TOLD + bytes(20), NTP_TOLD + bytes.fromhex("0104 0010") + bytes(12)],
    "snmp-request": [TRAP1],
    "syslog-message": [
        b"<165>1 2026-03-02T08:00:00Z adc - - - - text",
        b"<134> 03/02/2026:08:00:00 GMT adc 0-PPE-0 : default TCP CONN_TERMINATE 1 0 :",
    ],
    "syslog-over-tcp": [LOG],
    "radius-request": [RADIUS + bytes(4)],
    "ssdp-message": [b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=9\r\nST: upnp:rootdevice\r\n\r\n"],
    "rmcp-message": [IPMI, IPMI_SIGNED, IPMI_2],
    "dhcp-request": [DISCOVER[:240] + b"\0\x3d\x07\x01" + MAC + DISCOVER[240:]],
    "dhcpv6-message": [b"\x0c\0" + bytes(32) + pack(">HH", 9, len(SOLICIT)) + SOLICIT],
    "netflow-9": [NETFLOW9[:20] + pack(">HHHHHH", 0, 12, 256, 1, 8, 4) + DATA],
    "stun-message": [STUN[:3] + b"\0" + STUN[4:20]],
}
"""More payloads that must be recognised: other forms of the same opening."""
