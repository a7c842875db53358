"""Which roles a site declares, which of their hosts were heard, and what passed between them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from auditor.catalog.model import ANY_CITRIX
from auditor.judge.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.judge.judged import Judged

Pair = tuple[str, str, str]
"""Rule id, source role, destination role."""


def declared_roles(judged: Judged) -> tuple[frozenset[str], dict[str, int]]:
    """List the roles that the site file declares, and count the machines of each."""
    site = judged.book.site
    roles: set[str] = set()
    machines: dict[str, int] = defaultdict(int)
    if site is not None:
        for entry in site.hosts:
            roles.update(entry.roles)
            for role in entry.roles:
                machines[role] += 1
        for group in (site.networks, site.names):
            for other in group:
                roles.update(other.roles)
    for host in judged.hosts.table:
        if host.machine >= 0:
            for role in host.roles:
                machines[role] += 1
    return frozenset(roles), machines


def present_hosts(judged: Judged) -> Mapping[str, frozenset[int]]:
    """Map each declared role to the rows of its hosts that were talking."""
    found: dict[str, set[int]] = defaultdict(set)
    for row, host in enumerate(judged.hosts.table):
        if judged.hosts.talking[row]:
            for role in host.roles:
                found[role].add(row)
    # A cloud service is known by its names, not by an address.
    pairs = zip(judged.kinds.kinds, judged.judgements, strict=True)
    for number, (kind, judgement) in enumerate(pairs):
        if kind.names.roles and judgement.verdict is Verdict.DOCUMENTED:
            rows = judged.orientation.server[judged.kinds.kind_of == number].tolist()
            for role in kind.names.roles:
                found[role].update(rows)
    return {role: frozenset(rows) for role, rows in found.items()}


def documented_traffic(judged: Judged) -> Mapping[Pair, set[int]]:
    """Map (rule id, source role, destination role) to the kinds of flow that match it."""
    book = judged.book
    found: dict[Pair, set[int]] = defaultdict(set)
    for number, (kind, judgement) in enumerate(
        zip(judged.kinds.kinds, judged.judgements, strict=True)
    ):
        if judgement.verdict is not Verdict.DOCUMENTED:
            continue
        client = book.closure(kind.client.roles)
        server = book.closure(kind.server.roles | kind.names.roles)
        for rule in judgement.rules:
            sources = client if ANY_CITRIX in rule.sources else client & set(rule.sources)
            # Matched by name or by the broadcast address, the server stands for the row's peer.
            destinations = server & set(rule.destinations) or set(rule.destinations)
            for source in (*sources, ANY_CITRIX):
                for destination in destinations:
                    found[rule.id, source, destination].add(number)
    return found
