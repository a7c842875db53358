"""Flows written as records by the kernel, held against the general way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from auditor.flows.compiled_facts import CompiledFacts
from auditor.flows.facts import Facts
from auditor.flows.layout import ENTRY, SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOWS = 200


def any_bytes(layout: np.dtype, count: int, seed: int) -> NDArray[np.void]:
    """Make records in which every bit may be set."""
    return np.frombuffer(np.random.default_rng(seed).bytes(count * layout.itemsize), layout)


@pytest.mark.parametrize("chosen", [range(FLOWS), range(FLOWS - 1, 0, -3), [7, 7, 0], []])
def test_the_kernel_writes_every_field(chosen: list[int]) -> None:
    """In whatever order flows are asked for, and whatever their records hold."""
    general, compiled = Facts(), CompiledFacts()
    general.entries = compiled.entries = any_bytes(ENTRY, FLOWS, 1)
    general.sides = compiled.sides = any_bytes(SIDE, 2 * FLOWS, 2)
    flows = np.array(chosen, np.int64)

    records = compiled.records(flows)

    assert records.tobytes() == general.records(flows).tobytes()
