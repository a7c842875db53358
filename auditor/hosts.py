"""Who the endpoints of the flows are: address -> host, roles, name, special kind.

A site file is the truth where it speaks: host entries by address or MAC, then the longest
network. What an address is by itself (loopback, multicast, broadcast) needs no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import NO_TIME, address_text, address_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv6Address

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.site.model import Site, SiteHost

BROADCAST = "broadcast"
MULTICAST = "multicast"
LOOPBACK = "loopback"

_LIMITED_BROADCAST = IPv4Address("255.255.255.255")


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


@dataclass(frozen=True)
class Hosts:
    """Every address of the capture once, and which of them each flow joins."""

    table: list[Host]
    words: list[tuple[int, int]]
    """Address words, as table."""
    a: NDArray[np.int64]
    """Shape (n flows,): row of table of endpoint a."""
    b: NDArray[np.int64]
    talking: NDArray[np.bool_]
    """Shape (n hosts,): the address sent at least one frame."""
    entry_machines: tuple[int, ...] = ()
    """Machine of each host entry of the site file, whether it is in the capture or not."""


def resolve(
    flows: Flows, site: Site | None = None, macs: Mapping[str, set[tuple[int, int]]] | None = None
) -> Hosts:
    """Find out who the endpoints are.

    macs: the addresses seen behind each MAC that the site file declares.
    """
    facts = flows.facts
    count = len(facts)
    high = np.concatenate([facts["a_hi"], facts["b_hi"]])
    low = np.concatenate([facts["a_lo"], facts["b_lo"]])
    order = np.lexsort((low, high))
    changes = np.ones(2 * count, dtype=bool)
    changes[1:] = (np.diff(high[order]) != 0) | (np.diff(low[order]) != 0)
    index = np.empty(2 * count, dtype=np.int64)
    index[order] = np.cumsum(changes) - 1
    first = order[changes]
    words = list(zip(high[first].tolist(), low[first].tolist(), strict=True))

    talking = np.zeros(len(words), dtype=bool)
    talking[index[:count][facts["first_a_ns"] != NO_TIME]] = True
    talking[index[count:][facts["first_b_ns"] != NO_TIME]] = True

    register = _Register(site, macs or {})
    table = [
        register.host(number, pair, sends)
        for number, (pair, sends) in enumerate(zip(words, talking.tolist(), strict=True))
    ]
    return Hosts(table, words, index[:count], index[count:], talking, register.entry_machines)


class _Register:
    """The site file's entries, arranged for look-up."""

    def __init__(self, site: Site | None, macs: Mapping[str, set[tuple[int, int]]]) -> None:
        self._entries: dict[tuple[int, int], list[int]] = {}
        self._hosts: tuple[SiteHost, ...] = site.hosts if site else ()
        machines: list[int] = []
        for number, entry in enumerate(self._hosts):
            addresses = {address_words(address) for address in entry.addresses}
            for mac in entry.macs:
                addresses |= macs.get(mac, set())
            # Entries that share an address speak of one machine. Below zero, so that no address
            # outside the site file has its number.
            shared = {
                machines[other] for pair in addresses for other in self._entries.get(pair, ())
            }
            machine = max(shared, default=-1 - number)
            if len(shared) > 1:
                machines = [machine if known in shared else known for known in machines]
            machines.append(machine)
            for pair in addresses:
                self._entries.setdefault(pair, []).append(number)
        self.entry_machines = tuple(machines)
        self._networks = sorted(
            site.networks if site else (), key=lambda n: n.network.prefixlen, reverse=True
        )
        self._broadcasts = {
            n.network.broadcast_address
            for n in self._networks
            if n.network.version == 4 and n.network.prefixlen < 31
        }

    def host(self, number: int, pair: tuple[int, int], sends: bool) -> Host:
        text = address_text(*pair)
        address = ip_address(text)
        numbers = self._entries.get(pair, [])
        entries = [self._hosts[entry] for entry in numbers]
        roles = frozenset(role for entry in entries for role in entry.roles)
        special = self._special(address, roles, sends=sends, declared=bool(entries))
        if entries:
            name = next((entry.name for entry in entries if entry.name), None)
            return Host(text, self.entry_machines[numbers[0]], roles, True, name, special)
        for network in self._networks:
            if address in network.network:
                # All hosts of the network hear its broadcast address; it is none of them itself.
                roles = frozenset() if special else frozenset(network.roles)
                return Host(text, number, roles, True, None, special)
        return Host(text, number, frozenset(), False, None, special)

    def _special(
        self,
        address: IPv4Address | IPv6Address,
        roles: frozenset[str],
        *,
        sends: bool,
        declared: bool,
    ) -> str:
        if address.is_loopback:
            return LOOPBACK
        if address.is_multicast:
            return MULTICAST
        if BROADCAST in roles or address == _LIMITED_BROADCAST:
            return BROADCAST
        if address.version == 4 and not declared and not sends:
            # A mask is rarely in a capture; an address ending in .255 that never speaks is, in
            # practice, the broadcast address of its subnet.
            by_habit = int(address) & 0xFF == 0xFF
            return BROADCAST if by_habit or address in self._broadcasts else ""
        return ""
