"""What Citrix components say first, after nDPI, nmap, Metasploit and Citrix' own HTML5 client."""

from __future__ import annotations

from struct import pack

import payloads_citrix as citrix
from openings import changed, tcp_client, tcp_server, udp_client, udp_server
from payloads import http_request, http_response

BANNER = bytes.fromhex("7f7f49434100")
MODULE = bytes.fromhex("019700970015000104574649434133322e45584500000000") + bytes(123)
SERVER_PACKET = bytes.fromhex("000f00070002040006000200030004000100")
SIGNATURE = bytes.fromhex("1a4347502f3031")
BIND = SIGNATURE + bytes.fromhex("20 01 00 00 00 03") + b"Citrix.TcpProxyService"
BOUND = SIGNATURE + bytes.fromhex("81 10 02 00 00 00 01") + bytes(20)
BROWSER_REQUEST = bytes.fromhex("1e00013002fda8e3") + bytes(22)
BROWSER_ANSWER = bytes.fromhex("3000023102fda8e302000644") + bytes(36)
UDT = bytes.fromhex("80000000 00000000 00000000 00000000 00000004 00000001") + bytes(40)
PVS = bytes.fromhex("00000240") + bytes(14)


def flexnet(kind: int, data: bytes = b"") -> bytes:
    """Build a message with both of its checks, as the exploit's author and a lmstat clone do."""
    rest = pack(">HHI", 20 + len(data), kind, 1_772_438_400) + bytes(8) + data
    crc = 0
    for byte in rest:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x3A5D if crc & 1 else 0)
    rest = pack(">H", crc) + rest
    return bytes([0x2F, (0x2F + sum(rest[:18])) % 256]) + rest


def flexnet_old(first: int, rest: bytes) -> bytes:
    """Build one of the old messages of 147 bytes."""
    rest = rest.ljust(145, b"\0")
    return bytes([first, (first + sum(rest)) % 256]) + rest


def rpc(command: int, length: int = 16, size: int = 16) -> bytes:
    """Build a NetScaler RPC message."""
    head = pack("<IHHBBH", length, 0xA5A5, 0, command, 0, 0x0160 if command & 0x80 else 0)
    return head.ljust(size, b"\0")


HELLO = flexnet_old(0x68, b"13someone\0".ljust(137, b"\0") + bytes([11, 11]) + b"78\x0014\0")
TICKET = b'<!DOCTYPE CtxSTAProtocol SYSTEM "CtxSTA.dtd"><CtxSTAProtocol version="4.0">'
FARM = b'<!DOCTYPE NFuseProtocol SYSTEM "NFuse.dtd"><NFuseProtocol version="5.0">'
FARM_ANSWER = http_response(body=b'<NFuseProtocol version="5.0"><ResponseAppData/>')
HEARTBEAT = bytes.fromhex("11223344 0a 00 01 02 01000000") + bytes(12)

