"""Run whole processes side by side, in turn, and keep what the kernel says they took."""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_READ_BYTES = 1 << 24
_LAUNCHER = str(Path(__file__).with_name("launch.py"))


class Sample(NamedTuple):
    """What one run took."""

    wall_s: float
    cpu_s: float
    """User and system, children included."""
    peak_mb: float
    """Resident set of the largest process."""


@dataclass(frozen=True)
class Contender:
    """A program to be measured."""

    name: str
    does: str
    command: tuple[str, ...]
    startup: tuple[str, ...] = ()
    """The same on next to nothing, for one that is run on a cut of the capture."""
    scale: float = 1
    """How many times the cut is the whole: what goes beyond the start-up is multiplied by it."""


@dataclass(frozen=True)
class Result:
    """All runs of a contender."""

    contender: Contender
    samples: tuple[Sample, ...]

    @property
    def median_s(self) -> float:
        """Give the median of the wall seconds."""
        return statistics.median(sample.wall_s for sample in self.samples)

    @property
    def best_s(self) -> float:
        """Give the least of the wall seconds."""
        return min(sample.wall_s for sample in self.samples)

    @property
    def worst_s(self) -> float:
        """Give the most of the wall seconds."""
        return max(sample.wall_s for sample in self.samples)

    @property
    def cpu_s(self) -> float:
        """Give the median of the CPU seconds."""
        return statistics.median(sample.cpu_s for sample in self.samples)

    @property
    def peak_mb(self) -> float:
        """Give the most memory that any run took."""
        return max(sample.peak_mb for sample in self.samples)


class MeasureError(Exception):
    """A contender did not end as it should."""


def run(command: Sequence[str], scratch: Path) -> Sample:
    """Run one process to its end, in `scratch`; raise MeasureError if it says that it failed."""
    launched = subprocess.run(
        [sys.executable, "-I", "-S", _LAUNCHER, *command],
        check=False, cwd=scratch, text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    *said, figures = launched.stderr.splitlines() or [""]
    words = figures.split()
    if launched.returncode or words[:1] != ["launched"]:
        raise MeasureError(f"{command[0]}: cannot be run: {figures}")
    wall_s, cpu_s, peak_kib, status = map(float, words[1:])
    if status:
        raise MeasureError(f"{command[0]}: exit status {status:.0f}: {' '.join(said[-1:])}")
    return Sample(wall_s, cpu_s, peak_kib * 1024 / 1e6)


def race(contenders: Sequence[Contender], rounds: int, scratch: Path) -> dict[str, Result]:
    """Run all contenders once per round, one after the other; name -> result.

    Who fails is left out, and said so on standard error.
    """
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for contender in contenders:
        if contender.command[0] == sys.executable:  # compiled code is cached once per installation
            with suppress(MeasureError):
                run(contender.startup or contender.command, scratch)
    for number in range(rounds):
        for contender in contenders:
            if len(samples[contender.name]) < number:
                continue
            _say(f"round {number + 1} of {rounds}: {contender.name}")
            try:
                samples[contender.name].append(_sample(contender, scratch))
            except (MeasureError, OSError) as error:
                _say(f"left out: {contender.name}: {error}")
    return {
        contender.name: Result(contender, tuple(samples[contender.name]))
        for contender in contenders
        if len(samples[contender.name]) == rounds
    }


def warm(path: Path) -> None:
    """Read a file, or the files of a directory, so that all runs find them in memory."""
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open("rb") as opened:
            while opened.read(_READ_BYTES):
                pass


def _sample(contender: Contender, scratch: Path) -> Sample:
    if contender.scale == 1:
        return run(contender.command, scratch)
    idle, busy = run(contender.startup, scratch), run(contender.command, scratch)
    wall_s, cpu_s = (
        least + max(whole - least, 0) * contender.scale
        for least, whole in zip(idle[:2], busy[:2], strict=True)
    )
    return Sample(wall_s, cpu_s, busy.peak_mb)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
