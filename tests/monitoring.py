"""Windows, clocks and broken disks for the tests of what leaves the capture loop."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from reports import START_NS, flow, small_report, table

from auditor.outlets.delivery import Backoff
from auditor.outlets.window import Counters, Window
from auditor.report.layouts import COVERAGE, FLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from auditor.report.model import Report

MINUTE_NS = 60 * 10**9
WINDOW_NS = 5 * MINUTE_NS

HOUR_NS = 60 * MINUTE_NS

BEGIN_NS = START_NS // HOUR_NS * HOUR_NS
"""The hour in which invented reports begin."""

QUICK = Backoff(first_s=0.01, most_s=0.02)
"""For threads that a test waits for."""


class Clock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        """Start at an arbitrary time."""
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now_s


@dataclass
class Receiver:
    """Takes what is sent, or fails as told."""

    fails_with: Exception | None = None
    got: list[bytes] = field(default_factory=list)
    tries: int = 0

    def __call__(self, entry: bytes) -> None:
        """Take an entry."""
        self.tries += 1
        if self.fails_with is not None:
            raise self.fails_with
        self.got.append(entry)


def window(number: int, *findings: Mapping[str, object], report: Report | None = None) -> Window:
    """Make the window of that number: five minutes each, one after the other."""
    first_ns = BEGIN_NS + number * WINDOW_NS
    counters = Counters(frames=2318 * (number + 1), bytes=1000, dropped=number)
    return Window(first_ns, first_ns + WINDOW_NS, report or small_report(*findings), counters)


def traffic_window(
    number: int,
    *flows: Mapping[str, object],
    coverage: tuple[Mapping[str, object], ...] = (),
    first_ns: int | None = None,
) -> Window:
    """Make a window with given flows, which begin with it, and coverage."""
    begin_ns = BEGIN_NS + number * WINDOW_NS if first_ns is None else first_ns
    timed = [
        flow(row + 1)
        | {"first_seen": begin_ns + row, "last_seen": begin_ns + row + 5}
        | dict(given)
        for row, given in enumerate(flows)
    ]
    told = {"flows": table(FLOWS, *timed), "coverage": table(COVERAGE, *coverage)}
    base = small_report()
    report = replace(base, tables={**base.tables, **told})
    return Window(begin_ns, begin_ns + WINDOW_NS, report)


def expectation(status: str, group: str = "registration", **given: object) -> dict[str, object]:
    """Describe one row of the coverage."""
    return {
        "group": group,
        "rows": [244],
        "rule_ids": ["cvad-registration"],
        "product": "CVAD",
        "source_roles": ["vda"],
        "destination_roles": ["ddc"],
        "transport": "tcp",
        "ports": [80, 443],
        "status": status,
        "why": f"it is {status}",
    } | given


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait for another thread; fail if it does not come to pass."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.005)


@contextmanager
def small_disk(directory: Path, size: str = "64k") -> Iterator[Path]:
    """Give a disk of that size, or skip the test."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs root and mount")
    directory.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Leave no byte of the disk free; give the file to remove."""
    path = directory / "ballast"
    with path.open("wb", buffering=0) as out:
        try:
            while out.write(b"\0" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk has no end")
