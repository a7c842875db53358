"""How much of the traffic a capture lacks, told from acknowledgements as Zeek tells it.

An acknowledgement of data that no frame holds proves that the data was sent and received, but not
captured (auditor.flows.loss counts them). Where so much is missing, a conversation that was not
seen may have taken place: its absence proves less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group
from auditor.records import IPPROTO_TCP, NO_TIME, Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.judge.judged import Judged

LEAST_ACKS = 100
"""Fewer acknowledgements than this say nothing about a capture."""

LEAST_PAIR_ACKS = 20
"""The same for a pair of hosts, or of roles."""

WEAKENS_FROM = 0.01
"""From this share on, over everything, whatever is missing may have been lost."""

PAIR_WEAKENS_FROM = 0.05
"""The same between the hosts of two roles."""

_LEAST_OF_ONE_SIDE = 3
"""Packets with an acknowledgement that one side must have sent, where no handshake was seen: a
lone one can be a scan, or the last of a connection that ended as the capture began."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Acknowledgements of data, and those of them for data that no frame holds."""

    acks: int = 0
    gaps: int = 0

    def share(self, least: int = LEAST_ACKS) -> float | None:
        """Give the share of what was sent and not captured; None with fewer acks than `least`."""
        return self.gaps / self.acks if self.acks >= max(least, 1) else None


@dataclass(frozen=True, eq=False, slots=True)
class Losses:
    """What acknowledgements tell of a capture; items i of the pairs' arrays belong together."""

    total: Acknowledged
    client: NDArray[np.int64]
    """Rows of Hosts.table: the clients of the pairs that have acknowledgements at all."""
    server: NDArray[np.int64]
    acks: NDArray[np.int64]
    gaps: NDArray[np.int64]
    captures: dict[int, Acknowledged]
    """By the index of the capture in which a flow begins."""
    tcp_flows: int
    one_sided: int
    """TCP flows of which the packets of one direction alone were captured."""

    def worst(self, most: int) -> list[tuple[int, int, Acknowledged]]:
        """List up to `most` pairs that lack data, the worst first: client, server, counts."""
        lossy = np.flatnonzero((self.gaps > 0) & (self.acks >= LEAST_PAIR_ACKS))
        share = self.gaps[lossy] / self.acks[lossy]
        order = lossy[np.lexsort((self.server[lossy], self.client[lossy], -share))][:most]
        columns = (each[order].tolist() for each in (self.client, self.server))
        return list(zip(*columns, map(self._of, order.tolist()), strict=True))

    def between(
        self, some: Sequence[int] | NDArray[np.int64], others: Sequence[int] | NDArray[np.int64]
    ) -> Acknowledged:
        """Sum what hosts said to others, whoever was client. some, others: rows of Hosts.table."""
        ends = np.asarray(some, np.int64), np.asarray(others, np.int64)
        chosen = np.zeros(len(self.acks), bool)
        for one, other in (ends, ends[::-1]):
            chosen |= np.isin(self.client, one) & np.isin(self.server, other)
        return Acknowledged(int(self.acks[chosen].sum()), int(self.gaps[chosen].sum()))

    def doubts(
        self, some: Sequence[int] | NDArray[np.int64], others: Sequence[int] | NDArray[np.int64]
    ) -> list[str]:
        """Say why what these hosts were not seen to say to each other may have been lost."""
        if not self.total.gaps:
            return []
        reasons = []
        share = self.total.share()
        if share is not None and share >= WEAKENS_FROM:
            reasons.append(f"about {100 * share:.0f} % of the traffic was not captured")
        share = self.between(some, others).share(LEAST_PAIR_ACKS)
        if share is not None and share >= PAIR_WEAKENS_FROM:
            reasons.append(f"between the two about {100 * share:.0f} % was not captured")
        return reasons

    def _of(self, pair: int) -> Acknowledged:
        return Acknowledged(int(self.acks[pair]), int(self.gaps[pair]))


def measure_losses(judged: Judged) -> Losses:
    """Sum the acknowledgements of all TCP flows, in all, by pair of hosts, and by capture."""
    facts = judged.flows.facts
    acks = facts["acks_a"].astype(np.int64) + facts["acks_b"]
    gaps = facts["gaps_a"].astype(np.int64) + facts["gaps_b"]
    rows = np.flatnonzero(acks)
    weights = judged.flows.weights
    stands_for = np.ones(len(facts), np.int64) if weights is None else weights
    is_tcp = facts["transport"] == IPPROTO_TCP
    capture = facts["capture"].astype(np.int64)
    by_capture = [_summed(capture, each, int(capture.max(initial=0)) + 1) for each in (acks, gaps)]
    orientation = judged.orientation
    client, server = orientation.client[rows], orientation.server[rows]
    pairs = group((client, server))
    return Losses(
        Acknowledged(int(acks.sum()), int(gaps.sum())),
        client[pairs.first],
        server[pairs.first],
        _summed(pairs.group_of, acks[rows], len(pairs)),
        _summed(pairs.group_of, gaps[rows], len(pairs)),
        {
            number: Acknowledged(*(int(sums[number]) for sums in by_capture))
            for number in np.flatnonzero(by_capture[0]).tolist()
        },
        int(stands_for[is_tcp].sum()),
        int(stands_for[_one_sided(facts, is_tcp, stands_for)].sum()),
    )


def _summed(
    group_of: NDArray[np.int64], values: NDArray[np.int64], groups: int
) -> NDArray[np.int64]:
    sums = np.zeros(groups, np.int64)
    np.add.at(sums, group_of, values)
    return sums


def _one_sided(
    facts: NDArray[np.void], is_tcp: NDArray[np.bool_], stands_for: NDArray[np.int64]
) -> NDArray[np.int64]:
    """List the TCP flows of which one side alone was captured, though it answers the other.

    stands_for: how many flows each is; of one that is cut in parts, the first times tell who ever
    sent.
    """
    found = []
    for side, other in (("a", "b"), ("b", "a")):
        rows = np.flatnonzero(is_tcp & (facts[f"first_{other}_ns"] == NO_TIME))
        seen, packets = facts[f"seen_{side}"][rows], facts[f"packets_{side}"][rows]
        goes_on = (seen & Seen.SYN > 0) | (packets >= _LEAST_OF_ONE_SIDE * stands_for[rows])
        answers = (seen & Seen.SYN_ACK > 0) | ((seen & Seen.ACK > 0) & goes_on)
        found.append(rows[answers])
    return np.unique(np.concatenate(found))
