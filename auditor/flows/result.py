"""What a flow table gives: all conversations side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.flows.headlist import HeadList


@dataclass(frozen=True, slots=True)
class Flows:
    """All conversations; item i of every sequence belongs to facts[i]."""

    facts: NDArray[np.void]
    """Shape (n,), dtype auditor.records.FLOW, sorted by first time, then endpoints."""
    heads_a: HeadList
    """What endpoint a sent first. TCP, SCTP: at most one head; others: at most three datagrams."""
    heads_b: HeadList
    vlans: list[tuple[int, ...]]
    unmatched_errors: int
    """ICMP errors that quote a packet of no flow, or too little of one to tell."""
    clipped_heads: int = 0
    """Sides whose heads the memory budget cut short."""
    other_side: list[int] | None = None
    """Row of the flow that is the other side of a proxied session, -1 = none; None where no capture
    tells."""
    weights: NDArray[np.int64] | None = None
    """Shape (n,): how many flows each record stands for; None = one each, 0 = another record
    counts them, as they did not always look alike."""

    def count(self, rows: NDArray[np.int64]) -> int:
        """Count the flows that some records stand for: at least one, if there are any."""
        if self.weights is None:
            return len(rows)
        return max(int(self.weights[rows].sum()), min(len(rows), 1))


def in_order(facts: NDArray[np.void]) -> NDArray[np.int64]:
    """Order FLOW records by first time, then endpoints; leave out those without a packet.

    An interruption can leave flows behind whose first packets were not added.
    """
    first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
    names = "first_frame", "transport", "b_port", "a_port", "b_lo", "b_hi", "a_lo", "a_hi"
    order = np.lexsort((*(facts[name] for name in names), first_ns))
    kept: NDArray[np.int64] = order[facts["packets_a"][order] + facts["packets_b"][order] > 0]
    return kept
