"""The columns of the flow table, written as records by a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.flows.facts import Facts
from auditor.kernel.records import fill_records
from auditor.records import FLOW

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CompiledFacts(Facts):
    """Sums, extremes and bit sets as its parent has them."""

    def records(self, flows: NDArray[np.int64]) -> NDArray[np.void]:
        """Give some flows, as FLOW records in that order."""
        records = np.empty(len(flows), FLOW)
        fill_records(self.entries, self.sides, flows, records)
        return records
