"""Who the endpoints of the flows are: address -> host, roles, name, special kind.

A site file is the truth where it speaks: host entries by address or MAC, then the longest
network. What an address is by itself (loopback, multicast, broadcast) needs no file.

A scan has as many hosts as flows, so hosts are columns; a Host is made where one is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, overload

import numpy as np

from auditor.addresses import AddressList, distinct_addresses
from auditor.records import NO_TIME, address_words
from auditor.site.placing import (
    BROADCAST,
    LOOPBACK,
    MULTICAST,
    NOWHERE,
    SPECIALS,
    Entries,
    longest_networks,
    specials,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.site.model import Site, SiteNetwork


__all__ = ["BROADCAST", "LOOPBACK", "MULTICAST", "Host", "Hosts", "Party", "resolve"]


_MANY = 10_000
"""Addresses for which it pays to load a kernel, where numba is loaded already."""


@dataclass(frozen=True, slots=True)
class Host:
    """One address of the capture."""

    address: str
    machine: int
    """Addresses of one machine, by the site file, share this number."""
    roles: frozenset[str]
    """Declared roles, without what they imply."""
    listed: bool
    """The site file's hosts or networks hold the address."""
    name: str | None
    special: str
    """`broadcast`, `multicast`, `loopback` or ``."""

    @property
    def label(self) -> str:
        """Give the name, or the address where there is none."""
        return self.name or self.address


@dataclass(frozen=True, slots=True)
class Party:
    """What a verdict can know of a host: many hosts are one party."""

    roles: frozenset[str]
    """Declared roles."""
    listed: bool
    special: str

    @property
    def inferred(self) -> bool:
        """Say whether the roles are inferred: the site file does not list their host."""
        return bool(self.roles) and not self.listed

    @property
    def declared(self) -> Party:
        """Give the party without inferred roles."""
        return replace(self, roles=frozenset()) if self.inferred else self


@dataclass(frozen=True)
class Hosts:
    """Every address of the capture once, and which of them each flow joins."""

    addresses: AddressList
    """Ascending; a host is called by its row."""
    machine: NDArray[np.int64]
    """Shape (n hosts,): as Host.machine."""
    parties: tuple[Party, ...]
    party: NDArray[np.int64]
    """Shape (n hosts,): index into parties."""
    names: Mapping[int, str]
    """Row -> the name that the site file gives; only hosts that have one."""
    a: NDArray[np.int64]
    """Shape (n flows,): row of endpoint a."""
    b: NDArray[np.int64]
    talking: NDArray[np.bool_]
    """Shape (n hosts,): the address sent at least one frame."""
    entry_machines: tuple[int, ...] = ()
    """Machine of each host entry of the site file, whether it is in the capture or not."""

    @property
    def table(self) -> HostTable:
        """Give the hosts as objects, each made when it is asked for."""
        return HostTable(self)

    @cached_property
    def words(self) -> list[tuple[int, int]]:
        """List all addresses as words; `addresses.row_of` finds one without that."""
        return list(zip(self.addresses.high.tolist(), self.addresses.low.tolist(), strict=True))

    @cached_property
    def texts(self) -> NDArray[np.object_]:
        """Shape (n hosts,): the addresses as a person writes them."""
        return self.addresses.texts()

    @cached_property
    def labels(self) -> NDArray[np.object_]:
        """Shape (n hosts,): as Host.label."""
        labels = self.texts.copy()
        labels[list(self.names)] = list(self.names.values())
        return labels

    @cached_property
    def label_of(self) -> NDArray[np.int64]:
        """Shape (n hosts,): the row of the first host that goes by the same label."""
        numbers = np.arange(len(self.machine))
        first: dict[str, int] = {}
        for row, name in sorted(self.names.items()):
            if name not in first:
                first[name] = self._row_called(name, row)
            numbers[row] = first[name]
        return numbers

    def _row_called(self, name: str, row: int) -> int:
        """Give the row of a nameless host whose address reads as another's name, else `row`."""
        try:
            address = ip_address(name)
        except ValueError:
            return row
        other = self.addresses.row_of(address_words(address))
        if other is None or other in self.names or str(address) != name:
            return row
        return other

    def where(self, holds: Callable[[Party], bool]) -> NDArray[np.bool_]:
        """Mark the hosts of whose party something holds."""
        return np.array([holds(party) for party in self.parties], dtype=bool)[self.party]

    def with_roles(self, roles: Mapping[int, frozenset[str]]) -> Hosts:
        """Give some hosts, by row, other roles than they have."""
        numbers = {party: number for number, party in enumerate(self.parties)}
        party = self.party.copy()
        for row, own in roles.items():
            changed = replace(self.parties[party[row]], roles=own)
            party[row] = numbers.setdefault(changed, len(numbers))
        return replace(self, parties=tuple(numbers), party=party)


