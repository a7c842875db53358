"""The host names that traffic itself tells: in a flow's first payload, and about addresses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.dhcp import read_dhcp
from auditor.evidence.dhcpv6 import read_dhcpv6
from auditor.evidence.dns import read_announced, read_answers, split_stream
from auditor.evidence.leases import Leases
from auditor.evidence.name_book import NameBook, SeenName
from auditor.evidence.netbios import read_netbios
from auditor.evidence.reading import read_own_names
from auditor.hostnames import safe_name
from auditor.records import ECHO_ID, IPPROTO_TCP, IPPROTO_UDP, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.decode.packets import Packets
    from auditor.evidence.dns import Answer
    from auditor.evidence.own_names import OwnNames
    from auditor.flows import Flows

__all__ = ["NameCollector", "Names", "SeenName", "telling_rows"]

_DNS, _DHCP, _DHCPV6, _NETBIOS, _LLMNR, _MDNS = range(1, 7)
_DNS_PORT = 53
_PORTS = {
    _DNS_PORT: _DNS,
    67: _DHCP,
    68: _DHCP,
    137: _NETBIOS,
    546: _DHCPV6,
    547: _DHCPV6,
    5353: _MDNS,
    5355: _LLMNR,
}
"""By the port that it comes from, as each protocol's RFC fixes it: what a message may be."""

_PROTOCOL = np.zeros(2 * ECHO_ID, np.uint8)
_PROTOCOL[list(_PORTS)] = list(_PORTS.values())

_SHORTEST_MESSAGE = 12
_safe_name = lru_cache(1 << 13)(safe_name)
_LOCAL_DOMAIN = b".local"


@dataclass(frozen=True, slots=True)
class Names:
    """All names; `own` belongs to flows, `address_names` to addresses."""

    own: OwnNames
    """Item i: the names in flow i's own payload."""
    address_names: dict[tuple[int, int], tuple[SeenName, ...]]
    """By address words: the names told of the address, by time; told together, the one in question
    first. A name is there again where others were told to the same asker in between."""
    forgotten: int = 0
    """Names of addresses left out because as many as can be remembered were known already."""


def telling_rows(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """List the PACKET rows that may hold a message which tells names."""
    protocols = _PROTOCOL[rows["src_port"]]
    chosen = protocols > 0
    if not chosen.any():
        return np.zeros(0, np.int64)
    chosen &= rows["status"] == Status.OK
    chosen &= rows["payload_len"] >= _SHORTEST_MESSAGE
    tcp = rows["transport"] == IPPROTO_TCP
    chosen &= (rows["transport"] == IPPROTO_UDP) | (tcp & (protocols == _DNS))
    return np.flatnonzero(chosen)


class NameCollector:
    """Remembers what messages tell of addresses while packets pass, within bounds."""

    def __init__(
        self, most_addresses: int = 100_000, most_names: int = 32, most_answers: int = 500_000
    ) -> None:
        """Remember so many addresses, names of one address, and names told in all."""
        self._book = NameBook(most_addresses, most_names, most_answers)
        self._leases = Leases()

    def observe(self, packets: Packets) -> None:
        """Take the names out of the messages among the packets that tell any."""
        rows = packets.rows
        frames = telling_rows(rows)
        if not len(frames):
            return
        protocols, tcp = _PROTOCOL[rows["src_port"]], rows["transport"] == IPPROTO_TCP
        starts = packets.batch.offset[frames] + rows["payload_offset"][frames]
        ends = starts + rows["payload_len"][frames]
        data = packets.batch.data
        for protocol, in_stream, start, end, high, low, time_ns in zip(
            protocols[frames].tolist(),
            tcp[frames].tolist(),
            starts.tolist(),
            ends.tolist(),
            rows["dst_hi"][frames].tolist(),
            rows["dst_lo"][frames].tolist(),
            rows["time_ns"][frames].tolist(),
            strict=True,
        ):
            payload = data[start:end].tobytes()
            if protocol == _DNS:
                messages = split_stream(payload) if in_stream else (payload,)
                self._take_dns(messages, (high, low), time_ns)
            else:
                self._take_local(protocol, payload, time_ns)

    def finish(self, flows: Flows) -> Names:
        """Give the names so far, with those that the flows' own payload holds."""
        for answer, time_ns in self._leases.unanswered():
            self._tell([answer], "dhcp", None, time_ns)
        self._take_streams(flows)
        return Names(read_own_names(flows), self._book.address_names(), self._book.forgotten)

    def _take_dns(self, messages: Iterable[bytes], asker: tuple[int, int], time_ns: int) -> None:
        for message in messages:
            self._tell(read_answers(message), "dns", asker, time_ns)

    def _take_streams(self, flows: Flows) -> None:
        """Take the answers that lie across the segments of DNS over TCP, put together by now."""
        facts = flows.facts
        tcp = facts["transport"] == IPPROTO_TCP
        for heads, side, other in ((flows.heads_a, "a", "b"), (flows.heads_b, "b", "a")):
            from_dns = facts[f"{side}_port"] == _DNS_PORT
            told = heads.length[:, 0] > 0
            for row in np.flatnonzero(tcp & from_dns & told).tolist():
                fact = facts[row]
                asker = int(fact[f"{other}_hi"]), int(fact[f"{other}_lo"])
                for head in heads[row]:
                    self._take_dns(split_stream(head), asker, int(fact[f"data_{side}_ns"]))

    def _take_local(self, protocol: int, payload: bytes, time_ns: int) -> None:
        """Take what hosts of a local network tell of themselves, to everyone."""
        if protocol in {_DHCP, _DHCPV6}:
            message = (read_dhcp if protocol == _DHCP else read_dhcpv6)(payload)
            if message is not None:
                self._tell(self._leases.take(message, time_ns), "dhcp", None, time_ns)
        elif protocol == _NETBIOS:
            self._tell(read_netbios(payload), "netbios", None, time_ns)
        elif protocol == _LLMNR:
            self._tell(read_announced(payload), "llmnr", None, time_ns)
        else:
            announced = read_announced(payload)
            local = [each for each in announced if each.names[0].endswith(_LOCAL_DOMAIN)]
            self._tell(local, "mdns", None, time_ns)

    def _tell(
        self, answers: Iterable[Answer], kind: str, asker: tuple[int, int] | None, time_ns: int
    ) -> None:
        for answer in answers:
            safe = map(_safe_name, answer.names)
            names = [name for name in safe if name is not None]
            self._book.lead_on(names, asker)
            if names and answer.address is not None:
                self._book.tell(answer.address, names, kind, asker, time_ns)
