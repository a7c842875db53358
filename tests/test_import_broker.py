"""auditor.site.importers.broker: exports of machines and controllers."""

from __future__ import annotations

from textwrap import dedent

import pytest

from auditor.catalog.load import load_catalog
from auditor.errors import AuditError
from auditor.site.importers.broker import read_controllers, read_machines

CATALOG = load_catalog()

MACHINES = dedent(
    """\
    #TYPE Citrix.Broker.Admin.SDK.Machine
    "CatalogName","ControllerDNSName","DNSName","IPAddress","MachineName","ProvisioningType"
    "Win 11","DDC1.corp.example","VDA1.corp.example","10.0.7.1","CORP\\VDA1","MCS"
    "PVS","ddc1.corp.example","vda2.corp.example","10.0.7.2","CORP\\VDA2","PVS"
    "Win 11","","","","CORP\\VDA3","Manual"
    """
)


def test_machines_are_vdas() -> None:
    """Each machine is a VDA; one that is streamed is a target device as well."""
    found = read_machines(MACHINES, "m.csv", CATALOG)
    vdas = [claim for claim in found.claims if "vda" in claim.roles]
    assert [(str(claim.address), claim.name, claim.roles, claim.line) for claim in vdas] == [
        ("10.0.7.1", "vda1.corp.example", ("vda",), 3),
        ("10.0.7.2", "vda2.corp.example", ("vda", "pvs-target"), 4),
        ("None", "vda3", ("vda",), 5),
    ]
    assert found.notes == []


def test_the_controller_of_a_machine_is_one() -> None:
    """Controllers that machines are registered with are known by name, each once."""
    found = read_machines(MACHINES, "m.csv", CATALOG)
    controllers = [claim for claim in found.claims if claim.roles == ("ddc",)]
    assert [(claim.name, claim.address, claim.line) for claim in controllers] == [
        ("ddc1.corp.example", None, 3)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_usual_delimiter_will_do(delimiter: str) -> None:
    """Export-Csv writes what the culture of its machine separates lists by."""
    text = f"DNSName{delimiter}IPAddress\r\nvda1.example{delimiter}10.0.7.1\r\n"
    (claim,) = read_machines(text, "m.csv", CATALOG).claims
    assert (str(claim.address), claim.name) == ("10.0.7.1", "vda1.example")


def test_addresses_of_one_machine_stay_together() -> None:
    """A cell with IPv4 and IPv6 addresses speaks of one machine."""
    text = 'DNSName,IPAddress\nvda1,"{10.0.7.1, 2001:db8::1}"\nvda2,10.0.7.2\n'
    one, two, other = read_machines(text, "m.csv", CATALOG).claims
    assert one.machine == two.machine != other.machine
    assert str(two.address) == "2001:db8::1"


def test_controllers_are_known_by_name_or_by_an_added_address() -> None:
    """The export has no addresses of its own; a column that somebody added is used."""
    text = "DNSName;State\nddc1.example;Active\n"
    (claim,) = read_controllers(text, "c.csv", CATALOG).claims
    assert (claim.name, claim.address, claim.roles) == ("ddc1.example", None, ("ddc",))
    text = "DNSName,IPAddress\nddc1.example,10.0.1.1\n"
    (claim,) = read_controllers(text, "c.csv", CATALOG).claims
    assert (claim.name, str(claim.address)) == ("ddc1.example", "10.0.1.1")


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ("vda1,ten,", "expected an address, found 'ten'"),
        ("vda1,127.0.0.1,", "expected an address, found '127.0.0.1'"),
        (",,CORP\\", "left out: neither an address nor a name"),
        ("vda1", "expected 3 columns, found 1"),
        ("vda1,10.0.0.1,x,y", "expected 3 columns, found 4"),
    ],
)
def test_rows_that_make_no_sense_are_noted(row: str, note: str) -> None:
    """A row without anything to go by is named; the others count."""
    text = f"DNSName,IPAddress,MachineName\n{row}\nvda9,10.0.0.9,A\\vda9\n"
    found = read_machines(text, "m.csv", CATALOG)
    assert [str(each) for each in found.notes] == [f"m.csv:2: {note}"]
    assert str(found.claims[-1].address) == "10.0.0.9"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a table with the column 'dnsname'"),
        ("#TYPE x\n", "expected a table with the column 'dnsname'"),
        ("a,b\n1,2\n", "expected a table with the column 'dnsname'"),
        (f"DNSName\n{'x' * 200_000}\n", "not CSV: field larger than field limit"),
    ],
)
def test_what_is_no_such_table_is_an_error(text: str, message: str) -> None:
    """A file of another kind is refused in one line."""
    with pytest.raises(AuditError, match=r"^m\.csv") as error:
        read_machines(text, "m.csv", CATALOG)
    assert message in str(error.value)
