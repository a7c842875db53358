"""Which captures a user means: files, directories, globs, URLs, standard input."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.capture.compressed import open_content, read_head
from auditor.capture.opening import open_reader
from auditor.capture.reader import STDIN, os_reason
from auditor.capture.recognise import (
    EXPECTED,
    HEAD_BYTES,
    Way,
    foreign_format,
    is_capture,
    refusal,
)
from auditor.capture.tshark import find_tshark
from auditor.capture.urls import hide, is_url
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence


@dataclass(slots=True)
class Found:
    """What the user's sources came to."""

    names: list[str] = field(default_factory=list)
    """Paths, URLs without secrets and "-", each file once, in the order given.

    Those of a directory or glob are sorted.
    """
    errors: list[CaptureError] = field(default_factory=list)
    """One for each source, or file of a directory, that is known to be unreadable."""


def find_captures(sources: Sequence[str]) -> Found:
    """Find the files that `sources` mean; whether one of those named is a capture stays open."""
    found = Found()
    seen: set[Hashable] = set()
    for source in sources:
        for name in _expand(source, found.errors):
            identity = _identity(name)
            if identity not in seen:
                seen.add(identity)
                found.names.append(name)
    return found


def _expand(source: str, errors: list[CaptureError]) -> Iterator[str]:
    """Yield the files that one source stands for."""
    if is_url(source):
        yield from _at_url(hide(source), errors)
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


def _at_url(url: str, errors: list[CaptureError]) -> Iterator[str]:
    from auditor.capture import remote  # noqa: PLC0415 - only URLs need fsspec

    try:
        for place in remote.places(url):
            if place.is_directory:
                yield from _captures_among(place.name, remote.files_in(place.name), errors)
            else:
                yield place.name
    except CaptureError as error:
        errors.append(error)


def _captures_in(directory: str, errors: list[CaptureError]) -> Iterator[str]:
    """Yield the captures among a directory's files, not those of directories below it."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.path for entry in entries if entry.is_file())
    except OSError as error:
        errors.append(CaptureError(directory, f"expected captures, found {os_reason(error)}"))
        return
    yield from _captures_among(directory, names, errors)


def _captures_among(
    directory: str, names: Sequence[str], errors: list[CaptureError]
) -> Iterator[str]:
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
    """Tell by its first bytes whether a file is a capture that can be read.

    Raise CaptureError for one that cannot, and for a file of which this cannot be told.
    """
    try:
        source = open_reader(name)
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
    foreign = foreign_format(head)
    if foreign is None:
        return False
    if foreign.way is Way.NONE or find_tshark() is None:
        raise CaptureError(name, refusal(head))
    return True


def _identity(name: str) -> Hashable:
    """Return what is the same for two names of one file."""
    path = local_path(name)
    if path is None:
        return _remote_identity(name) if is_url(name) else name
    try:
        status = path.stat()
    except (OSError, ValueError):
        return name
    # Some file systems of Windows have no file numbers.
    return (status.st_dev, status.st_ino) if status.st_ino else os.path.realpath(path)


def _remote_identity(url: str) -> Hashable:
    from auditor.capture import remote  # noqa: PLC0415 - as above

    return remote.identity(url)


def local_path(name: str) -> Path | None:
    """Return where a source lies on this machine, None for standard input and URLs elsewhere."""
    if name == STDIN:
        return None
    if not is_url(name):
        return Path(name)
    from auditor.capture import remote  # noqa: PLC0415 - as above

    try:
        path = remote.local_path(hide(name))
    except CaptureError:
        return None
    return None if path is None else Path(path)
