"""Site file -> Site: YAML, JSON (which is YAML) or a CSV table. docs/site-file.md describes both.

Every mistake is found in one go and names its line; rule ids, roles, features and packs are held
against the catalog, so that a site file never silently says less than its author meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.catalog.model import PACKS
from auditor.documents import Document
from auditor.errors import SiteError
from auditor.site.amendments import read_denials, read_exceptions, read_overrides
from auditor.site.model import Site, SiteHost, SiteName, SiteNetwork
from auditor.site.reading import Reading
from auditor.site.tables import read_table
from auditor.site.words import nearest, read_address, read_mac, read_network, read_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.catalog.model import Catalog
    from auditor.documents import Entry

_KEYS = (
    "site",
    "hosts",
    "networks",
    "names",
    "features",
    "overrides",
    "exceptions",
    "deny",
    "infer",
    "packs",
)


def load_site(path: Path, catalog: Catalog) -> Site:
    """Read a site file; one whose name ends in `.csv` is a table, any other is YAML or JSON.

    Raises SiteError with every mistake.
    """
    document = Document(str(path), SiteError)
    reading = Reading(document, catalog)
    if path.suffix.lower() == ".csv":
        site = read_table(reading, document.text_of(path))
    else:
        site = _read_document(reading, document.read(path))
    document.finish()
    return site


def _read_document(reading: Reading, top: Entry) -> Site:
    top.allow(_KEYS)
    hosts = tuple(_host(reading, entry) for entry in top.entries("hosts"))
    networks = _networks(reading, top)
    return Site(
        path=reading.document.path,
        name=reading.line(top, "site") or "",
        hosts=hosts,
        networks=networks,
        names=_names(reading, top),
        features=_features(reading, top),
        overrides=read_overrides(reading, top),
        acceptances=read_exceptions(reading, top, hosts, networks),
        denials=read_denials(reading, top),
        infer=top.flag("infer", default=False),
        packs=_packs(reading, top),
    )


def _host(reading: Reading, entry: Entry) -> SiteHost:
    entry.allow(("name", "addresses", "macs", "roles"))
    if "addresses" not in entry and "macs" not in entry:
        entry.report("addresses", "a host needs 'addresses' or 'macs'; by name it goes in 'names'")
    return SiteHost(
        addresses=reading.some(entry, "addresses", read_address) if "addresses" in entry else (),
        macs=reading.some(entry, "macs", read_mac) if "macs" in entry else (),
        roles=reading.role_list(entry),
        name=reading.line(entry, "name"),
        source=reading.place(entry.line),
    )


def _networks(reading: Reading, top: Entry) -> tuple[SiteNetwork, ...]:
    networks: dict[object, SiteNetwork] = {}
    for entry in top.entries("networks"):
        entry.allow(("name", "cidr", "roles"))
        network = reading.one(entry, "cidr", read_network)
        roles, name = reading.role_list(entry), reading.line(entry, "name")
        if network is None:
            continue
        known = SiteNetwork(network, roles, name, reading.place(entry.line))
        first = networks.setdefault(network, known)
        if first is not known:
            entry.report("cidr", f"network {network} stands here and in {first.source}")
    return tuple(networks.values())


def _names(reading: Reading, top: Entry) -> tuple[SiteName, ...]:
    names: list[SiteName] = []
    for entry in top.entries("names"):
        entry.allow(("pattern", "roles"))
        pattern = reading.one(entry, "pattern", read_pattern)
        roles = reading.some(entry, "roles", reading.roles.read)
        if pattern is not None:
            names.append(SiteName(pattern, roles, reading.place(entry.line)))
    return tuple(names)


def _features(reading: Reading, top: Entry) -> dict[str, bool]:
    entry = top.entry("features")
    if entry is None:
        return {}
    keys = entry.keys()
    for key in keys:
        if key not in reading.catalog.features:
            known = sorted(reading.catalog.features)
            hint = nearest(key, known, otherwise=f"; expected {', '.join(known)}")
            entry.report(key, f"feature {key!r} is not known{hint}")
        elif key not in entry:
            entry.report(key, f"{key!r}: expected true or false")
    return {key: entry.flag(key, default=False) for key in keys}


def _packs(reading: Reading, top: Entry) -> tuple[str, ...]:
    if "packs" not in top:
        return PACKS
    parts = {f"{rule.pack}/{rule.part}" for rule in reading.catalog.rules if rule.part}
    known = (*PACKS, *sorted(parts))

    def read_pack(text: str) -> str:
        if text in known:
            return text
        hint = nearest(text, known, otherwise=f"; expected {', '.join(known)}")
        raise ValueError(f"pack {text!r} is not known{hint}")

    return reading.some(top, "packs", read_pack)
