"""Where a report goes once it is made, and what it looks like there."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from auditor.cli import complain, leave_pipe
from auditor.errors import UsageError
from auditor.report.text import safe
from auditor.report.writers import (
    FORMATS,
    WIDEST,
    Style,
    check_format,
    format_of,
    plain,
    save,
    show,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from auditor.report.model import FlowReport, Report

_NARROWEST = 80
"""Below this a terminal breaks lines itself; shorter columns would say nothing any more."""

_OTHER_FORMATS = frozenset({".html", ".htm", ".pdf", ".xlsx", ".xls", ".xml", ".yaml"})
"""Suffixes that promise a format; others, such as .log, are taken for text."""

_TONES: Mapping[str, Callable[[str], str]] = {
    "high": partial(click.style, fg="red", bold=True),
    "medium": partial(click.style, fg="yellow"),
    "low": partial(click.style, fg="cyan"),
    "accepted": partial(click.style, dim=True),
    "good": partial(click.style, fg="green"),
    "quiet": partial(click.style, dim=True),
    "heading": partial(click.style, bold=True),
    "warning": partial(click.style, fg="yellow", bold=True),
}


@dataclass(frozen=True, slots=True)
class Output:
    """What the options say about the report."""

    format_name: str | None
    path: Path | None
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False

    @property
    def format(self) -> str:
        """Name the format: as asked, else as the file's suffix says, else for people."""
        by_suffix = format_of(self.path) if self.path is not None else None
        return self.format_name or by_suffix or "table"

    def check(self, *, tables: int) -> None:
        """Refuse what cannot be written before an hour goes into the report."""
        if self.path is None:
            self._check_format()
            return
        if self.format_name is None and format_of(self.path) is None:
            self._check_suffix(self.path)
        self._check_format()
        directory = FORMATS[self.format].table_per_file and tables > 1
        if not self.path.absolute().parent.is_dir():
            raise UsageError(f"{self.path}: expected a directory to write into, found none")
        if directory and self.path.is_file():
            raise UsageError(f"{self.path}: expected a directory for {tables} tables, found a file")
        if not directory and self.path.is_dir():
            raise UsageError(f"{self.path}: expected a file to write, found a directory")

    def _check_format(self) -> None:
        try:
            check_format(self.format, to_file=self.path is not None)
        except UsageError as error:
            raise UsageError(f"--format {error}") from None

    @staticmethod
    def _check_suffix(path: Path) -> None:
        """Refuse a name that promises a format which is not written."""
        if path.suffix.lower() in _OTHER_FORMATS:
            raise UsageError(
                f"{path}: no report is written as {path.suffix}; expected .json, .csv, .md, "
                ".parquet or .txt, or a format by --format"
            )

    def deliver(self, report: Report | FlowReport) -> None:
        """Write the report; name what is wrong with it on standard error."""
        for source in report.capture.unreadable:
            complain(source)
        # The report for people has the warnings at its head.
        if not self.quiet and self.format not in {"table", "markdown"}:
            for warning in report.capture.warnings:
                complain(f"warning: {warning}")
        if self.path is None:
            self._print(report)
            return
        save(report, self.path, self.format, Style(verbose=self.verbose))
        if not self.quiet and sys.stderr.isatty():
            click.echo(f"auditor: wrote {safe(str(self.path))}", err=True)

    def _print(self, report: Report | FlowReport) -> None:
        try:
            if self.format == "table":
                text = io.StringIO()
                style = terminal_style(verbose=self.verbose, no_color=self.no_color)
                show(report, text, "table", style)
                # click knows how to colour a Windows console.
                click.echo(text.getvalue(), nl=False, color=style.paint is not plain)
            else:
                show(report, sys.stdout, self.format, Style(verbose=self.verbose))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has seen enough; what the report found still decides the exit status.
            leave_pipe()


def terminal_style(*, verbose: bool, no_color: bool) -> Style:
    """Say how a report for people looks on this standard output."""
    if not sys.stdout.isatty():
        return Style(verbose=verbose)
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), WIDEST)
    colourless = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(width, plain if colourless else _paint, verbose)


def _paint(tone: str, text: str) -> str:
    return _TONES[tone](text)
