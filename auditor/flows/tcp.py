"""What TCP flags say: which facts they are, and when a port pair begins anew."""

from __future__ import annotations

import numpy as np

from auditor.records import Seen

FIN = 0x01
SYN = 0x02
RST = 0x04
ACK = 0x10

UNSEEN = -1
"""In place of a sequence number that no packet has told."""


def is_opening(flags: int) -> bool:
    """Recognise the first segment of a connection: SYN without ACK."""
    return flags & (SYN | ACK) == SYN


def ahead(sequence: int, start: int) -> int:
    """Measure how far `sequence` lies ahead of `start`, across the wrap at 2**32."""
    return (sequence - start + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


def _seen(flags: int) -> Seen:
    facts = Seen(0)
    if flags & SYN:
        facts |= Seen.SYN_ACK if flags & ACK else Seen.SYN
    if flags & FIN:
        facts |= Seen.FIN
    if flags & RST:
        facts |= Seen.RST
    if flags & (ACK | SYN | RST) == ACK:
        facts |= Seen.ACK
    return facts


SEEN_BY_FLAGS = np.array([_seen(flags) for flags in range(256)], dtype=np.uint8)
"""The Seen bits of a segment, by its flags byte; DATA depends on more than flags."""
