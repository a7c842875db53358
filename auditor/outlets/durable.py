"""Files that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNFINISHED = ".unfinished"
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


def write_whole(path: Path, content: bytes, *, sync_name: bool = True) -> None:
    """Replace `path` in one step; raise OSError and leave what was there if that fails.

    sync_name: the name is on disk as well on return; a caller that writes several files into a
    directory may leave it to `sync_directory`.
    """
    unfinished = path.with_name(path.name + _UNFINISHED)
    try:
        # What is kept names hosts and what is wrong with them: not for everybody on the machine.
        with os.fdopen(os.open(unfinished, _FLAGS, 0o640), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    except OSError:
        # A full disk wants the room back.
        unfinished.unlink(missing_ok=True)
        raise
    if sync_name:
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on disk, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_unfinished(directory: Path) -> None:
    """Remove what a killed process left half written."""
    for path in directory.glob(f"*{_UNFINISHED}"):
        path.unlink(missing_ok=True)
