"""A configuration that was read, put into claims: who is the appliance, who are the others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from auditor.errors import Problem
from auditor.hostnames import safe_name
from auditor.site.importers.claims import Claim, Imported, is_host, parse_endpoint
from auditor.site.importers.netscaler.balancing import Trait

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from auditor.catalog.model import Catalog
    from auditor.site.importers.claims import Address, Endpoint
    from auditor.site.importers.netscaler.balancing import BackEnd, Virtual
    from auditor.site.importers.netscaler.configuration import Configuration, Mention

_MOST_UNKNOWN = 8


def tell(configuration: Configuration, catalog: Catalog) -> Imported:
    """Put a configuration into claims: the appliance first, then what stands around it."""
    teller = _Teller(configuration, catalog)
    # Peers first: what they are tells what their virtual servers stand for.
    around = [*teller.mentioned(), *teller.back_ends()]
    virtual = list(teller.virtual_servers({claim.address for claim in around}))
    claims = [*teller.appliance(virtual), *teller.appliances_beside(), *virtual, *around]
    path = configuration.path
    features = {
        name: f"{path}:{line}"
        for name, line in configuration.features.items()
        if name in catalog.features
    }
    return Imported(claims, [*configuration.notes, *teller.notes], features)


@dataclass
class _Teller:
    configuration: Configuration
    catalog: Catalog
    notes: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        balancing = self.configuration.balancing
        self.path = self.configuration.path
        self.balancing = balancing
        self.roles: tuple[str, ...] = ("adc",)
        if any(virtual.kind == "vpn" for virtual in balancing.virtuals.values()):
            # Whatever address the appliance picks, it speaks for the Gateway (row 42).
            self.roles = ("adc", "gateway")
        self.traits: dict[str, list[Trait]] = {
            owner: balancing.traits(owner, self.catalog) for owner in balancing.back_ends
        }

    def appliance(self, virtual: Iterable[Claim]) -> Iterator[Claim]:
        """Claim the addresses of this appliance, as those of one machine."""
        elsewhere = {claim.address for claim in virtual if not claim.machine}
        for own in (*self.configuration.nsip, *self.configuration.own):
            if own.address not in elsewhere:
                yield Claim(
                    own.address,
                    self.roles,
                    own.says,
                    self.path,
                    own.line,
                    self.configuration.host_name,
                    machine=self.path,
                )

    def appliances_beside(self) -> Iterator[Claim]:
        """Claim the other node of a pair, the nodes of a cluster, the other sites."""
        for other in self.configuration.others:
            # Another site's appliance need not be a Gateway; a node of this one's pair is.
            roles = ("adc",) if other.says.startswith("GSLB") else self.roles
            yield Claim(other.address, roles, other.says, self.path, other.line)

    def mentioned(self) -> Iterator[Claim]:
        """Claim the peers, and what stands behind them where a peer is balanced here."""
        for mention in self.configuration.mentions:
            try:
                yield from self._mentioned(mention)
            except ValueError as error:
                self.notes.append(Problem(self.path, mention.line, f"{mention.says}: {error}"))

    def _mentioned(self, mention: Mention) -> Iterator[Claim]:
        named = self.balancing.virtuals.get(mention.target.lower())
        if named is not None:
            virtuals = [named]
        else:
            endpoint = self._resolved(parse_endpoint(mention.target))
            endpoint = replace(endpoint, port=endpoint.port or mention.port)
            if endpoint.address is not None and not is_host(endpoint.address):
                return
            yield self._claim(endpoint, mention.role, mention.says, mention.line)
            virtuals = list(self.balancing.find(endpoint))
        for virtual in virtuals:
            self._learn(virtual, mention.role)

    def _learn(self, virtual: Virtual, role: str) -> None:
        """Note that what stands behind a virtual server has the role that it is used in."""
        for owner in self.balancing.members(virtual.name.lower()):
            known = self.traits.get(owner)
            if known is not None and all(trait.role != role for trait in known):
                known.append(Trait(role, f"behind {virtual.name}"))

    def virtual_servers(self, peers: Container[Address | None]) -> Iterator[Claim]:
        """Claim the addresses that clients are sent to: each stands for what is behind it.

        One that is also a peer, or stands for other roles than the appliance's, is a host of its
        own, so that its roles do not become those of the whole appliance.
        """
        for virtual in self.balancing.virtuals.values():
            if virtual.address is None:
                continue
            roles = dict.fromkeys(self.roles if virtual.kind == "vpn" else ("adc",))
            for target in self.balancing.members(virtual.name.lower()):
                beyond = self.balancing.virtuals.get(target)
                if beyond is not None and beyond.kind == "vpn":
                    roles["gateway"] = None
                roles.update(dict.fromkeys(trait.role for trait in self.traits.get(target, ())))
            plain = set(roles) <= set(self.roles) and virtual.address not in peers
            yield Claim(
                virtual.address,
                self.roles if plain else tuple(roles),
                f"{virtual.kind} vserver {virtual.name}",
                self.path,
                virtual.line,
                called=None if plain else safe_name(virtual.name),
                machine=self.path if plain else "",
            )

    def back_ends(self) -> Iterator[Claim]:
        """Claim the servers behind virtual servers; name those that nothing is known of."""
        unknown: list[BackEnd] = []
        for owner, back_ends in self.balancing.back_ends.items():
            traits = self.traits[owner]
            for back_end in back_ends:
                if back_end.is_own:
                    continue
                if not traits:
                    unknown.append(back_end)
                    continue
                try:
                    endpoint = self._resolved(self.balancing.endpoint(back_end))
                except ValueError as error:
                    text = f"{back_end.owner}: {error}"
                    self.notes.append(Problem(self.path, back_end.line, text))
                    continue
                if endpoint.address is None or is_host(endpoint.address):
                    for trait in traits:
                        says = f"{back_end.owner}, {trait.by}"
                        claim = self._claim(endpoint, trait.role, says, back_end.line)
                        yield replace(claim, called=safe_name(back_end.target))
        self._note_unknown(unknown)

    def _note_unknown(self, unknown: list[BackEnd]) -> None:
        if not unknown:
            return
        shown = [f"{each.target} of {each.owner}" for each in unknown[:_MOST_UNKNOWN]]
        if len(unknown) > len(shown):
            shown.append(f"+{len(unknown) - len(shown):,} more")
        text = f"left out, since nothing tells what they are: {', '.join(shown)}"
        self.notes.append(Problem(self.path, unknown[0].line, text))

    def _resolved(self, endpoint: Endpoint) -> Endpoint:
        """Add the address that the configuration itself gives for a name."""
        if endpoint.address is None and endpoint.name is not None:
            server = self.balancing.servers.get(endpoint.name)
            address = self.configuration.records.get(endpoint.name) or (server and server.address)
            if address:
                return replace(endpoint, address=address)
        return endpoint

    def _claim(self, endpoint: Endpoint, role: str, says: str, line: int) -> Claim:
        return Claim(endpoint.address, (role,), says, self.path, line, endpoint.name)
