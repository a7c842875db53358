"""The measurements, one function each: make the capture, race, hold the figures to the targets."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import targets
from capture_maker import pack, write_beginning, write_capture, write_ring, write_site_file
from capture_plan import FLOWS, FRAMES, SIZE_BYTES, Order, crowd_order, plan_capture
from measure import Contender, MeasureError, Result, race, warm
from peers import HERE, OURS, Stage, audit_command, installed, ours, tshark
from targets import Check, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from capture_plan import Plan

_CUT = 10
"""The slow see this part of the frames."""
_FEW_FRAMES = 10
_MANY = 10
_RING_FILES, _PACKED_FILES = 1000, 200
_CROWD_FLOWS = 1_000_000
_SMALL = Order(frames=1800, flows=120, size_bytes=900_000)
_ROOM = 1.3
"""Free space wanted, in sizes of the capture."""


@dataclass(frozen=True)
class Bench:
    """Where and how much is measured."""

    directory: Path
    rounds: int = 5
    fraction: float = 1
    """Part of the captures' usual size, to try the runner out; the targets are for 1."""
    keep: bool = False

    def order(self, times: float = 1) -> Order:
        """Order the usual capture, or one `times` the size."""
        part = self.fraction * times
        return Order(round(FRAMES * part), round(FLOWS * part), round(SIZE_BYTES * part))


@dataclass
class Figures:
    """What one experiment found."""

    title: str
    about: str
    results: list[Result] = field(default_factory=list)
    frames: int = 0
    inside: dict[str, list[float]] = field(default_factory=dict)
    """Figures from inside a process: name -> one per round."""
    checks: list[Check] = field(default_factory=list)


def big(bench: Bench) -> Figures:
    """Race everybody over the usual capture."""
    checks = (
        ("softflowd", targets.BIG_SOFTFLOWD),
        ("ndpiReader", targets.BIG_NDPI),
        ("NFStream", targets.BIG_NFSTREAM),
    )
    found = _race_all(bench, "One capture", bench.order(), checks)
    found.checks.append(_peak(found.results, targets.BIG_PEAK))
    return found


def ten_times(bench: Bench) -> Figures:
    """Race the quick ones over ten times as much."""
    checks = ("softflowd", targets.TEN_SOFTFLOWD), ("cat", targets.TEN_CAT)
    return _race_all(bench, "Ten times the size", bench.order(_MANY), checks, quick=True)


def long(bench: Bench) -> Figures:
    """Audit ten times as many frames of no more flows: memory follows flows."""
    order = replace(bench.order(_MANY), flows=bench.order().flows)
    found = _race_all(bench, "Ten times the size, no more flows", order, (), quick=True)
    found.checks = [_peak(found.results, targets.LONG_PEAK)]
    return found


def kernel(bench: Bench) -> Figures:
    """Compare the way from bytes to the flow table, in process, with dpkt's."""
    plan = plan_capture(bench.order())
    found = Figures("Frames to flow table, in process", _about(plan), frames=plan.frames)
    with _stage(bench, plan, "kernel") as stage:
        for name, capture in (("kernel", stage.capture), ("dpkt", stage.cut)):
            found.inside[f"{name}, Mpkt/s"] = []
            for _ in range(bench.rounds):
                figures = _inside(name, capture)
                rate = figures["frames"] / figures["seconds"] / 1e6
                found.inside[f"{name}, Mpkt/s"].append(rate)
    own, other = (statistics.median(rates) for rates in found.inside.values())
    found.checks = [Check(targets.KERNEL_RATE, own), Check(targets.KERNEL_DPKT, own / other)]
    return found


def small(bench: Bench) -> Figures:
    """Race tshark over a small capture: what starting up costs."""
    plan = plan_capture(_SMALL)
    found = Figures("A small capture", _about(plan), frames=plan.frames)
    with _stage(bench, plan, "small") as stage:
        pandas = (sys.executable, "-c", "import pandas")
        contenders = [Contender("import pandas", "nothing else", pandas), ours(stage)]
        if shutil.which("tshark"):
            contenders.append(tshark(stage.capture))
        found.results = list(race(contenders, bench.rounds, stage.capture.parent).values())
    own = _result(found.results, OURS)
    found.checks = [
        Check(targets.SMALL_SECONDS, own.median_s if own else None),
        _ratio(found.results, "tshark -z conv,tcp", targets.SMALL_TSHARK),
    ]
    return found


def crowd(bench: Bench) -> Figures:
    """Audit a million flows, and write them."""
    plan = plan_capture(crowd_order(round(_CROWD_FLOWS * bench.fraction)))
    found = Figures("A million flows", _about(plan), frames=plan.frames)
    with _stage(bench, plan, "crowd") as stage:
        for _ in range(bench.rounds):
            for name, figure in _inside("crowd", stage.capture, stage.site).items():
                found.inside.setdefault(name, []).append(figure)
    middle = {name: statistics.median(figures) for name, figures in found.inside.items()}
    read = "stage rules", "stage read"
    judged = sum(s for name, s in middle.items() if name.startswith("stage ") and name not in read)
    no_writer = "there is no such writer"
    found.checks = [
        Check(targets.CROWD_JUDGED, judged),
        Check(targets.CROWD_PEAK, middle["peak MB, judged"]),
        Check(targets.CROWD_JSON, middle.get("json"), no_writer),
        Check(targets.CROWD_PARQUET, middle.get("parquet"), no_writer),
    ]
    return found


