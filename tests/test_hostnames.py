"""What counts as a host name."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.hostnames import safe_name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("crl3.digicert.com", "crl3.digicert.com"),
        ("CRL3.DigiCert.COM.", "crl3.digicert.com"),
        (b"ddc1", "ddc1"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("win_host.corp.example", "win_host.corp.example"),
        ("r3---sn-4g5e.example", "r3---sn-4g5e.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc"),
    ],
)
def test_normal_form(raw: bytes | str, name: str) -> None:
    """A host name comes out in lower case and without its trailing dot."""
    assert safe_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ".",
        "a..b",
        "example.com..",
        ".example.com",
        "*.example.com",
        "-x.example",
        "x-.example",
        "a b.example",
        "x.example\n",
        "x.example\x1b[31m",
        b"x.example\x00",
        b"b\xfccher.example",
        "bücher.example",
        "moc.elpmaxe\u202e",
        "\u212a.example",  # the Kelvin sign becomes an ASCII k in lower case
        "x.example:443",
        "user@x.example",
        "a" * 64 + ".example",
        ".".join(["a" * 50] * 5),
        "10.0.0.1",
        "[2001:db8::1]",
        "2001:db8::1",
        "3232235777",
        "0x7f.1",
        "1.0x7f",
        "a" * 100_000,
    ],
)
def test_refusal(raw: bytes | str) -> None:
    """Addresses, overlong names, control and other characters outside host names are refused."""
    assert safe_name(raw) is None


@given(st.one_of(st.text(), st.binary(), st.from_regex(r"[-_a-zA-Z0-9.]{1,260}")))
@example(b"a.example")
def test_result_is_harmless(raw: bytes | str) -> None:
    """Whatever is let through is printable ASCII, at most 253 long, and stays the same name."""
    name = safe_name(raw)
    if name is not None:
        assert name.isascii()
        assert name.isprintable()
        assert 0 < len(name) <= 253
        assert safe_name(name) == name
