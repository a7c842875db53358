"""What Windows services and databases say first, after Microsoft's open specifications and RFCs."""

from __future__ import annotations

from struct import pack

import payloads_citrix as citrix
import payloads_windows as windows
from openings import changed, sized, tcp_client, tcp_server, udp_client, udp_server
from payloads_network import net_tcp_preamble
from payloads_windows import der

SMB1 = sized(b"\xffSMB\x72" + bytes(27) + bytes(20))
SMB1_ANSWER = changed(SMB1, 13, 0x98)
SMB2, SMB2_ANSWER = windows.smb2_negotiate(), windows.smb2_negotiated()
SEALED = sized(b"\xfdSMB" + bytes(60))
CODED_NAME = b"\x20" + b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" + b"\0"
SESSION = pack(">HH", 0x8100, 2 * len(CODED_NAME)) + CODED_NAME * 2
DATAGRAM = windows.netbios_datagram("PC", "192.0.2.1")
NAME_QUERY = windows.netbios_query("WPAD")
BIND, BOUND = windows.rpc_bind(), windows.rpc_bound()[:-24]
BOUND += bytes.fromhex("00000000 045d888aeb1cc9119fe808002b104860 02000000")
REQUEST = bytes.fromhex("05000003 10000000 1800 0000 01000000 00000000 00000000")
INTERFACE = bytes.fromhex("c84f324b7016d30112785a47bf6ee188")
ACTIVITY = bytes.fromhex("11223344556677488899aabbccddeeff")
CALL = b"\x04\x00\x28\x00\x10\x00\x00\x00" + bytes(16) + INTERFACE + ACTIVITY + bytes(18)
CALL += pack("<HHBB", 8, 0, 0, 0) + bytes(8)
AS_REQ = windows.kerberos_as_request("user", "EXAMPLE.ORG")
AS_REP = windows.kerberos_as_reply("user", "EXAMPLE.ORG")
AP_REQ = der(0x6E, der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, b"\x02\x01\x0e")))
KPASSWD = pack(">HHH", 6 + len(AP_REQ) + 30, 1, len(AP_REQ)) + AP_REQ + bytes(30)
BIND_LDAP, BOUND_LDAP = windows.ldap_bind("cn=a"), windows.ldap_bind_done()
SEARCH, FOUND = windows.ldap_search("dc=a", "cn", "b"), windows.ldap_found("cn=b")
UNBIND = bytes.fromhex("30 05 02 01 03 42 00")
START_TLS = der(0x30, b"\x02\x01\x01", der(0x77, der(0x80, b"1.3.6.1.4.1.1466.20037")))
RDP, RDP_ANSWER = windows.rdp_request(), windows.rdp_confirm()
RDP_PLAIN = bytes.fromhex("0300000b 06e000000000 00")
S7 = bytes.fromhex("03000016 11e000000001 00 c0010a c1020100 c2020102")
PREAMBLE = net_tcp_preamble("net.tcp://storefront.example:808/Citrix")
MSMQ = b"\x10\0\0\0LIOR" + pack("<II", 572, 0xFFFFFFFF) + bytes(556)
PRELOGIN, PRELOGIN_ANSWER = citrix.tds_prelogin(), citrix.tds_prelogin(answer=True)
LOGIN = pack("<I", 40) + bytes.fromhex("04000074") + bytes(32)
LOGIN = pack(">BBHHBB", 0x10, 1, 8 + len(LOGIN), 0, 1, 0) + LOGIN
BROWSER = b"ServerName;SQL1;InstanceName;MSSQLSERVER;tcp;1433;;"
BROWSER = b"\x05" + sized(BROWSER, width=2, order="little")
VERSION_AND_SALT = b"8.0.36\0" + b"\x0b\0\0\0" + b"saltsalt" + b"\0" + bytes(40)
MYSQL = pack("<I", 1 + len(VERSION_AND_SALT)) + b"\x0a" + VERSION_AND_SALT
STARTUP = pack(">I", 196608) + b"user\0app\0database\0store\0\0"
STARTUP = pack(">I", 4 + len(STARTUP)) + STARTUP
SCRAM = pack(">cII", b"R", 23, 10) + b"SCRAM-SHA-256\0\0"

