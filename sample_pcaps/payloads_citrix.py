"""Things that Citrix components say, as published; each source is named where it is used."""

from __future__ import annotations

import struct

import payloads
from payloads import noise

ICA_BANNER = b"\x7f\x7fICA\0"
"""The server sends it first and the client repeats it (nDPI citrix.c, nmap citrix-ica)."""

LICENSE_ACKNOWLEDGEMENT = b"WW" + bytes(145)
"""The answer of a Citrix license server (nmap citrix-licensing)."""

NET_TCP_ACKNOWLEDGEMENT = b"\x0b"

_CGP_MAGIC = b"\x1aCGP/01"
_RPC_LOGIN, _RPC_ACKNOWLEDGE = 1, 0x80


def ica_setup(label: str, *, answer: bool = False) -> bytes:
    """Build what follows the banner in the one public capture: weak evidence, as recorded there."""
    if answer:
        return b"\x00\x0f\x00\x07\x00\x02" + noise(f"ica {label}", 12)
    modules = b"WFICA32.EXE\0TDWSTCPN.DLL\0PDRFRAMN.DLL\0WDICA30N.DLL\0CTXTW  \0CTXCLIP\0"
    return b"\x01" + struct.pack("<HH", len(modules), len(modules)) + b"\0" + modules


def cgp_bind(label: str) -> bytes:
    """Build signature and bind request in one packet, as the client must (HTML5 client)."""
    service = b"Citrix.TcpProxyService"
    request = b"\x01\x00\x00\x00\x00" + bytes([len(service)]) + service + noise(f"cgp {label}", 24)
    return _CGP_MAGIC + bytes([len(request)]) + request


def cgp_bound(label: str) -> bytes:
    """Build the server's signature and bind response."""
    response = b"\x02\x00\x00\x00\x00" + noise(f"cgp bound {label}", 20)
    return _CGP_MAGIC + bytes([len(response)]) + response


def cgp_data(label: str, size: int) -> bytes:
    """Build one data command of at most 16,000 bytes."""
    body = b"\x09\x00" + noise(f"cgp data {label} {size}", size)
    length = bytes([len(body)]) if len(body) < 0x80 else struct.pack(">H", 0x8000 | len(body))
    return length + body


def xml_service_request(host: str) -> bytes:
    """Build a question of StoreFront to the XML service (nmap citrixxml)."""
    body = (
        b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE NFuseProtocol SYSTEM "NFuse.dtd">'
        b'<NFuseProtocol version="5.0"><RequestAppData><Scope traverse="subtree"/>'
        b"<DesiredDetails>defaults</DesiredDetails></RequestAppData></NFuseProtocol>"
    )
    return payloads.http_request(
        host, "/scripts/WPnBr.dll", method="POST", headers="Content-Type: text/xml\r\n", body=body
    )


def xml_service_answer() -> bytes:
    """Build the answer of the XML service."""
    body = b'<?xml version="1.0"?><NFuseProtocol version="5.0"><ResponseAppData/></NFuseProtocol>'
    return payloads.http_response(
        kind="text/xml", headers="Server: Citrix Web PN Server\r\n", body=body
    )


def sta_request(host: str) -> bytes:
    """Build a question for a session ticket (a public web service in C#)."""
    body = (
        b'<?xml version="1.0"?><!DOCTYPE CtxSTAProtocol SYSTEM "CtxSTA.dtd">'
        b'<CtxSTAProtocol version="4.0"><RequestTicket><AllowedTicketType>STA-v4'
        b"</AllowedTicketType></RequestTicket></CtxSTAProtocol>"
    )
    return payloads.http_request(
        host, "/scripts/ctxsta.dll", method="POST", headers="Content-Type: text/xml\r\n", body=body
    )


def sta_answer() -> bytes:
    """Build the answer with a ticket."""
    body = b'<?xml version="1.0"?><CtxSTAProtocol version="4.0"><ResponseTicket/></CtxSTAProtocol>'
    return payloads.http_response(kind="text/xml", body=body)


def registration(controller: str) -> bytes:
    """Build a VDA's registration, SOAP to the controller (XDPing)."""
    body = (
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
        b"<Register/></s:Body></s:Envelope>"
    )
    return payloads.http_request(
        controller, "/Citrix/CdsController/IRegistrar", method="POST",
        headers="Content-Type: application/soap+xml; charset=utf-8\r\n", body=body,
    )  # fmt: skip


def registration_answer() -> bytes:
    """Build the controller's answer."""
    return b"HTTP/1.1 100 Continue\r\n\r\n" + payloads.http_response(
        kind="application/soap+xml; charset=utf-8", body=b"<s:Envelope/>"
    )


def flexnet(label: str, size: int = 147) -> bytes:
    """Build a FlexNet message whose header checks out (Metasploit flexnet_lmgrd_bof)."""
    tail = struct.pack(">H", size) + noise(f"flexnet {label}", size - 6)
    crc = struct.pack(">H", _crc16(tail))
    header = b"\x2f\x00" + crc + tail
    checksum = (header[0] + sum(header[2:20])) & 0xFF
    return bytes([header[0], checksum]) + header[2:]


def tds_prelogin(*, answer: bool = False) -> bytes:
    """Build the first packet of a SQL Server client, or the server's answer in the same form."""
    options = bytes.fromhex("00001a0006 0100200001 0200210001 0300220004 0400260001 ff")
    values = bytes.fromhex("0f0007d00000 00 00 00001234 00")
    return _tds(4 if answer else 0x12, options + values)


def tds_batch(text: str) -> bytes:
    """Build a batch of SQL."""
    return _tds(1, text.encode("utf-16-le"))


def tds_answer(statements: int = 5) -> bytes:
    """Build a server's answer: one DONE token for each statement."""
    return _tds(4, (b"\xfd\x10\x00\xc1\x00" + bytes(8)) * statements)


def nitro_request(host: str, path: str = "/nitro/v1/stat/service") -> bytes:
    """Build a NITRO call."""
    return payloads.http_request(host, path, headers="Accept: application/json\r\n")


def netscaler_rpc(command: int = _RPC_LOGIN, *, answer: bool = False) -> bytes:
    """Build a NetScaler RPC message: length, A5 A5, command, error (Wireshark packet-ns-rpc)."""
    code = command | (_RPC_ACKNOWLEDGE if answer else 0)
    return struct.pack("<IHHBBH", 16, 0xA5A5, 0, code, 0, 0) + bytes(4)


def ha_heartbeat(sequence: int) -> bytes:
    """Build a heartbeat of version 10 (Wireshark packet-ns-ha; its signature is unpublished)."""
    head = noise("ha signature", 4) + bytes([10, 0, 1, 2])
    return head + struct.pack("<II", sequence, 0) + struct.pack("<I", 1) + bytes(20)


def pvs_message(label: str, size: int = 400) -> bytes:
    """Build a streaming datagram: nothing of it is published, so noise behind a plain counter."""
    return struct.pack("<HH", len(label), size) + noise(f"pvs {label}", size)


def rtp(sequence: int, stream: int, size: int = 80) -> bytes:
    """Build one RTP packet of audio."""
    head = struct.pack(">BBHII", 0x80, 96, sequence & 0xFFFF, sequence * 160, stream)
    return head + noise(f"rtp {stream} {sequence}", size)


def _tds(kind: int, body: bytes) -> bytes:
    return bytes([kind, 1]) + struct.pack(">HHBB", 8 + len(body), 0, 1, 0) + body


def _crc16(data: bytes) -> int:
    """Compute the reflected CRC-16 of polynomial 0x3A5D that FlexNet uses."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x3A5D if crc & 1 else 0)
    return crc
