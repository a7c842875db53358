"""A site file as a CSV table: the columns address, roles and name, in any order.

Roles are separated by `;`. An address with a prefix length is a network. Lines that give the same
name and roles are one host with several addresses, since a table has no other way to say so.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from auditor.site.model import Site, SiteHost, SiteNetwork
from auditor.site.words import nearest, read_address, read_network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from auditor.site.reading import Reading

_COLUMNS = ("address", "roles", "name")
_REQUIRED = ("address", "roles")


@dataclass
class _Host:
    """A host whose lines are being gathered."""

    line: int
    name: str | None
    roles: tuple[str, ...]
    addresses: dict[IPv4Address | IPv6Address, None] = field(default_factory=dict)


def read_table(reading: Reading, text: str) -> Site:
    """Read the table; mistakes are noted in the reading's document."""
    table = _Table(reading)
    for line, row in _rows(reading, text):
        table.add(line, row)
    return Site(
        path=reading.document.path,
        hosts=tuple(
            SiteHost(tuple(host.addresses), (), host.roles, host.name, reading.place(host.line))
            for host in table.hosts.values()
        ),
        networks=tuple(table.networks.values()),
    )


@dataclass
class _Table:
    """What the lines so far amount to."""

    reading: Reading
    hosts: dict[object, _Host] = field(default_factory=dict)
    networks: dict[IPv4Network | IPv6Network, SiteNetwork] = field(default_factory=dict)

    def add(self, line: int, row: dict[str, str]) -> None:
        roles, name = self._roles(line, row["roles"]), self._name(line, row.get("name", ""))
        try:
            if "/" in row["address"]:
                self._add_network(line, read_network(row["address"]), roles, name)
            else:
                address = read_address(row["address"])
                key = name or address, roles
                host = self.hosts.setdefault(key, _Host(line, name, roles))
                host.addresses[address] = None
        except ValueError as error:
            self._report(line, f"'address': {error}")

    def _add_network(
        self,
        line: int,
        network: IPv4Network | IPv6Network,
        roles: tuple[str, ...],
        name: str | None,
    ) -> None:
        entry = SiteNetwork(network, roles, name, self.reading.place(line))
        first = self.networks.setdefault(network, entry)
        if first is not entry:
            self._report(line, f"network {network} stands here and in {first.source}")

    def _roles(self, line: int, cell: str) -> tuple[str, ...]:
        roles: dict[str, None] = {}
        for word in filter(None, (part.strip() for part in cell.split(";"))):
            try:
                roles[self.reading.roles.read(word)] = None
            except ValueError as error:
                self._report(line, f"'roles': {error}")
        return tuple(roles)

    def _name(self, line: int, cell: str) -> str | None:
        if not cell.isprintable():
            self._report(line, f"'name': expected printable text, found {cell!r}")
        return cell or None

    def _report(self, line: int, message: str) -> None:
        self.reading.document.report(line, message)


def _rows(reading: Reading, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Give line number and cells of each line below the header; blank and `#` lines are passed."""
    document = reading.document
    columns: list[str] | None = None
    lines = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for cells in lines:
            row = [cell.strip() for cell in cells]
            if not any(row) or row[0].startswith("#"):
                continue
            if columns is None:
                columns = _header(reading, lines.line_num, row)
                if columns is None:
                    return
            elif len(row) != len(columns):
                hint = "; roles are separated by ';'" if len(row) > len(columns) else ""
                document.report(
                    lines.line_num, f"expected {len(columns)} columns, found {len(row)}{hint}"
                )
            else:
                yield lines.line_num, dict(zip(columns, row, strict=True))
    except csv.Error as error:
        document.report(lines.line_num, f"not CSV: {error}")
    if columns is None:
        document.report(1, f"expected a header with the columns {', '.join(_COLUMNS)}")


def _header(reading: Reading, line: int, row: list[str]) -> list[str] | None:
    """Read the header; None, with its mistakes noted, if the lines below make no sense with it."""
    columns = [cell.lower() for cell in row]
    problems = []
    if len(columns) == 1 and (";" in columns[0] or "\t" in columns[0]):
        problems.append("expected columns separated by commas")
    else:
        problems += [
            f"unknown column {name!r}{nearest(name, _COLUMNS)}"
            for name in columns
            if name not in _COLUMNS
        ]
        problems += [f"column {name!r} is missing" for name in _REQUIRED if name not in columns]
        problems += [
            f"column {name!r} stands twice" for name in _COLUMNS if columns.count(name) > 1
        ]
    for problem in problems:
        reading.document.report(line, problem)
    return None if problems else columns
