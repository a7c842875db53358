"""One small module per format; each lays out what a report holds and computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.report.model import FlowReport, Report

WIDEST = 100
"""Columns of a report for people where no narrower terminal shows it."""


def plain(tone: str, text: str) -> str:  # noqa: ARG001 - the signature of every painter
    """Colour nothing."""
    return text


@dataclass(frozen=True, slots=True)
class Style:
    """How a report for people is laid out."""

    width: int = WIDEST
    paint: Callable[[str, str], str] = plain
    """Tone (high, medium, low, accepted, good, quiet, heading, warning), text -> coloured text."""
    verbose: bool = False
    """Cut no list short, and say how the report was made."""


class Writer(Protocol):
    """What each module offers as `write`."""

    def __call__(self, report: Report | FlowReport, out: TextIO, style: Style) -> None:
        """Write the report as text."""


@dataclass(frozen=True, slots=True)
class Format:
    """Where a format is written, and which files are taken to be of it."""

    module: str
    suffixes: tuple[str, ...]
    table_per_file: bool = False
    """A report of several tables becomes a directory; its module also has `write_table`."""


FORMATS = {
    "table": Format("auditor.report.writers.table", (".txt",)),
    "json": Format("auditor.report.writers.json", (".json",)),
    "csv": Format("auditor.report.writers.csv", (".csv",), table_per_file=True),
    "markdown": Format("auditor.report.writers.markdown", (".md", ".markdown")),
}

_DEFAULT = Style()


def format_of(path: str | Path) -> str | None:
    """Name the format that the suffix of `path` stands for, if it stands for one."""
    suffix = Path(path).suffix.lower()
    return next((name for name, form in FORMATS.items() if suffix in form.suffixes), None)


def show(
    report: Report | FlowReport, out: TextIO, format_name: str, style: Style = _DEFAULT
) -> None:
    """Write to an open stream; of several CSV tables only the first, which is the findings."""
    writer: Writer = import_module(FORMATS[format_name].module).write
    writer(report, out, style)


def save(
    report: Report | FlowReport,
    path: str | Path,
    format_name: str | None = None,
    style: Style = _DEFAULT,
) -> None:
    """Write to a file, or to a directory for a format that holds one table per file.

    Without format_name the suffix decides. Raises UsageError where that is no format of ours or
    the path cannot be written.
    """
    name = format_name or format_of(path)
    if name not in FORMATS:
        suffixes = ", ".join(suffix for form in FORMATS.values() for suffix in form.suffixes)
        known = ", ".join(FORMATS)
        raise UsageError(f"{path}: expected a format ({known}) or a suffix ({suffixes})")
    target = Path(path)
    try:
        if FORMATS[name].table_per_file and len(report.tables) > 1:
            _save_directory(report, target, FORMATS[name])
        else:
            with target.open("w", encoding="utf-8", newline="") as out:
                show(report, out, name, style)
    except OSError as error:
        place = error.filename or path
        raise UsageError(f"{place}: cannot be written: {error.strerror or error}") from error


def _save_directory(report: Report | FlowReport, directory: Path, form: Format) -> None:
    module = import_module(form.module)
    directory.mkdir(parents=True, exist_ok=True)
    for name, table in report.tables.items():
        with (directory / f"{name}{form.suffixes[0]}").open(
            "w", encoding="utf-8", newline=""
        ) as out:
            module.write_table(table, out)
