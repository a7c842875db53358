"""The packets that may hold a message which tells names; by auditor.evidence.tellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.jit import compiled
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, Status

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OK = int(Status.OK)
_SHORTEST = 12
_IN_STREAMS = 2


@compiled
def find_messages(
    rows: NDArray[np.void], ports: NDArray[np.uint8], chosen: NDArray[np.int64]
) -> int:
    """List the rows that may hold one; give how many.

    rows: PACKET, shape (n,). ports: as MESSAGE_PORTS. chosen: shape (n,), is set.
    """
    count = 0
    for i in range(rows.shape[0]):
        row = rows[i]
        port = ports[row["src_port"]]
        if port == 0 or row["status"] != _OK or row["payload_len"] < _SHORTEST:
            continue
        if row["transport"] == IPPROTO_UDP or (
            port == _IN_STREAMS and row["transport"] == IPPROTO_TCP
        ):
            chosen[count] = i
            count += 1
    return count