def ring(bench: Bench) -> Figures:
    """Audit a directory of captures with one worker and with two."""
    found = _race_workers(bench, "Many captures", max(2, round(_RING_FILES * bench.fraction)))
    medians = [result.median_s for result in found.results]
    ratio = medians[0] / medians[1] if len(medians) == 2 else None
    found.checks = [Check(targets.RING_WORKERS, ratio, "a run failed")]
    return found


def packed(bench: Bench) -> Figures:
    """Do so where every capture is to be decompressed."""
    files = max(2, round(_PACKED_FILES * bench.fraction))
    return _race_workers(bench, "Many compressed captures", files, gzipped=True)


def _race_workers(bench: Bench, title: str, files: int, *, gzipped: bool = False) -> Figures:
    plan = plan_capture(bench.order())
    about = f"{_about(plan)}, in {files:,} files{', gzip' if gzipped else ''}"
    found = Figures(title, about, frames=plan.frames)
    with _scratch(bench, plan, "packed" if gzipped else "ring") as scratch:
        captures, site = scratch / "captures", scratch / "site.hosts.yaml"
        captures.mkdir(exist_ok=True)
        print(f"making {captures}: {about}", file=sys.stderr, flush=True)
        write_ring(plan, captures, files)
        if gzipped:
            pack(captures)
        write_site_file(plan, site)
        warm(captures)
        contenders = [
            Contender(f"{OURS} --workers {n}", "", audit_command(captures, site, "--workers", n))
            for n in ("1", "2")
        ]
        found.results = list(race(contenders, bench.rounds, scratch).values())
    return found


EXPERIMENTS: dict[str, Callable[[Bench], Figures]] = {
    "big": big,
    "kernel": kernel,
    "small": small,
    "crowd": crowd,
    "ring": ring,
    "packed": packed,
    "ten-times": ten_times,
    "long": long,
}
LARGE = "ten-times", "long"
"""Those that need ten times the room."""


def _race_all(
    bench: Bench,
    title: str,
    order: Order,
    checks: tuple[tuple[str, Target], ...],
    *,
    quick: bool = False,
) -> Figures:
    plan = plan_capture(order)
    found = Figures(title, _about(plan), frames=plan.frames)
    with _stage(bench, plan, f"capture-{order.frames}-{order.flows}") as stage:
        contenders = [*installed(stage), ours(stage)]
        wanted = {OURS, *(peer for peer, _ in checks)}
        if quick:
            contenders = [contender for contender in contenders if contender.name in wanted]
        found.results = list(race(contenders, bench.rounds, stage.capture.parent).values())
    found.results.sort(key=lambda result: result.median_s)
    found.checks = [_ratio(found.results, peer, target) for peer, target in checks]
    return found


@contextmanager
def _scratch(bench: Bench, plan: Plan, name: str) -> Iterator[Path]:
    """Give a directory for one experiment, with room for its capture; delete it afterwards."""
    size = max(plan.order.size_bytes, plan.frames * 200)
    free = shutil.disk_usage(bench.directory).free
    if free < _ROOM * size:
        raise MeasureError(
            f"{bench.directory}: expected {_ROOM * size:,.0f} bytes free, found {free:,}"
        )
    scratch = bench.directory / name
    scratch.mkdir(exist_ok=True)
    try:
        yield scratch
    finally:
        if not bench.keep:
            shutil.rmtree(scratch)


@contextmanager
def _stage(bench: Bench, plan: Plan, name: str) -> Iterator[Stage]:
    """Make a capture, its site file, and its beginnings; leave them in the page cache."""
    with _scratch(bench, plan, name) as scratch:
        capture, site = scratch / "capture.pcap", scratch / "site.hosts.yaml"
        print(f"making {capture}: {_about(plan)}", file=sys.stderr, flush=True)
        write_capture(plan, capture)
        write_site_file(plan, site)
        frames = plan.frames // _CUT
        cut = write_beginning(capture, scratch / "cut.pcap", frames)
        nothing = write_beginning(capture, scratch / "nothing.pcap", _FEW_FRAMES)
        warm(capture)
        yield Stage(capture, site, cut, nothing, plan.frames / frames)


def _inside(what: str, *paths: Path) -> dict[str, float]:
    """Run a measurement that takes place inside a process of its own."""
    print(f"inside: {what}", file=sys.stderr, flush=True)
    command = [sys.executable, str(HERE / "in_process.py"), what, *map(str, paths)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise MeasureError(f"in_process.py {what}: {done.stderr.strip()}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _about(plan: Plan) -> str:
    size = plan.order.size_bytes
    text = f"{plan.frames:,} frames, {len(plan.flows):,} flows, {plan.cast.hosts:,} hosts"
    return f"{text}, about {size / 1e6:,.1f} MB" if size else text


def _result(results: list[Result], name: str) -> Result | None:
    return next((result for result in results if result.contender.name == name), None)


def _peak(results: list[Result], target: Target) -> Check:
    """Hold our memory to a bound."""
    own = _result(results, OURS)
    return Check(target, own.peak_mb if own else None, f"{OURS} did not run")


def _ratio(results: list[Result], peer: str, target: Target) -> Check:
    """Hold our median to a peer's."""
    own, other = _result(results, OURS), _result(results, peer)
    if own is None or other is None:
        return Check(target, None, f"{peer if own else OURS} did not run")
    return Check(target, own.median_s / other.median_s)