OPENINGS = {
    "ica-banner": tcp_server(BANNER * 2, changed(BANNER, 0, 7), BANNER[:5], b"\x07\x07ICA\0"),
    "ica-client-module": tcp_client(BANNER + MODULE, BANNER, BANNER + changed(MODULE, 3)),
    "ica-server-packet": tcp_server(BANNER * 2 + SERVER_PACKET, BANNER, BANNER + MODULE),
    "ica-midstream-server": tcp_server(SERVER_PACKET, SERVER_PACKET[:17]),
    "ica-midstream-client": tcp_client(MODULE, changed(MODULE, 9)),
    "cgp-bind-request": tcp_client(BIND, BOUND, changed(BIND, 1), SIGNATURE),
    "cgp-bind-response": tcp_server(BOUND, BIND, changed(BOUND, 4)),
    "cgp-signature": udp_client(SIGNATURE, SIGNATURE[:6], changed(SIGNATURE, 6)),
    "cgp-service-name": tcp_client(BIND[12:], BIND[12:-1]),
    "ica-browser-request": udp_client(BROWSER_REQUEST, BROWSER_REQUEST[:-1]),
    "ica-browser-answer": udp_server(BROWSER_ANSWER, BROWSER_ANSWER + b"\0"),
    "ica-browser-other": udp_client(
        changed(BROWSER_REQUEST, 3, 0x32), changed(BROWSER_REQUEST, 7), BROWSER_REQUEST[:-1]
    ),
    "udt-handshake": udp_client(UDT, changed(UDT, 19), changed(UDT, 23), UDT[:20]),
    "flexnet-request": tcp_client(
        flexnet(0x0108, b"\x01\x04someone\0"), flexnet(0x010E), changed(flexnet(0x0108), 3)
    ),
    "flexnet-answer": tcp_server(
        flexnet(0x010E, b"host\0daemon\0"), flexnet(0x0108), changed(flexnet(0x010E), 1)
    ),
    "flexnet-message": tcp_client(
        bytes.fromhex("2f5b0f090014") + bytes(14),
        bytes.fromhex("2f5a0f090014") + bytes(14),
        bytes.fromhex("2f5b0f0a0014") + bytes(14),
        flexnet(0x0108, b"whole")[:-1],
    ),
    "flexnet-hello": tcp_client(HELLO, changed(HELLO, 1), HELLO[:-1], changed(HELLO, 3)),
    "flexnet-vendor-daemon": tcp_server(citrix.LICENSE_ACKNOWLEDGEMENT, b"WW" + bytes(100)),
    "flexnet-refusal": tcp_server(flexnet_old(0x57, b"-60\0"), b"W\x14-60\0"),
    "flexnet-old-answer": tcp_server(b"W\x14-60\0", b"W\x14-61\0"),
    "pvs-message": udp_client(PVS, PVS[:17], changed(PVS, 3)),
    "netscaler-mep-start": tcp_client(rpc(8), rpc(1), changed(rpc(8), 4)),
    "netscaler-rpc-request": tcp_client(
        rpc(1) + rpc(5), rpc(0x81), rpc(1, 15), rpc(1, 40), rpc(1) + bytes(16), rpc(0x70)
    ),
    "netscaler-rpc-answer": tcp_server(rpc(0x81), rpc(1), rpc(0x81, 17)),
    "netscaler-rpc-header": tcp_client(rpc(1, 4000), changed(rpc(1), 5)),
    "netscaler-heartbeat": udp_client(HEARTBEAT, changed(HEARTBEAT, 7, 12), changed(HEARTBEAT, 4)),
    "jedi-greeting": tcp_client(b"JEDI\0\0", b"JEDO\0\0"),
    "xml-service-request": tcp_client(
        citrix.xml_service_request("ddc"),
        http_request("ddc", "/", method="POST", body=b"/scripts/WPnBr.dll"),
        citrix.xml_service_request("ddc").replace(b" HTTP/1.1", b""),
    ),
    "xml-service-body": tcp_client(
        http_request("ddc", "/other.dll", method="POST", body=FARM),
        http_request("ddc", "/other.dll", method="POST", body=TICKET),
    ),
    "xml-service-answer": tcp_server(FARM_ANSWER, FARM_ANSWER.replace(b"NFuse", b"NFuze")),
    "xml-service-banner": tcp_server(
        b"HTTP/1.1 400 Bad request\r\nServer: Citrix Web PN Server\r\n\r\n",
        b"HTTP/1.1 400 Bad request\r\nServer: Microsoft-IIS/10.0\r\n\r\n",
        b"Server: Citrix Web PN Server\r\n",
    ),
    "sta-request": tcp_client(
        http_request("sta", "/scripts/ctxsta.dll", method="POST", body=TICKET),
        http_request("sta", "/scripts/ctxsta.dll", method="POST", body=FARM),
    ),
    "sta-answer": tcp_server(
        http_response(body=b'<CtxSTAProtocol version="4.0"><ResponseTicket>'),
        b"<CtxSTAProtocol>",
        http_response(body=b"<CtxSTA>"),
    ),
    "sta-path": tcp_client(
        http_request("sta", "/scripts/CtxSTA.dll", method="POST"),
        http_request("sta", "/scripts/ctxsta.txt", method="POST"),
        http_request("sta", "/scripts/ctxsta.dll"),
    ),
    "vda-registration-request": tcp_client(
        citrix.registration("ddc"),
        http_request("ddc", "/Citrix/CdsController/IOther", method="POST"),
        http_request("ddc", "/", method="POST", body=b"/Citrix/CdsController/IRegistrar"),
    ),
    "nitro-request": tcp_client(
        http_request("adc", "/nitro/v1/config/lbvserver"),
        http_request("adc", "/", headers="Referer: http://adc/nitro/v1/\r\n"),
    ),
}
