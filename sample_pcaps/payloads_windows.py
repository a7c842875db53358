"""Things that Windows and Active Directory say: only as much as a reader of first bytes needs."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from payloads import noise

DHCP_DISCOVER, DHCP_OFFER, DHCP_REQUEST, DHCP_ACK = 1, 2, 3, 5

_SMB2_NEGOTIATE, _SMB2_SESSION_SETUP = 0, 1


def der(tag: int, *parts: bytes) -> bytes:
    """Encode an ASN.1 value from its encoded parts."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes(2, "big")
    return bytes([tag, 0x82]) + length + body


def kerberos_as_request(user: str, realm: str) -> bytes:
    """Build an AS-REQ for a ticket-granting ticket."""
    options = der(0xA0, b"\x03\x05\x00\x40\x81\x00\x10")
    body = options + der(0xA1, _principal(1, user)) + der(0xA2, _general(realm))
    body += der(0xA3, _principal(2, "krbtgt", realm))
    body += der(0xA5, der(0x18, b"20370913024805Z"))
    body += der(0xA7, b"\x02\x04" + b"\x11\x22\x33\x44")
    body += der(0xA8, der(0x30, b"\x02\x01\x12", b"\x02\x01\x11"))
    request = der(0xA1, b"\x02\x01\x05") + der(0xA2, b"\x02\x01\x0a") + der(0xA4, der(0x30, body))
    return der(0x6A, der(0x30, request))


def kerberos_as_reply(user: str, realm: str, size: int = 900) -> bytes:
    """Build an AS-REP whose encrypted parts are `size` bytes of noise in all."""
    sealed = der(0x30, der(0xA0, b"\x02\x01\x12"), der(0xA2, der(0x04, noise(user, size // 2))))
    ticket = der(0xA0, b"\x02\x01\x05") + der(0xA1, _general(realm))
    ticket += der(0xA2, _principal(2, "krbtgt", realm)) + der(0xA3, sealed)
    body = der(0xA0, b"\x02\x01\x05") + der(0xA1, b"\x02\x01\x0b") + der(0xA3, _general(realm))
    body += der(0xA4, _principal(1, user)) + der(0xA5, der(0x61, der(0x30, ticket)))
    return der(0x6B, der(0x30, body + der(0xA6, sealed)))


def kerberos_password_change(user: str, realm: str) -> bytes:
    """Build a kpasswd request: an AP-REQ and a sealed KRB-PRIV."""
    sealed = der(0x30, der(0xA0, b"\x02\x01\x12"), der(0xA2, der(0x04, noise(user, 120))))
    ticket = der(0xA0, b"\x02\x01\x05") + der(0xA1, _general(realm))
    ticket += der(0xA2, _principal(2, "kadmin", "changepw")) + der(0xA3, sealed)
    body = der(0xA0, b"\x02\x01\x05") + der(0xA1, b"\x02\x01\x0e")
    body += der(0xA2, b"\x03\x05\x00\x00\x00\x00\x00")
    body += der(0xA3, der(0x61, der(0x30, ticket))) + der(0xA4, sealed)
    proof = der(0x6E, der(0x30, body))
    secret = der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, b"\x02\x01\x15"), der(0xA3, sealed))
    return _password_message(proof, der(0x75, secret))


def kerberos_password_changed(user: str) -> bytes:
    """Build the answer to a kpasswd request: an AP-REP and a sealed KRB-PRIV."""
    sealed = der(0x30, der(0xA0, b"\x02\x01\x12"), der(0xA2, der(0x04, noise(user, 60))))
    proof = der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, b"\x02\x01\x0f"), der(0xA2, sealed))
    secret = der(0x30, der(0xA0, b"\x02\x01\x05"), der(0xA1, b"\x02\x01\x15"), der(0xA3, sealed))
    return _password_message(der(0x6F, proof), der(0x75, secret))


def over_tcp(message: bytes) -> bytes:
    """Prefix a Kerberos or DNS-like message as Kerberos does over TCP."""
    return struct.pack(">I", len(message)) + message


