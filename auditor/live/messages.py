"""Messages that tell names, kept from borrowed frames until somebody has time to read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.decode.packets import Packets
from auditor.evidence.compiled_tellings import telling_rows
from auditor.evidence.names import NameCollector, Names
from auditor.flows import Flows
from auditor.flows.headlist import HeadList
from auditor.records import FLOW, PACKET, join, pick

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MESSAGES = 50_000
"""Of one tick: a flood of answers must not fill the memory."""

_LONGEST = 9_216


class MessageKeeper:
    """Copies the payloads among packets that may tell names."""

    def __init__(self, most: int = MOST_MESSAGES) -> None:
        """Keep so many messages between two calls of `take`."""
        self.left_out = 0
        """Messages beyond that, over all."""
        self._most = most
        self._rows: list[np.ndarray] = []
        self._payloads: list[bytes] = []

    def observe(self, packets: Packets) -> None:
        """Copy what may tell names."""
        self.keep(packets.batch, packets.rows, telling_rows(packets.rows))

    def keep(self, batch: FrameBatch, packets: NDArray[np.void], chosen: NDArray[np.int64]) -> None:
        """Copy the chosen ones among the PACKET rows of a batch."""
        room = self._most - len(self._payloads)
        if len(chosen) > room:
            self.left_out += len(chosen) - room
            chosen = chosen[:room]
        if not len(chosen):
            return
        rows = pick(packets, chosen)
        starts = batch.offset[chosen] + rows["payload_offset"]
        ends = starts + np.minimum(rows["payload_len"], _LONGEST)
        data = batch.data
        self._payloads += [
            data[start:end].tobytes()
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        self._rows.append(rows)

    def take(self) -> Packets:
        """Give what was kept, as packets that are nothing but payload; begin anew."""
        payloads, self._payloads = self._payloads, []
        kept, self._rows = self._rows, []
        rows = join(kept) if kept else np.empty(0, PACKET)
        length = np.array([len(payload) for payload in payloads], np.int64)
        rows["payload_offset"], rows["payload_len"] = 0, length
        count = len(rows)
        batch = FrameBatch(
            np.frombuffer(b"".join(payloads), np.uint8),
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
