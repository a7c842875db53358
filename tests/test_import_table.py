"""auditor.site.importers.table: a table kept by hand."""

from __future__ import annotations

import pytest

from auditor.catalog.load import load_catalog
from auditor.site.importers.table import read_table

CATALOG = load_catalog()


@pytest.mark.parametrize(
    "text",
    [
        "address,roles,name\n10.0.0.1,ddc;license-server,ddc1\n",
        'name;address;roles\r\nDDC1;10.0.0.1;"ddc; license-server"\r\n',
        "Roles\tAddress\tName\nddc,license-server\t10.0.0.1\tddc1\n",
        'address,roles,name\n10.0.0.1,"ddc,license-server",ddc1\n',
    ],
)
def test_columns_in_any_order_with_any_delimiter(text: str) -> None:
    """Roles are separated by whatever does not separate columns."""
    (claim,) = read_table(text, "t.csv", CATALOG).claims
    assert (str(claim.address), claim.roles, claim.name) == (
        "10.0.0.1",
        ("ddc", "license-server"),
        "ddc1",
    )


def test_a_line_with_a_prefix_is_a_network() -> None:
    """Networks keep their names, which need not be host names."""
    (network,) = read_table(
        "address,roles,name\n10.20.0.0/16,user-device,the desks\n", "t.csv", CATALOG
    ).networks
    assert (str(network.network), network.roles, network.name, network.source) == (
        "10.20.0.0/16",
        ("user-device",),
        "the desks",
        "t.csv:2",
    )


def test_a_line_without_an_address_names_a_host() -> None:
    """A host may be known by its name alone, in either column."""
    text = "address,roles,name\n,ddc,ddc1.example\nsf1.example,storefront,\n"
    claims = read_table(text, "t.csv", CATALOG).claims
    assert [(claim.address, claim.name) for claim in claims] == [
        (None, "ddc1.example"),
        (None, "sf1.example"),
    ]


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("10.0.0.1,delivery controller,", "role 'delivery controller' is not known; did you mean"),
        ("10.0.0,ddc,", "expected an address or a host name, found '10.0.0'"),
        ("10.0.0.1/16,ddc,", "'10.0.0.1/16' has bits set behind its prefix"),
        ("224.0.0.1,ddc,", "expected the address of a host, found '224.0.0.1'"),
        (",ddc,", "expected an address or a host name, found ''"),
        ("\x1b[2J,ddc,", r"expected an address or a host name, found '\x1b[2J'"),
    ],
)
def test_rows_that_make_no_sense_are_noted(row: str, note: str) -> None:
    """A wrong row is named with what is wrong, and the others count."""
    found = read_table(f"address,roles,name\n{row}\n10.0.0.9,vda,\n", "t.csv", CATALOG)
    assert [str(claim.address) for claim in found.claims] == ["10.0.0.9"]
    assert len(found.notes) == 1
    assert str(found.notes[0]).startswith(f"t.csv:2: {note}")


def test_a_name_that_is_none_is_left_out() -> None:
    """What cannot be a host name is said to be left out, while the address counts."""
    found = read_table("address,roles,name\n10.0.0.1,ddc,my server\n", "t.csv", CATALOG)
    assert found.claims[0].name is None
    assert str(found.notes[0]) == "t.csv:2: 'my server' is no host name; it is left out"
