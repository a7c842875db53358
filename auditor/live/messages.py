"""Messages that tell names, kept from borrowed frames until somebody has time to read them."""

from __future__ import annotations

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.decode.packets import Packets
from auditor.evidence.compiled_tellings import telling_rows
from auditor.evidence.names import NameCollector, Names
from auditor.flows import Flows
from auditor.flows.columns import doubled
from auditor.flows.headlist import HeadList
from auditor.kernel.messages import KEPT, LEFT_OUT, USED, Messages, keep_messages
from auditor.kernel.single_pass import MOST_MESSAGES_BYTES
from auditor.records import FLOW, PACKET

MOST_MESSAGES = 50_000
"""Of one tick: a flood of answers must not fill the memory."""

_FIRST_BYTES = 1 << 23
"""Memory that is not written to costs nothing."""


class MessageKeeper:
    """Copies the payloads among packets that may tell names."""

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        """Keep so many messages between two calls of `take`."""
        self._store = Messages(
            np.empty(most, PACKET), np.empty(_FIRST_BYTES, np.uint8), np.zeros(3, np.int64)
        )

    @property
    def left_out(self) -> int:
        """Messages beyond that, over all."""
        return int(self._store.totals[LEFT_OUT])

    @property
    def count(self) -> int:
        """Messages that are kept now."""
        return int(self._store.totals[KEPT])

    def observe(self, packets: Packets) -> None:
        """Copy what may tell names."""
        chosen = telling_rows(packets.rows)
        batch = packets.batch
        while True:
            kept = keep_messages(batch.data, batch.offset, packets.rows, chosen, self._store)
            chosen = chosen[kept:]
            if not len(chosen):
                return
            self._widen()

    def opened(self) -> Messages:
        """Give the arrays, with some room, to a kernel that keeps messages by itself."""
        while self._store.totals[USED] + MOST_MESSAGES_BYTES > len(self._store.data):
            self._widen()
        return self._store

    def _widen(self) -> None:
        self._store = self._store._replace(data=doubled(self._store.data))

    def take(self) -> Packets:
        """Give what was kept, as packets that are nothing but payload; begin anew."""
        store = self._store
        count, used, _ = store.totals.tolist()
        store.totals[[KEPT, USED]] = 0
        rows, data = store.rows[:count].copy(), store.data[:used].copy()
        length = rows["payload_len"].astype(np.int64)
        rows["payload_offset"] = 0
        batch = FrameBatch(
            data,
            np.cumsum(length) - length,
            length,
            rows["wire_len"].astype(np.int64),
            rows["time_ns"],
            np.zeros(count, np.int32),
            np.arange(1, count + 1, dtype=np.int64),
            np.zeros(count, np.int32),
        )
        return Packets(batch, rows)


class LastingNames:
    """Names that outlive a window, and are forgotten when nobody has told them for a while.

    There are two collectors: the newer one learns, both are asked. So a name is known for at
    least one span, at most two, after it was told.
    """

    def __init__(self, span_s: float = 24 * 3600.0) -> None:
        """span_s: seconds for which a name is known at least."""
        self._span_s = span_s
        self._older: dict[tuple[int, int], tuple] = {}  # type: ignore[type-arg]  # as Names has it
        self._newer = NameCollector()
        self._turned_s: float | None = None
        self._forgotten = 0

    def observe(self, messages: Packets, now_s: float) -> None:
        """Learn from messages; now_s: a clock that never goes back."""
        if self._turned_s is None:
            self._turned_s = now_s
        if now_s - self._turned_s >= self._span_s:
            self._turned_s = now_s
            names = self._newer.finish(no_flows())
            self._older, self._newer = names.address_names, NameCollector()
            self._forgotten += names.forgotten
        self._newer.observe(messages)

    def of(self, flows: Flows) -> Names:
        """Give all names, with those in the flows' own payload."""
        names = self._newer.finish(flows)
        merged = dict(self._older)
        for address, seen in names.address_names.items():
            merged[address] = (*merged.get(address, ()), *seen)
        return Names(names.own, merged, self._forgotten + names.forgotten)


def no_flows() -> Flows:
    """Give what a table without flows gives."""
    nothing = HeadList.of(())
    return Flows(np.empty(0, FLOW), nothing, nothing, [], 0)