def ldap_bind(name: str = "", number: int = 1) -> bytes:
    """Build a simple bind."""
    bind = b"\x02\x01\x03" + der(0x04, name.encode()) + der(0x80, b"secret" if name else b"")
    return _ldap(number, der(0x60, bind))


def ldap_bind_done(number: int = 1) -> bytes:
    """Build the answer to a bind."""
    return _ldap(number, der(0x61, b"\x0a\x01\x00", der(0x04), der(0x04)))


def ldap_search(base: str, attribute: str, value: str, number: int = 2) -> bytes:
    """Build a search of a subtree for attribute=value."""
    equality = der(0xA3, der(0x04, attribute.encode()), der(0x04, value.encode()))
    scope = b"\x0a\x01\x02\x0a\x01\x00\x02\x01\x00\x02\x01\x78\x01\x01\x00"
    wanted = der(0x30, der(0x04, b"mail"), der(0x04, b"displayName"))
    return _ldap(number, der(0x63, der(0x04, base.encode()), scope, equality, wanted))


def ldap_found(name: str, number: int = 2) -> bytes:
    """Build one entry and the end of the result."""
    values = der(0x31, der(0x04, b"someone@corp.example"))
    attributes = der(0x30, der(0x30, der(0x04, b"mail"), values))
    entry = _ldap(number, der(0x64, der(0x04, name.encode()), attributes))
    return entry + _ldap(number, der(0x65, b"\x0a\x01\x00", der(0x04), der(0x04)))


def smb2_negotiate() -> bytes:
    """Build an SMB 2/3 negotiate request."""
    body = struct.pack("<HHHHI", 36, 5, 1, 0, 0x7F) + noise("smb client", 16) + bytes(8)
    return _smb2(_SMB2_NEGOTIATE, body + struct.pack("<5H", 0x202, 0x210, 0x300, 0x302, 0x311))


def smb2_negotiated() -> bytes:
    """Build the answer to a negotiate request."""
    body = struct.pack("<HHHH", 65, 1, 0x302, 0) + noise("smb server", 16)
    body += struct.pack("<IIII", 0x2F, 1 << 20, 1 << 20, 1 << 20) + bytes(16)
    return _smb2(_SMB2_NEGOTIATE, body + struct.pack("<HHI", 128, 0, 0), answer=True)


def smb2_session(label: str, *, answer: bool = False) -> bytes:
    """Build a session setup that carries an NTLM message."""
    token = b"NTLMSSP\0" + struct.pack("<II", 1, 0xE2088297) + bytes(16) + noise(label, 8)
    if answer:
        token = b"NTLMSSP\0" + struct.pack("<I", 2) + bytes(8) + struct.pack("<I", 0xE2898215)
        token += noise(label, 8) + bytes(16)
        body = struct.pack("<HHHH", 9, 0, 72, len(token)) + token
    else:
        body = struct.pack("<HBBIIHHQ", 25, 0, 1, 1, 0, 88, len(token), 0) + token
    return _smb2(_SMB2_SESSION_SETUP, body, answer=answer)


def ntp_request() -> bytes:
    """Build the question of an NTP client, version 4."""
    return bytes([0x23, 0, 6, 0xEC]) + bytes(36) + noise("ntp transmit", 8)


def ntp_reply() -> bytes:
    """Build the answer of a stratum 2 server."""
    return bytes([0x24, 2, 6, 0xE9]) + noise("ntp reply", 44)


def netbios_query(name: str, number: int = 0x8A10) -> bytes:
    """Build a broadcast NetBIOS name query."""
    head = struct.pack(">6H", number, 0x0110, 1, 0, 0, 0)
    return head + _netbios_name(name) + b"\x00\x20\x00\x01"


def netbios_datagram(sender: str, address: str) -> bytes:
    """Build a browser announcement, as a NetBIOS datagram."""
    names = _netbios_name(sender) + _netbios_name("WORKGROUP")
    mailslot = b"\xffSMB\x25" + bytes(27) + b"\x11\x00\x00" + bytes(34) + b"\\MAILSLOT\\BROWSE\0"
    data = names + mailslot
    head = struct.pack(">BBH4sHHH", 0x11, 2, 0x8A11, _ipv4(address), 138, len(data), 0)
    return head + data


