"""What messages tell of addresses: read packet by packet, to be remembered in their order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from auditor.evidence.dhcp import read_dhcp
from auditor.evidence.dhcpv6 import read_dhcpv6
from auditor.evidence.dns import read_announced, read_answers, split_stream
from auditor.evidence.netbios import read_netbios
from auditor.hostnames import safe_name
from auditor.records import ECHO_ID, IPPROTO_TCP, IPPROTO_UDP, Status, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.decode.packets import Packets
    from auditor.evidence.dhcp import LeaseMessage
    from auditor.evidence.dns import Answer

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

MESSAGE_PORTS = (_PROTOCOL > 0).astype(np.uint8) + (_PROTOCOL == _DNS)
"""By source port, what auditor.kernel.messages asks for: 0 where no message comes from, 1 where one
comes in a datagram, 2 where it may come in a stream too."""

_SHORTEST_MESSAGE = 12
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 512, 1 << 14
_safe_name = lru_cache(1 << 13)(safe_name)
_LOCAL_DOMAIN = b".local"


Chooser: TypeAlias = "Callable[[NDArray[np.void]], NDArray[np.int64]]"
"""Lists the PACKET rows that may hold a message which tells names."""

Told: TypeAlias = "tuple[tuple[tuple[str, ...], tuple[int, int] | None], ...]"
"""Names that can be shown, the one in question first, and the address words they lead to."""


class Telling(NamedTuple):
    """What one message tells."""

    kind: str
    """As auditor.evidence.name_book.SeenName has it."""
    asker: tuple[int, int] | None
    """Address words of who asked DNS."""
    time_ns: int
    names: Told = ()
    lease: LeaseMessage | None = None
    """Of DHCP, whose messages say nothing each for itself."""


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


def read_tellings(packets: Packets, choose: Chooser = telling_rows) -> Iterator[Telling]:
    """Read the messages among the packets that tell names."""
    frames = choose(packets.rows)
    if not len(frames):
        return
    rows = pick(packets.rows, frames)
    starts = packets.batch.offset[frames] + rows["payload_offset"]
    ends = starts + rows["payload_len"]
    data = packets.batch.data
    for protocol, in_stream, start, end, high, low, time_ns in zip(
        _PROTOCOL[rows["src_port"]].tolist(),
        (rows["transport"] == IPPROTO_TCP).tolist(),
        starts.tolist(),
        ends.tolist(),
        rows["dst_hi"].tolist(),
        rows["dst_lo"].tolist(),
        rows["time_ns"].tolist(),
        strict=True,
    ):
        payload = data[start:end].tobytes()
        if protocol == _DNS:
            asker = high, low
            if in_stream:
                yield from read_stream(payload, asker, time_ns)
            else:
                yield from _read_dns(payload, asker, time_ns)
        else:
            yield from _read_local(protocol, payload, time_ns)


def read_stream(payload: bytes, asker: tuple[int, int], time_ns: int) -> Iterator[Telling]:
    """Read the whole messages at the beginning of a stretch of DNS over TCP."""
    for message in split_stream(payload):
        yield from _read_dns(message, asker, time_ns)


def _read_dns(message: bytes, asker: tuple[int, int], time_ns: int) -> Iterator[Telling]:
    if len(message) > _LONGEST_REMEMBERED:
        told = _shown(read_answers(message))
    else:
        # A server says the same again and again, but for the number of the question.
        told = _told_again(message[2:])
    if told:
        yield Telling("dns", asker, time_ns, told)


@lru_cache(_MOST_REMEMBERED)
def _told_again(numberless: bytes) -> Told:
    return _shown(read_answers(b"\0\0" + numberless))


def tell(
    kind: str, asker: tuple[int, int] | None, time_ns: int, answers: Iterable[Answer]
) -> Iterator[Telling]:
    """Say what answers tell, if it is anything that can be shown."""
    told = _shown(answers)
    if told:
        yield Telling(kind, asker, time_ns, told)


def _shown(answers: Iterable[Answer]) -> Told:
    told = []
    for answer in answers:
        safe = map(_safe_name, answer.names)
        names = tuple(name for name in safe if name is not None)
        if names:
            told.append((names, answer.address))
    return tuple(told)


def _read_local(protocol: int, payload: bytes, time_ns: int) -> Iterator[Telling]:
    """Read what hosts of a local network tell of themselves, to everyone."""
    if protocol in {_DHCP, _DHCPV6}:
        message = (read_dhcp if protocol == _DHCP else read_dhcpv6)(payload)
        if message is not None:
            yield Telling("dhcp", None, time_ns, lease=message)
    elif protocol == _NETBIOS:
        yield from tell("netbios", None, time_ns, read_netbios(payload))
    elif protocol == _LLMNR:
        yield from tell("llmnr", None, time_ns, read_announced(payload))
    else:
        announced = read_announced(payload)
        local = [each for each in announced if each.names[0].endswith(_LOCAL_DOMAIN)]
        yield from tell("mdns", None, time_ns, local)
