"""Other programs' files -> claims about hosts -> a site file that a person can correct."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from auditor.errors import AuditError
from auditor.site.importers.textfile import read_text

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Imported


class Reader(Protocol):
    """What each importer offers."""

    def __call__(self, text: str, path: str, catalog: Catalog) -> Imported:
        """Read a whole file; `path` names it in messages. Raises AuditError if it is no such."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Where a kind of file is read, and by what it is recognised."""

    module: str
    reader: str
    line: re.Pattern[str] | None
    """Found near the beginning of files of this kind, and only there."""
    columns: frozenset[str] = frozenset()
    """A table that has one of them, in lower case, is of this kind."""


_BEGINNING = 16 * 1024

IMPORTERS: dict[str, Importer] = {
    "netscaler": Importer(
        "auditor.site.importers.netscaler",
        "read_netscaler",
        re.compile(
            r"^(?:#NS\d|(?:set|add|bind|enable) (?:ns|lb|vpn|server|service) )",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    "broker-machines": Importer(
        "auditor.site.importers.broker",
        "read_machines",
        re.compile(r"\A\s*#TYPE [\w.]*Broker[\w.]*\.Machine\b", re.IGNORECASE),
        frozenset({"registrationstate", "desktopgroupname", "catalogname"}),
    ),
    "broker-controllers": Importer(
        "auditor.site.importers.broker",
        "read_controllers",
        re.compile(r"\A\s*#TYPE [\w.]*Broker[\w.]*\.Controller\b", re.IGNORECASE),
        frozenset({"activesiteservices", "desktopsregistered", "controllerversion"}),
    ),
    "table": Importer(
        "auditor.site.importers.table",
        "read_table",
        None,
        frozenset({"roles"}),
    ),
}
"""Kind of file -> its importer; the first whose sign is found reads a file of unknown kind."""


def import_file(path: Path, catalog: Catalog, kind: str | None = None) -> Imported:
    """Read a file of another program; without `kind`, find out what it is.

    Raises AuditError where the file cannot be read, or is of no known kind.
    """
    text = read_text(path)
    importer = IMPORTERS[kind or _kind_of(text, path)]
    reader: Reader = getattr(import_module(importer.module), importer.reader)
    return reader(text, str(path), catalog)


def _kind_of(text: str, path: Path) -> str:
    beginning = text[:_BEGINNING]
    header = next(
        (line for line in beginning.split("\n") if line.strip() and not line.startswith("#")), ""
    )
    columns = {cell.strip(' "\r').lower() for cell in re.split(r"[,;\t]", header)}
    for kind, importer in IMPORTERS.items():
        if importer.columns & columns or (importer.line and importer.line.search(beginning)):
            return kind
    raise AuditError(
        f"{path}: expected an ns.conf, a CSV export of Get-BrokerMachine or Get-BrokerController, "
        "or a table with the columns address, roles, name; --kind says which it is"
    )
