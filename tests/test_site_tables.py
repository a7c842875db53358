"""Site files as CSV tables."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from site_files import CATALOG, load, mistakes, problems

from auditor.site.load import load_site
from auditor.site.model import Site, SiteHost, SiteNetwork

if TYPE_CHECKING:
    from pathlib import Path


def test_table(tmp_path: Path) -> None:
    """Hosts and networks stand in one table; comments and blank lines are passed."""
    text = """\
        # made by the asset database

        address,roles,name
        10.0.0.10,ddc,ddc1
        10.0.0.11, ddc ; vda ,
        "2001:db8::10",,printer

        ,,
        10.20.0.0/16,user-device,desks
        """
    assert load(tmp_path, text, "site.CSV") == Site(
        path=str(tmp_path / "site.CSV"),
        hosts=(
            SiteHost((ip_address("10.0.0.10"),), (), ("ddc",), "ddc1"),
            SiteHost((ip_address("10.0.0.11"),), (), ("ddc", "vda"), None),
            SiteHost((ip_address("2001:db8::10"),), (), (), "printer"),
        ),
        networks=(SiteNetwork(ip_network("10.20.0.0/16"), ("user-device",), "desks"),),
    )


def test_columns_in_any_order(tmp_path: Path) -> None:
    """The header says which column is which, and the name may be left out."""
    (host,) = load(tmp_path, "Roles,Address\nvda,10.0.0.1\n", "site.csv").hosts
    assert (host.addresses, host.roles, host.name) == ((ip_address("10.0.0.1"),), ("vda",), None)


def test_machine_with_several_addresses(tmp_path: Path) -> None:
    """Lines of the same name and roles are one machine; of other roles another entry."""
    text = "address,roles,name\n10.0.0.1,vda,a\n10.0.0.2,ddc,a\n10.0.0.3,vda,a\n10.0.0.4,vda,\n"
    hosts = load(tmp_path, text, "site.csv").hosts
    assert [[str(address) for address in host.addresses] for host in hosts] == [
        ["10.0.0.1", "10.0.0.3"],
        ["10.0.0.2"],
        ["10.0.0.4"],
    ]


def test_address_twice(tmp_path: Path) -> None:
    """Lines about one address without a name add up, whatever their roles."""
    text = "address,roles\n10.0.0.1,vda\n10.0.0.1,ddc\n"
    assert [host.roles for host in load(tmp_path, text, "site.csv").hosts] == [("vda",), ("ddc",)]


def test_windows_line_ends(tmp_path: Path) -> None:
    """A table from a spreadsheet on Windows is read, byte order mark included."""
    path = tmp_path / "site.csv"
    path.write_bytes("\ufeffaddress,roles,name\r\n10.0.0.1,vda,a\r\n".encode())
    assert load_site(path, CATALOG).hosts[0].source == f"{path}:2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: expected a header with the columns address, roles, name"),
        ("# nothing\n\n", "1: expected a header with the columns address, roles, name"),
        ("10.0.0.1,vda,a", "1: unknown column '10.0.0.1'"),
        ("address;roles;name\n1;2;3", "1: expected columns separated by commas"),
        ("address\troles\n", "1: expected columns separated by commas"),
        ("address,role,roles\n", "1: unknown column 'role'; did you mean 'roles'?"),
        ("address,name\n", "1: column 'roles' is missing"),
        ("address,roles,address\n", "1: column 'address' stands twice"),
        (
            "address,roles,name\n10.0.0.1,vda,ddc,a",
            "2: expected 3 columns, found 4; roles are separated by ';'",
        ),
        ("address,roles\n10.0.0.1", "2: expected 2 columns, found 1"),
        ("address,roles\n\n10.0.0.300,vda", "3: 'address': expected an address such as"),
        ("address,roles\n,vda", "2: 'address': expected an address such as"),
        (
            "address,roles\n10.0.0.1/8,vda",
            "2: 'address': '10.0.0.1/8' has bits set behind its prefix; did you mean 10.0.0.0/8?",
        ),
        ("address,roles\n10.0.0.1,vda;Broker", "2: 'roles': role 'Broker' is not known; did you"),
        ("address,roles,name\n10.0.0.1,vda,a\x1bb", "2: 'name': expected printable text"),
        ('address,roles\n10.0.0.1,"vda"x', "2: not CSV: "),
        ('address,roles\n10.0.0.1,"vda', "2: not CSV: "),
    ],
)
def test_mistake(tmp_path: Path, text: str, expected: str) -> None:
    """A mistake in a table is named with its line."""
    assert any(mistake.startswith(expected) for mistake in mistakes(tmp_path, text, "site.csv"))


def test_every_mistake(tmp_path: Path) -> None:
    """All mistakes come at once, a network that stands twice among them."""
    text = "address,roles\nx,y\n10.0.0.0/8,vda\n10.0.0.0/8,vda\n10.0.0.1,zork\n"
    assert mistakes(tmp_path, text, "site.csv") == [
        "2: 'roles': role 'y' is not known",
        "2: 'address': expected an address such as 10.0.0.10, found 'x'",
        f"4: network 10.0.0.0/8 stands here and in {tmp_path / 'site.csv'}:3",
        "5: 'roles': role 'zork' is not known",
    ]


@given(st.text(alphabet="address,roles\n;#\"'0.1/\x00\r\tvda", max_size=80), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(tmp_path: Path, text: str, headed: bool) -> None:
    """Any text ends in a site or in mistakes with lines."""
    path = tmp_path / "site.csv"
    path.write_bytes((("address,roles\n" if headed else "") + text).encode())
    assert all(problem.line for problem in problems(path))
