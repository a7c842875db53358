"""The host names that traffic itself tells: in a flow's first payload, and about addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.leases import Leases
from auditor.evidence.name_book import NameBook, SeenName
from auditor.evidence.reading import read_own_names
from auditor.evidence.tellings import Telling, read_stream, read_tellings, tell, telling_rows
from auditor.records import IPPROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.decode.packets import Packets
    from auditor.evidence.dns import Answer
    from auditor.evidence.own_names import OwnNames
    from auditor.evidence.tellings import Chooser
    from auditor.flows import Flows

__all__ = ["NameCollector", "Names", "SeenName", "telling_rows"]

_DNS_PORT = 53


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


class NameCollector:
    """Remembers what messages tell of addresses while packets pass, within bounds."""

    def __init__(
        self,
        most_addresses: int = 100_000,
        most_names: int = 32,
        most_answers: int = 500_000,
        choose: Chooser = telling_rows,
    ) -> None:
        """Remember so many addresses, names of one address, and names told in all."""
        self._book = NameBook(most_addresses, most_names, most_answers)
        self._choose = choose
        self._leases = Leases()

    def observe(self, packets: Packets) -> None:
        """Take the names out of the messages among the packets that tell any."""
        self.take(read_tellings(packets, self._choose))

    def take(self, tellings: Iterable[Telling]) -> None:
        """Remember what messages told, in their order."""
        for telling in tellings:
            if telling.lease is None:
                self._remember(telling)
            else:
                self._tell_lease(self._leases.take(telling.lease, telling.time_ns), telling.time_ns)

    def finish(self, flows: Flows) -> Names:
        """Give the names so far, with those that the flows' own payload holds."""
        for answer, time_ns in self._leases.unanswered():
            self._tell_lease([answer], time_ns)
        self._take_streams(flows)
        return Names(read_own_names(flows), self._book.address_names(), self._book.forgotten)

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
                    self.take(read_stream(head, asker, int(fact[f"data_{side}_ns"])))

    def _tell_lease(self, answers: Iterable[Answer], time_ns: int) -> None:
        self.take(tell("dhcp", None, time_ns, answers))

    def _remember(self, telling: Telling) -> None:
        kind, asker, time_ns, told, _ = telling
        for names, address in told:
            self._book.lead_on(names, asker)
            if address is not None:
                self._book.tell(address, names, kind, asker, time_ns)
