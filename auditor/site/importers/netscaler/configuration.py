"""What an `ns.conf` says, before it is decided what that means for a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.site.importers.netscaler.balancing import Balancing

if TYPE_CHECKING:
    from auditor.errors import Problem
    from auditor.site.importers.claims import Address


@dataclass(frozen=True, slots=True)
class Own:
    """An address of an appliance: this one or another."""

    address: Address
    says: str
    line: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A peer as one line names it."""

    target: str
    """An address, a host name, a URL, or the name of a virtual server."""
    role: str
    says: str
    line: int
    port: int | None = None


@dataclass
class Configuration:
    """What the lines of one `ns.conf` say."""

    path: str
    host_name: str | None = None
    nsip: list[Own] = field(default_factory=list)
    """The management addresses, that of `set ns config` first."""
    own: list[Own] = field(default_factory=list)
    others: list[Own] = field(default_factory=list)
    """Other appliances."""
    mentions: list[Mention] = field(default_factory=list)
    balancing: Balancing = field(default_factory=Balancing)
    records: dict[str, Address] = field(default_factory=dict)
    """Host name -> address, as the appliance's own DNS has it."""
    features: dict[str, int] = field(default_factory=dict)
    """Feature id -> the line that shows it."""
    notes: list[Problem] = field(default_factory=list)