OPENINGS = {
    "smb-request": tcp_client(SMB2, SMB2_ANSWER, changed(SMB2, 4), SMB2[:30], changed(SMB2, 8)),
    "smb-response": tcp_server(SMB2_ANSWER, SMB2, SMB1),
    "netbios-session-request": tcp_client(SESSION, changed(SESSION, 3), changed(SESSION, 6, 0x51)),
    "netbios-session-answer": tcp_server(b"\x82\0\0\0", b"\x82\0\0\1"),
    "netbios-datagram": udp_client(
        DATAGRAM, changed(DATAGRAM, 15, 0x20), changed(DATAGRAM, 11), DATAGRAM[:40]
    ),
    "netbios-name-question": udp_client(
        NAME_QUERY, changed(NAME_QUERY, 20, 0x61), changed(NAME_QUERY, -1, 2), NAME_QUERY[:-5]
    ),
    "netbios-name-answer": udp_server(
        changed(NAME_QUERY, 2, 0x85), NAME_QUERY, changed(NAME_QUERY, 2, 0x85)[:-5]
    ),
    "dce-rpc-bind": tcp_client(BIND, changed(BIND, 2, 12), changed(BIND, -8), changed(BIND, 4)),
    "dce-rpc-bound": tcp_server(BOUND, changed(BOUND, 2, 11), changed(BOUND, -8)),
    "dce-rpc-fragment": tcp_client(
        REQUEST * 2,
        REQUEST[:-1],
        REQUEST + b"\x06\0\0",
        changed(REQUEST, 4, 0),
        changed(REQUEST, 2, 9),
    ),
    "dce-rpc-datagram": udp_client(
        CALL, CALL[:-1], changed(CALL, 1, 11), changed(CALL, 6), changed(CALL, 48, 1)
    ),
    "kpasswd-message": udp_client(KPASSWD, changed(KPASSWD, 6), changed(KPASSWD, 5), KPASSWD[:-1]),
    "kpasswd-message-over-tcp": tcp_client(sized(KPASSWD), sized(changed(KPASSWD, 6)), KPASSWD),
    "kerberos-request": udp_client(
        AS_REQ, AS_REP, changed(AS_REQ, AS_REQ.index(b"\x02\x01\x05") + 2), changed(AS_REQ, 0, 0x6C)
    ),
    "kerberos-answer": udp_server(AS_REP, AS_REQ, changed(AS_REP, 0, 0x6D)),
    "kerberos-request-over-tcp": tcp_client(sized(AS_REQ), sized(AS_REQ, b"x"), AS_REQ),
    "kerberos-answer-over-tcp": tcp_server(sized(AS_REP), sized(AS_REQ), changed(sized(AS_REP), 3)),
    "ldap-request": tcp_client(
        BIND_LDAP, BOUND_LDAP, changed(BIND_LDAP, 9, 4), changed(BIND_LDAP, 5)
    ),
    "ldap-response": tcp_server(
        BOUND_LDAP, BIND_LDAP, changed(BOUND_LDAP, 9, 200), b"0\x03\x02\x01\x05"
    ),
    "rdp-request": tcp_client(RDP, S7, RDP_PLAIN, changed(RDP, 3), RDP_ANSWER),
    "rdp-confirmation": tcp_server(RDP_ANSWER, RDP, changed(RDP_ANSWER, 13), RDP_ANSWER[:-1]),
    "x224-connection": tcp_client(RDP_PLAIN, changed(RDP_PLAIN, 4), changed(RDP_PLAIN, 10)),
    "net-tcp-preamble": tcp_client(
        PREAMBLE, changed(PREAMBLE, 4, 5), PREAMBLE.replace(b"net.tcp", b"http+xx"), PREAMBLE[:20]
    ),
    "net-tcp-acknowledgement": tcp_server(b"\x0b\x06\x01", b"\x0b\x07\x01", b"\x0b"),
    "msmq-packet": tcp_client(MSMQ, changed(MSMQ, 4), MSMQ[:15]),
    "tds-prelogin": tcp_client(
        PRELOGIN,
        PRELOGIN[:-1],
        changed(PRELOGIN, 8, 9),
        changed(PRELOGIN, 10, 200),
        changed(PRELOGIN, 7),
    ),
    "tds-prelogin-answer": tcp_server(
        PRELOGIN_ANSWER, changed(PRELOGIN_ANSWER, 33, 9), citrix.tds_answer()
    ),
    "tds-login": tcp_client(LOGIN, changed(LOGIN, 12), changed(LOGIN, 8), changed(LOGIN, 3)),
    "tds-answer": tcp_server(
        citrix.tds_answer(),
        changed(citrix.tds_answer(), 8, 0x11),
        citrix.tds_answer()[:-1],
        changed(citrix.tds_answer(), 1, 0),
    ),
    "tds-packets": tcp_client(
        citrix.tds_batch("select 1") * 2,
        citrix.tds_batch("select 1")[:-1],
        bytes.fromhex("03000013 0ee00000 00000001 00080003000000"),
    ),
    "sql-browser-answer": udp_server(BROWSER, BROWSER + b"x", changed(BROWSER, 3)),
    "sql-browser-question": udp_client(b"\x04MSSQLSERVER\0", b"\x04OTHER\0", b"\x05MSSQLSERVER\0"),
    "mysql-greeting": tcp_server(
        MYSQL, changed(MYSQL, 4, 9), MYSQL[:-1], changed(MYSQL, 5), changed(MYSQL, 24)
    ),
    "postgresql-startup": tcp_client(
        STARTUP, changed(STARTUP, 8), STARTUP[:-1], changed(STARTUP, -1)
    ),
    "postgresql-encryption-request": tcp_client(
        bytes.fromhex("0000000804d2162f"), bytes.fromhex("0000000804d2162e")
    ),
    "postgresql-authentication": tcp_server(
        SCRAM, changed(SCRAM, 8, 1), SCRAM[:-1], SCRAM + b"\x16"
    ),
}

FURTHER = {
    "smb-request": [SMB1, SESSION + SMB1, SEALED],
    "smb-response": [SMB1_ANSWER, b"\x82\0\0\0" + SMB1_ANSWER, SEALED],
    "ldap-request": [SEARCH, UNBIND, START_TLS],
    "ldap-response": [FOUND],
    "rdp-request": [bytes.fromhex("03000013 0ee000000000 00 0100080003000000")],
    "netbios-name-question": [changed(NAME_QUERY, 2, 0x28)],
}
"""More payloads that must be recognised: other forms of the same opening."""
