"""Things to say on the web and about names: TLS, DTLS, HTTP, DNS; and plain noise."""

from __future__ import annotations

import hashlib
import struct
from ipaddress import ip_address

TYPE_A, TYPE_CNAME, TYPE_AAAA = 1, 5, 28

_TLS_CIPHERS = bytes.fromhex("1302 1301 c02c c02b c030 c02f 009d 009c")
_TLS_GROUPS = bytes.fromhex("000a 0008 0006 001d 0017 0018")
_TLS_SIGNATURES = bytes.fromhex("000d 000e 000c 0403 0503 0603 0804 0805 0806")


def noise(label: str, size: int) -> bytes:
    """Give `size` bytes that look random and are the same every time for a label."""
    return hashlib.shake_256(label.encode()).digest(size)


def tls_client_hello(name: str | None, label: str = "tls") -> bytes:
    """Build the ClientHello of a TLS 1.2/1.3 client; without a name it has no SNI."""
    extensions = _server_name(name) + _TLS_GROUPS + _TLS_SIGNATURES
    extensions += bytes.fromhex("002b 0005 04 0304 0303")  # supported versions
    extensions += bytes.fromhex("0033 0026 0024 001d 0020") + noise(f"{label} client key", 32)
    body = b"\x03\x03" + noise(f"{label} client random {name}", 32)
    body += _counted("B", noise(f"{label} session", 32)) + _counted("H", _TLS_CIPHERS)
    body += b"\x01\x00" + _counted("H", extensions)
    return _record(22, b"\x01" + _counted24(body), version=b"\x03\x01")


def tls_server_flight(label: str = "tls", sealed_size: int = 560) -> bytes:
    """Build a TLS 1.3 server's answer: ServerHello, then the certificate and the rest, sealed."""
    hello = b"\x03\x03" + noise(f"{label} server random", 32)
    hello += _counted("B", noise(f"{label} session", 32)) + b"\x13\x02\x00"
    key = bytes.fromhex("0033 0024 001d 0020") + noise(f"{label} server key", 32)
    hello += _counted("H", bytes.fromhex("002b 0002 0304") + key)
    sealed = _record(23, noise(f"{label} certificate", sealed_size))
    return _record(22, b"\x02" + _counted24(hello)) + _record(20, b"\x01") + sealed


def tls_client_finish(label: str = "tls") -> bytes:
    """Build the client's ChangeCipherSpec and the sealed Finished."""
    return _record(20, b"\x01") + _record(23, noise(f"{label} finished", 58))


def tls_data(size: int, label: str = "tls") -> bytes:
    """Build application data records that carry `size` bytes in all."""
    sizes = [16_000] * (size // 16_000) + [size % 16_000 or 1]
    return b"".join(_record(23, noise(f"{label} data {n} {i}", n)) for i, n in enumerate(sizes))


def dtls_client_hello(name: str | None, label: str = "dtls") -> bytes:
    """Build the ClientHello of a DTLS 1.2 client; without a name it has no SNI."""
    extensions = _server_name(name) + _TLS_GROUPS + _TLS_SIGNATURES
    body = b"\xfe\xfd" + noise(f"{label} client random {name}", 32) + b"\x00\x00"
    body += _counted("H", _TLS_CIPHERS[4:]) + b"\x01\x00" + _counted("H", extensions)
    return _dtls_handshake(1, body, message=0)


def dtls_hello_verify(label: str = "dtls") -> bytes:
    """Build the server's HelloVerifyRequest with a cookie."""
    return _dtls_handshake(3, b"\xfe\xff" + _counted("B", noise(f"{label} cookie", 20)), message=0)


def dtls_server_hello(label: str = "dtls") -> bytes:
    """Build the server's ServerHello."""
    hello = b"\xfe\xfd" + noise(f"{label} server random", 32) + b"\x00\xc0\x30\x00"
    return _dtls_handshake(2, hello, message=1)


def dtls_data(size: int, number: int, label: str = "dtls") -> bytes:
    """Build one DTLS application data record, the `number`-th of its epoch."""
    return (
        b"\x17\xfe\xfd\x00\x01"
        + number.to_bytes(6, "big")
        + _counted("H", noise(f"{label} data {number}", size))
    )


def http_request(
    host: str | None, path: str = "/", *, method: str = "GET", headers: str = "", body: bytes = b""
) -> bytes:
    """Build an HTTP/1.1 request; `headers` are whole lines that end in CRLF."""
    lines = f"{method} {path} HTTP/1.1\r\n"
    lines += f"Host: {host}\r\n" if host else ""
    lines += headers + (f"Content-Length: {len(body)}\r\n" if body else "")
    return lines.encode() + b"\r\n" + body


def http_response(
    status: str = "200 OK", *, kind: str = "text/html", headers: str = "", body: bytes = b""
) -> bytes:
    """Build an HTTP/1.1 response; `headers` are whole lines that end in CRLF."""
    lines = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{headers}"
    return lines.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def dns_query(name: str, kind: int = TYPE_A, *, number: int = 0, multicast: bool = False) -> bytes:
    """Build a question; `multicast` asks as mDNS and LLMNR do, without recursion."""
    flags = 0 if multicast else 0x0100
    number = number or _dns_number(name)
    return struct.pack(">6H", number, flags, 1, 0, 0, 0) + _question(name, kind)


def dns_answer(
    name: str, *addresses: str, aliases: tuple[str, ...] = (), number: int = 0, kind: int = TYPE_A
) -> bytes:
    """Build the answer: a chain of aliases (CNAME), then addresses; neither = no such name."""
    records = []
    owner = name
    for alias in aliases:
        records.append(_resource(owner, TYPE_CNAME, dns_name(alias)))
        owner = alias
    for address in addresses:
        packed = ip_address(address).packed
        records.append(_resource(owner, TYPE_A if len(packed) == 4 else TYPE_AAAA, packed))
    flags = 0x8180 if records else 0x8183
    number = number or _dns_number(name)
    head = struct.pack(">6H", number, flags, 1, len(records), 0, 0)
    return head + _question(name, kind) + b"".join(records)


def dns_name(name: str) -> bytes:
    """Encode a name as labels, uncompressed."""
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _dns_number(name: str) -> int:
    return 1 + int.from_bytes(noise(f"dns {name}", 2), "big") % 0xFFFE


def _question(name: str, kind: int) -> bytes:
    return dns_name(name) + struct.pack(">HH", kind, 1)


def _resource(owner: str, kind: int, data: bytes) -> bytes:
    return dns_name(owner) + struct.pack(">HHI", kind, 1, 3600) + _counted("H", data)


def _server_name(name: str | None) -> bytes:
    if name is None:
        return b""
    entry = b"\0" + _counted("H", name.encode())
    return b"\0\0" + _counted("H", _counted("H", entry))


def _record(kind: int, body: bytes, *, version: bytes = b"\x03\x03") -> bytes:
    return bytes([kind]) + version + _counted("H", body)


def _dtls_handshake(kind: int, body: bytes, *, message: int) -> bytes:
    length = len(body).to_bytes(3, "big")
    handshake = bytes([kind]) + length + struct.pack(">H", message) + bytes(3) + length + body
    return b"\x16\xfe\xfd\0\0" + message.to_bytes(6, "big") + _counted("H", handshake)


def _counted(width: str, body: bytes) -> bytes:
    """Prefix `body` with its length as a big-endian `B` or `H`."""
    return struct.pack(">" + width, len(body)) + body


def _counted24(body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + body
