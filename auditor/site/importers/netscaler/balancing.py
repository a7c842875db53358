"""Load balancing and content switching: which hosts stand behind which address, and what they are.

A back end is known by what watches it, by the type of its service, by a word in a name, or by a
port that the paper gives to one third party alone, in this order. What is known of a virtual
server's address holds for its back ends as well, and the other way round: to its clients a
virtual server is what stands behind it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from auditor.site.importers.claims import parse_endpoint
from auditor.site.importers.netscaler.tables import (
    MONITORS,
    NAME_WORDS,
    OWN_SERVICE_TYPES,
    SERVICE_TYPES,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Address, Endpoint

_WORDS = re.compile(r"[a-z]+")
_OWN_ROLES = frozenset({"adc", "gateway"})
_ANY_PORT = "*"


@dataclass(frozen=True, slots=True)
class Virtual:
    """A virtual server."""

    name: str
    kind: str
    """lb, cs, vpn or authentication."""
    service_type: str
    address: Address | None
    """None where it has no address of its own."""
    port: str
    line: int


@dataclass(frozen=True, slots=True)
class BackEnd:
    """One server of a service or of a service group."""

    owner: str
    """The service or the group, as written."""
    service_type: str
    target: str
    """An address, or the name of a server."""
    port: str
    line: int

    @property
    def is_own(self) -> bool:
        """Say whether the appliance itself answers here."""
        return self.service_type in OWN_SERVICE_TYPES


@dataclass(frozen=True, slots=True)
class Trait:
    """A role, and what it is known by."""

    role: str
    by: str


@dataclass
class Balancing:
    """The objects of a configuration and how they hang together; names in lower case."""

    servers: dict[str, Endpoint] = field(default_factory=dict)
    back_ends: dict[str, list[BackEnd]] = field(default_factory=lambda: defaultdict(list))
    """Service or group -> its servers."""
    group_types: dict[str, str] = field(default_factory=dict)
    monitor_types: dict[str, str] = field(default_factory=dict)
    monitors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Service or group -> the monitors that watch it."""
    virtuals: dict[str, Virtual] = field(default_factory=dict)
    behind: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Virtual server -> services, groups, virtual servers and policies bound to it."""
    leads_to: dict[str, str] = field(default_factory=dict)
    """Content switching policy -> its action or target, action -> target."""

    def members(self, virtual: str) -> Iterator[str]:
        """Name the services, groups and virtual servers that traffic can reach through one."""
        pending, seen = [virtual], {virtual}
        while pending:
            for name in self.behind.get(pending.pop(), ()):
                target = self._target(name)
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
                    yield target

    def find(self, endpoint: Endpoint) -> Iterator[Virtual]:
        """Find the virtual servers that an address, with its port or scheme if known, leads to."""
        at = [v for v in self.virtuals.values() if v.address and v.address == endpoint.address]
        if endpoint.port is not None:
            yield from (v for v in at if v.port in {str(endpoint.port), _ANY_PORT})
        elif endpoint.scheme:
            yield from (
                v for v in at if v.service_type.startswith("SSL") == (endpoint.scheme == "https")
            )
        elif len(at) == 1:
            yield from at

    def endpoint(self, back_end: BackEnd) -> Endpoint:
        """Resolve a back end; raises ValueError where it is neither address nor name."""
        known = self.servers.get(back_end.target.lower())
        return known if known is not None else parse_endpoint(back_end.target)

    def traits(self, owner: str, catalog: Catalog) -> list[Trait]:
        """Say what the back ends of a service or group are, [] where nothing tells."""
        of_owner = self.back_ends.get(owner, [])
        types = {self.monitor_types.get(name, "") for name in self.monitors.get(owner, ())}
        found = [Trait(MONITORS[t], f"monitor {t}") for t in sorted(types) if t in MONITORS]
        if found:
            return found
        services = {b.service_type for b in of_owner}
        found = [
            Trait(SERVICE_TYPES[t], f"service type {t}")
            for t in sorted(services)
            if t in SERVICE_TYPES
        ]
        if found:
            return found
        for name in dict.fromkeys((owner, *(b.target for b in of_owner))):
            role = role_in_name(name)
            if role:
                return [Trait(role, "by its name")]
        ports = {(b.service_type, b.port) for b in of_owner}
        roles = {role_of_port(catalog, kind, port) for kind, port in ports}
        role = roles.pop() if len(roles) == 1 else ""
        return [Trait(role, "by its port")] if role else []

    def _target(self, name: str) -> str:
        for _ in range(3):  # policy -> action -> target
            name = self.leads_to.get(name, name)
        return name


def role_in_name(name: str) -> str:
    """Give the role that a word in a name stands for, `` if none or more than one does."""
    words = _WORDS.findall(name.lower())
    pairs = map("".join, pairwise(words))
    roles = {NAME_WORDS[word] for word in (*words, *pairs) if word in NAME_WORDS}
    return roles.pop() if len(roles) == 1 else ""


def role_of_port(catalog: Catalog, service_type: str, port: str) -> str:
    """Give the third party that alone, by the paper, is reached from an appliance on a port."""
    if not (port.isascii() and port.isdecimal()):
        return ""
    number = int(port[:6])
    transport = "udp" if "UDP" in service_type else "tcp"
    roles = {
        catalog.roles[role]
        for rule in catalog.rules
        if rule.pack == "paper" and rule.matches and not rule.weak
        if not _OWN_ROLES.isdisjoint(rule.sources)
        for service in rule.services
        if service.transport == transport and service.low is not None
        if service.low <= number <= (service.high or service.low)
        for role in rule.destinations
    }
    hosts = [role for role in roles if role.kind != "pseudo"]
    # Citrix' own ports include those of the web, on which anything may stand behind an ADC.
    return hosts[0].id if len(hosts) == 1 and hosts[0].kind == "thirdparty" else ""
