"""The host that an HTTP/1 request names (RFC 9112 section 3.2, RFC 9110 section 7.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_LINE = 8192
_REQUEST = re.compile(
    rb"(?P<method>[A-Z][A-Z_-]{1,19}) (?P<target>[!-~]{1,%d}) HTTP/1\.[01]\r?\n" % _LONGEST_LINE
)
_HOST = re.compile(rb"^[Hh][Oo][Ss][Tt]:[ \t]*([!-~]{1,300})[ \t]*\r?$", re.MULTILINE)
_ABSOLUTE = re.compile(rb"https?://(?:[^/?#@]*@)?([^/?#@]+)(?=[/?#]|\Z)", re.IGNORECASE)
_END = re.compile(rb"\n\r?\n")
_PORT = re.compile(rb":[0-9]{0,5}\Z")


def read_http_host(heads: Sequence[bytes]) -> bytes | None:
    """Give the host that a stream's first request names, without port; None without one.

    An absolute request target beats the Host field. Fields that contradict each other name
    nobody, and CONNECT names the far end of a tunnel, not the server that is asked.
    """
    for head in heads[:1]:
        request = _REQUEST.match(head)
        if request is None or request["method"] == b"CONNECT":
            continue
        absolute = _ABSOLUTE.match(request["target"])
        hosts = {absolute[1]} if absolute else _host_fields(head, request.end())
        if len(hosts) == 1:
            return _PORT.sub(b"", hosts.pop())
    return None


def _host_fields(head: bytes, start: int) -> set[bytes]:
    """Collect the values of the Host fields; a line that the capture cut off does not count."""
    blank = _END.search(head, start - 1)
    end = blank.start() + 1 if blank else head.rfind(b"\n", start) + 1
    return {found[1] for found in _HOST.finditer(head, start, end)}
