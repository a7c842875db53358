"""The invented site of the benchmark captures: groups of hosts, and their site file."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOMAIN = "corp.example"
SCANNER = "scanner"

_ROUTER_MAC = bytes.fromhex("02005e000001")
_FLOWS_PER_VDA = 250
_VDAS_LEAST, _VDAS_MOST = 4, 1000


@dataclass(frozen=True)
class Group:
    """Hosts that are the same to Citrix, numbered upward in one network."""

    name: str
    network: IPv4Network
    count: int
    roles: tuple[str, ...] = ()
    """Empty for hosts that the site file does not list."""
    each: bool = True
    """Whether each has an entry in the site file; else the network has."""
    distant: bool = False
    """Whether it is reached through a router on the internet."""

    def host_name(self, index: int) -> str:
        """Name one host, in the site's domain or, of the internet, outside it."""
        return f"{self.name}{index + 1}.{'example.net' if self.distant else DOMAIN}"


class Cast:
    """Every host of the site, one behind the other."""

    def __init__(self, flows: int) -> None:
        """Size the site so that a host takes part in a plausible number of flows."""
        vdas = min(max(flows // _FLOWS_PER_VDA, _VDAS_LEAST), _VDAS_MOST)
        self.groups = {group.name: group for group in _groups(vdas)}
        counts = np.array([group.count for group in self.groups.values()])
        firsts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        self.first = dict(zip(self.groups, firsts.tolist(), strict=True))
        self.hosts = int(counts.sum())

    def addresses(self) -> NDArray[np.uint32]:
        """Give each host's IPv4 address as a number, shape (hosts,)."""
        parts = [
            int(group.network.network_address) + 1 + np.arange(group.count)
            for group in self.groups.values()
        ]
        return np.concatenate(parts).astype(np.uint32)

    def macs(self) -> NDArray[np.void]:
        """Give the hardware address under which each host is seen here, shape (hosts,)."""
        macs = [
            _ROUTER_MAC
            if group.distant
            else b"\x02\x1a" + (group.network.network_address + 1 + index).packed
            for group in self.groups.values()
            for index in range(group.count)
        ]
        return np.frombuffer(b"".join(macs), "V6")

    def distant(self) -> NDArray[np.bool_]:
        """Say of each host whether it is on the internet, shape (hosts,)."""
        groups = self.groups.values()
        return np.repeat([g.distant for g in groups], [g.count for g in groups])

    def address(self, name: str, index: int) -> str:
        """Give the address of one host of a group."""
        return str(self.groups[name].network.network_address + 1 + index)

    def site_file(self) -> str:
        """Write the site file that belongs to the captures, as YAML."""
        listed = [group for group in self.groups.values() if group.roles]
        lines = ["# The invented site of the benchmark captures.", "site: benchmark", "hosts:"]
        for group in listed:
            roles = ", ".join(group.roles)
            if group.each:
                lines += [
                    f"  - {{name: {group.host_name(index)}, "
                    f"addresses: [{self.address(group.name, index)}], roles: [{roles}]}}"
                    for index in range(group.count)
                ]
        lines.append("networks:")
        lines += [
            f"  - {{name: {group.name}, cidr: {group.network}, roles: [{', '.join(group.roles)}]}}"
            for group in listed
            if not group.each
        ]
        return "\n".join(lines) + "\n"


def _groups(vdas: int) -> list[Group]:
    def group(  # the table below stays readable
        name: str, network: str, count: int, *roles: str, each: bool = True, distant: bool = False
    ) -> Group:
        return Group(name, IPv4Network(network), count, roles, each, distant)

    return [
        group("vda", "10.20.16.0/20", vdas, "vda", "pvs-target"),
        group("desk", "10.40.0.0/16", vdas * 4, "user-device", each=False),
        group("home", "198.18.0.0/16", vdas, "user-device", each=False, distant=True),
        group("gateway", "10.20.0.0/28", 2, "gateway"),
        group("ddc", "10.20.1.0/28", 4, "ddc"),
        group("store", "10.20.1.16/28", 2, "storefront"),
        group("license", "10.20.1.32/28", 1, "license-server"),
        group("director", "10.20.1.48/28", 1, "director"),
        group("pvs", "10.20.1.64/28", 4, "pvs"),
        group("adm", "10.20.1.80/28", 1, "adm"),
        group("sql", "10.20.2.0/28", 2, "sql-server"),
        group("dc", "10.20.2.16/28", 4, "domain-controller", "dns-server", "ntp-server"),
        group("files", "10.20.2.32/28", 3, "file-server"),
        group("admin", "10.20.3.0/28", 2, "admin-workstation"),
        group("www", "198.51.100.0/24", 200, distant=True),
        group(SCANNER, "10.20.4.0/28", 1),
    ]
