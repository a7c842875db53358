"""Findings that the site has accepted, with a reason and for a time."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from auditor.hosts import Host
    from auditor.judge.findings import Finding
    from auditor.site.model import Acceptance, Site


def acceptance_of(finding: Finding, site: Site | None, today: date) -> Acceptance | None:
    """Give the first entry of `exceptions` that covers the finding and has not expired."""
    for entry in site.acceptances if site else ():
        if entry.until is not None and entry.until < today:
            continue
        client, server = finding.hosts
        if (
            _is_end(entry.client, finding.client, finding.client_roles, client)
            and _is_end(entry.server, finding.server, finding.server_roles, server)
            and _is_service(entry, finding)
        ):
            return entry
    return None


def _is_end(wanted: str | None, label: str, roles: tuple[str, ...], host: Host | None) -> bool:
    if wanted is None or wanted == label or wanted in roles:
        return True
    if host is None:
        return False
    try:
        return ip_address(host.address) in ip_network(wanted)
    except ValueError:
        return False


def _is_service(entry: Acceptance, finding: Finding) -> bool:
    service = entry.service
    if service is None:
        return True
    if service.transport != finding.transport:
        return False
    return service.low is None or (
        finding.port is not None and service.low <= finding.port <= (service.high or 0)
    )
