"""How kernels are compiled: without the interpreter's lock, once per installation."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from auditor.kernel.notice import compiling

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).parent
_Function = TypeVar("_Function", bound="Callable[..., object]")


def _choose_cache() -> None:
    """Keep compiled code where it may be written: beside the source, else in a user's cache.

    numba looks for such places by itself, but gives up where a service has no home directory.
    """
    if "NUMBA_CACHE_DIR" in os.environ or os.access(_HERE, os.W_OK):
        return
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    user = os.getuid() if hasattr(os, "getuid") else ""
    place = base if writable else Path(tempfile.gettempdir()) / f"auditor-cache-{user}"
    os.environ["NUMBA_CACHE_DIR"] = str(place / "citrix-traffic-auditor")


_choose_cache()
# numba reads its settings on import: the choice above comes first.
from numba import njit  # noqa: E402 - as the line above says
from numba.core import event  # noqa: E402 - as above


class _Compiling(event.Listener):
    """Hears of all that is compiled, not of what comes from the cache."""

    def on_start(self, event: event.Event) -> None:  # noqa: ARG002 - numba's signature
        compiling()

    def on_end(self, event: event.Event) -> None:
        """Say nothing: the next kernel may be compiled at once."""


event.register("numba:compile", _Compiling())  # type: ignore[no-untyped-call]  # numba's own


def compiled(function: _Function) -> _Function:
    """Compile on first use, and keep the result on disk."""
    return cast("_Function", njit(cache=True, nogil=True)(function))


def part(function: _Function) -> _Function:
    """Compile as a part of the kernels in the same file, which alone can call it.

    Without what Python would need to call it, and without a file of its own in the cache, kernels
    of many parts are ready in half the time.
    """
    options = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("_Function", njit(**options)(function))
