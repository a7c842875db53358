"""Who is told that something has to be compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from part_files import write_capture

from auditor.kernel import notice
from auditor.traffic import Reading, read_traffic

if TYPE_CHECKING:
    from pathlib import Path

TWO_KERNELS = """
import numpy as np
from auditor.kernel import notice
notice.tell(print)
from auditor.kernel.head_parts import gather
from auditor.kernel.packing import pack
data, numbers = np.zeros(9, np.uint8), np.zeros(1, np.int64)
gather(data, numbers, numbers, data)
pack(data, np.zeros((1, 3), np.int64), np.zeros((1, 3), np.int32), data, np.zeros((1, 3), np.int64))
"""


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled without the compiler"
)
def test_told_once_per_installation(tmp_path: Path) -> None:
    """However many kernels there are to compile; and not at all where they all were before."""
    told = []
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-c", TWO_KERNELS],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(run.stdout)
    assert told == [f"{notice.COMPILING}\n", ""]


def test_who_reads_is_told(tmp_path: Path) -> None:
    """Until the next one reads, since verdicts have kernels too."""
    name = write_capture(tmp_path / "x.pcap", [(0, bytes(60))])
    remarks: list[str] = []
    read_traffic([name], reading=Reading("general", announce=remarks.append))
    assert not remarks
    notice.compiling()
    notice.compiling()
    assert remarks == [notice.COMPILING]
    read_traffic([name], reading=Reading("general", announce=remarks.append))
    read_traffic([name], reading=Reading("general"))
    notice.compiling()
    assert remarks == [notice.COMPILING]
