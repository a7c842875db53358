"""What a flow table gives: all conversations side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.flows.headlist import HeadList

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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

    def without_heads(self) -> Flows:
        """Give the same flows without their first payloads, which are most of their memory."""
        nothing = HeadList.empty(len(self.facts))
        return replace(self, heads_a=nothing, heads_b=nothing)
