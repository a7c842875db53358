"""A source by its name: standard input, a file or a pipe, a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.capture.reader import STDIN, FileReader, StandardInput, os_reason
from auditor.capture.urls import is_url
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from auditor.capture.reader import ByteReader


def open_reader(name: str) -> ByteReader:
    """Open a source by its name; raise CaptureError naming it."""
    if name == STDIN:
        return StandardInput()
    try:
        if not name:
            raise CaptureError(name, "expected the name of a capture, found an empty one")
        if is_url(name):
            from auditor.capture.remote import open_url  # noqa: PLC0415 - only URLs need fsspec

            return open_url(name)
        return FileReader(name)
    except OSError as error:
        raise CaptureError(name, f"expected a capture, found {os_reason(error)}") from None
    except ValueError:
        raise CaptureError(repr(name), "expected a file name, found one with a null byte") from None
