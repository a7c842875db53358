"""Judging flows that are stated as facts: sites in a line per host, names by their flow."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from conversations import SECOND, Talk, flows_of

from auditor.catalog.load import load_catalog
from auditor.evidence.names import Names, SeenName
from auditor.evidence.own_names import OwnNames
from auditor.hosts import resolve
from auditor.judge.expect import Expectation, Watch, expect
from auditor.judge.findings import find
from auditor.judge.judged import Judged, judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.records import Seen, address_words
from auditor.site.model import Site, SiteHost, SiteNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.catalog.model import Catalog
    from auditor.judge.finding import Finding
    from auditor.site.model import Acceptance, Denial, Override, SiteName

WATCHED = Watch(duration_s=2 * 86400, lossless=True)
"""Long enough for every cadence, and nothing lost."""


@cache
def catalog() -> Catalog:
    """Load the shipped catalog, once."""
    return load_catalog()


def site(
    *lines: str,
    packs: tuple[str, ...] = ("paper",),
    features: Mapping[str, bool] | None = None,
    names: tuple[SiteName, ...] = (),
    overrides: tuple[Override, ...] = (),
    acceptances: tuple[Acceptance, ...] = (),
    denials: tuple[Denial, ...] = (),
) -> Site:
    """State a site: `name: address ... = role ...`, or `network/len = role ...`, one a line."""
    hosts, networks = [], []
    for line in lines:
        left, _, right = line.partition("=")
        roles = tuple(right.split())
        if "/" in left:
            networks.append(SiteNetwork(ip_network(left.strip()), roles))
            continue
        name, colon, addresses = left.partition(": ")
        words = (addresses if colon else name).split()
        macs = tuple(word for word in words if word.count(":") == 5)
        ips = tuple(ip_address(word) for word in words if word not in macs)
        hosts.append(SiteHost(ips, macs, roles, name if colon else None))
    return Site(
        hosts=tuple(hosts),
        networks=tuple(networks),
        names=names,
        features=dict(features or {}),
        overrides=overrides,
        acceptances=acceptances,
        denials=denials,
        packs=packs,
    )


def tcp(client: str, server: str, port: int, *, start_s: float = 0.0, head: bytes = b"") -> Talk:
    """State a whole TCP connection."""
    return Talk(client, server, "tcp", port, start_s=start_s, head=head)


def udp(client: str, server: str, port: int, *, replies: bool = True) -> Talk:
    """State a UDP conversation."""
    return Talk(client, server, "udp", port, replies=replies)


def refused(client: str, server: str, port: int) -> Talk:
    """State a SYN that a reset answers."""
    return Talk(client, server, "tcp", port, sent=Seen.SYN, answered=Seen.RST)


def unanswered(client: str, server: str, port: int) -> Talk:
    """State SYNs that nothing answers."""
    return Talk(client, server, "tcp", port, sent=Seen.SYN, replies=False)


def apart(*talks: Talk) -> list[Talk]:
    """Give every talk a client port and a second of its own, so that none is another."""
    return [
        replace(talk, from_port=talk.from_port + number, start_s=talk.start_s or float(number))
        for number, talk in enumerate(talks)
    ]


def judge(
    place: Site | None,
    *talks: Talk,
    own: Mapping[int, str] | None = None,
    told: Mapping[str, tuple[str, str, float]] | None = None,
) -> Judged:
    """Judge talks.

    own: index of a talk -> the name in its payload. told: name -> (address, asker, at second) of
    a DNS answer.
    """
    flows = flows_of(*apart(*talks))
    names: list[tuple[SeenName, ...]] = [
        (SeenName((own or {})[row], "sni", 0, None),) if row in (own or {}) else ()
        for row in range(len(talks))
    ]
    answers: dict[tuple[int, int], tuple[SeenName, ...]] = {}
    for name, (address, asker, at_s) in (told or {}).items():
        pair = address_words(address)
        seen = SeenName(name, "dns", int(at_s * SECOND), address_words(asker))
        answers[pair] = (*answers.get(pair, ()), seen)
    hosts = resolve(flows, place)
    return judge_flows(flows, Names(OwnNames.of(names), answers), hosts, RuleBook(catalog(), place))


def expectations(
    place: Site, *talks: Talk, watch: Watch = WATCHED
) -> dict[tuple[str, str, str], Expectation]:
    """Judge what could be expected; by group, source role and destination role."""
    found = expect(judge(place, *talks), watch)
    return {(e.group, e.source, e.destination): e for e in found}


def findings(
    place: Site | None,
    *talks: Talk,
    watch: Watch = WATCHED,
    own: Mapping[int, str] | None = None,
) -> list[Finding]:
    """List the findings of talks; own: as for judge."""
    judged = judge(place, *talks, own=own)
    return list(find(judged, expect(judged, watch)))


def unmissed(found: list[Finding]) -> list[Finding]:
    """Leave out what is missing."""
    return [finding for finding in found if finding.kind != "missing"]
