"""The site file as values: who is who here, and what this site changed, accepted or forbids."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.catalog.model import PACKS, Service

if TYPE_CHECKING:
    from datetime import date
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network


@dataclass(frozen=True, slots=True)
class SiteHost:
    """A host entry: replaces the roles of the network that the address lies in."""

    addresses: tuple[IPv4Address | IPv6Address, ...]
    macs: tuple[str, ...]
    """Lower case, colon-separated."""
    roles: tuple[str, ...]
    name: str | None = None
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SiteNetwork:
    """A network entry: every address in it has these roles unless a host entry says otherwise."""

    network: IPv4Network | IPv6Network
    roles: tuple[str, ...]
    name: str | None = None
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class SiteName:
    """A host-name pattern (`*` = any depth of labels on the left) and the roles of its holders."""

    pattern: str
    roles: tuple[str, ...]
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Override:
    """Ports that this site moved: the rule's services become these."""

    rule: str
    services: tuple[Service, ...]
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A finding that the site accepts: an entry of `exceptions`."""

    client: str | None
    """Address, network, host name or role; None = any."""
    server: str | None
    service: Service | None
    reason: str
    owner: str | None = None
    until: date | None = None
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Denial:
    """Roles that must never talk, whatever the paper allows: an entry of `deny`."""

    client_role: str
    server_role: str
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Site:
    """A whole site file."""

    path: str = ""
    name: str = ""
    hosts: tuple[SiteHost, ...] = ()
    networks: tuple[SiteNetwork, ...] = ()
    names: tuple[SiteName, ...] = ()
    features: dict[str, bool] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    denials: tuple[Denial, ...] = ()
    infer: bool = False
    packs: tuple[str, ...] = PACKS
