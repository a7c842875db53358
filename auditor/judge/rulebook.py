"""The catalog as one site uses it, and which of its rules a kind of flow matches.

Flows are judged by kind: all flows whose endpoints hold the same roles, whose service lies in the
same interval of ports and whose names cover the same patterns get the same judgement. There are
few kinds, however many flows; so matching is plain Python.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.catalog.model import ANY_CITRIX, ANY_HOST
from auditor.evidence.patterns import Patterns
from auditor.hosts import BROADCAST, LOOPBACK
from auditor.judge.services import ServiceIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.catalog.model import Catalog, Rule
    from auditor.hosts import Party
    from auditor.site.model import Site

OWN_PACKS = frozenset({"paper", "site"})
"""Packs whose rules make a flow `documented`, and whose absence can be missing."""


@dataclass(frozen=True, slots=True)
class NameClass:
    """What the host names seen for a flow's server amount to."""

    covered: frozenset[tuple[str, bool]] = frozenset()
    """(pattern, any depth) of the rules whose pattern surely covers a name."""
    supported: frozenset[tuple[str, bool]] = frozenset()
    """The same for patterns that a name supports without proof."""
    roles: frozenset[str] = frozenset()
    """Roles that the site file gives to holders of a name."""
    own: bool = False
    """The flow itself carried a name (SNI, HTTP Host); a name from DNS alone proves less."""
    seen: bool = False
    """Some name is known for the server, whatever its kind."""


@dataclass(frozen=True, slots=True)
class FlowKind:
    """All that a verdict depends on."""

    client: Party
    server: Party
    interval: int
    """Number of the service's interval in the rule book's ServiceIndex."""
    names: NameClass
    same_machine: bool

    @property
    def server_unknown(self) -> bool:
        """Say whether neither the site file nor the address itself says what the server is."""
        return not (self.server.roles or self.names.roles or self.server.special)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that is cited, and how it came to be."""

    rule: Rule
    extra: frozenset[str] = frozenset()
    """Caveats of this match, beside the rule's own."""


