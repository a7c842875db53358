"""The cast of the branch office, and the two links on which it is watched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from talks import Turn, default_talk, tell, turns_of
from traffic import Dice, Host, Tcp, Udp, Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

_SITE = Path(__file__).with_name("branch-office.hosts.yaml")
_VDA_PREFIXES = ("10.20.7.", "2001:db8:20:7:")
_APPLIANCES = frozenset({"gw1", "gw2", "adm1", "xen1"})
_INTERNET_RTT_US = 24_000


class Office:
    """The cast and the two watched links."""

    def __init__(self) -> None:
        """Read the cast from the site file."""
        self.core = Wire(start="2026-03-02T07:58:00Z", dice=Dice(20))
        self.trunk = self.core.on(1, 70)
        site = yaml.safe_load(_SITE.read_text(encoding="utf-8"))
        self._cast = {
            host["name"]: Host(
                host["addresses"][0],
                name=host["name"],
                ttl=64 if host["name"] in _APPLIANCES else 128,
            )
            for host in site["hosts"]
        }

    def __getitem__(self, name: str) -> Host:
        """Give a host of the site file by name; else the host at that address."""
        return self._cast.get(name) or Host(name, ttl=64)

    @property
    def vdas(self) -> list[Host]:
        """List the VDAs."""
        return [host for name, host in self._cast.items() if name.startswith("vda")]

    def wire(self, *ends: Host) -> Wire:
        """Choose the link on which these hosts are seen."""
        return self.trunk if any(end.ip.startswith(_VDA_PREFIXES) for end in ends) else self.core

    def tcp(self, client: Host, server: Host, port: int, at_ms: int) -> Tcp:
        """Begin a TCP connection that has not shaken hands."""
        rtt_us = self._rtt_us(client, server)
        return Tcp(self.wire(client, server), client, server, port, at_ms=at_ms, rtt_us=rtt_us)

    def udp(
        self, client: Host, server: Host, port: int, at_ms: int, client_port: int | None = None
    ) -> Udp:
        """Begin a UDP conversation."""
        return Udp(
            self.wire(client, server), client, server, port,
            at_ms=at_ms, client_port=client_port, rtt_us=self._rtt_us(client, server),
        )  # fmt: skip

    def talk(
        self, client: Host, server: Host, service: str, at_ms: int, *,
        talk: str = "", name: str | None = None,
    ) -> None:  # fmt: skip
        """Hold one whole conversation on `tcp/443` or the like."""
        transport, _, port = service.partition("/")
        label = f"{client.ip} {server.ip} {service} {at_ms}"
        turns: Iterable[Turn] = turns_of(talk or default_talk(service), name, label)
        if transport == "udp":
            tell(self.udp(client, server, int(port), at_ms), turns)
            return
        tcp = self.tcp(client, server, int(port), at_ms).connect()
        tell(tcp, turns)
        tcp.pause(120 + self.core.dice.number(900)).close()

    def soon(self, at_ms: int, within_ms: int = 900) -> int:
        """Give a moment at most `within_ms` after `at_ms`."""
        return at_ms + self.core.dice.number(within_ms)

    def _rtt_us(self, *ends: Host) -> int:
        local = all(end.ip.startswith(("10.", "2001:db8:", "ff", "224.", "239.")) for end in ends)
        return 500 + self.core.dice.number(300) if local else _INTERNET_RTT_US
