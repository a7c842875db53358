"""How a sink is asked for: `--alerts PATH|-|syslog://HOST:PORT|https://...`, read in one place."""

from __future__ import annotations

import base64
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from auditor.errors import UsageError
from auditor.outlets.sinks.file import FileSink, StreamSink
from auditor.outlets.sinks.syslog import FACILITIES, TcpSyslog, UdpSyslog
from auditor.outlets.sinks.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from auditor.outlets.sinks.message import Sink

SYNTAX = (
    "PATH, -, syslog://HOST:PORT, syslog+tcp://HOST:PORT, syslog+tls://HOST:PORT or https://..."
)


@dataclass(frozen=True)
class SinkOptions:
    """What several sinks have in common."""

    ca_file: str | None = None
    """Authorities to trust instead of the system's."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of every request to a web hook."""
    sync: bool = True
    """Put each line of a file on disk before it counts as sent."""


def open_sink(spec: str, options: SinkOptions | None = None) -> Sink:
    """Make the sink that `spec` asks for, without connecting; raise UsageError if it is none."""
    given = options or SinkOptions()
    if spec == "-":
        return StreamSink()
    scheme, separator, _ = spec.partition("://")
    if not separator:
        return _file(spec, given)
    try:
        parts = urlsplit(spec)
        port = parts.port
    except ValueError as error:
        raise _wrong(spec, str(error)) from None
    if not parts.hostname:
        raise _wrong(spec, "no host")
    if not all("!" <= char <= "~" for char in spec):
        raise _wrong(spec, "characters that have to be written as %XX")
    match scheme.lower():
        case "syslog" | "syslog+udp":
            return UdpSyslog(parts.hostname, _port(spec, port), _facility(spec, parts))
        case "syslog+tcp":
            return TcpSyslog(parts.hostname, _port(spec, port), _facility(spec, parts))
        case "syslog+tls":
            context = _context(given)
            return TcpSyslog(parts.hostname, _port(spec, port), _facility(spec, parts), context)
        case "https":
            return _webhook(parts, given)
        case "http":
            if not _is_loopback(parts.hostname):
                raise _wrong(spec, "plain http, which is for this machine alone (127.0.0.1)")
            return _webhook(parts, given)
        case _:
            raise _wrong(spec, f"{scheme}://")


def _wrong(spec: str, found: str) -> UsageError:
    # Path and query of a web hook may be its password.
    shown = "/".join(spec.split("/", 3)[:3]) if "://" in spec else spec
    shown = shown.rpartition("@")[2] if "@" in shown else shown
    return UsageError(f"--alerts {shown}: expected {SYNTAX}, found {found}")


def _file(spec: str, options: SinkOptions) -> FileSink:
    path = Path(spec)
    if not spec:
        raise _wrong(spec, "nothing")
    if path.is_dir():
        raise _wrong(spec, "a directory")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--alerts {spec}: expected a directory to write into, found none")
    return FileSink(path, sync=options.sync)


def _port(spec: str, port: int | None) -> int:
    if not port:
        raise _wrong(spec, "no port")
    return port


def _facility(spec: str, parts: SplitResult) -> int:
    asked = parse_qs(parts.query, keep_blank_values=True)
    if parts.path not in {"", "/"} or asked.keys() - {"facility"}:
        raise _wrong(spec, "more after the port than ?facility=NAME")
    name = asked.get("facility", ["local0"])[-1]
    if name not in FACILITIES:
        raise UsageError(f"--alerts: expected a facility ({', '.join(FACILITIES)}), found {name!r}")
    return FACILITIES[name]


def _webhook(parts: SplitResult, options: SinkOptions) -> Webhook:
    headers = dict(options.headers)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    # A proxy's loopback is not ours.
    proxied = not _is_loopback(parts.hostname or "")
    try:
        return Webhook(bare, headers=headers, ca_file=options.ca_file, proxied=proxied)
    except OSError as error:
        raise _unusable_authorities(options, error) from error


def _context(options: SinkOptions) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=options.ca_file)
    except OSError as error:
        raise _unusable_authorities(options, error) from error


def _unusable_authorities(options: SinkOptions, error: OSError) -> UsageError:
    found = error.strerror if isinstance(error, FileNotFoundError) else "something else"
    return UsageError(f"{options.ca_file}: expected certificates of authorities, found {found}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
