"""Where addresses stand in a site file: which entry names one, which network holds it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import address_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from auditor.addresses import AddressList
    from auditor.site.model import SiteHost, SiteNetwork

BROADCAST = "broadcast"
MULTICAST = "multicast"
LOOPBACK = "loopback"

SPECIALS = ("", LOOPBACK, MULTICAST, BROADCAST)
"""What an address can be by itself; arrays of them hold indices into this."""

NOWHERE = -1
"""Stands for the network of an address that lies in none."""

_LIMITED_BROADCAST = IPv4Address("255.255.255.255")
_OWN_RANGES = (
    (LOOPBACK, IPv4Network("127.0.0.0/8")),
    (LOOPBACK, IPv6Network("::1/128")),
    (MULTICAST, IPv4Network("224.0.0.0/4")),
    (MULTICAST, IPv6Network("ff00::/8")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What the site file's host entries say of one address; several add up."""

    roles: frozenset[str]
    name: str | None
    machine: int


class Entries:
    """The site file's host entries, arranged for look-up."""

    def __init__(self, hosts: Sequence[SiteHost], macs: Mapping[str, set[tuple[int, int]]]) -> None:
        """Take the entries; macs: the addresses seen behind each MAC that they name."""
        self._hosts = hosts
        self._of: dict[tuple[int, int], list[int]] = {}
        machines: list[int] = []
        for number, entry in enumerate(hosts):
            addresses = {address_words(address) for address in entry.addresses}
            for mac in entry.macs:
                addresses |= macs.get(mac, set())
            # Entries that share an address speak of one machine. Below zero, so that no address
            # outside the site file has its number.
            shared = {machines[other] for pair in addresses for other in self._of.get(pair, ())}
            machine = max(shared, default=-1 - number)
            if len(shared) > 1:
                machines = [machine if known in shared else known for known in machines]
            machines.append(machine)
            for pair in addresses:
                self._of.setdefault(pair, []).append(number)
        self.machines = tuple(machines)
        """By entry: a number that entries for one machine share, below zero."""

    def by_row(self, addresses: AddressList) -> dict[int, Entry]:
        """Map the rows of addresses that have an entry to what is said of them."""
        rows = addresses.rows_of(self._of).tolist()
        return {
            row: self._joined(numbers)
            for row, numbers in zip(rows, self._of.values(), strict=True)
            if row >= 0
        }

    def _joined(self, numbers: Sequence[int]) -> Entry:
        entries = [self._hosts[number] for number in numbers]
        return Entry(
            frozenset(role for entry in entries for role in entry.roles),
            next((entry.name for entry in entries if entry.name), None),
            self.machines[numbers[0]],
        )


def longest_networks(addresses: AddressList, networks: Sequence[SiteNetwork]) -> NDArray[np.int64]:
    """Give the network that each address lies in, the longest of several, else NOWHERE."""
    found = np.full(len(addresses), NOWHERE)
    order = sorted(
        range(len(networks)), key=lambda number: (networks[number].network.prefixlen, -number)
    )
    # The longest are painted last; of equals the first that the file has.
    for number in order:
        for rows in rows_within(addresses, networks[number].network):
            found[rows] = number
    return found


def rows_within(addresses: AddressList, network: IPv4Network | IPv6Network) -> Iterable[slice]:
    """Give the rows of the addresses that lie in a network of their own family."""
    first = addresses.place(address_words(network.network_address))
    end = _end(addresses, network)
    if network.version == 4:
        return (slice(first, end),)
    # IPv4 addresses stand in the midst of ::/8 and are none of it.
    ipv4 = np.flatnonzero(addresses.is_ipv4)
    if not len(ipv4):
        return (slice(first, end),)
    before, behind = int(ipv4[0]), int(ipv4[-1]) + 1
    return slice(first, min(end, before)), slice(max(first, behind), end)


def _end(addresses: AddressList, network: IPv4Network | IPv6Network) -> int:
    last = address_words(network.broadcast_address)
    row = addresses.place(last)
    return row + (row < len(addresses) and addresses.words_of(row) == last)


def specials(
    addresses: AddressList,
    networks: Sequence[SiteNetwork],
    declared: Sequence[int],
    *,
    quiet: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Say what addresses are by themselves, as indices into SPECIALS.

    declared: rows that the site file gives the role `broadcast`. quiet: neither declared nor
    talking.
    """
    special = np.zeros(len(addresses), np.int64)
    # A mask is rarely in a capture; an address ending in .255 that never speaks is, in practice,
    # the broadcast address of its subnet.
    habit = addresses.is_ipv4 & quiet & (addresses.low & np.uint64(0xFF) == 0xFF)
    special[habit] = SPECIALS.index(BROADCAST)
    ends = (
        addresses.row_of(address_words(each.network.broadcast_address))
        for each in networks
        if each.network.version == 4 and each.network.prefixlen < 31
    )
    rows = [row for row in ends if row is not None and quiet[row]]
    limited = addresses.row_of(address_words(_LIMITED_BROADCAST))
    rows += [*declared, *(() if limited is None else (limited,))]
    special[rows] = SPECIALS.index(BROADCAST)
    for kind, network in _OWN_RANGES:
        for each in rows_within(addresses, network):
            special[each] = SPECIALS.index(kind)
    return special
