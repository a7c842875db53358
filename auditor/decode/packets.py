"""The result of decoding a batch of frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch


class Quote(NamedTuple):
    """An ICMP or ICMPv6 error, and the start of the packet that it quotes."""

    row: int
    """The row of the error's own frame in the batch."""
    unreachable: bool
    """True for ICMP type 3 and ICMPv6 type 1, any code; False for every other error."""
    src_hi: int
    src_lo: int
    dst_hi: int
    dst_lo: int
    transport: int
    src_port: int
    dst_port: int


@dataclass(frozen=True, slots=True)
class Packets:
    """A batch of frames with their decoded rows."""

    batch: FrameBatch
    rows: NDArray[np.void]
    """Shape (n,), dtype auditor.records.PACKET; row i is frame i."""
    quotes: list[Quote] = field(default_factory=list)
    """The batch's ICMP errors; their rows have status ICMP_ERROR and belong to no flow."""
    errors: int | None = None
    """Rows with that status, of which not all can be read; None where nobody has counted them."""
