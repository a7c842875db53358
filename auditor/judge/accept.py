"""Findings that the site has accepted, with a reason and for a time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import numpy as np

from auditor.catalog.model import Service
from auditor.site.placing import rows_within

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from ipaddress import IPv4Network, IPv6Network

    from numpy.typing import NDArray

    from auditor.hosts import Hosts
    from auditor.judge.finding import Findings, Pattern
    from auditor.site.model import Acceptance, Site

_OPEN = -1
"""Stands for the entry of a finding that none accepts."""


def accept(findings: Findings, site: Site | None, today: date) -> Findings:
    """Mark the findings that the site accepts; an accepted one says why.

    Of several entries of `exceptions` that cover a finding and have not expired the first counts.
    """
    entries = [
        entry
        for entry in (site.acceptances if site else ())
        if entry.until is None or entry.until >= today
    ]
    if site is None or not entries or not len(findings):
        return findings
    entry_of = np.full(len(findings), _OPEN)
    for number, entry in reversed(list(enumerate(entries))):
        entry_of[_covered(findings, entry, site)] = number
    # Each entry has its own terms, so a pattern becomes several.
    pairs, pattern_of = np.unique(
        findings.pattern_of * (len(entries) + 1) + entry_of - _OPEN, return_inverse=True
    )
    patterns = []
    for pair in pairs.tolist():
        pattern, entry_number = divmod(pair, len(entries) + 1)
        known = findings.patterns[pattern]
        if entry_number + _OPEN != _OPEN:
            terms = _terms(entries[entry_number + _OPEN])
            known = replace(known, advice=terms, accepted=True)
        patterns.append(known)
    return replace(findings, patterns=tuple(patterns), pattern_of=pattern_of)


def _terms(entry: Acceptance) -> str:
    owner = f", {entry.owner}" if entry.owner else ""
    until = f", until {entry.until.isoformat()}" if entry.until else ""
    return f"Accepted: {entry.reason}{owner}{until}."


def _covered(findings: Findings, entry: Acceptance, site: Site) -> NDArray[np.bool_]:
    rests = np.diff(findings.starts) > 0
    ends = _is_end(
        entry.client, findings.client, findings.client_row, findings, site, _client_roles
    ) & _is_end(entry.server, findings.server, findings.server_row, findings, site, _server_roles)
    wanted = entry.service
    if wanted is None:
        return ends

    def with_flows(pattern: Pattern) -> bool:
        return _overlap(wanted, Service(pattern.transport, pattern.port, pattern.port))

    def missing(pattern: Pattern) -> bool:
        # What is missing is a whole group; one of its ports stands for all of them.
        services = (service for rule in pattern.rules for service in rule.services)
        return any(_overlap(wanted, service) for service in services)

    return ends & np.where(rests, _of(findings, with_flows), _of(findings, missing))


def _client_roles(pattern: Pattern) -> tuple[str, ...]:
    return pattern.client_roles


def _server_roles(pattern: Pattern) -> tuple[str, ...]:
    return pattern.server_roles


def _of(findings: Findings, holds: Callable[[Pattern], bool]) -> NDArray[np.bool_]:
    """Mark the findings of whose pattern something holds."""
    return np.array([holds(each) for each in findings.patterns], dtype=bool)[findings.pattern_of]


def _is_end(
    wanted: str | None,
    label: NDArray[np.object_],
    row: NDArray[np.int64],
    findings: Findings,
    site: Site,
    roles_of: Callable[[Pattern], tuple[str, ...]],
) -> NDArray[np.bool_]:
    """Mark the findings of which one end is what an entry names."""
    if wanted is None:
        return np.ones(len(label), dtype=bool)
    found: NDArray[np.bool_] = (label == wanted) | _of(
        findings, lambda each: wanted in roles_of(each)
    )
    try:
        network = ip_network(wanted)
    except ValueError:
        return found
    found |= _within(findings.hosts, site, network)[row]
    return found


def _within(hosts: Hosts, site: Site, network: IPv4Network | IPv6Network) -> NDArray[np.bool_]:
    """Mark the hosts with an address in a network, and at the end NOBODY, which has none.

    Whoever names one of a host's addresses means the host.
    """
    among = np.zeros(len(hosts.machine) + 1, dtype=bool)
    for rows in rows_within(hosts.addresses, network):
        among[rows] = True
    also = {
        entry.name
        for entry in site.hosts
        if entry.name and any(address in network for address in entry.addresses)
    }
    among[[row for row, name in hosts.names.items() if name in also]] = True
    return among


def _overlap(one: Service, other: Service) -> bool:
    if one.transport != other.transport:
        return False
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return one.low is None
    return one.low <= other.high and other.low <= one.high
