"""A peer: what people write first, a dict of flows with dpkt. `python peer_dpkt.py CAPTURE`."""

from __future__ import annotations

import sys
from pathlib import Path

import dpkt


def count_flows(path: Path) -> dict[tuple[bytes, bytes, int, int, int], list[int]]:
    """Read a capture into flow -> packets and bytes, both directions in one."""
    flows: dict[tuple[bytes, bytes, int, int, int], list[int]] = {}
    with path.open("rb") as file:
        for _, data in dpkt.pcap.Reader(file):
            packet = dpkt.ethernet.Ethernet(data).data
            if not isinstance(packet, dpkt.ip.IP):
                continue
            segment = packet.data
            if not isinstance(segment, (dpkt.tcp.TCP, dpkt.udp.UDP)):
                continue
            key = (packet.src, packet.dst, segment.sport, segment.dport, packet.p)
            if key not in flows:
                turned = (packet.dst, packet.src, segment.dport, segment.sport, packet.p)
                key = turned if turned in flows else key
            counts = flows.setdefault(key, [0, 0])
            counts[0] += 1
            counts[1] += len(data)
    return flows


if __name__ == "__main__":
    print(len(count_flows(Path(sys.argv[1]))))
