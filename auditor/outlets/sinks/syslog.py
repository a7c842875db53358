"""Syslog: messages of RFC 5424 over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425)."""

from __future__ import annotations

import os
import re
import socket
import ssl
from typing import TYPE_CHECKING

from auditor.outlets.delivery import RejectedError, UnreachableError
from auditor.times import time_text

if TYPE_CHECKING:
    from auditor.outlets.sinks.message import Message

FACILITIES = {
    "user": 1,
    "daemon": 3,
    "auth": 4,
    "authpriv": 10,
    "audit": 13,
    **{f"local{number}": 16 + number for number in range(8)},
}
"""Those of RFC 5424, table 1, that make sense here; by the names that syslog daemons use."""

SEVERITIES = {"high": 3, "medium": 4, "low": 5, "info": 6}
"""Ours -> RFC 5424, table 2: error, warning, notice, informational."""

APP_NAME = "auditor"

_TIMEOUT_S = 10.0
_MOST_DATAGRAM = 65_000
"""What fits into UDP over IPv4 and IPv6, less the headers."""

_NOT_PRINTABLE = re.compile(r"[^!-~]")


def frame_message(message: Message, *, facility: int, hostname: str, process: int) -> bytes:
    """Write an alert as RFC 5424 has it: version 1, no structured data, the line as MSG.

    Structured data needs an enterprise number of one's own; the line is JSON and says it all.
    """
    priority = facility * 8 + SEVERITIES[message.severity]
    # Six decimals are the most that a TIMESTAMP may have.
    moment = f"{time_text(message.time_ns)[:-4]}Z"
    header = f"<{priority}>1 {moment} {hostname} {APP_NAME} {process} {message.event[:32]} -"
    return f"{header} {message.line}".encode("ascii", "backslashreplace")


def own_hostname() -> str:
    """Name this machine as HOSTNAME may be: printable ASCII, at most 255."""
    return _NOT_PRINTABLE.sub("", socket.gethostname())[:255] or "-"


class _Syslog:
    """What the transports share."""

    local = False

    def __init__(self, scheme: str, host: str, port: int, facility: int) -> None:
        bracketed = f"[{host}]" if ":" in host else host
        self.place = self.address = f"{scheme}://{bracketed}:{port}"
        self._peer = (host, port)
        self._facility = facility
        self._hostname = own_hostname()
        self._socket: socket.socket | None = None

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _framed(self, message: Message) -> bytes:
        return frame_message(
            message, facility=self._facility, hostname=self._hostname, process=os.getpid()
        )


class UdpSyslog(_Syslog):
    """One datagram a message. Nobody says whether it arrived."""

    keeps = False

    def __init__(self, host: str, port: int, facility: int = FACILITIES["local0"]) -> None:
        """Take the receiver."""
        super().__init__("syslog", host, port, facility)

    def send(self, message: Message) -> None:
        """Send a datagram; a refusal of an earlier one is noticed here, and this one retried."""
        datagram = self._framed(message)
        if len(datagram) > _MOST_DATAGRAM:
            raise RejectedError(f"{len(datagram):,} bytes do not fit into a datagram")
        try:
            if self._socket is None:
                self._socket = self._connected()
            self._socket.send(datagram)
        except OSError:
            self.close()
            raise

    def _connected(self) -> socket.socket:
        family, kind, protocol, _, address = socket.getaddrinfo(
            *self._peer, type=socket.SOCK_DGRAM
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made


class TcpSyslog(_Syslog):
    """A connection, on which each message is preceded by its length (octet counting)."""

    keeps = True

    def __init__(
        self,
        host: str,
        port: int,
        facility: int = FACILITIES["local0"],
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Take the receiver; context: speak TLS."""
        super().__init__("syslog+tls" if context else "syslog+tcp", host, port, facility)
        self._context = context

    def send(self, message: Message) -> None:
        """Send over the connection, made anew if the other side has closed it."""
        content = self._framed(message)
        try:
            if self._socket is not None and _has_ended(self._socket):
                self.close()
            if self._socket is None:
                self._socket = self._connected()
            self._socket.sendall(b"%d %b" % (len(content), content))
        except OSError:
            # Part of a message may be out: only a new connection begins at a message again.
            self.close()
            raise

    def _connected(self) -> socket.socket:
        made = socket.create_connection(self._peer, timeout=_TIMEOUT_S)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self._context is None:
            return made
        try:
            return self._context.wrap_socket(made, server_hostname=self._peer[0])
        except OSError as error:
            made.close()
            raise UnreachableError(str(error)) from error


def _has_ended(connection: socket.socket) -> bool:
    """Say whether the other side has hung up; what it says otherwise is of no interest.

    Looking whether there is something to read would not do: TLS sends tickets of its own.
    """
    connection.settimeout(0)
    try:
        return not connection.recv(4096)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(_TIMEOUT_S)
