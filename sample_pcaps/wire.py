"""The wire beside a span port: hosts, frames in time order, and what has no conversation.

Times, ports and sequence numbers come from a seeded source, so the same calls give the same bytes
on every Python.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Address, ip_address, ip_network
from typing import NamedTuple

import dpkt

MILLISECOND_NS = 1_000_000

_ADMINISTRATIVELY_PROHIBITED, _PORT_UNREACHABLE = 13, 3
_BROADCAST = b"\xff" * 6
_MINIMUM_FRAME = 60
_ROUTER = "02:00:5e:00:00:01"
_LOCAL = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::/0"))
)
_NEVER_EPHEMERAL = frozenset({49752, 54321, 54322, 54323})
"""Ports of the catalog inside the ephemeral range: as client ports they would mislead a reader."""


@dataclass(frozen=True)
class Host:
    """A network card and how it sends."""

    ip: str
    name: str = ""
    mac: str = ""
    """Derived from the address where empty; a router's for an address of the internet."""
    ttl: int = 128

    def hardware(self) -> bytes:
        """Give the six bytes under which this host is seen on the wire."""
        return bytes.fromhex((self.mac or _derived_mac(self.ip)).replace(":", ""))


class Frame(NamedTuple):
    """One captured frame."""

    time_ns: int
    data: bytes
    interface: int


class Dice:
    """Seeded chance that rests only on what `random` promises to keep between versions."""

    def __init__(self, seed: int) -> None:
        """Begin the sequence of `seed`."""
        self._random = random.Random(seed)
        self._ephemeral = 49664

    def number(self, below: int) -> int:
        """Draw a number from 0 to `below` - 1."""
        return int(self._random.random() * below)

    def ephemeral_port(self) -> int:
        """Hand out client ports as Windows does: upward, with gaps, none twice."""
        self._ephemeral += 1 + self.number(3)
        while self._ephemeral in _NEVER_EPHEMERAL:
            self._ephemeral += 1
        return self._ephemeral


