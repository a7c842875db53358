"""Which flows are two sides of one session, by the control blocks of the proxy that captured them.

A NetScaler traces each frame with the number of the control block of its connection, and with that
of the linked one: the client's connection to it, and its own to the server. A client's connection
may be linked with several to servers, one after the other, and a number is used again when its
connection is gone; so a link holds between flows of one capture that were there at the same time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch

NO_FLOW = -1

_MOST_TRACES = 1 << 20

_MOST_HOLDERS = 256
"""Of more flows than this with one block's number none can be told to be the linked one."""


class Trace(NamedTuple):
    """What a frame tells of its flow."""

    flow: int
    capture: int
    block: int
    linked: int
    """0 where the connection has no other side."""


class Links:
    """The control blocks of flows, as far as captures tell of any."""

    def __init__(self) -> None:
        """Begin without any."""
        self._frames: Counter[Trace] = Counter()

    @property
    def traces(self) -> dict[Trace, int]:
        """Give what frames told, and how many of each."""
        return dict(self._frames)

    def add(self, trace: Trace, frames: int) -> None:
        """Note what so many frames told."""
        if trace in self._frames or len(self._frames) < _MOST_TRACES:
            self._frames[trace] += frames

    def note(self, batch: FrameBatch, frames: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        """Note the control blocks of the batch's rows `frames`, each of the flow slots // 2."""
        if batch.linked is None:
            return
        blocks = batch.linked[frames]
        # Without a block of its own, a frame has something else in the other's place.
        rows = np.flatnonzero(blocks[:, 0])
        columns = slots[rows] >> 1, batch.capture[frames[rows]], *blocks[rows].T
        traces, counts = np.unique(np.column_stack(columns), axis=0, return_counts=True)
        for fields, count in zip(traces.tolist(), counts.tolist(), strict=True):
            self.add(Trace(*fields), count)

    def other_sides(self, facts: NDArray[np.void], order: NDArray[np.int64]) -> list[int] | None:
        """Give, of each flow in `order`, the place there of the flow that is its other side.

        Of several the one with most frames that say so; NO_FLOW where there is none. facts: FLOW
        records of those flows. None if no capture tells of control blocks.
        """
        if not self._frames:
            return None
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"]).tolist()
        last_ns = np.maximum(facts["last_a_ns"], facts["last_b_ns"]).tolist()
        place_of = {flow: place for place, flow in enumerate(order.tolist())}
        traces = [
            (place_of[trace.flow], trace, frames)
            for trace, frames in self._frames.items()
            if trace.flow in place_of
        ]
        holders: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
        for place, trace, frames in traces:
            holders[trace.capture, trace.block][place] += frames
        votes: defaultdict[int, Counter[int]] = defaultdict(Counter)
        for place, trace, frames in traces:
            held = holders.get((trace.capture, trace.linked))
            if not trace.linked or held is None or len(held) > _MOST_HOLDERS:
                continue
            others = (
                (-count, other)
                for other, count in held.items()
                if other != place
                and first_ns[other] <= last_ns[place]
                and first_ns[place] <= last_ns[other]
            )
            # Now and then a frame is traced with the block of another connection.
            _, other = min(others, default=(0, NO_FLOW))
            if other != NO_FLOW:
                votes[place][other] += frames
                votes[other][place] += frames
        sides = [NO_FLOW] * len(order)
        for place, cast in votes.items():
            sides[place] = min(cast, key=lambda other: (-cast[other], other))
        return sides