class RuleBook:
    """The catalog as this site uses it: chosen packs, moved ports, roles resolved."""

    def __init__(self, catalog: Catalog, site: Site | None = None) -> None:
        """Prepare all look-ups; costs grow with the rules, never with the flows."""
        self.catalog = catalog
        self.site = site
        moved = {override.rule: override.services for override in site.overrides} if site else {}
        rules = [
            replace(rule, services=moved[rule.id]) if rule.id in moved else rule
            for rule in catalog.rules
            if site is None or _chosen(rule, site.packs)
        ]
        self.rules = tuple(rule for rule in rules if rule.matches)
        self.prohibitions = tuple(rule for rule in rules if rule.prohibits)
        self.index = ServiceIndex(self.rules)
        self.own_ports = {
            (role, service.transport, port)
            for rule in rules
            if rule.source_ports
            for service in rule.services
            for role in rule.sources
            for port in range(service.low or 0, (service.high or 0) + 1)
        }
        self.patterns = {name for rule in self.rules for name in pattern_names(rule)}
        self.name_patterns = Patterns(self.patterns)
        self.roles_by_name: dict[str, set[str]] = {}
        """By pattern of the site file: the roles that it gives to names."""
        for named in site.names if site else ():
            self.roles_by_name.setdefault(named.pattern, set()).update(named.roles)
        self.site_patterns = Patterns((pattern, True) for pattern in self.roles_by_name)
        self.row_names = {
            name for rule in self.rules if rule.pack in OWN_PACKS for name in pattern_names(rule)
        }
        self._portless = [
            rule for rule in rules if not (rule.matches or rule.prohibits) and rule.destinations
        ]
        chosen = {rule.id for rule in rules}
        left_out = [rule for rule in catalog.rules if rule.id not in chosen]
        self._left_out_on: dict[str, list[tuple[int, int, Rule]]] = {}
        for rule in left_out:
            for service in rule.services:
                self._left_out_on.setdefault(service.transport, []).append(
                    (service.low or 0, service.high or 0, rule)
                )
        every = (*rules, *left_out)
        self.sources_of = {rule.id: self._expand(rule.sources) for rule in every}
        self.destinations_of = {rule.id: self._expand(rule.destinations) for rule in every}
        self._closures: dict[frozenset[str], frozenset[str]] = {}

    def closure(self, roles: frozenset[str]) -> frozenset[str]:
        """Add the implied roles."""
        found = self._closures.get(roles)
        if found is None:
            found = self._closures[roles] = self.catalog.closure(roles)
        return found

    def matching(self, kind: FlowKind, rules: Iterable[Rule]) -> list[Match]:
        """List which of `rules` the kind matches; the service is taken to fit already."""
        declared = kind.client.roles, kind.server.roles | kind.names.roles
        implied = self.closure(declared[0]), self.closure(declared[1])
        found = []
        for rule in rules:
            if kind.same_machine and rule.same_role:
                continue
            extra: set[str] = set()
            if "loopback" in rule.caveats:
                itself = kind.same_machine and implied[1] & set(rule.destinations)
                if itself or kind.server.special == LOOPBACK:
                    found.append(Match(rule))
                continue
            # So wide a rule is for the very roles written, not for what others imply.
            client, server = declared if rule.weak else implied
            sources, destinations = self.sources_of[rule.id], self.destinations_of[rule.id]
            if sources is not None and not client & sources:
                continue
            names = pattern_names(rule)
            named = bool(names & kind.names.covered)
            held = destinations is None or bool(server & destinations)
            if kind.server.special == BROADCAST and BROADCAST in rule.destinations:
                extra.add("broadcast")
            elif not held and not named:
                continue
            if named or (held and names & kind.names.supported):
                extra.add("hostname-confirmed")
            if _only_implied(sources, declared[0]) or (
                held and _only_implied(destinations, declared[1])
            ):
                extra.add("via-implied-role")
            found.append(Match(rule, frozenset(extra)))
        return found

    def remarks(
        self, kind: FlowKind, transport: str, port: int | None
    ) -> tuple[list[Rule], list[Rule]]:
        """List what else is written of a flow that no chosen rule matches.

        First what the paper says of its two ends without a port that could match, then the
        matching rules of packs that the site left out.
        """
        said = [
            rule
            for rule in self._portless
            if self.fits_source(rule, kind) and self.fits_destination(rule, kind)
        ]
        number = port or 0
        elsewhere = [
            rule
            for low, high, rule in self._left_out_on.get(transport, ())
            if low <= number <= high
        ]
        return said, [match.rule for match in self.matching(kind, elsewhere)]

    def serves(self, kind: FlowKind) -> int:
        """Say how good the rules are that have the kind's server as destination (authority)."""
        matches = self.matching(kind, self.index.intervals[kind.interval].rules)
        return authority(match.rule for match in matches)

    def fits_source(self, rule: Rule, kind: FlowKind) -> bool:
        """Say whether the client holds a role of the rule's source."""
        sources = self.sources_of[rule.id]
        return sources is None or bool(self.closure(kind.client.roles) & sources)

    def fits_destination(self, rule: Rule, kind: FlowKind) -> bool:
        """Say whether the server is what the rule wants: by role, name or broadcast address."""
        destinations = self.destinations_of[rule.id]
        if (
            destinations is None
            or self.closure(kind.server.roles | kind.names.roles) & destinations
        ):
            return True
        return bool(pattern_names(rule) & kind.names.covered) or (
            kind.server.special == BROADCAST and BROADCAST in rule.destinations
        )

    def may_be(self, rule: Rule, kind: FlowKind) -> bool:
        """Say whether a server without role could be what the rule wants, for all that is known."""
        if not kind.server_unknown or self.is_told(kind):
            return False
        # A name that covers no rule says that the host is none of those that go by name; what the
        # site file calls a host says no such thing.
        named = kind.names.own or (kind.names.seen and not kind.server.listed)
        return not (named and self.is_outside(rule))

    def is_told(self, kind: FlowKind) -> bool:
        """Say whether a name tells which row's host the server is."""
        return bool(kind.names.covered & self.row_names)

    def is_outside(self, rule: Rule) -> bool:
        """Say whether the rule leads to a cloud service or an internet host."""
        kinds = {self.catalog.roles[role].kind for role in self.destinations_of[rule.id] or ()}
        return bool(kinds & {"cloud", "internet"})

    @staticmethod
    def is_local(kind: FlowKind) -> bool:
        """Say whether the flow stays on one host."""
        return kind.same_machine or kind.server.special == LOOPBACK

    def _expand(self, roles: tuple[str, ...]) -> frozenset[str] | None:
        if ANY_HOST in roles:
            return None
        found = set(roles) - {ANY_CITRIX}
        if ANY_CITRIX in roles:
            found |= self.catalog.any_citrix
        return frozenset(found)


def pattern_names(rule: Rule) -> set[tuple[str, bool]]:
    """List the rule's host-name patterns, as NameClass has them."""
    return {(name, rule.names_any_depth) for name in rule.destination_names}


def authority(rules: Iterable[Rule]) -> int:
    """Say how good the best of some rules is: 2 paper or site, 1 another pack, 0 weak or none.

    Other packs have rules from any host to any host; the paper decides where it has something to
    say.
    """
    ranks = (2 if rule.pack in OWN_PACKS else 1 for rule in rules if not rule.weak)
    return max(ranks, default=0)


def _chosen(rule: Rule, packs: tuple[str, ...]) -> bool:
    return rule.pack in packs or (bool(rule.part) and f"{rule.pack}/{rule.part}" in packs)


def _only_implied(wanted: frozenset[str] | None, declared: frozenset[str]) -> bool:
    return wanted is not None and not declared & wanted