@dataclass
class Wire:
    """A span port: whatever is emitted is captured."""

    start: str = "2026-03-02T08:00:00Z"
    interface: int = 0
    vlans: tuple[int, ...] = ()
    """Outermost first."""
    dice: Dice = field(default_factory=lambda: Dice(1))
    frames: list[Frame] = field(default_factory=list)

    def on(self, interface: int, *vlans: int) -> Wire:
        """Give the same capture as seen on another interface, with these VLAN tags."""
        return replace(self, interface=interface, vlans=vlans)

    def captured(self) -> list[Frame]:
        """List the frames in time order."""
        return sorted(self.frames, key=lambda frame: frame.time_ns)

    def moment_ns(self, at_ms: int) -> int:
        """Give the time `at_ms` after the start of the capture, in ns since 1970."""
        begin = datetime.fromisoformat(self.start)
        return int(begin.timestamp()) * 1_000_000_000 + at_ms * MILLISECOND_NS

    def ethernet(
        self, time_ns: int, destination: bytes, source: bytes, kind: int, body: bytes
    ) -> None:
        """Capture one Ethernet frame, tagged and padded as the wire demands."""
        tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in self.vlans)
        data = destination + source + tags + struct.pack(">H", kind) + body
        self.frames.append(Frame(time_ns, data.ljust(_MINIMUM_FRAME, b"\0"), self.interface))

    def packet(
        self, time_ns: int, sender: Host, receiver: Host, protocol: int, body: dpkt.Packet | bytes
    ) -> bytes:
        """Capture one IP packet and give its bytes back, for an ICMP error to quote."""
        source, destination = ip_address(sender.ip).packed, ip_address(receiver.ip).packed
        if len(source) == 4:
            kind = 0x0800
            packet = dpkt.ip.IP(
                src=source, dst=destination, p=protocol, ttl=sender.ttl,
                id=1 + self.dice.number(0xFFFF), data=body,
            )  # fmt: skip
            packet.df = 1
        else:
            kind = 0x86DD
            packet = dpkt.ip6.IP6(
                src=source, dst=destination, nxt=protocol, hlim=sender.ttl, plen=len(body),
                data=body,
            )  # fmt: skip
        data = bytes(packet)
        self.ethernet(time_ns, _next_hop(sender, receiver), sender.hardware(), kind, data)
        return data

    def unreachable(self, time_ns: int, reporter: Host, sender: Host, packet: bytes) -> None:
        """Let `reporter` (a router or the host itself) tell `sender` that `packet` failed."""
        if packet[0] >> 4 == 4:
            silent = reporter.ip != str(IPv4Address(packet[16:20]))
            code = _ADMINISTRATIVELY_PROHIBITED if silent else _PORT_UNREACHABLE
            body = struct.pack(">BBHI", 3, code, 0, 0) + packet[:28]
            self.packet(time_ns, reporter, sender, 1, _with_checksum(body))
        else:
            body = struct.pack(">BBHI", 1, 1, 0, 0) + packet[:1232]
            self._icmpv6(time_ns, reporter, sender, body)

    def arp(self, asker: Host, target: Host, *, at_ms: int, answered: bool = True) -> None:
        """Let `asker` resolve the hardware address of `target`, IPv4 only."""
        time_ns = self.moment_ns(at_ms)
        asking, asked = ip_address(asker.ip).packed, ip_address(target.ip).packed
        request = dpkt.arp.ARP(op=1, sha=asker.hardware(), spa=asking, tha=bytes(6), tpa=asked)
        self.ethernet(time_ns, _BROADCAST, asker.hardware(), 0x0806, bytes(request))
        if answered:
            reply = dpkt.arp.ARP(
                op=2, sha=target.hardware(), spa=asked, tha=asker.hardware(), tpa=asking
            )
            late_ns = time_ns + 90_000 + self.dice.number(60_000)
            self.ethernet(late_ns, asker.hardware(), target.hardware(), 0x0806, bytes(reply))

    def ping(
        self, client: Host, server: Host, *, at_ms: int, count: int = 1, answered: bool = True
    ) -> None:
        """Let `client` send `count` echo requests a second apart, under one identifier."""
        identifier = 1 + self.dice.number(0xFFFF)
        body = bytes(range(0x61, 0x78)) + bytes(range(0x61, 0x6A))
        six = ":" in client.ip
        for sequence in range(1, count + 1):
            time_ns = self.moment_ns(at_ms + 1000 * (sequence - 1))
            ways = [(128 if six else 8, client, server), (129 if six else 0, server, client)]
            for kind, sender, receiver in ways if answered else ways[:1]:
                echo = struct.pack(">BBHHH", kind, 0, 0, identifier, sequence) + body
                if six:
                    self._icmpv6(time_ns, sender, receiver, echo)
                else:
                    self.packet(time_ns, sender, receiver, 1, _with_checksum(echo))
                time_ns += 300_000 + self.dice.number(200_000)

    def _icmpv6(self, time_ns: int, sender: Host, receiver: Host, body: bytes) -> None:
        pseudo = ip_address(sender.ip).packed + ip_address(receiver.ip).packed
        pseudo += struct.pack(">II", len(body), 58)
        checksum = dpkt.in_cksum(pseudo + body)
        whole = body[:2] + struct.pack(">H", checksum) + body[4:]
        self.packet(time_ns, sender, receiver, 58, whole)


def _with_checksum(body: bytes) -> bytes:
    return body[:2] + struct.pack(">H", dpkt.in_cksum(body)) + body[4:]


def _derived_mac(ip: str) -> str:
    address = ip_address(ip)
    raw = address.packed
    if address.is_multicast:
        group = b"\x01\x00\x5e" + bytes([raw[1] & 0x7F]) + raw[2:]
        return (group if address.version == 4 else b"\x33\x33" + raw[-4:]).hex(":")
    if raw == b"\xff" * 4:
        return "ff:ff:ff:ff:ff:ff"
    if not any(address in network for network in _LOCAL):
        return _ROUTER
    return (b"\x02\x1a" + raw[-4:]).hex(":")


def _next_hop(sender: Host, receiver: Host) -> bytes:
    """Give the hardware address that a frame is sent to: the receiver's, or a router's."""
    source, destination = ip_address(sender.ip), ip_address(receiver.ip)
    group = destination.is_multicast or receiver.hardware() == _BROADCAST
    size = 3 if source.version == 4 else 8
    if group or source.is_unspecified or source.packed[:size] == destination.packed[:size]:
        return receiver.hardware()
    return bytes.fromhex(_ROUTER.replace(":", ""))
