"""The words of a site file: addresses, networks, MACs, patterns, roles."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_files import CATALOG

from auditor.site.words import (
    RoleWords,
    read_address,
    read_mac,
    read_network,
    read_pattern,
)

ROLES = RoleWords(CATALOG.roles)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.10", "10.0.0.10"),
        ("2001:DB8::0010", "2001:db8::10"),
        ("::1", "::1"),
        ("::ffff:10.0.0.10", "10.0.0.10"),
    ],
)
def test_address(text: str, address: str) -> None:
    """Addresses of both families are read; a mapped IPv4 address is the IPv4 address."""
    assert read_address(text) == ip_address(address)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.300", "expected an address such as 10.0.0.10, found '10.0.0.300'"),
        ("010.0.0.1", "expected an address such as 10.0.0.10"),
        ("ddc1.corp.example", "expected an address such as 10.0.0.10"),
        ("10.0.0.1, 10.0.0.2", "expected an address such as 10.0.0.10"),
        ("10.0.0.0/24", "expected an address, found the network '10.0.0.0/24'"),
        ("fe80::1%eth0", "a capture knows no zone"),
        ("167772170", "expected an address such as 10.0.0.10"),
        ("", "expected an address such as 10.0.0.10, found ''"),
    ],
)
def test_bad_address(text: str, message: str) -> None:
    """What is no address of a host is refused in words."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_address(text)


@pytest.mark.parametrize("text", ["10.20.0.0/16", "0.0.0.0/0", "2001:db8::/32", "10.0.0.7/32"])
def test_network(text: str) -> None:
    """Networks of both families are read."""
    assert read_network(text) == ip_network(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.20.0.7/16", "has bits set behind its prefix; did you mean 10.20.0.0/16?"),
        ("2001:db8::1/64", "did you mean 2001:db8::/64?"),
        ("10.20.0.0", "expected a network such as 10.20.0.0/16, found '10.20.0.0'"),
        ("10.20.0.0/33", "expected a network such as 10.20.0.0/16, found '10.20.0.0/33'"),
        ("clients/16", "expected a network"),
        ("10.0.0.0/8/8", "expected a network"),
        ("::ffff:10.0.0.0/104", "expected the IPv4 network itself"),
    ],
)
def test_bad_network(text: str, message: str) -> None:
    """What is no network is refused, and the network that was probably meant is named."""
    with pytest.raises(ValueError, match=re.escape(message)):
        read_network(text)


@pytest.mark.parametrize(
    "text",
    ["02:1a:0a:14:07:6f", "02-1A-0A-14-07-6F", "021a.0a14.076f", "021a0a14076f"],
)
def test_mac(text: str) -> None:
    """All usual spellings of a MAC address give the same one."""
    assert read_mac(text) == "02:1a:0a:14:07:6f"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("02:1a:0a:14:07", "expected a MAC address"),
        ("02:1a:0a:14:07:6g", "expected a MAC address"),
        ("02:1a-0a:14-07:6f", "expected a MAC address"),
        ("2:1a:a:14:7:6f", "expected a MAC address"),
        ("", "expected a MAC address"),
        ("33:33:00:00:00:01", "is a group address"),
        ("ff:ff:ff:ff:ff:ff", "is a group address"),
        ("00:00:00:00:00:00", "is nobody's address"),
    ],
)
def test_bad_mac(text: str, message: str) -> None:
    """What is no MAC address of one interface is refused."""
    with pytest.raises(ValueError, match=message):
        read_mac(text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("*.nssvc.net", "*.nssvc.net"),
        ("*.NSSVC.net.", "*.nssvc.net"),
        ("gw1.c.nssvc.net", "gw1.c.nssvc.net"),
    ],
)
def test_pattern(text: str, pattern: str) -> None:
    """Host names and what lies below them are read in one spelling."""
    assert read_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["*", "*.", "*nssvc.net", "a.*.net", "*.*.net", "https://a.net", "10.0.0.1", "a b", ""]
)
def test_bad_pattern(text: str) -> None:
    """A star stands for whole labels on the left and nowhere else."""
    with pytest.raises(ValueError, match="expected a host name"):
        read_pattern(text)


def test_international_pattern() -> None:
    """A name in another script is asked for in the form in which it travels."""
    with pytest.raises(ValueError, match="xn-- form"):
        read_pattern("*.bücher.example")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Delivery Controller", "; did you mean 'ddc'?"),
        ("delivery-controller", "; did you mean 'ddc'?"),
        ("DDC", "; did you mean 'ddc'?"),
        ("sql_server", "; did you mean 'sql-server'?"),
        ("MS SQL Server", "; did you mean 'sql-server'?"),
        ("userdevice", "; did you mean 'user-device'?"),
        ("agent", "; did you mean 'wem-agent' or 'gateway-plugin'?"),
        ("@any-citrix", "role '@any-citrix' is not known"),
        ("zork", "role 'zork' is not known"),
    ],
)
def test_unknown_role(text: str, hint: str) -> None:
    """An unknown role comes with the id of what people mean by it, by any of its names."""
    with pytest.raises(ValueError, match=re.escape(hint)):
        ROLES.read(text)


def test_role() -> None:
    """Roles go by their ids."""
    assert ROLES.read("sql-server") == "sql-server"


@given(st.one_of(st.text(), st.from_regex(r"[0-9a-fA-F:./*-]{0,40}")))
def test_any_text(text: str) -> None:
    """Any text is either read or refused in one line."""
    for read in (read_address, read_network, read_mac, read_pattern, ROLES.read):
        said = ""
        try:
            read(text)
        except ValueError as error:
            said = str(error)
        assert "\n" not in said
