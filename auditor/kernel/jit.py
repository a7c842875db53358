"""How kernels are compiled: without the interpreter's lock, once per installation."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numba
from numba import config, njit
from numba.core import event

from auditor.kernel.notice import compiling

if TYPE_CHECKING:
    from collections.abc import Callable

_HERE = Path(__file__).parent
_KEPT_S = 30 * 86_400.0
"""How long code compiled from other sources is kept: another version may be in use beside this."""
_SETTINGS = vars(config)
"""numba's own, set when it is loaded: a type checker sees none of them."""
_Function = TypeVar("_Function", bound="Callable[..., object]")


def _choose_place() -> Path:
    """Choose where compiled code is kept: beside the source, else in a user's cache.

    numba looks for such places by itself, but gives up where a service has no home directory.
    """
    if _SETTINGS["CACHE_DIR"]:
        return Path(_SETTINGS["CACHE_DIR"])
    if os.access(_HERE, os.W_OK):
        return _HERE / "__pycache__"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    user = os.getuid() if hasattr(os, "getuid") else ""
    place = base if writable else Path(tempfile.gettempdir()) / f"auditor-cache-{user}"
    return place / "citrix-traffic-auditor"


def _sources_digest() -> str:
    """Digest all that compiled code depends on."""
    digest = hashlib.sha256()
    for path in sorted(_HERE.glob("*.py")):
        digest.update(path.read_bytes())
    for each in (numba.__version__, _SETTINGS["BOUNDSCHECK"]):
        digest.update(repr(each).encode())
    return digest.hexdigest()[:12]


def _choose_cache() -> str:
    """Give each state of the sources a directory of its own, and clear away old ones.

    numba tells by a kernel's own file whether it is stale, not by those it calls into, and renews
    its list of kernels before the code: of two processes after an upgrade, one might run the old.
    """
    place, name = _choose_place(), f"kernels-{_sources_digest()}"
    with suppress(OSError):
        if not (place / name).exists():
            for other in place.glob("kernels-*"):
                if time.time() - other.stat().st_mtime > _KEPT_S:
                    shutil.rmtree(other, ignore_errors=True)
    return str(place / name)


_CACHE = _choose_cache()


class _Compiling(event.Listener):
    """Hears of all that is compiled, not of what comes from the cache."""

    def on_start(self, event: event.Event) -> None:  # noqa: ARG002 - numba's signature
        compiling()

    def on_end(self, event: event.Event) -> None:
        """Say nothing: the next kernel may be compiled at once."""


event.register("numba:compile", _Compiling())  # type: ignore[no-untyped-call]  # numba's own


def compiled(function: _Function) -> _Function:
    """Compile on first use, and keep the result on disk.

    A kernel works on arrays of its caller and makes none, so that none need be counted: to count
    those that are handed from part to part took four times as long as to decode a frame does.
    """
    options = {"nogil": True, "no_cfunc_wrapper": True, "_nrt": False}
    before, _SETTINGS["CACHE_DIR"] = _SETTINGS["CACHE_DIR"], _CACHE
    try:
        return cast("_Function", njit(cache=True, **options)(function))
    finally:
        _SETTINGS["CACHE_DIR"] = before


def part(function: _Function) -> _Function:
    """Compile into each kernel, or part, that calls it; Python must not: that ends the process.

    Without what Python would need to call it, and without a file of its own in the cache, kernels
    of many parts are ready in half the time.
    """
    options = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
    return cast("_Function", njit(forceinline=True, **options)(function))
