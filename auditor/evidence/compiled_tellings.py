"""The search for messages that tell names, by a kernel; it finds what telling_rows finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.tellings import MESSAGE_PORTS
from auditor.kernel.messages import find_messages

if TYPE_CHECKING:
    from numpy.typing import NDArray


def telling_rows(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """List the PACKET rows that may hold a message which tells names."""
    chosen = np.empty(len(rows), np.int64)
    return chosen[: find_messages(rows, MESSAGE_PORTS, chosen)]
