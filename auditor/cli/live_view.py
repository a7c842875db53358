"""What a person sees of a watch while it runs: lines on standard error, or a screen."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from auditor.cli import complain
from auditor.errors import UsageError
from auditor.report.text import count, safe
from auditor.times import minute_text, time_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditor.cli.output import Output
    from auditor.live.screen import Screen
    from auditor.outlets.window import Counters, FailedWindow, Window
    from auditor.report.model import Report


class Lines:
    """Says what happens, a line each."""

    def __init__(
        self, interface: str, delivery: Output, windows: Path | None, *, quiet: bool
    ) -> None:
        """windows: file to which each window is appended."""
        self._interface = interface
        self._delivery = delivery
        self._windows = windows
        self._quiet = quiet
        self._known: set[str] = set()

    def note(self, text: str) -> None:
        """Say a line."""
        if not self._quiet:
            self._say(f"{self._interface}: {text}")

    def show(self, counters: Counters) -> None:
        """Show nothing: lines that nobody reads only fill a journal."""

    def window(self, window: Window) -> None:
        """Say what a window amounts to, and each finding once."""
        if self._windows is not None:
            _append(self._windows, _summed_up(window))
        if self._quiet:
            return
        self._say(window_text(window))
        for finding_id, severity, title in _findings(window.report):
            if finding_id not in self._known:
                self._known.add(finding_id)
                self._say(f"new: {severity}: {title}")

    def failed(self, window: FailedWindow) -> None:
        """Leave a line in the file; why was said when it happened."""
        if self._windows is not None:
            _append(self._windows, _span(window) | {"failed": window.reason})

    def report(self, report: Report) -> None:
        """Deliver a report that was asked for."""
        self._delivery.deliver(report)

    def _say(self, text: str) -> None:
        # A terminal that was closed must not end the watch.
        with suppress(OSError, ValueError):
            click.echo(f"auditor: {safe(text)}", err=True)


class OnScreen(Lines):
    """Draws what happens instead of saying it."""

    def __init__(
        self, interface: str, delivery: Output, windows: Path | None, screen: Screen
    ) -> None:
        """Draw on a screen that is there."""
        super().__init__(interface, delivery, windows, quiet=True)
        self._screen = screen

    def note(self, text: str) -> None:
        """Draw a line."""
        self._screen.note(text)

    def show(self, counters: Counters) -> None:
        """Draw the totals."""
        self._screen.show(counters)

    def window(self, window: Window) -> None:
        """Draw what a window amounts to."""
        super().window(window)
        self._screen.window(window, window_text(window))


@contextmanager
def open_view(
    interface: str, delivery: Output, windows: Path | None, *, quiet: bool, no_color: bool
) -> Iterator[Lines]:
    """Choose what is seen: a screen where there is a terminal and rich, else lines."""
    if windows is not None and not windows.absolute().parent.is_dir():
        raise UsageError(f"{windows}: expected a directory to write into, found none")
    screen = None if quiet else _screen(interface, no_color=no_color)
    if screen is None:
        yield Lines(interface, delivery, windows, quiet=quiet)
        return
    try:
        yield OnScreen(interface, delivery, windows, screen)
    finally:
        screen.stop()


def _screen(interface: str, *, no_color: bool) -> Screen | None:
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return None
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra

        from auditor.live.screen import Screen  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    colourless = no_color or bool(os.environ.get("NO_COLOR"))
    return Screen(interface, Console(stderr=True, no_color=colourless, highlight=False))


def window_text(window: Window) -> str:
    """Sum up a window in a line."""
    report = window.report
    found = ", ".join(f"{n:,} {word}" for word, n in report.summary["findings"].items() if n)
    parts = [
        minute_text(window.last_ns),
        count(report.capture.frames, "frame"),
        count(report.summary["flows"], "conversation"),
        f"findings: {found or 'none'}",
    ]
    if report.capture.dropped:
        parts.append(f"{report.capture.dropped:,} frames lost")
    return ", ".join(parts)


def _findings(report: Report) -> list[tuple[str, str, str]]:
    findings = report.tables["findings"]
    counted = findings.take(~findings.array("accepted"))
    return list(zip(*map(counted.values, ("finding_id", "severity", "title")), strict=True))


def _span(window: Window | FailedWindow) -> dict[str, object]:
    return {"first_seen": time_text(window.first_ns), "last_seen": time_text(window.last_ns)}


def _summed_up(window: Window) -> dict[str, object]:
    report = window.report
    names = "finding_id", "kind", "severity", "accepted", "title", "client", "server", "transport"
    rows = [{name: row[name] for name in names} for row in report.tables["findings"].rows()]
    return _span(window) | {
        "frames": report.capture.frames,
        "bytes": report.capture.bytes,
        "dropped": report.capture.dropped,
        "duplicates": report.capture.duplicates,
        "loss_share": report.capture.loss.share,
        "summary": report.summary,
        "findings": rows,
    }


def _append(path: Path, line: dict[str, object]) -> None:
    try:
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    except OSError as error:
        with suppress(OSError, ValueError):
            complain(f"{path}: not written: {error.strerror or error}")
