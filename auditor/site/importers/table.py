"""A table that somebody kept by hand: the columns address, roles and name.

A site file may be such a table itself; this reading forgives more, since its result is looked at
before it is used: any delimiter, and lines that make no sense are noted and left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.errors import Problem
from auditor.hostnames import safe_name
from auditor.site.importers.claims import Claim, Imported, is_host, parse_endpoint, shown
from auditor.site.importers.rows import read_rows
from auditor.site.model import SiteNetwork
from auditor.site.words import RoleWords, read_network

if TYPE_CHECKING:
    from auditor.catalog.model import Catalog
    from auditor.site.importers.rows import Row

_SEVERAL = re.compile(r"\s*[;,|]\s*")


def read_table(text: str, path: str, catalog: Catalog) -> Imported:
    """Read a table; a line without an address names a host, one with a prefix a network."""
    found = Imported()
    words = RoleWords(catalog.roles)
    for row in read_rows(text, path, found.notes, "roles"):
        try:
            _read(found, row, path, words)
        except ValueError as error:
            found.notes.append(Problem(path, row.line, str(error)))
    return found


def _read(found: Imported, row: Row, path: str, words: RoleWords) -> None:
    roles = tuple(words.read(word) for word in _SEVERAL.split(row.get("roles")) if word)
    cell, title = row.get("address"), row.get("name")
    name = safe_name(title)
    if title and name is None:
        text = f"{shown(title)} is no host name; it is left out"
        found.notes.append(Problem(path, row.line, text))
    if "/" in cell and "://" not in cell:
        network = read_network(cell)
        found.networks.append(SiteNetwork(network, roles, title or None, f"{path}:{row.line}"))
        return
    endpoint = parse_endpoint(cell or title)
    if endpoint.address is not None and not is_host(endpoint.address):
        raise ValueError(f"expected the address of a host, found {shown(cell)}")
    claim = Claim(endpoint.address, roles, "table", path, row.line, name or endpoint.name)
    found.claims.append(claim)
