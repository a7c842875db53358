"""Questions that a person asks of the catalog: what is on this port, on this line, of this name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from auditor.catalog.model import ANY_CITRIX
from auditor.catalog.services import WITH_PORTS, WITHOUT_PORTS, parse_ports

if TYPE_CHECKING:
    from collections.abc import Collection

    from auditor.catalog.model import Catalog, Rule, Service


class PortQuery(NamedTuple):
    """A port, a portless transport, or both, as somebody asked for it."""

    port: int | None
    transport: str
    """`` where any will do."""

    def __str__(self) -> str:
        """Write it back in the order of reports: `tcp/443`."""
        return "/".join(part for part in (self.transport, str(self.port or "")) if part)


def parse_query(text: str) -> PortQuery:
    """Read `1494`, `389/udp`, `udp/389` or `icmp`; raises ValueError with the reason."""
    words = text.strip().lower().split("/")
    transports = [word for word in words if word in {*WITH_PORTS, *WITHOUT_PORTS}]
    ports = [word for word in words if word not in transports]
    if len(transports) > 1 or len(ports) > 1 or (not ports and transports[0] in WITH_PORTS):
        raise ValueError(f"expected PORT or PORT/TRANSPORT such as 389/udp, found {text!r}")
    transport = transports[0] if transports else ""
    if not ports:
        return PortQuery(None, transport)
    if not re.fullmatch("[0-9]+", ports[0]):
        raise ValueError(f"expected PORT or PORT/TRANSPORT such as 389/udp, found {text!r}")
    if transport in WITHOUT_PORTS:
        raise ValueError(f"{transport} has no ports, found {text!r}")
    return PortQuery(parse_ports(ports[0])[0], transport)


def covers(service: Service, query: PortQuery) -> bool:
    """Say whether a service is what was asked for."""
    if query.transport and service.transport != query.transport:
        return False
    if service.low is None or service.high is None:
        return query.port is None
    return query.port is not None and service.low <= query.port <= service.high


def rules_on(catalog: Catalog, query: PortQuery) -> list[Rule]:
    """List the rules on a port, those that match no flow included."""
    return [rule for rule in catalog.rules if any(covers(s, query) for s in rule.services)]


def nearest(catalog: Catalog, query: PortQuery, count: int = 3) -> list[Service]:
    """List the documented services whose numbers are nearest, without what proves little."""
    if query.port is None:
        return []
    port = query.port
    distance = {
        service: min(abs(service.low - port), abs(service.high - port))
        for rule in catalog.rules
        if not rule.weak and rule.matches
        for service in rule.services
        if service.low is not None and service.high is not None
        if not query.transport or service.transport == query.transport
    }
    return sorted(distance, key=lambda service: (distance[service], str(service)))[:count]


def with_role(catalog: Catalog, role: str) -> tuple[list[Rule], list[Rule]]:
    """List the rules that a host satisfies by a role as their source, and as their destination.

    What holds for any host whatever says nothing of the role and is left out.
    """
    roles = catalog.closure(frozenset((role,)))
    sources = roles | {ANY_CITRIX} if roles & catalog.any_citrix else roles
    return (
        [rule for rule in catalog.rules if _meet(rule.sources, sources)],
        [rule for rule in catalog.rules if _meet(rule.destinations, roles)],
    )


def group_services(catalog: Catalog, rule: Rule) -> list[Service]:
    """List the services of a rule's group between the same roles, without repetition."""
    return list(
        dict.fromkeys(
            service
            for other in catalog.rules
            if other.group == rule.group and _meet(other.sources, rule.sources)
            if _meet(other.destinations, rule.destinations)
            for service in other.services
        )
    )


def _meet(some: Collection[str], others: Collection[str]) -> bool:
    return not set(some).isdisjoint(others)
