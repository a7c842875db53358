"""The HTTP server that Prometheus scrapes: on loopback unless another host is named."""

from __future__ import annotations

import errno
import socket
import socketserver
import threading
from functools import partial
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from auditor.errors import UsageError
from auditor.outlets.health import Condition, say_nothing
from auditor.outlets.worker import Worker

if TYPE_CHECKING:
    from auditor.outlets.health import Say
    from auditor.outlets.metrics import Metrics

_LOOPBACK = "127.0.0.1"
_POLL_S = 0.1
"""How long closing may take."""

_WAITED_FOR = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})
_AGAIN_S = 10.0


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which can take as long as DNS does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, *_: object) -> None:
        """Say nothing of a scraper that hangs up in the middle."""


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10.0
    """A scraper that says nothing does not keep its thread for ever."""

    def log_message(self, *_: object) -> None:
        """Write no line for each scrape."""


class AddressTakenError(UsageError):
    """An address that somebody else listens on, or that this machine does not have now."""


class MetricsServer:
    """Serve a registry over HTTP, in threads of its own."""

    def __init__(self, metrics: Metrics, address: str) -> None:
        """Listen on `[HOST:]PORT`, loopback unless a host is given; raise UsageError."""
        from prometheus_client import make_wsgi_app  # noqa: PLC0415 - an extra

        host, port = parse_address(address)
        server = _ServerV6 if ":" in host else _Server
        try:
            self._server = make_server(
                host, port, make_wsgi_app(metrics.registry), server, handler_class=_Quiet
            )
        except OSError as error:
            reason = error.strerror or error
            kind = AddressTakenError if error.errno in _WAITED_FOR else UsageError
            raise kind(f"--metrics {address}: cannot listen: {reason}") from error
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_S,), name="metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class PatientServer:
    """A server that waits for its address while somebody else has it."""

    def __init__(
        self, metrics: Metrics, address: str, say: Say = say_nothing, *, again_s: float = _AGAIN_S
    ) -> None:
        """Listen on `[HOST:]PORT`, now or later; raise UsageError for what time will not mend."""
        self._condition = Condition(f"metrics on {address}", say)
        self._open = partial(MetricsServer, metrics, address)
        self._again_s = again_s
        self._closing = False
        self._worker: Worker | None = None
        self._server: MetricsServer | None = None
        try:
            self._server = self._open()
        except AddressTakenError as error:
            self._condition.failed(_cause(error))
            self._worker = Worker("metrics", self._try_again, self._condition)

    @property
    def port(self) -> int | None:
        """The port listened on; None while that cannot be."""
        return None if self._server is None else self._server.port

    def close(self) -> None:
        """Stop listening, or waiting for it."""
        self._closing = True
        if self._worker is not None:
            self._worker.close(self._again_s)
        if self._server is not None:
            self._server.close()

    def _try_again(self) -> float | None:
        if self._server is not None or self._closing:
            return None
        try:
            self._server = self._open()
        except AddressTakenError as error:
            self._condition.failed(_cause(error))
            return self._again_s
        self._condition.worked()
        return None


def _cause(error: AddressTakenError) -> str:
    cause = error.__cause__
    assert isinstance(cause, OSError)
    return f"{cause.strerror or cause}; tried again"


def parse_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; loopback where no host is said."""
    host, separator, port = text.rpartition(":")
    inner = host.removeprefix("[").removesuffix("]")
    bracketed = host != inner and host == f"[{inner}]"
    if not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise UsageError(f"--metrics {text}: expected HOST:PORT or PORT, such as 127.0.0.1:9477")
    return (inner if separator else "") or _LOOPBACK, int(port)
