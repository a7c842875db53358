"""The port catalog as values: rules, roles, features, and the questions asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

ANY_CITRIX = "@any-citrix"
"""Stands for every role that is a Citrix component, except the license server (rows 192, 193)."""

ANY_HOST = "@any"
"""Stands for any host, whatever its role; only outside the paper pack."""

PACKS = ("paper", "vendor", "ambient", "site")


@dataclass(frozen=True, slots=True)
class Service:
    """A transport and an inclusive port range; both ends None where there are no ports."""

    transport: str
    low: int | None
    high: int | None

    def ports(self) -> str:
        """Render the range as the command line writes it: `443`, `6910-6930` or ``."""
        if self.low is None:
            return ""
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"

    def __str__(self) -> str:
        """Render as `tcp/443`, `udp/6910-6930` or `icmp`."""
        return f"{self.transport}/{self.ports()}" if self.low is not None else self.transport


@dataclass(frozen=True, slots=True)
class Role:
    """What a host is to Citrix."""

    id: str
    display: str
    product: str
    kind: str
    """appliance, server, endpoint, process, cloud, internet, thirdparty or pseudo."""
    component: bool
    implies: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    note: str = ""
    link_row: int | None = None
    """The paper line that only links to this role's ports elsewhere (verdict `not-covered`)."""

    @property
    def is_citrix(self) -> bool:
        """Say whether a host of this role counts as a Citrix host for the gravity of findings."""
        own = self.product not in {"common", "third party"}
        return self.id == "admin-workstation" or (
            own and self.kind not in {"thirdparty", "internet", "pseudo"}
        )


@dataclass(frozen=True, slots=True)
class Feature:
    """A switch that turns conditional expectations on."""

    id: str
    meaning: str
    proven_by: tuple[str, ...] = ()
    """Rule ids whose established traffic proves that the feature is in use."""
    expects: tuple[str, ...] = ()
    """Rule ids that form one any-of group of their own while the feature is declared on."""


@dataclass(frozen=True, slots=True)
class SessionNote:
    """What deserves to be said of a session that uses one of some rules."""

    rules: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class SessionPath:
    """A way that HDX sessions take, and the rules whose flows carry them on it."""

    id: str
    rules: tuple[str, ...]
    notes: tuple[SessionNote, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Who may talk to whom, on which services, and where that stands written."""

    id: str
    pack: str
    origin: str
    """table, prose, details or note (paper); page (vendor, ambient); site."""
    row: int | None
    """1-based line of the paper; None outside the paper pack."""
    product: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    services: tuple[Service, ...]
    purpose: str
    group: str
    group_mode: str = "any"
    """any: one service of the group suffices; all: every service of the group is needed."""
    also_in: tuple[str, ...] = ()
    """Further groups in which this rule's traffic counts (192 and 193 in those of 333, 334)."""
    destination_names: tuple[str, ...] = ()
    transport_basis: str = "stated"
    need: str = "expected"
    """expected, conditional, optional, planned or never."""
    condition: str = ""
    feature: str = ""
    """The switch on which the expectation depends; `` if on none."""
    caveats: tuple[str, ...] = ()
    secure_twin: str = ""
    """Id of the rule that the document offers as the secure alternative to an insecure one."""
    one_way: bool = False
    matches: bool = True
    """False for a record that documents something but can match no flow (row 212, ...)."""
    cadence_s: int = 300
    """A capture shorter than this cannot show the absence of the traffic."""
    names_any_depth: bool = False
    """The destination names cover every depth of subdomains, not one label alone."""
    prohibits: bool = False
    """The document forbids this traffic on every service (row 73: nothing from the cloud side)."""
    source_ports: bool = False
    """The services are ports that the source sends from, never a service it offers (row 278)."""
    inherited_from: int | None = None
    note: str = ""
    part: str = ""
    """ambient only: the separately switchable part, such as `dhcp`."""
    page: str = ""
    """vendor and ambient: address of the page that states it."""
    source: str = field(default="", compare=False)
    """`file:line` of the rule."""

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """List the groups that the rule's traffic satisfies."""
        return (self.group, *self.also_in)

    @cached_property
    def weak(self) -> bool:
        """Say whether the rule covers so many ports that it proves little (rows 247, 304)."""
        return "dynamic-range" in self.caveats or "random-port" in self.caveats

    @cached_property
    def same_role(self) -> bool:
        """Say whether both ends are the same role, so that either host may initiate."""
        return "same-role" in self.caveats


@dataclass(frozen=True)
class Catalog:
    """One edition of the paper and the packs beside it."""

    edition: str
    rules: tuple[Rule, ...]
    roles: dict[str, Role]
    features: dict[str, Feature]
    digest: str
    """sha256 over the rule files as read, so that two reports can be told to rest on the same."""
    session_paths: tuple[SessionPath, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, Rule]:
        """Map rule id to rule."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def session_rules(self) -> frozenset[str]:
        """List the rules whose flows carry sessions, whatever the path."""
        return frozenset(rule for path in self.session_paths for rule in path.rules)

    def closure(self, roles: frozenset[str]) -> frozenset[str]:
        """Add every role that the given ones imply, transitively."""
        reached: set[str] = set()
        pending = list(roles)
        while pending:
            role = pending.pop()
            if role not in reached:
                reached.add(role)
                pending.extend(self.roles[role].implies)
        return frozenset(reached)

    @cached_property
    def any_citrix(self) -> frozenset[str]:
        """List the roles for which ANY_CITRIX stands."""
        return frozenset(
            role.id
            for role in self.roles.values()
            if role.component and role.id != "license-server"
        )