def dhcp(kind: int, mac: bytes, *, offered: str = "", server: str = "", boot: str = "") -> bytes:
    """Build a DHCP message of a client `mac`; `boot` is the boot file that a PXE answer names."""
    operation = 2 if kind in {DHCP_OFFER, DHCP_ACK} else 1
    head = struct.pack(">BBBBIHH", operation, 1, 6, 0, 0x3903F326, 0, 0x8000)
    addresses = bytes(4) + _ipv4(offered) + bytes(8)
    body = head + addresses + mac.ljust(16, b"\0") + bytes(64) + boot.encode().ljust(128, b"\0")
    options = bytes([53, 1, kind])
    if server:
        options += b"\x36\x04" + _ipv4(server)
    options += b"\x3c\x09PXEClient" if boot else b"\x3c\x08MSFT 5.0"
    return body + b"\x63\x82\x53\x63" + options + b"\xff"


def ssdp_search() -> bytes:
    """Build an SSDP search."""
    return (
        b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\n'
        b"MX: 1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"
    )


def rpc_bind() -> bytes:
    """Build a DCE/RPC bind to the endpoint mapper."""
    mapper = bytes.fromhex("0883afe11f5dc91191a408002b14a0fa 0300 0000")
    syntax = bytes.fromhex("045d888aeb1cc9119fe808002b104860 02000000")
    body = (
        struct.pack("<HHI", 5840, 5840, 0) + b"\x01\x00\x00\x00\x00\x00\x01\x00" + mapper + syntax
    )
    return b"\x05\x00\x0b\x03\x10\x00\x00\x00" + struct.pack("<HHI", 16 + len(body), 0, 1) + body


def rpc_bound() -> bytes:
    """Build the answer to a DCE/RPC bind."""
    body = (
        struct.pack("<HHI", 5840, 5840, 0x1234) + b"\x04\x00135\0\0\0" + b"\x01\0\0\0" + bytes(24)
    )
    return b"\x05\x00\x0c\x03\x10\x00\x00\x00" + struct.pack("<HHI", 16 + len(body), 0, 1) + body


def rdp_request(user: str = "operator") -> bytes:
    """Build the first packet of an RDP client: TPKT, X.224, its cookie."""
    cookie = f"Cookie: mstshash={user}\r\n".encode() + b"\x01\x00\x08\x00\x03\x00\x00\x00"
    request = bytes([6 + len(cookie), 0xE0]) + bytes(5) + cookie
    return b"\x03\x00" + struct.pack(">H", 4 + len(request)) + request


def rdp_confirm() -> bytes:
    """Build the server's X.224 confirmation."""
    return bytes.fromhex("030000130ed000001234000209080002000000")


def _ipv4(address: str) -> bytes:
    return IPv4Address(address).packed if address else bytes(4)


def _password_message(proof: bytes, secret: bytes) -> bytes:
    version = b"\x00\x01"
    size = struct.pack(">H", 6 + len(proof) + len(secret))
    return size + version + struct.pack(">H", len(proof)) + proof + secret


def _principal(kind: int, *names: str) -> bytes:
    strings = der(0x30, *map(_general, names))
    return der(0x30, der(0xA0, bytes([2, 1, kind])), der(0xA1, strings))


def _general(text: str) -> bytes:
    return der(0x1B, text.encode())


def _ldap(number: int, operation: bytes) -> bytes:
    return der(0x30, bytes([2, 1, number]), operation)


def _smb2(command: int, body: bytes, *, answer: bool = False) -> bytes:
    head = b"\xfeSMB" + struct.pack("<HHIHHIIQ", 64, 1, 0, command, 1, int(answer), 0, command)
    message = head + struct.pack("<IIQ", 0xFEFF, 0, 0) + bytes(16) + body
    return struct.pack(">I", len(message)) + message


def _netbios_name(name: str) -> bytes:
    padded = name.upper()[:15].ljust(15).encode() + b"\0"
    coded = b"".join(bytes([0x41 + (byte >> 4), 0x41 + (byte & 15)]) for byte in padded)
    return b"\x20" + coded + b"\0"
