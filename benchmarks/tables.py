"""Lay out what was found, for a terminal and for a page."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from peers import OURS
from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from experiments import Figures
    from measure import Result
    from targets import Check

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""A page keeps what stands around these two lines."""

_RACE = ("program", "does", "median s", "min", "max", "CPU s", "Mpkt/s", "peak MB", "ours / it")
_INSIDE = ("inside one process", "median", "min", "max")
_CHECKS = ("target", "bound", "measured", "")
_AT_ITS_RATE = " (at its rate)"


def render(found: Sequence[Figures], *, markdown: bool) -> str:
    """Render everything: what was measured, race by race, then the targets."""
    style, mark = ("github", "### ") if markdown else ("simple", "")
    parts = []
    for figures in found:
        parts += [f"{mark}{figures.title}", figures.about]
        if figures.results:
            rows = _race_rows(figures.results, figures.frames)
            parts.append(tabulate(rows, _RACE, style, disable_numparse=True))
        if figures.inside:
            rows = [_inside_row(*figure) for figure in figures.inside.items()]
            parts.append(tabulate(rows, _INSIDE, style, disable_numparse=True))
    checks = [_check_row(check) for figures in found for check in figures.checks]
    parts += [f"{mark}Targets", tabulate(checks, _CHECKS, style, disable_numparse=True)]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """Say on one line what was measured where and when."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    now = datetime.now(tz=UTC)
    load = os.getloadavg()[0]
    return (
        f"{now:%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {memory_gb:.0f} GB,"
        f" {platform.system()} {platform.release()}, Python {platform.python_version()};"
        f" load before it began {load:.1f}"
    )


def versions() -> str:
    """Name the versions of what is measured, as far as the packages tell them."""
    from auditor import __version__  # noqa: PLC0415 - the program itself is not imported for tables

    names = "softflowd", "nfdump", "argus-server", "libndpi-bin", "tshark", "tcpdump"
    told = [f"auditor {__version__}"]
    if shutil.which("dpkg-query"):
        command = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *names]
        told += subprocess.run(command, check=False, capture_output=True, text=True).stdout.split(
            "\n"
        )
    return ", ".join(filter(None, told))


def write_page(path: Path, text: str) -> None:
    """Put the figures into a page, between its marks; make the page where there is none."""
    old = path.read_text(encoding="utf-8") if path.is_file() else f"{BEGIN}\n{END}\n"
    before, _, rest = old.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{path}: expected the lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


def _race_rows(results: Sequence[Result], frames: int) -> Iterable[list[str]]:
    own = next((result for result in results if result.contender.name == OURS), None)
    for result in results:
        contender, median_s = result.contender, result.median_s
        yield [
            contender.name,
            contender.does + (_AT_ITS_RATE if contender.scale != 1 else ""),
            f"{median_s:.2f}",
            f"{result.best_s:.2f}",
            f"{result.worst_s:.2f}",
            f"{result.cpu_s:.2f}",
            f"{frames / median_s / 1e6:.3f}",
            f"{result.peak_mb:,.0f}",
            f"{own.median_s / median_s:.2f}" if own else "",
        ]


def _inside_row(name: str, figures: Sequence[float]) -> list[str]:
    middle = statistics.median(figures)
    return [name, *(f"{figure:,.3f}" for figure in (middle, min(figures), max(figures)))]


def _check_row(check: Check) -> list[str]:
    target = check.target
    bound = f"{'>=' if target.at_least else '<='} {target.bound:g} {target.unit}"
    figure = check.note if check.figure is None else f"{check.figure:,.2f}"
    return [target.what, bound, figure, check.verdict]


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()
