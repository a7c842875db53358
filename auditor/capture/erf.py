"""Frames in Endace's extensible record format, as the frames that they hold.

Each has a header of 16 bytes before it: a time (8), the type, flags, the lengths of the record and
of the frame, and a count of losses. The type's highest bit announces extension headers of 8 bytes,
the first byte of each the next. Ethernet has two further bytes in front. Link type 197 has all
this in the frame's own bytes; Wireshark does not count them, and neither does a flow.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch

LINK_ERF = 197
_HEADER_LEN = 16
_EXTENSION_LEN = 8
_TYPE_AT = 8
_MORE = 0x80

_ETHERNET, _PPP_HDLC, _IPV4, _IPV6 = 1, 50, 228, 229
_INSIDE = {
    **dict.fromkeys((2, 11, 16, 20), (2, _ETHERNET)),
    **dict.fromkeys((1, 10, 15, 19), (0, _PPP_HDLC)),
    22: (0, _IPV4),
    23: (0, _IPV6),
}
"""Type of record -> bytes before the frame, and the frame's link type. Lines between routers speak
PPP or Cisco's HDLC, which their first byte tells apart."""


def unwrap(batch: FrameBatch) -> FrameBatch:
    """Take such headers off; a record of another type, or too short for its header, stays."""
    rows = np.flatnonzero(batch.linktype == LINK_ERF)
    if not len(rows):
        return batch
    skipped = np.zeros(len(batch), np.int64)
    linktypes = batch.linktype.copy()
    for row in rows.tolist():
        inside = _inside(batch.frame(row))
        if inside:
            skipped[row], linktypes[row] = inside
    return replace(
        batch,
        offset=batch.offset + skipped,
        captured_len=batch.captured_len - skipped,
        wire_len=batch.wire_len - skipped,
        linktype=linktypes,
    )


def _inside(record: bytes) -> tuple[int, int] | None:
    """Find where the frame begins in its record, and its link type."""
    if len(record) < _HEADER_LEN:
        return None
    inside = _INSIDE.get(record[_TYPE_AT] & ~_MORE)
    position, more = _HEADER_LEN, record[_TYPE_AT] & _MORE
    while more and position < len(record):
        more = record[position] & _MORE
        position += _EXTENSION_LEN
    if inside is None or position + inside[0] > len(record):
        return None
    return position + inside[0], inside[1]
