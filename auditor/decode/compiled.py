"""The decoder whose plain path is compiled; it gives the rows that its parent class gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.carriers import find_carriers
from auditor.decode.dissect import Decoder
from auditor.decode.packets import Packets
from auditor.kernel.frames import AGAIN, CARRIER, decode_frames
from auditor.pool import Pool
from auditor.records import PACKET

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch

_BLANK = np.zeros(1, PACKET)


class CompiledDecoder(Decoder):
    """Decodes common frames by a kernel, and leaves to its parent what needs memory or dpkt."""

    def __init__(self, macs: frozenset[str] = frozenset()) -> None:
        """Watch for these Ethernet source addresses; ValueError where one is none."""
        super().__init__(macs)
        self._rows = Pool(PACKET)

    def decode(self, batch: FrameBatch) -> Packets:
        """Decode every frame of a batch, in order."""
        rows, notes = self._rows.take(len(batch)), np.empty(len(batch), np.uint8)
        noted = decode_frames(
            batch.data,
            batch.offset,
            batch.captured_len,
            batch.linktype,
            batch.time_ns,
            batch.wire_len,
            _BLANK,
            rows,
            notes,
        )
        if not noted:
            self._watch.observe(batch, rows)
            return Packets(batch, rows, errors=0)
        again = np.flatnonzero(notes == AGAIN)
        if len(again):
            rows[again] = self._read_frames(batch.select(again))
        suspects = np.flatnonzero((notes == AGAIN) | (notes == CARRIER))
        return self._finish(batch, rows, suspects[find_carriers(rows[suspects])])
