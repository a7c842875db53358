"""Parts of flows become flows: a flow that went on was written once for each tick."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows import Flows
from auditor.flows.headlist import HeadList
from auditor.records import FLOW, join, pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SUMS = ("packets_a", "packets_b", "bytes_a", "bytes_b", "acks_a", "acks_b", "gaps_a", "gaps_b")
_MINIMA = ("first_a_ns", "first_b_ns", "data_a_ns", "data_b_ns")
_MAXIMA = ("last_a_ns", "last_b_ns", "unreachable_a", "unreachable_b")
_BITS = ("seen_a", "seen_b")
_SAME = ("first_frame", "a_hi", "a_lo", "b_hi", "b_lo", "a_port", "b_port", "transport")
"""In which the parts of a flow agree; the number of its first frame alone says nearly all."""

_ORDER = ("a_hi", "a_lo", "b_hi", "b_lo", "a_port", "b_port", "transport", "first_frame")
"""By which flows that begin at the same time are told apart, the first one first."""

_AT_ONCE = 1 << 20
"""Parts that are gathered before they are merged."""

Heads = tuple[HeadList, HeadList]


class Parts:
    """Gathers parts of flows, in any order."""

    def __init__(self) -> None:
        """Begin with none."""
        self.files: list[str] = []
        """Names of the captures that the parts tell of."""
        self._watches: dict[int, int] = {}
        self._facts = [np.empty(0, FLOW)]
        self._watch = [np.empty(0, np.int64)]
        self._heads: list[Heads] = []
        self._vlans: list[tuple[int, ...]] = []
        self._gathered = 0

    def add(
        self,
        facts: NDArray[np.void],
        heads: Heads,
        vlans: Sequence[tuple[int, ...]],
        captures: Sequence[str],
        watch_ns: int,
    ) -> None:
        """Take parts that one watch wrote; captures: the name of each one's capture."""
        for name in dict.fromkeys(captures):
            if name not in self.files:
                self.files.append(name)
        facts["capture"] = [self.files.index(name) for name in captures]
        watch = self._watches.setdefault(watch_ns, len(self._watches))
        self._facts.append(facts)
        self._watch.append(np.full(len(facts), watch))
        self._heads.append(heads)
        self._vlans += vlans
        self._gathered += len(facts)
        if self._gathered >= _AT_ONCE:
            self._merge()

    def flows(self) -> Flows:
        """Give the flows, in the order of time."""
        self._merge()
        [facts], [(heads_a, heads_b)] = self._facts, self._heads
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
        order = np.lexsort((*(facts[name] for name in reversed(_ORDER)), first_ns))
        return Flows(
            pick(facts, order),
            heads_a.select(order),
            heads_b.select(order),
            [self._vlans[row] for row in order.tolist()],
            unmatched_errors=0,
        )

    def _merge(self) -> None:
        facts, watch = join(self._facts), np.concatenate(self._watch)
        last_ns = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
        keys = [watch, *(facts[name] for name in _SAME)]
        order = np.lexsort((last_ns, *keys))
        begins = np.zeros(len(order), dtype=bool)
        begins[:1] = True
        for key in keys:
            begins[1:] |= key[order][1:] != key[order][:-1]
        starts = np.flatnonzero(begins)
        merged = pick(facts, order[starts])
        if len(starts):
            for names, function in (
                (_SUMS, np.add),
                (_MINIMA, np.minimum),
                (_MAXIMA, np.maximum),
                (_BITS, np.bitwise_or),
            ):
                for name in names:
                    merged[name] = function.reduceat(facts[name][order], starts)
        vlans, ends = self._vlans, [*starts[1:].tolist(), len(order)]
        self._vlans = [
            tuple(dict.fromkeys(tag for row in order[first:last].tolist() for tag in vlans[row]))
            for first, last in zip(starts.tolist(), ends, strict=True)
        ]
        a, b = (_longest([pair[side] for pair in self._heads], order, starts) for side in (0, 1))
        self._facts, self._watch = [merged], [watch[order[starts]]]
        self._heads, self._gathered = [(a, b)], 0


def _longest(
    lists: Sequence[HeadList], order: NDArray[np.int64], starts: NDArray[np.int64]
) -> HeadList:
    """Give each flow the heads of that part which has most of them."""
    if not len(order):
        return HeadList.of(())
    shift = np.cumsum([0, *(len(each.data) for each in lists)])[:-1].tolist()
    start = np.concatenate([each.start + by for each, by in zip(lists, shift, strict=True)])
    length = np.concatenate([each.length for each in lists])
    total = length.sum(axis=1)[order]
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(order)]))
    best = np.lexsort((total, group))
    chosen = order[best[np.append(starts[1:], len(order)) - 1]]
    every = HeadList(np.concatenate([each.data for each in lists]), start, length)
    return HeadList.of(every[row] for row in chosen.tolist())