@dataclass(frozen=True, slots=True)
class HostTable(Sequence[Host]):
    """The hosts of a capture as objects; none exists before it is asked for."""

    hosts: Hosts

    def __len__(self) -> int:
        """Count the hosts."""
        return len(self.hosts.addresses)

    def __iter__(self) -> Iterator[Host]:
        """Make every host, one after the other."""
        hosts = self.hosts
        columns = (hosts.texts.tolist(), hosts.machine.tolist(), hosts.party.tolist())
        for row, (address, machine, number) in enumerate(zip(*columns, strict=True)):
            party, name = hosts.parties[number], hosts.names.get(row)
            yield Host(address, machine, party.roles, party.listed, name, party.special)

    @overload
    def __getitem__(self, row: int) -> Host: ...
    @overload
    def __getitem__(self, row: slice) -> list[Host]: ...
    def __getitem__(self, row: int | slice) -> Host | list[Host]:
        """Make a host, or some."""
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        hosts = self.hosts
        party = hosts.parties[hosts.party[row]]
        return Host(
            hosts.texts[row],
            int(hosts.machine[row]),
            party.roles,
            party.listed,
            hosts.names.get(row if row >= 0 else row + len(self)),
            party.special,
        )


def resolve(
    flows: Flows, site: Site | None = None, macs: Mapping[str, set[tuple[int, int]]] | None = None
) -> Hosts:
    """Find out who the endpoints are.

    macs: the addresses seen behind each MAC that the site file declares.
    """
    facts = flows.facts
    count = len(facts)
    addresses, index = _distinct(
        np.concatenate([facts["a_hi"], facts["b_hi"]]),
        np.concatenate([facts["a_lo"], facts["b_lo"]]),
    )
    a, b = index[:count], index[count:]
    talking = np.zeros(len(addresses), dtype=bool)
    talking[a[facts["first_a_ns"] != NO_TIME]] = True
    talking[b[facts["first_b_ns"] != NO_TIME]] = True

    entries = Entries(site.hosts if site else (), macs or {})
    networks = site.networks if site else ()
    of_entry = entries.by_row(addresses)
    declared = np.zeros(len(addresses), dtype=bool)
    declared[list(of_entry)] = True
    called_broadcast = [row for row, entry in of_entry.items() if BROADCAST in entry.roles]
    special = specials(addresses, networks, called_broadcast, quiet=~declared & ~talking)
    parties, party = _parties(longest_networks(addresses, networks), networks, special)
    machine = np.arange(len(addresses))
    for row, entry in of_entry.items():
        known = Party(entry.roles, listed=True, special=SPECIALS[special[row]])
        party[row] = parties.setdefault(known, len(parties))
        machine[row] = entry.machine
    names = {row: entry.name for row, entry in of_entry.items() if entry.name}
    return Hosts(addresses, machine, tuple(parties), party, names, a, b, talking, entries.machines)


def _distinct(
    high: NDArray[np.uint64], low: NDArray[np.uint64]
) -> tuple[AddressList, NDArray[np.int64]]:
    """Do what `distinct_addresses` does, without sorting what is there many times."""
    if len(high) < _MANY or "numba" not in sys.modules:
        return distinct_addresses(high, low)
    from auditor.kernel.addresses import number_addresses  # noqa: PLC0415 - loads numba

    slots = np.full(1 << (2 * len(high)).bit_length(), -1, np.int32)
    first, number = np.empty((2, len(high)), np.int64)
    rows = first[: number_addresses(high, low, slots, first, number)]
    order = np.lexsort((low[rows], high[rows]))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = rows[order]
    return AddressList(high[rows], low[rows]), place[number]


def _parties(
    network_of: NDArray[np.int64], networks: Sequence[SiteNetwork], special: NDArray[np.int64]
) -> tuple[dict[Party, int], NDArray[np.int64]]:
    """Give numbers to the parties that networks and special addresses make."""
    combined, which = np.unique(
        (network_of - NOWHERE) * len(SPECIALS) + special, return_inverse=True
    )
    parties: dict[Party, int] = {}
    numbers = []
    for each in combined.tolist():
        network, kind = each // len(SPECIALS) + NOWHERE, SPECIALS[each % len(SPECIALS)]
        # All hosts of the network hear its broadcast address; it is none of them itself.
        roles = frozenset() if kind or network < 0 else frozenset(networks[network].roles)
        known = Party(roles, listed=network >= 0, special=kind)
        numbers.append(parties.setdefault(known, len(parties)))
    return parties, np.array(numbers, dtype=np.int64)[which]
