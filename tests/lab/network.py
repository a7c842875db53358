"""Hosts on a bridge that works as a hub, and a port beside them that hears each frame once."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, Self

from .namespaces import Namespace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIRROR = "mirror0"
"""The interface to capture on; it has no address and never sends."""

NOWHERE, BROADCAST = "0.0.0.0", "255.255.255.255"

_LINKS = tuple(
    map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)
"""Every host reaches these without a router (RFC 5737, RFC 3849)."""

_OFFLOADS = ("tx", "rx", "tso", "gso", "gro")
"""Off, so that frames are as they would be on a cable: of a cable's size, with checksums."""

_PATIENCE_S = 60


class Network:
    """Namespaces that are joined; use as a context."""

    def __init__(
        self, hosts: Mapping[str, Sequence[str]], *, booting: str = "", leasing: str = ""
    ) -> None:
        """Name the hosts with their addresses.

        `booting` is the host that gets its address later, `leasing` the one that gives it.
        """
        self._hosts = hosts
        self.booting = booting
        self._leasing = leasing
        self._by_address: dict[str, Namespace] = {}
        self._held = ExitStack()
        self.namespaces: dict[str, Namespace] = {}
        self.monitor: Namespace

    def __enter__(self) -> Self:
        """Build it; on failure nothing of it stays."""
        try:
            self._build()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of all of it."""
        self._held.close()

    def at(self, address: str) -> Namespace:
        """Find the host that has, or will have, an address; that boots, or answers broadcasts."""
        return self._by_address[address]

    def serving(self, address: str) -> str:
        """Give the address of the server that is called by this one."""
        return self._hosts[self._leasing][0] if address == BROADCAST else address

    @property
    def booting_mac(self) -> str:
        """The MAC of the host that boots."""
        return mac_of(self._hosts[self.booting][0])

    def give_address(self, host: str, address: str) -> None:
        """Give a host an address, and the ways to all others."""
        version = ip_address(address).version
        self.namespaces[host].ip(
            f"address add {address} dev eth0 {'nodad' if version == 6 else ''}",
            *(f"route replace {each} dev eth0" for each in _LINKS if each.version == version),
        )

    def _build(self) -> None:
        bridge, self.monitor = self._namespace(), self._namespace()
        for each in (bridge, self.monitor):
            each.set("ipv6/conf/all/disable_ipv6", "1")
            each.set("ipv6/conf/default/disable_ipv6", "1")
        # Nothing is learned, so that everything is flooded, to the mirror too. And no snooping:
        # multicast goes everywhere.
        settings = "ageing_time 0 mcast_snooping 0"
        bridge.ip(f"link add hub0 type bridge {settings}", "link set hub0 up")
        _join(bridge, self.monitor, "mirror", MIRROR)
        for number, (host, addresses) in enumerate(self._hosts.items()):
            self.namespaces[host] = namespace = self._namespace()
            for address in addresses:
                self._by_address[address] = namespace
            speaks_ipv6 = any(ip_address(each).version == 6 for each in addresses)
            namespace.set("ipv6/conf/default/disable_ipv6", "0" if speaks_ipv6 else "1")
            namespace.set("ipv6/conf/default/accept_dad", "0")
            _join(bridge, namespace, f"port{number}", "eth0", mac_of(addresses[0]))
            if host != self.booting:
                for address in addresses:
                    self.give_address(host, address)
        if self.booting:
            self._by_address[NOWHERE] = self.namespaces[self.booting]
            self._by_address[BROADCAST] = self.namespaces[self._leasing]
        _wait_until_carried(bridge)

    def _namespace(self) -> Namespace:
        made = Namespace()
        self._held.callback(made.close)
        made.ip("link set lo up")
        return made


def mac_of(address: str) -> str:
    """Give a locally administered MAC that shows the IPv4 address it belongs to."""
    return "02:1a:" + IPv4Address(address).packed.hex(":")


def _join(bridge: Namespace, host: Namespace, port: str, interface: str, mac: str = "") -> None:
    """Lay a cable between a port of the bridge and a host's interface."""
    end = f"name {interface} {f'address {mac}' if mac else ''} netns {host.path}"
    bridge.ip(f"link add {port} type veth peer {end}", f"link set {port} master hub0 up")
    host.run("ethtool", "-K", interface, *(word for each in _OFFLOADS for word in (each, "off")))
    host.ip(f"link set {interface} up")


def _wait_until_carried(bridge: Namespace) -> None:
    """Wait until every port forwards."""
    ends_s = time.monotonic() + _PATIENCE_S
    while "state forwarding" not in (shown := bridge.run("bridge", "link")) or any(
        "state forwarding" not in line for line in shown.splitlines() if "master hub0" in line
    ):
        if time.monotonic() > ends_s:
            raise TimeoutError(shown)
        time.sleep(0.05)


def bound(
    host: Namespace, address: str, kind: socket.SocketKind, port: int = 0, wait_s: float = 60
) -> socket.socket:
    """Make a socket of a host on one of its addresses."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = host.socket(family, kind)
    made.settimeout(wait_s)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_STREAM:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.bind((address, port))
    return made
