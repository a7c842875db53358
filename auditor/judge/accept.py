"""Findings that the site has accepted, with a reason and for a time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from auditor.catalog.model import Service

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from ipaddress import IPv4Address, IPv6Address

    from auditor.hosts import Host
    from auditor.judge.finding import Finding
    from auditor.site.model import Acceptance, Site


def accept(
    findings: Iterable[Finding], site: Site | None, today: date
) -> list[tuple[Finding, bool]]:
    """Pair each finding with whether the site accepts it; an accepted one says why."""
    pairs = []
    for finding in findings:
        entry = acceptance_of(finding, site, today)
        if entry is None:
            pairs.append((finding, False))
        else:
            pairs.append((replace(finding, advice=_terms(entry)), True))
    return pairs


def acceptance_of(finding: Finding, site: Site | None, today: date) -> Acceptance | None:
    """Give the first entry of `exceptions` that covers the finding and has not expired."""
    for entry in site.acceptances if site else ():
        if entry.until is not None and entry.until < today:
            continue
        client, server = finding.hosts
        if (
            _is_end(entry.client, finding.client, finding.client_roles, _addresses(client, site))
            and _is_end(
                entry.server, finding.server, finding.server_roles, _addresses(server, site)
            )
            and _is_service(entry.service, finding)
        ):
            return entry
    return None


def _terms(entry: Acceptance) -> str:
    owner = f", {entry.owner}" if entry.owner else ""
    until = f", until {entry.until.isoformat()}" if entry.until else ""
    return f"Accepted: {entry.reason}{owner}{until}."


def _addresses(host: Host | None, site: Site | None) -> list[IPv4Address | IPv6Address]:
    """List every address of a host: whoever names one of them means the host."""
    if host is None:
        return []
    entries = site.hosts if site and host.name else ()
    also = [address for entry in entries if entry.name == host.name for address in entry.addresses]
    return [ip_address(host.address), *also]


def _is_end(
    wanted: str | None,
    label: str,
    roles: tuple[str, ...],
    addresses: Iterable[IPv4Address | IPv6Address],
) -> bool:
    if wanted is None or wanted == label or wanted in roles:
        return True
    try:
        network = ip_network(wanted)
    except ValueError:
        return False
    return any(address in network for address in addresses)


def _is_service(wanted: Service | None, finding: Finding) -> bool:
    if wanted is None:
        return True
    if finding.flows:
        return _overlap(wanted, Service(finding.transport, finding.port, finding.port))
    # What is missing is a whole group; one of its ports stands for all of them.
    return any(_overlap(wanted, service) for rule in finding.rules for service in rule.services)


def _overlap(one: Service, other: Service) -> bool:
    if one.transport != other.transport:
        return False
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return one.low is None
    return one.low <= other.high and other.low <= one.high
