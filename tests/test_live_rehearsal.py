"""What a watch needs is there before its first frame."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

_HERE = Path(__file__).parent

_WATCH = """
import io, sys
from numba.core.dispatcher import Dispatcher
from watching import sample, watched
from auditor.live.tick import Limits
from auditor.live.rehearsal import rehearse
from auditor.judging import load_judging
from auditor.report.writers import Style, json

def kernels():
    return {
        f"{module}.{name}, signature {number}"
        for module, contents in list(sys.modules.items()) if module.startswith("auditor.")
        for name, kernel in list(vars(contents).items()) if isinstance(kernel, Dispatcher)
        for number, _ in enumerate(kernel.signatures)
    }

capture, hosts = sample(sys.argv[1])
rehearse(load_judging(hosts, (), None))
rehearsed = kernels()
report, windows = watched(capture, hosts, limits=Limits(tick_s=5.0))
json.write(report, io.StringIO(), Style())
print(*sorted(kernels() - rehearsed), sep="\\n")
assert rehearsed and report.capture.frames and windows
"""


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled without the compiler"
)
@pytest.mark.parametrize("name", ["branch-office", "lab", "sd-wan"])
def test_nothing_is_compiled_after_the_rehearsal(name: str) -> None:
    """Whatever is on the wire, no kernel is compiled or loaded once frames come in."""
    path = os.pathsep.join((str(_HERE), str(_HERE.parent)))
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, name],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.split(), done.stdout
