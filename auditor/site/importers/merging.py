"""Claims of several files put into one site: who spoke first, what adds up, what contradicts.

Files are read in the order in which they are given, after the site file that they add to. The
first name of an address stays; roles add up; addresses of one machine stay together. A host that
a file knows by name alone is sought among those that have an address, and otherwise becomes an
entry of `names`, by which a capture that shows the name finds it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from auditor.site.model import Site, SiteHost, SiteName, SiteNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Address, Claim, Imported
    from auditor.site.write import Commented

_MOST_SOURCES = 5


@dataclass(eq=False)
class _Host:
    """A host in the making."""

    name: str | None = None
    named_by: str = ""
    called: str | None = None
    addresses: dict[Address, None] = field(default_factory=dict)
    macs: tuple[str, ...] = ()
    roles: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)

    def entry(self) -> SiteHost:
        return SiteHost(tuple(self.addresses), self.macs, tuple(self.roles), self.label)

    @property
    def label(self) -> str | None:
        return self.name or self.called


@dataclass(frozen=True)
class Merged:
    """The site, and what is to be said about it."""

    site: Site
    comments: dict[Commented, str]
    notes: tuple[str, ...]
    """Contradictions, and what was left out, each with its place."""


def merge(imports: Sequence[Imported], catalog: Catalog, base: Site | None = None) -> Merged:
    """Put what files say into one site, which `base` begins."""
    return _Merging(catalog, base or Site()).merge(imports)


class _Merging:
    def __init__(self, catalog: Catalog, base: Site) -> None:
        self.base = base
        self.rank = {role: number for number, role in enumerate(catalog.roles)}
        self.notes: list[str] = []
        self.by_address: dict[Address, _Host] = {}
        self.by_machine: dict[str, _Host] = {}
        self.begun = [self._begin(entry) for entry in base.hosts]
        self.added: list[_Host] = []
        self.contradicted: set[tuple[str, str]] = set()

    def merge(self, imports: Sequence[Imported]) -> Merged:
        claims = [claim for imported in imports for claim in imported.claims]
        for claim in claims:
            if claim.address is not None:
                self._place(claim.address, claim)
        named = self._seek([claim for claim in claims if claim.address is None])
        self._note_shared_names()
        hosts = [*self.begun, *sorted(self.added, key=self._order)]
        names = self._names(named)
        features = dict(self.base.features)
        comments: dict[Commented, str] = {}
        for imported in imports:
            for feature, place in imported.features.items():
                if features.setdefault(feature, True):
                    comments.setdefault(feature, place)
        for host in hosts:
            comments.setdefault(host.entry(), _shortened(host.sources))
        for name in names:
            sources = [_said(c) for c in claims if c.address is None and c.name == name.pattern]
            comments[name] = _shortened(sources or [name.source])
        networks = self._networks(network for i in imports for network in i.networks)
        comments |= {network: network.source for network in networks}
        notes = [str(note) for imported in imports for note in imported.notes]
        site = replace(
            self.base,
            hosts=tuple(host.entry() for host in hosts),
            networks=tuple(networks),
            names=tuple(names),
            features=features,
        )
        return Merged(site, comments, (*notes, *self.notes))

    def _begin(self, entry: SiteHost) -> _Host:
        host = _Host(entry.name, entry.source, macs=entry.macs)
        host.addresses = dict.fromkeys(entry.addresses)
        host.roles = dict.fromkeys(entry.roles)
        host.sources = dict.fromkeys([entry.source] if entry.source else [])
        for address in entry.addresses:
            self.by_address.setdefault(address, host)
        return host

    def _place(self, address: Address, claim: Claim) -> None:
        """Find or make the host that a claim speaks of, and add what it says."""
        host = self.by_address.get(address) or self.by_machine.get(claim.machine)
        if host is None:
            host = _Host()
            self.added.append(host)
        if claim.machine:
            self.by_machine.setdefault(claim.machine, host)
        host.addresses[address] = None
        self.by_address[address] = host
        if claim.name and host.name is None:
            host.name, host.named_by = claim.name, claim.place
        elif claim.name and host.name and self._contradicts(claim.name, host.name):
            note = f"is called {claim.name} here and {host.name} in {host.named_by}"
            self.notes.append(f"{claim.place}: {address} {note}; the latter is kept")
        host.called = host.called or claim.called
        _add(host, claim)

    def _contradicts(self, name: str, known: str) -> bool:
        """Say whether two names of one host differ, the first time that they do."""
        pair = (name, known)
        if _same(name, known) or pair in self.contradicted:
            return False
        self.contradicted.add(pair)
        return True

    def _seek(self, claims: Iterable[Claim]) -> list[Claim]:
        """Add what is said of names to the hosts of that name; give back what finds none."""
        hosts: dict[str, list[_Host]] = defaultdict(list)
        for host in (*self.begun, *self.added):
            if host.label:
                for name in {host.label.lower(), _short(host.label)}:
                    hosts[name].append(host)
        left: dict[str, list[Claim]] = {}
        for claim in claims:
            name = claim.name or ""
            same = [host for host in hosts.get(name, ()) if (host.label or "").lower() == name]
            like = [host for host in hosts.get(_short(name), ()) if _same(host.label or "", name)]
            found = same or like
            if len(found) == 1:
                _add(found[0], claim)
                continue
            if name not in left:
                why = f"{len(found)} hosts are called so" if found else "no file gives its address"
                self.notes.append(f"{claim.place}: {name} goes in 'names': {why}")
            left.setdefault(name, []).append(claim)
        return [claim for claims in left.values() for claim in claims]

    def _names(self, claims: Iterable[Claim]) -> list[SiteName]:
        roles: dict[str, dict[str, None]] = {}
        places: dict[str, str] = {}
        for name in self.base.names:
            roles.setdefault(name.pattern, {}).update(dict.fromkeys(name.roles))
            places.setdefault(name.pattern, name.source)
        for claim in claims:
            if claim.name is not None and claim.roles:
                roles.setdefault(claim.name, {}).update(dict.fromkeys(claim.roles))
                places.setdefault(claim.name, claim.place)
        return [SiteName(name, tuple(held), places[name]) for name, held in roles.items()]

    def _networks(self, imported: Iterable[SiteNetwork]) -> list[SiteNetwork]:
        networks = {entry.network: entry for entry in self.base.networks}
        for entry in imported:
            first = networks.setdefault(entry.network, entry)
            if first is not entry and set(first.roles) != set(entry.roles):
                self.notes.append(
                    f"{entry.source}: {entry.network} stands in {first.source} with other roles, "
                    "which are kept"
                )
        return list(networks.values())

    def _note_shared_names(self) -> None:
        """Point out names that two hosts share: one machine, perhaps, or an old address."""
        known = {(host.name or "").lower(): host for host in reversed(self.begun)}
        for host in self.added:
            other = known.setdefault((host.name or "").lower(), host)
            if host.name and other is not host:
                self.notes.append(
                    f"{host.named_by}: {host.name} is {_listed(host)} here and {_listed(other)} "
                    f"in {other.named_by}; one entry if that is one machine"
                )

    def _order(self, host: _Host) -> int:
        """Sort new hosts as the catalog sorts their first roles; among equals, as the files do."""
        role = next(iter(host.roles), "")
        return self.rank.get(role, len(self.rank))


def _add(host: _Host, claim: Claim) -> None:
    host.roles.update(dict.fromkeys(claim.roles))
    host.sources[_said(claim)] = None


def _said(claim: Claim) -> str:
    return f"{claim.place} {claim.says}"


def _shortened(sources: Iterable[str]) -> str:
    every = list(dict.fromkeys(sources))
    shown = every[:_MOST_SOURCES]
    if len(every) > len(shown):
        shown.append(f"+{len(every) - len(shown):,} more")
    return "; ".join(shown)


def _listed(host: _Host) -> str:
    return ", ".join(map(str, host.addresses)) or ", ".join(host.macs)


def _short(name: str) -> str:
    return name.lower().partition(".")[0]


def _same(one: str, other: str) -> bool:
    """Say whether two names can be one host's: equal, or one of them without its domain."""
    one, other = one.lower(), other.lower()
    return one == other or (_short(one) == _short(other) and "." not in min(one, other, key=len))
