"""The host names that traffic itself tells: in a flow's first payload, and in DNS answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.evidence.dns import read_answers, split_stream
from auditor.evidence.http import read_http_host
from auditor.evidence.tls import read_dtls_name, read_tls_name
from auditor.hostnames import safe_name
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, NO_TIME, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from auditor.decode.packets import Packets
    from auditor.flows import Flows

_DNS_PORT = 53
_SHORTEST_MESSAGE = 12

_READERS: dict[int, tuple[tuple[str, Callable[[Sequence[bytes]], bytes | None]], ...]] = {
    IPPROTO_TCP: (("sni", read_tls_name), ("http-host", read_http_host)),
    IPPROTO_UDP: (("dtls-sni", read_dtls_name),),
}
"""By IP protocol: the kinds of name that the heads of one side can hold, and who finds them."""


class SeenName(NamedTuple):
    """A host name that was seen in traffic."""

    name: str
    """As auditor.hostnames.safe_name gives it."""
    kind: str
    """sni, dtls-sni, http-host or dns."""
    time_ns: int
    asker: tuple[int, int] | None
    """Address words of who asked DNS; None for a name in the flow's own payload."""


@dataclass(frozen=True, slots=True)
class Names:
    """All names; `own` belongs to flows, `address_names` to addresses."""

    own: list[tuple[SeenName, ...]]
    """Item i: the names in flow i's own payload."""
    address_names: dict[tuple[int, int], tuple[SeenName, ...]]
    """By address words: the names under which DNS gave the address, to whom, and first when."""
    forgotten: int = 0
    """DNS names left out because as many as can be remembered were known already."""


class NameCollector:
    """Remembers DNS answers while packets pass, within bounds."""

    def __init__(
        self, most_addresses: int = 100_000, most_names: int = 8, most_answers: int = 500_000
    ) -> None:
        """Remember so many addresses, names of one address, and (name, address, asker) in all."""
        self._most_addresses = most_addresses
        self._most_names = most_names
        self._most_answers = most_answers
        self._times: dict[tuple[int, int], dict[str, dict[tuple[int, int], int]]] = {}
        self._answers = 0
        self._forgotten = 0

    def observe(self, packets: Packets) -> None:
        """Take the answers out of the DNS responses among the packets."""
        rows = packets.rows
        chosen = rows["src_port"] == _DNS_PORT
        if not chosen.any():
            return
        chosen &= rows["status"] == Status.OK
        chosen &= rows["payload_len"] >= _SHORTEST_MESSAGE
        chosen &= (rows["transport"] == IPPROTO_UDP) | (rows["transport"] == IPPROTO_TCP)
        frames = np.flatnonzero(chosen)
        starts = packets.batch.offset[frames] + rows["payload_offset"][frames]
        ends = starts + rows["payload_len"][frames]
        data = packets.batch.data
        for row, start, end in zip(rows[frames], starts.tolist(), ends.tolist(), strict=True):
            payload = data[start:end]
            messages = split_stream(payload) if row["transport"] == IPPROTO_TCP else (payload,)
            asker = int(row["dst_hi"]), int(row["dst_lo"])
            self._take(messages, asker, int(row["time_ns"]))

    def finish(self, flows: Flows) -> Names:
        """Give the names so far, with those that the flows' own payload holds."""
        return Names(
            own=_own_names(flows),
            address_names={
                address: tuple(
                    SeenName(name, "dns", time_ns, asker)
                    for name, askers in names.items()
                    for asker, time_ns in askers.items()
                )
                for address, names in self._times.items()
            },
            forgotten=self._forgotten,
        )

    def _take(self, messages: Iterable[bytes], asker: tuple[int, int], time_ns: int) -> None:
        for message in messages:
            for answer in read_answers(message):
                for raw in answer.names:
                    name = safe_name(raw)
                    if name is not None:
                        self._remember(answer.address, name, asker, time_ns)

    def _remember(
        self, address: tuple[int, int], name: str, asker: tuple[int, int], time_ns: int
    ) -> None:
        names = self._times.get(address, {})
        askers = names.get(name, {})
        known = askers.get(asker)
        if known is None:
            if (
                self._answers >= self._most_answers
                or (not names and len(self._times) >= self._most_addresses)
                or (not askers and len(names) >= self._most_names)
            ):
                self._forgotten += 1
                return
            self._answers += 1
        # Captures of one audit may be read in any order; what counts is the earliest answer.
        askers[asker] = time_ns if known is None else min(known, time_ns)
        names[name] = askers
        self._times[address] = names


def _own_names(flows: Flows) -> list[tuple[SeenName, ...]]:
    """Read the names in the heads; either side may turn out to be the client."""
    own: list[tuple[SeenName, ...]] = [()] * len(flows.facts)
    for heads, data_field in ((flows.heads_a, "data_a_ns"), (flows.heads_b, "data_b_ns")):
        spoke = flows.facts[data_field] != NO_TIME
        for transport, readers in _READERS.items():
            those = np.flatnonzero(spoke & (flows.facts["transport"] == transport))
            times = flows.facts[data_field][those].tolist()
            for row, time_ns in zip(those.tolist(), times, strict=True):
                for kind, read in readers:
                    raw = read(heads[row])
                    name = None if raw is None else safe_name(raw)
                    if name is not None:
                        own[row] = (*own[row], SeenName(name, kind, time_ns, None))
    return own
