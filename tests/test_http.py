"""Hosts that HTTP requests name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.http import read_http_host


def request(*fields: str, line: str = "GET / HTTP/1.1") -> bytes:
    """Make a request without body."""
    return "".join(f"{each}\r\n" for each in (line, *fields, "")).encode()


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (request("Host: crl3.digicert.com"), b"crl3.digicert.com"),
        (request("Accept: */*", "HOST:  crl3.digicert.com:8080 "), b"crl3.digicert.com"),
        (request("Host: x.example", line="CCM_POST /a HTTP/1.1"), b"x.example"),
        (request("Host: x.example", line="M-SEARCH * HTTP/1.0"), b"x.example"),
        (request("Host: a.example", line="GET http://b.example/x HTTP/1.1"), b"b.example"),
        (request(line="GET HTTP://b.example:80?x HTTP/1.1"), b"b.example"),
        (request(line="GET http://user:word@b.example HTTP/1.1"), b"b.example"),
        (request("Host: x.example", "Host: x.example"), b"x.example"),
        (b"GET / HTTP/1.1\nHost: x.example\n\n", b"x.example"),
        (b"GET / HTTP/1.1\r\nHost: x.example\r\nAccept: text/ht", b"x.example"),
        (request("Host: [2001:db8::1]:80"), b"[2001:db8::1]"),
    ],
)
def test_host(head: bytes, host: bytes) -> None:
    """The Host field or an absolute target names the host, without port and user."""
    assert read_http_host([head]) == host


@pytest.mark.parametrize(
    "head",
    [
        b"",
        request(),
        request("Host:"),
        request("Host: a.example", "Host: b.example"),
        request("X-Host: a.example", "Accept: Host: a.example"),
        request("Host: a.example", line="CONNECT a.example:443 HTTP/1.1"),
        request("Host: a.example", line="INVITE sip:a@b SIP/2.0"),
        request("Host: a.example", line="HTTP/1.1 200 OK"),
        request("Host: a.example", line="get / HTTP/1.1"),
        request("Host: a.example", line="GET / HTTP/2.0"),
        request(line="GET http://a@b@c.example/ HTTP/1.1"),
        b"GET / HTTP/1.1\r\nHost: a.exam",
        b"POST / HTTP/1.1\r\n\r\nHost: a.example\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_no_host(head: bytes) -> None:
    """What is no HTTP/1 request, names nobody, contradicts itself or is cut off gives nothing."""
    assert read_http_host([head]) is None


def test_silent_side() -> None:
    """A side that sent nothing names nobody."""
    assert read_http_host([]) is None


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_junk(target: bytes, rest: bytes) -> None:
    """Junk is never an error, and what is found carries no space or control character."""
    for head in (target + rest, b"GET " + target + b" HTTP/1.1\r\nHost: " + rest + b"\r\n\r\n"):
        host = read_http_host([head])
        assert host is None or all(0x21 <= byte <= 0x7E for byte in host)
