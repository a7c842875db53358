"""Text files as other programs leave them: with or without a byte order mark, in old encodings."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from auditor.errors import AuditError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 64 * 2**20
"""Bytes; the configuration of the largest appliance has a tenth of that."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path) -> str:
    """Read a whole text file; raise AuditError where it cannot be read or is none."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise AuditError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a zero byte in it
        raise AuditError(f"{path}: cannot be read: {error}") from error
    if len(raw) > _LARGEST:
        raise AuditError(f"{path}: expected a text of at most {_LARGEST // 2**20} MiB")
    text = _decode(raw, path)
    if "\0" in text:
        raise AuditError(f"{path}: expected text, found a zero byte")
    return text


def _decode(raw: bytes, path: Path) -> str:
    encoding = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), None)
    if encoding is not None:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            raise AuditError(
                f"{path}: expected {encoding.removesuffix('-sig').upper()} text as its first bytes "
                f"say, found something else at byte {error.start}"
            ) from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # What matters in these files is ASCII; the rest is comments and display names.
        return raw.decode("cp1252", errors="replace")
