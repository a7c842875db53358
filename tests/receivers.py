"""The other side of what is sent: syslog receivers and web hooks on loopback."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass
class Hook:
    """A web hook that answers as told and keeps what it got."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    """Those that were answered with 200."""
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    """Path and headers of each."""
    port: int = 0


@contextmanager
def web_hook(hook: Hook, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve the hook, over TLS with a context; give its address without scheme."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.requests.append((self.path, dict(self.headers)))
            if hook.status == 200:
                hook.bodies.append(body)
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of a handshake that a test lets fail."""

    server = Server((LOOPBACK, hook.port), Handler)
    hook.port = server.server_port
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TcpReceiver:
    """Takes syslog over TCP, one connection after the other."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        """Listen."""
        self.streams: list[bytearray] = []
        """What came over each connection."""
        self._context = context
        self._listener = socket.create_server((LOOPBACK, port))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            try:
                connection = (
                    self._context.wrap_socket(taken, server_side=True) if self._context else taken
                )
            except OSError:
                taken.close()
                continue
            self._open.append(connection)
            stream = bytearray()
            self.streams.append(stream)
            with connection:
                try:
                    while data := connection.recv(65536):
                        stream += data
                except OSError:
                    continue

    def hang_up(self) -> None:
        """Close the connections, not the listener."""
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        self._open.clear()

    def close(self) -> None:
        """End."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        self._thread.join()


def syslog_messages(stream: bytes | bytearray) -> list[bytes]:
    """Split a stream by its counts of octets (RFC 6587, 3.4.1); fail if they do not fit."""
    messages = []
    rest = bytes(stream)
    while rest:
        length, _, rest = rest.partition(b" ")
        assert len(rest) >= int(length)
        messages.append(rest[: int(length)])
        rest = rest[int(length) :]
    return messages


def udp_receiver() -> socket.socket:
    """Bind a socket for datagrams."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((LOOPBACK, 0))
    receiver.settimeout(60.0)
    return receiver


@dataclass(frozen=True)
class Authority:
    """A certificate authority, and a server that it vouches for."""

    ca_file: Path
    context: ssl.SSLContext


def authority(directory: Path, name: str = LOOPBACK) -> Authority:
    """Make an authority and a server certificate for an address or a host name."""
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server of a test")])
    alternative: x509.GeneralName
    try:
        alternative = x509.IPAddress(ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    now = dt.datetime.now(tz=dt.UTC)

    def begun(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    ca = (
        begun(ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    certificate = (
        begun(own_name, key.public_key())
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    ca_file, own_file = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(ca.public_bytes(pem))
    own_file.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_file)
    return Authority(ca_file, context)
