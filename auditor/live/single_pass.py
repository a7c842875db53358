"""Plain frames taken through all that a watch does to each of them in one go.

Between two kernels over a whole batch the rows leave the processor's cache, and the interpreter has
its say; both cost more than what some of the kernels do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.tellings import MESSAGE_PORTS
from auditor.flows.layout import ENTRY
from auditor.kernel.heads import Payloads
from auditor.kernel.single_pass import (
    BYTES,
    COPIES,
    COUNTS,
    FIRST_NS,
    FLOWS,
    LAST_NS,
    MESSAGES,
    STRETCH,
    VLANS,
    FrameColumns,
    Memory,
    Results,
    take_plain,
)
from auditor.pool import Pool
from auditor.records import NO_TIME, PACKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.capture.batch import FrameBatch
    from auditor.decode.compiled_duplicates import CompiledDuplicates
    from auditor.decode.compiled_tally import CompiledTally
    from auditor.flows.compiled import CompiledFlowTable
    from auditor.live.messages import MessageKeeper

_BLANK = np.zeros(1, PACKET)
_COUNTED = range(COUNTS)


class SinglePass:
    """Takes batches into a flow table and what else a watch keeps of packets."""

    def __init__(
        self, table: CompiledFlowTable, copies: CompiledDuplicates, keeper: MessageKeeper
    ) -> None:
        """Work for these; copies: must leave none out."""
        self._table = table
        self._copies = copies
        self._keeper = keeper
        self._rows = Pool(PACKET)
        self._key = np.zeros(1, ENTRY)
        self._scratch = np.empty(STRETCH, np.int64)

    def take(
        self, batch: FrameBatch, tally: CompiledTally, otherwise: Callable[[FrameBatch], None]
    ) -> int:
        """Take a batch in its order, and count it; give the bytes on the wire of plain frames.

        otherwise: takes and counts stretches with frames that are not plain.
        """
        at, stretch, count, wire_bytes = 0, STRETCH, len(batch), 0
        while at < count:
            at, passed = self._pass(batch, at, tally)
            wire_bytes += passed
            if at < count:
                otherwise(batch.select(slice(at, at + stretch)))
                at += stretch
                # Where tunnels are the rule, they are taken as a whole soon.
                stretch *= 2
        return wire_bytes

    def _pass(self, batch: FrameBatch, first: int, tally: CompiledTally) -> tuple[int, int]:
        """Take plain frames from one on; give the place behind the last, and their bytes."""
        size = len(batch)
        rows, (kinds, notes) = self._rows.take(size), np.empty((2, size), np.uint8)
        slots, messages, escaped = np.empty((3, size), np.int64)
        counts = np.zeros(COUNTS, np.int64)
        counts[FIRST_NS], counts[LAST_NS] = NO_TIME, -NO_TIME
        counts[FLOWS] = self._table.size
        table, heads = self._table.open_pass(size - first)
        last = take_plain(
            FrameColumns(
                batch.data,
                batch.offset,
                batch.captured_len,
                batch.wire_len,
                batch.time_ns,
                batch.linktype,
                batch.number,
                batch.capture,
            ),
            Results(_BLANK, rows, kinds, self._key, slots, notes, self._scratch, messages, escaped),
            Memory(table, self._copies.recent, heads, MESSAGE_PORTS, tally.status),
            counts,
            first,
        )
        found = dict(zip(_COUNTED, counts.tolist(), strict=True))
        self._table.close_pass(
            found[FLOWS],
            Payloads(batch.data, batch.offset, rows, slots, notes),
            escaped,
            slice(first, last) if found[VLANS] else None,
        )
        self._copies.count += found[COPIES]
        if found[MESSAGES]:
            self._keeper.keep(batch, rows, messages[: found[MESSAGES]])
        if last > first:
            tally.note(last - first, found[FIRST_NS], found[LAST_NS])
        return last, found[BYTES]
