"""Measure inside a process of its own: `python in_process.py kernel|dpkt|crowd CAPTURE [SITE]`.

Prints one JSON object of figures.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WARM_RUNS = 3
_KIB_PER_MB = 1e6 / 1024


def kernel(capture: Path) -> dict[str, float]:
    """Walk, decode and keep flows, compiled and warm: the best of several runs in one process."""
    from auditor.capture import open_capture  # noqa: PLC0415 - what is not measured is not loaded
    from auditor.engine import choose_engine  # noqa: PLC0415 - as above

    best_s, frames = float("inf"), 0
    for _ in range(_WARM_RUNS):
        begun = time.perf_counter()
        with open_capture([str(capture)]) as opened:
            engine = choose_engine("compiled", opened.size())
            opened.compiled = engine.compiled
            decoder, table = engine.decoder(), engine.flow_table()
            for packets in engine.ahead(map(decoder.decode, opened)):
                table.update(packets)
            table.finish()
            frames = opened.facts.frames
        best_s = min(best_s, time.perf_counter() - begun)
    return {"frames": frames, "seconds": best_s}


def dpkt(capture: Path) -> dict[str, float]:
    """Keep a dict of flows with dpkt, in process too."""
    from peer_dpkt import count_flows  # noqa: PLC0415 - as above

    begun = time.perf_counter()
    flows = count_flows(capture)
    seconds = time.perf_counter() - begun
    return {"frames": sum(frames for frames, _ in flows.values()), "seconds": seconds}


def crowd(capture: Path, site: Path) -> dict[str, float]:
    """Audit, then write JSON and Parquet: seconds by stage, and the peaks of memory."""
    from auditor import pipeline  # noqa: PLC0415 - as above
    from auditor.report.writers import FORMATS  # noqa: PLC0415 - as above

    report = pipeline.audit(capture, hosts=site)
    figures = {f"stage {name}": seconds for name, seconds in report.audit.stage_s.items()}
    figures["flows"] = report.summary["flows"]
    figures["peak MB, judged"] = _peak_mb()
    for name, suffix in (("json", ".json"), ("parquet", ".parquet")):
        if name not in FORMATS:
            continue
        with TemporaryDirectory(dir=capture.parent) as directory:
            begun = time.perf_counter()
            report.write(Path(directory) / f"report{suffix}", name)
            figures[name] = time.perf_counter() - begun
        figures[f"peak MB, {name}"] = _peak_mb()
    return figures


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_MB


def main(what: str, *paths: str) -> None:
    """Measure one thing and print the figures."""
    measures: dict[str, Callable[..., dict[str, float]]] = {
        "kernel": kernel,
        "dpkt": dpkt,
        "crowd": crowd,
    }
    print(json.dumps(measures[what](*map(Path, paths))))


if __name__ == "__main__":
    main(*sys.argv[1:])
