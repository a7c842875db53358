"""Everything loaded before the first frame and before privileges are dropped, and memory."""

from __future__ import annotations

import ctypes
import struct
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from auditor.report.writers import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

_M_MMAP_THRESHOLD = -3
_LARGE = 1 << 20

_ONLY_WHEN_NEEDED = (
    "auditor.decode.general",
    "auditor.evidence.quic_seal",
    "auditor.report.digest",
    "tabulate",
    *(form.module for form in FORMATS.values()),
)
"""What other verbs load when the first such frame turns up, or at the end: in a watch that would
be hours later, as a user who may not be allowed to read it."""


def load_everything() -> None:
    """Load what may be needed."""
    for name in _ONLY_WHEN_NEEDED:
        # What comes as an extra is refused, where it is asked for, long before.
        with suppress(ImportError):
            import_module(name)


def unreadable_places() -> list[str]:
    """Name the directories of this program, and of Python's own, that it may not read any more."""
    needed = {Path(module.__file__).resolve() for module in (struct, np) if module.__file__}
    return sorted(str(path.parent) for path in {*needed, Path(__file__)} if not _may_read(path))


def _may_read(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True


def give_memory_back() -> None:
    """Have large blocks returned to the system as soon as they are free (Linux, glibc).

    Else the allocator learns from the first large tables to keep such blocks, in pieces that fit
    less and less, and a watch seems to grow for weeks.
    """
    if (mallopt := _of_the_allocator("mallopt")) is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)


def trim_memory() -> None:
    """Return what is free in between as well: a report leaves many small blocks behind."""
    if (trim := _of_the_allocator("malloc_trim")) is not None:
        trim(0)


def _of_the_allocator(name: str) -> Callable[..., object] | None:
    """Find what glibc alone has; musl does without, and has not the problem."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
