"""Who is told that something has to be compiled; to ask for that loads no compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

COMPILING = "compiling for this machine, once per installation (may take half a minute)"

_told: list[Callable[[str], None]] = []
"""Who is still to be told, one at most."""


def tell(whom: Callable[[str], None] | None) -> None:
    """Let somebody be told once of what has to be compiled from now on; None = nobody."""
    _told[:] = [] if whom is None else [whom]


def compiling() -> None:
    """Take note that something is about to be compiled."""
    if _told:
        _told.pop()(COMPILING)
