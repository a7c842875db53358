"""The live view: what passes, what was found, who began to talk; drawn by rich, in its own thread.

Everything that traffic names is escaped: neither markup nor a terminal may be told anything by it.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from auditor.judge.wording import service_text
from auditor.report.text import safe

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from auditor.outlets.window import Counters, Window
    from auditor.report.model import Report

_TOP = 8
_NEWEST = 6
_NOTES = 4
_REDRAWS = 2
_STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}


class Screen:
    """Draws the state of a watch a few times a second."""

    def __init__(self, interface: str, console: Console) -> None:
        """Take over the console until `stop`."""
        self._interface = interface
        self._counters: Counters | None = None
        self._shown_s = time.monotonic()
        self._rates = (0.0, 0.0)
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._findings: list[tuple[str, str, int]] = []
        self._newest: list[tuple[str, str, str]] = []
        self._window = "first window open"
        self._live = Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_REDRAWS,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def stop(self) -> None:
        """Give the console back."""
        self._live.stop()

    def note(self, text: str) -> None:
        """Show a line on what happens."""
        self._notes.append(text)

    def show(self, counters: Counters) -> None:
        """Take the totals of this moment."""
        now_s, before = time.monotonic(), self._counters
        passed_s = now_s - self._shown_s
        if before is None or passed_s >= 1:
            if before is not None:
                frames, size = counters.frames - before.frames, counters.bytes - before.bytes
                self._rates = frames / passed_s, 8 * size / passed_s
            self._shown_s, self._counters = now_s, counters

    def window(self, window: Window, summary: str) -> None:
        """Take a window that has ended, and what it amounts to."""
        self._window = summary
        self._findings = _top_findings(window.report)
        self._newest = _newest_flows(window.report)

    def _draw(self) -> RenderableType:
        lines = [self._head(), Text(self._window, style="dim")]
        findings = Table(box=None, header_style="bold", expand=True)
        for name in ("sev", "finding", "flows"):
            findings.add_column(name, justify="right" if name == "flows" else "left", no_wrap=True)
        for severity, title, flows in self._findings:
            findings.add_row(
                Text(severity, style=_STYLES.get(severity, "")), Text(safe(title)), f"{flows:,}"
            )
        newest = Table(box=None, header_style="bold", expand=True)
        for name in ("newest", "outcome", "verdict"):
            newest.add_column(name, no_wrap=True)
        for cells in self._newest:
            newest.add_row(*(Text(safe(cell)) for cell in cells))
        notes = [Text(safe(note), style="dim") for note in self._notes]
        return Group(*lines, findings, newest, *notes)

    def _head(self) -> Text:
        counters = self._counters
        text = Text(f"{safe(self._interface)}  ", style="bold")
        if counters is None:
            return text
        frames, bits = self._rates
        text.append(f"{frames:,.0f} frames/s  {bits / 1e6:,.1f} Mbit/s  ", style="not bold")
        text.append(f"{counters.table_flows:,} flows open  ", style="not bold")
        style = "bold red" if counters.dropped else "not bold"
        text.append(f"{counters.dropped:,} of {counters.frames:,} frames lost", style=style)
        return text


def _top_findings(report: Report) -> list[tuple[str, str, int]]:
    findings = report.tables["findings"]
    top = findings.take(np.flatnonzero(~findings.array("accepted"))[:_TOP])
    return list(zip(*map(top.values, ("severity", "title", "flows")), strict=True))


def _newest_flows(report: Report) -> list[tuple[str, str, str]]:
    flows = report.tables["flows"]
    ages = -flows.array("first_seen").astype(np.int64)
    newest = flows.take(np.argsort(ages, kind="stable")[:_NEWEST])
    names = "client_ip", "server_ip", "transport", "server_port", "outcome", "verdict"
    columns = map(newest.values, names)
    return [
        (f"{client} -> {server} {service_text(transport, port)}", outcome, verdict)
        for client, server, transport, port, outcome, verdict in zip(*columns, strict=True)
    ]
