"""Which captures a user means: files, directories, globs, standard input."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.capture.compressed import open_content, read_head
from auditor.capture.reader import STDIN, FileReader, os_reason
from auditor.capture.recognise import EXPECTED, HEAD_BYTES, foreign_format, is_capture, refusal
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(slots=True)
class Found:
    """What the user's sources came to."""

    names: list[str] = field(default_factory=list)
    """Paths and "-", each file once, in the order given; those of a directory or glob sorted."""
    errors: list[CaptureError] = field(default_factory=list)
    """One for each source, or file of a directory, that is known to be unreadable."""


def find_captures(sources: Sequence[str]) -> Found:
    """Find the files that `sources` mean; whether one of those named is a capture stays open."""
    found = Found()
    seen: set[str | tuple[int, int]] = set()
    for source in sources:
        for name in _expand(source, found.errors):
            identity = _identity(name)
            if identity not in seen:
                seen.add(identity)
                found.names.append(name)
    return found


def _expand(source: str, errors: list[CaptureError]) -> Iterator[str]:
    """Yield the files that one source stands for."""
    if _URL.match(source):
        advice = "copy it here, or pipe it to a source named -"
        errors.append(CaptureError(source, f"expected a local capture, found a URL; {advice}"))
    elif source == STDIN or not glob.has_magic(source) or os.path.lexists(source):
        yield from _named(source, errors)
    else:
        # As a shell would: what a glob matches was named by the user, a directory included.
        names = sorted(glob.glob(source, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute ones
        for name in names:
            yield from _named(name, errors)
        if not names:
            errors.append(CaptureError(source, "expected captures of such a name, found none"))


def _named(name: str, errors: list[CaptureError]) -> Iterator[str]:
    if name and name != STDIN and Path(name).is_dir():
        yield from _captures_in(name, errors)
    else:
        yield name


def _captures_in(directory: str, errors: list[CaptureError]) -> Iterator[str]:
    """Yield the captures among a directory's files, not those of directories below it."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.path for entry in entries if entry.is_file())
    except OSError as error:
        errors.append(CaptureError(directory, f"expected captures, found {os_reason(error)}"))
        return
    known_errors = len(errors)
    captures = 0
    for name in names:
        try:
            if _is_capture(name):
                captures += 1
                yield name
        except CaptureError as error:
            errors.append(error)
    if not captures and len(errors) == known_errors:
        reason = f"expected captures in this directory, found none among {len(names)} files"
        errors.append(CaptureError(directory, reason))


def _is_capture(name: str) -> bool:
    """Tell by its first bytes whether a file is a capture that is read here.

    Raise CaptureError for one in another format, and for a file of which this cannot be told.
    """
    try:
        source = FileReader(name)
        try:
            content = open_content(source, HEAD_BYTES)
            head = read_head(content, HEAD_BYTES)
        finally:
            source.close()
    except OSError as error:
        raise CaptureError(name, f"{EXPECTED}, found {os_reason(error)}") from None
    if is_capture(head):
        return True
    if content.damage:
        raise CaptureError(name, f"{EXPECTED}, found that {content.damage}")
    if foreign_format(head):
        raise CaptureError(name, refusal(head))
    return False


def _identity(name: str) -> str | tuple[int, int]:
    """Return what is the same for two names of one file."""
    if name == STDIN:
        return name
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return name
    # Some file systems of Windows have no file numbers.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(name)
