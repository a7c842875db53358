"""CSV exports of a site's machines and controllers: Get-BrokerMachine, Get-BrokerController."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.errors import Problem
from auditor.hostnames import safe_name
from auditor.site.importers.claims import Claim, Imported, is_host, parse_endpoint, shown
from auditor.site.importers.rows import read_rows

if TYPE_CHECKING:
    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Address
    from auditor.site.importers.rows import Row

_SEVERAL = re.compile(r"[\s,;{}]+")
_PROVISIONED = {"pvs": ("vda", "pvs-target")}
"""Value of ProvisioningType -> roles of such a machine; any other is a VDA and no more."""


def read_machines(text: str, path: str, catalog: Catalog) -> Imported:  # noqa: ARG001 - a Reader
    """Read machines: each is a VDA, and the controller that it names is one."""
    found = Imported()
    controllers: dict[str, int] = {}
    for row in read_rows(text, path, found.notes, "dnsname"):
        roles = _PROVISIONED.get(row.get("provisioningtype").lower(), ("vda",))
        catalog_name = row.get("catalogname")
        says = f"machine of {shown(catalog_name)}" if catalog_name else "machine"
        _claim(found, row, path, roles, says)
        name = safe_name(row.get("controllerdnsname"))
        if name:
            controllers.setdefault(name, row.line)
    found.claims += [
        Claim(None, ("ddc",), "controller of a machine", path, line, name)
        for name, line in controllers.items()
    ]
    return found


def read_controllers(text: str, path: str, catalog: Catalog) -> Imported:  # noqa: ARG001 - a Reader
    """Read controllers; the export has no address unless somebody added a column IPAddress."""
    found = Imported()
    for row in read_rows(text, path, found.notes, "dnsname"):
        _claim(found, row, path, ("ddc",), "controller")
    return found


def _claim(found: Imported, row: Row, path: str, roles: tuple[str, ...], says: str) -> None:
    # A machine that never registered has no DNS name yet, but always DOMAIN\NAME.
    machine = row.get("machinename").rpartition("\\")[2]
    name = safe_name(row.get("dnsname")) or safe_name(machine)
    addresses: list[Address] = []
    for word in filter(None, _SEVERAL.split(row.get("ipaddress"))):
        try:
            address = parse_endpoint(word).address
        except ValueError:
            address = None
        if address is None or not is_host(address):
            text = f"expected an address, found {shown(word)}"
            found.notes.append(Problem(path, row.line, text))
        else:
            addresses.append(address)
    if not addresses and name is None:
        found.notes.append(Problem(path, row.line, "left out: neither an address nor a name"))
    elif not addresses:
        found.claims.append(Claim(None, roles, says, path, row.line, name))
    found.claims += [
        Claim(address, roles, says, path, row.line, name, machine=f"{path}:{row.line}")
        for address in addresses
    ]
