"""One small module per format; each lays out what a report holds and computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
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
    binary: bool = False
    """Not for a screen or a pipe; its module has `write_table` alone."""
    needs: str = ""
    """The library that writes it, where that comes with the extra named after the format."""


FORMATS = {
    "table": Format("auditor.report.writers.table", (".txt",)),
    "json": Format("auditor.report.writers.json", (".json",)),
    "csv": Format("auditor.report.writers.csv", (".csv",), table_per_file=True),
    "markdown": Format("auditor.report.writers.markdown", (".md", ".markdown")),
    "parquet": Format(
        "auditor.report.writers.parquet",
        (".parquet",),
        table_per_file=True,
        binary=True,
        needs="pyarrow",
    ),
}

_DEFAULT = Style()


def format_of(path: str | Path) -> str | None:
    """Name the format that the suffix of `path` stands for, if it stands for one."""
    suffix = Path(path).suffix.lower()
    return next((name for name, form in FORMATS.items() if suffix in form.suffixes), None)


def check_format(name: str, *, to_file: bool) -> None:
    """Raise UsageError where a format cannot be written, before an hour goes into the report."""
    form = FORMATS[name]
    if form.needs and find_spec(form.needs) is None:
        how = f"pip install 'citrix-traffic-auditor[{name}]'"
        raise UsageError(f"{name}: expected {form.needs} to be installed, found none: {how}")
    if form.binary and not to_file:
        raise UsageError(f"{name}: expected an output path, since it is no text")


def show(
    report: Report | FlowReport, out: TextIO, format_name: str, style: Style = _DEFAULT
) -> None:
    """Write to an open stream; of several CSV tables only the first, which is the findings.

    Raises UsageError for a format that is no text.
    """
    check_format(format_name, to_file=False)
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
    check_format(name, to_file=True)
    target, form = Path(path), FORMATS[name]
    try:
        if form.table_per_file and len(report.tables) > 1:
            target.mkdir(parents=True, exist_ok=True)
            for table in report.tables:
                _save_table(report, table, target / f"{table}{form.suffixes[0]}", form)
        elif form.binary:
            _save_table(report, next(iter(report.tables)), target, form)
        else:
            with target.open("w", encoding="utf-8", newline="") as out:
                show(report, out, name, style)
    except OSError as error:
        place = error.filename or path
        raise UsageError(f"{place}: cannot be written: {error.strerror or error}") from error


def _save_table(report: Report | FlowReport, table: str, path: Path, form: Format) -> None:
    write_table = import_module(form.module).write_table
    if form.binary:
        with path.open("wb") as out:
            write_table(report, table, out)
    else:
        with path.open("w", encoding="utf-8", newline="") as text:
            write_table(report, table, text)
