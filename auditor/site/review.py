"""A second look at a site file that loads: what it says in short, and what it may not mean."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from auditor.catalog.model import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from auditor.catalog.model import Catalog
    from auditor.site.model import Site, SiteHost, SiteNetwork


def summary(site: Site) -> list[str]:
    """Say in a few lines what the file declares."""
    roles = Counter(
        role
        for group in (site.hosts, site.networks, site.names)
        for each in group
        for role in each.roles
    )
    addresses = sum(len(host.addresses) for host in site.hosts)
    macs = sum(len(host.macs) for host in site.hosts)
    known = [_count(len(site.hosts), "host"), _count(addresses, "address", "addresses")]
    counts = [
        (macs, "MAC address", "MAC addresses"),
        (len(site.networks), "network", "networks"),
        (len(site.names), "name pattern", "name patterns"),
        (len(site.overrides), "override", "overrides"),
        (len(site.acceptances), "exception", "exceptions"),
        (len(site.denials), "denial", "denials"),
    ]
    lines = [", ".join(known + [_count(*each) for each in counts if each[0]])]
    lines.append(
        "roles: " + (", ".join(f"{role} {roles[role]}" for role in sorted(roles)) or "none")
    )
    if site.features:
        switches = (f"{key} {'on' if on else 'off'}" for key, on in sorted(site.features.items()))
        lines.append(f"features: {', '.join(switches)}")
    if site.packs != PACKS:
        lines.append(f"packs: {', '.join(site.packs)}")
    if site.infer:
        lines.append("roles of other hosts are inferred")
    return lines


def remarks(site: Site, catalog: Catalog, today: date) -> list[str]:
    """List what is allowed but often a slip, each with its line, in the order of the file."""
    found = [
        *_shared_addresses(site),
        *_split_hosts(site),
        *_nested_networks(site),
        *_without_role(site),
        *_idle(site, catalog, today),
    ]
    return [f"{source}: {text}" for source, text in sorted(found, key=_by_line)]


def _by_line(remark: tuple[str, str]) -> tuple[str, int]:
    path, _, line = remark[0].rpartition(":")
    return path, int(line) if line.isdecimal() else 0


def _line(entry: SiteHost | SiteNetwork) -> str:
    return entry.source.rpartition(":")[2]


def _shared_addresses(site: Site) -> Iterator[tuple[str, str]]:
    holders: dict[str, list[SiteHost]] = defaultdict(list)
    for host in site.hosts:
        for address in (*host.addresses, *host.macs):
            holders[str(address)].append(host)
    for text, hosts in holders.items():
        for host in hosts[1:]:
            yield host.source, f"{text} stands in line {_line(hosts[0])} too; its roles add up"


def _split_hosts(site: Site) -> Iterator[tuple[str, str]]:
    first: dict[str, SiteHost] = {}
    for host in site.hosts:
        other = first.setdefault((host.name or "").casefold(), host)
        if host.name and other is not host and not {*host.addresses} & {*other.addresses}:
            twice = f"{host.name} stands in line {_line(other)} too"
            yield host.source, f"{twice}; the addresses of one machine belong in one entry"


def _nested_networks(site: Site) -> Iterator[tuple[str, str]]:
    around: list[SiteNetwork] = []
    for entry in sorted(site.networks, key=_by_place):
        while around and not _covers(around[-1], entry):
            around.pop()
        if around:
            inside = f"{entry.network} lies in {around[-1].network} of line {_line(around[-1])}"
            yield entry.source, f"{inside}; the longer prefix counts"
        around.append(entry)


def _by_place(entry: SiteNetwork) -> tuple[int, int, int]:
    network = entry.network
    return network.version, int(network.network_address), network.prefixlen


def _covers(outer: SiteNetwork, inner: SiteNetwork) -> bool:
    return outer.network.version == inner.network.version and (
        int(inner.network.network_address) <= int(outer.network.broadcast_address)
    )


def _without_role(site: Site) -> Iterator[tuple[str, str]]:
    for host in site.hosts:
        if not host.roles:
            called = host.name or ", ".join(map(str, host.addresses or host.macs))
            yield host.source, f"{called} has no role"
    for network in site.networks:
        if not network.roles:
            yield network.source, f"{network.network} has no role"


def _idle(site: Site, catalog: Catalog, today: date) -> Iterator[tuple[str, str]]:
    for entry in site.acceptances:
        if entry.until is not None and entry.until < today:
            yield entry.source, f"the exception expired on {entry.until}"
    for override in site.overrides:
        rule = catalog.by_id[override.rule]
        if not {rule.pack, f"{rule.pack}/{rule.part}"} & {*site.packs}:
            yield override.source, f"{rule.id} is moved, but its pack {rule.pack} is not in use"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
