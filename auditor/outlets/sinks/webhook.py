"""Alerts posted to a web hook, one JSON body each; the certificate is always verified."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from auditor import __version__
from auditor.outlets.delivery import RejectedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.outlets.sinks.message import Message

_TIMEOUT_S = 10.0
_NEVER = frozenset({400, 413, 422})
"""Answers that blame the body; whatever else fails may be put right on the other side."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow nowhere: what is posted would arrive as a GET, or somewhere unverified."""

    def redirect_request(self, *_: object) -> None:
        """Let the redirection be the error that it is here."""


class Webhook:
    """Post to one address."""

    keeps = True
    local = False

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        ca_file: str | None = None,
        proxied: bool = True,
    ) -> None:
        """Take the address; ca_file: authorities to trust instead of the system's.

        proxied: go through the proxy that the environment names, if it names one.
        Raises OSError (of which ssl.SSLError is one) if ca_file cannot be used.
        """
        self.address = url
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"citrix-traffic-auditor/{__version__}",
            **(headers or {}),
        }
        context = ssl.create_default_context(cafile=ca_file)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.ProxyHandler(None if proxied else {}),
            _NoRedirect,
        )

    @property
    def place(self) -> str:
        """Name the host alone: path and query of a web hook are often its password."""
        parts = urlsplit(self.address)
        port = f":{parts.port}" if parts.port else ""
        host = parts.hostname or ""
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}/..."

    def send(self, message: Message) -> None:
        """Post one alert; anything but 2xx is a failure."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked where it is read
            self.address, message.line.encode(), self._headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                answer.read(1024)
        except urllib.error.HTTPError as error:
            with error:
                said = f"HTTP {error.code} {error.reason}".rstrip()
                if error.code in _NEVER:
                    raise RejectedError(said) from error
                raise UnreachableError(said, _retry_after_s(error)) from error
        except urllib.error.URLError as error:
            raise UnreachableError(_reason(error.reason)) from error
        except http.client.HTTPException as error:
            raise UnreachableError(f"no HTTP: {type(error).__name__}") from error

    def close(self) -> None:
        """Hold nothing open between two alerts."""


def _reason(reason: str | BaseException) -> str:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {reason.verify_message}"
    if isinstance(reason, OSError):
        return str(reason.strerror or reason)
    return str(reason)


def _retry_after_s(error: urllib.error.HTTPError) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds or a date; None if it is neither."""
    value = error.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        until, now = (parsedate_to_datetime(v) for v in (value, error.headers.get("Date", "")))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None
