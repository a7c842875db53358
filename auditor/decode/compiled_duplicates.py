"""The search for copies whose work on packets is compiled; it finds those that its parent finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.duplicates import LONG_AGO, PLACES_BITS, Duplicates
from auditor.kernel.duplicates import RECENT, find_copies

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CompiledDuplicates(Duplicates):
    """Finds copies in batches that follow each other."""

    def __init__(self, *, leave_out: bool = False) -> None:
        """Only count them, or give them the status that leaves them out of everything else."""
        super().__init__(leave_out=leave_out)
        self.recent = np.zeros(1 << PLACES_BITS, RECENT)
        """Packets seen lately, as the kernel has them."""
        self.recent["time_ns"] = LONG_AGO

    def _find(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        """Give the rows that are copies; remember the others."""
        copies = np.empty(len(rows), np.int64)
        return copies[: find_copies(rows, self.recent, copies)]
