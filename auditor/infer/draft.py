"""Proposals -> a site file for a person to correct, in which every role says what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.patterns import Coverage, coverage
from auditor.hosts import BROADCAST, MULTICAST
from auditor.infer.naming import HostNames
from auditor.site.model import Site, SiteHost
from auditor.site.write import site_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.evidence.names import Names
    from auditor.infer.propose import Proposal
    from auditor.infer.stage import Inference
    from auditor.judge.judged import Judged
    from auditor.site.write import Commented


@dataclass(frozen=True)
class Draft:
    """A site as inferred, and what to say of its entries."""

    site: Site
    comments: dict[Commented, str]
    doubtful: tuple[SiteHost, ...]
    """Entries of one role each that are not sure enough; `comments` has them too."""
    threshold: float

    def text(self, sources: Sequence[str]) -> str:
        """Write the site file; the doubtful entries stand at its end as comments."""
        heading = [
            f"Drafted from the traffic in {', '.join(sources)}",
            "",
            "Each role says how sure it is, from 0 to 1, and what it rests on: correct what is",
            "wrong, add what is missing, then look it over: auditor hosts check THIS-FILE",
        ]
        if self.doubtful:
            heading += [
                f"What is less sure than {self.threshold:g} stands at the end, commented out."
            ]
        text = site_text(self.site, comments=self.comments, heading=heading)
        if not self.doubtful:
            return text
        # Without this an entry whose `#` is taken away would stand below an empty list.
        text = text.replace("\nhosts: []\n", "\nhosts:\n")
        body = site_text(Site(hosts=self.doubtful), comments=self.comments)
        entries = body.partition("hosts:\n")[2].splitlines()
        return f"{text}\n" + "\n".join(f"# {line}".rstrip() for line in entries) + "\n"


def draft_site(judged: Judged, names: Names, inference: Inference) -> Draft:
    """Put proposals into entries, one an address; only those that are sure enough are the site's.

    Hosts without a role stand in it too where their flows would otherwise be out of its scope.
    """
    called = _entry_names(judged, names)
    comments: dict[Commented, str] = {}

    def entries(groups: Iterable[Sequence[Proposal]]) -> list[SiteHost]:
        made = []
        for group in groups:
            roles = tuple(each.role for each in group)
            address = ip_address(group[0].address)
            made.append(SiteHost((address,), (), roles, called.get(group[0].host)))
            comments[made[-1]] = " / ".join(map(str, group))
        order = list(judged.book.catalog.roles)
        return sorted(made, key=lambda entry: order.index(entry.roles[0]))

    unsure = [p for p in inference.proposals if p.confidence < inference.threshold]
    hosts = entries(inference.sure().values())
    doubtful = entries([each] for each in unsure)
    hosts += [SiteHost((ip_address(each),), (), ()) for each in _left_over(judged, inference)]
    return Draft(Site(hosts=tuple(hosts)), comments, tuple(doubtful), inference.threshold)


def _entry_names(judged: Judged, names: Names) -> dict[int, str]:
    """Map hosts to names of their own, but none that a rule takes for a cloud service's."""
    known = HostNames(judged, names)
    patterns = judged.book.patterns
    found = {}
    for host in known.all:
        name = known.own(host)
        if name and all(
            coverage(pattern, name, any_depth=True) is Coverage.NONE for pattern, _ in patterns
        ):
            found[host] = name
    return found


def _left_over(judged: Judged, inference: Inference) -> list[str]:
    """List hosts without a role so that each flow between two such has one of its ends listed.

    A listed server is no cloud service, whatever its port; so an end that nobody with a role asks
    is listed rather than one whose flows would be judged differently.
    """
    hosts = inference.adopted(judged.hosts)
    bare = hosts.where(lambda party: not party.roles)
    client, server = judged.orientation.client, judged.orientation.server
    asked = np.zeros(len(bare), dtype=bool)
    asked[server[~bare[client]]] = True
    rows = np.flatnonzero(bare[client] & bare[server])
    pairs = np.unique(np.stack([client[rows], server[rows]], axis=1), axis=0)

    nobody = hosts.where(lambda party: party.special in {BROADCAST, MULTICAST}).tolist()

    def reluctance(row: int) -> tuple[bool, bool]:
        return nobody[row], bool(asked[row])

    chosen = {min(pair, key=reluctance) for pair in pairs.tolist()}
    return [hosts.texts[row] for row in sorted(chosen) if not nobody[row]]
