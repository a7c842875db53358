"""What the web, mail and everything sealed says first, after the RFCs."""

from __future__ import annotations

from struct import pack

import payloads
from openings import changed, sized, tcp_client, tcp_server, udp_client, udp_server
from payloads import noise

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("00000c 04 00 00000000 0003 00000064 0004 00010000")
HELLO = payloads.tls_client_hello("gateway.example")
SERVER_HELLO = payloads.tls_server_flight()
DTLS_HELLO = payloads.dtls_client_hello("gateway.example")
DTLS_ANSWER = payloads.dtls_hello_verify()
ALERT = bytes.fromhex("15 0303 0002 02 28")
SSL2 = bytes.fromhex("802e 01 0301 0015 0000 0010") + noise("ssl2", 0x25)
CERTIFICATE = bytes.fromhex("16 fefd 0000 000000000003 0018 0b 000100 0002 000000 00000c") + bytes(
    12
)
DTLS_DATA = payloads.dtls_data(40, 7)
IDS = b"\x08" + noise("dcid", 8) + b"\x05" + noise("scid", 5)
INITIAL = b"\xc3" + bytes.fromhex("00000001") + IDS + b"\x00\x40\x64" + noise("initial", 100)
INITIAL_2 = b"\xd0" + bytes.fromhex("6b3343cf") + IDS + b"\x02ab\x44\xb0" + noise("v2", 1200)
HANDSHAKE = b"\xe0" + bytes.fromhex("00000001") + IDS + b"\x20" + noise("handshake", 32)
RETRY = b"\xf0" + bytes.fromhex("00000001") + IDS + noise("retry", 24)
GOOGLE_LONG = b"\xc3Q046\x50" + noise("q046", 30)
NEGOTIATION = b"\x9a" + bytes(4) + IDS + bytes.fromhex("0a1a2a3a 00000001")
GOOGLE = b"\x0d" + noise("cid", 8) + b"Q043\x01" + noise("google", 30)
KEXINIT = (
    b"\x14" + bytes(16) + sized(b"curve25519-sha256,diffie-hellman-group14-sha256") + bytes(60)
)
KEXINIT = sized(b"\x04" + KEXINIT + bytes(4))
IKE = (
    noise("cookie", 8)
    + bytes(8)
    + bytes.fromhex("21 20 22 08 00000000")
    + pack(">I", 60)
    + bytes(32)
)
GREETING = b"220 mail.example ESMTP ready\r\n"
FTP_GREETING = b"220 (vsFTPd 3.0.5)\r\n"

OPENINGS = {
    "http2-preface": tcp_client(PREFACE, PREFACE[:20], changed(PREFACE, 13)),
    "http2-settings": tcp_server(
        SETTINGS,
        changed(SETTINGS, 10, 0x70),
        SETTINGS[:-1],
        changed(SETTINGS, 2, 13),
        changed(SETTINGS, 16, 3),
    ),
    "http-request": tcp_client(
        payloads.http_request("a.example"),
        b"INVITE sip:a@b SIP/2.0\r\n",
        b"OPTIONS * RTSP/1.0\r\n",
        b"get / HTTP/1.1\r\n",
    ),
    "http-response": tcp_server(
        payloads.http_response(), b"HTTP/1.1 OK\r\n", b"SIP/2.0 200 OK\r\n"
    ),
    "http-request-cut": tcp_client(
        b"GET /a/long/path/that/the/capt", b"GET of some kind", b"DESCRIBE /"
    ),
    "tls-client-hello": tcp_client(
        HELLO,
        changed(HELLO, 5, 2),
        changed(HELLO, 9),
        changed(HELLO, 43, 33),
        changed(HELLO, 6),
        changed(HELLO, 2, 5),
    ),
    "tls-server-hello": tcp_server(SERVER_HELLO, changed(SERVER_HELLO, 5, 1), SERVER_HELLO[:10]),
    "ssl2-client-hello": tcp_client(SSL2, changed(SSL2, 1), changed(SSL2, 6, 0x16), SSL2[:10]),
    "tls-records": tcp_server(
        ALERT, ALERT + b"x", changed(ALERT, 0, 0x19), changed(ALERT, 2, 9), ALERT[:5] * 2
    ),
    "tls-data": tcp_client(b"\x17\x03\x03\x40\x00abc", b"\x17\x03\x05\x40\x00abc"),
    "dtls-client-hello": udp_client(
        DTLS_HELLO,
        changed(DTLS_HELLO, 13, 2),
        changed(DTLS_HELLO, 4),
        changed(DTLS_HELLO, 2, 0xFC),
        DTLS_HELLO[:-1],
    ),
    "dtls-server-hello": udp_server(DTLS_ANSWER, changed(DTLS_ANSWER, 13, 1), DTLS_ANSWER[:24]),
    "dtls-handshake": udp_server(
        CERTIFICATE, changed(CERTIFICATE, 13, 99), changed(CERTIFICATE, 24, 200), CERTIFICATE[:-1]
    ),
    "dtls-records": udp_client(
        DTLS_DATA * 2,
        DTLS_DATA[:-1],
        DTLS_DATA + b"\x17",
        changed(DTLS_DATA, 1),
        changed(DTLS_DATA, 0, 0x16)[:-1],
    ),
    "quic-long-header": udp_client(
        INITIAL,
        changed(INITIAL, 4, 9),
        changed(INITIAL, 5, 21),
        INITIAL[:-1],
        changed(INITIAL, 0, 0x43),
    ),
    "quic-version-negotiation": udp_server(
        NEGOTIATION, NEGOTIATION[:-1], changed(NEGOTIATION, -1, 9), NEGOTIATION[:-8]
    ),
    "quic-google": udp_client(GOOGLE, changed(GOOGLE, 9), changed(GOOGLE, 0, 0x0C), GOOGLE[:14]),
    "ssh-banner": tcp_server(b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-3.0-x\r\n"),
    "ssh-key-exchange": tcp_client(KEXINIT, changed(KEXINIT, 5, 0x15), changed(KEXINIT, 4, 3)),
    "isakmp-header": udp_client(IKE, IKE[:-1], changed(IKE, 17, 0x30), bytes(8) + IKE[8:]),
    "smtp-greeting": tcp_server(
        GREETING, b"220 server ready\r\n", b"220 files SMTP and FTP\r\n", b"221 ESMTP\r\n"
    ),
    "smtp-hello": tcp_client(b"EHLO pc.example\r\n", b"EHLO\r\n", b"HELP me\r\n"),
    "ftp-greeting": tcp_server(FTP_GREETING, GREETING, b"220 ready\r\n230 in\r\n"),
    "ftp-commands": tcp_client(
        b"USER anonymous\r\nPASS x\r\nTYPE I\r\nPASV\r\n", b"USER someone\r\nPASS x\r\nSTAT\r\n"
    ),
}

FURTHER = {
    "tls-server-hello": [SERVER_HELLO[:20]],
    "quic-long-header": [INITIAL_2, HANDSHAKE, RETRY, GOOGLE_LONG],
    "smtp-greeting": [b"220 ready\r\n250-mail\r\n"],
    "ftp-greeting": [b"220 ready\r\n331 Password?\r\n"],
    "isakmp-header": [bytes(4) + IKE],
    "http-response": [b"HTTP/1.0 200"],
    "dtls-handshake": [changed(changed(DTLS_HELLO, 1, 1), 2, 0)],
}
"""More payloads that must be recognised: other forms of the same opening."""
