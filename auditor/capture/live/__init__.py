"""Frames from a network interface as they come: the kernel's ring, or dumpcap."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING

from auditor.capture.live.dumpcap import DumpcapSource
from auditor.capture.live.dumpcap_child import find_dumpcap, list_devices
from auditor.capture.live.privileges import drop_privileges, permission_advice
from auditor.capture.live.source import InterfaceState, LiveOptions, LiveSource
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from auditor.capture.live.ring import RingSource

__all__ = [
    "InterfaceState",
    "LiveOptions",
    "LiveSource",
    "drop_privileges",
    "interface_names",
    "open_live",
]


def open_live(interface: str, options: LiveOptions) -> list[LiveSource]:
    """Listen to an interface: one source for each worker, which share its frames.

    On Linux with CAP_NET_RAW these are rings of the kernel, else a dumpcap, which is one source
    whatever the workers. Raise CaptureError for an interface that cannot be listened to, with what
    to grant; UsageError for options that cannot be followed.
    """
    if options.workers < 1:
        raise UsageError(f"--workers: expected at least 1, found {options.workers}")
    if sys.platform == "linux":
        try:
            return [*_open_rings(interface, options)]
        except OSError:
            # No privilege, or a kernel without such sockets; dumpcap may have its own ways.
            if find_dumpcap() is None:
                found = "found neither CAP_NET_RAW nor dumpcap"
                reason = f"expected to be allowed to listen, {found}; {permission_advice()}"
                raise CaptureError(interface, reason) from None
    return [DumpcapSource(interface, options)]


def interface_names() -> list[str]:
    """Name the interfaces of this machine, as `open_live` takes them; none if nothing knows."""
    if sys.platform == "linux":
        from auditor.capture.live.interfaces import list_interfaces  # noqa: PLC0415 - Linux alone

        return list_interfaces()
    program = find_dumpcap()
    return list_devices(program) if program else []


def _open_rings(interface: str, options: LiveOptions) -> list[RingSource]:
    from auditor.capture.live.ring import RingSource  # noqa: PLC0415 - Linux alone, loads numba

    # Groups are known by number to the whole machine; two audits must not share frames.
    group = secrets.randbelow(1 << 16) if options.workers > 1 else None
    sources: list[RingSource] = []
    try:
        for _ in range(options.workers):
            sources.append(RingSource(interface, options, group))  # noqa: PERF401 - closed below
    except BaseException:
        for source in sources:
            source.close()
        raise
    return sources
