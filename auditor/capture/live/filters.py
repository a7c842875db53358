"""Capture filters: from a pcap-filter(7) expression to a program for the kernel (Linux).

tcpdump compiles them: it is where interfaces are listened to, speaks for libpcap, and knows that
the kernel takes VLAN tags out of the frames that the program sees.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.live.interfaces import LINKTYPE_ETHERNET
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTRUCTION = np.dtype([("code", "u2"), ("if_true", "u1"), ("if_false", "u1"), ("value", "u4")])
"""struct sock_filter, in the machine's byte order."""

_PATIENCE_S = 15
"""A host name in a filter is looked up, which can take its time."""

_UNUSABLE = ("is not up", "No such device", "permission", "not permitted")
"""What tcpdump says of an interface, not of the expression."""


def compile_filter(expression: str, interface: str, linktype: int) -> NDArray[np.void]:
    """Compile a filter for the frames of an interface; shape (n,) of INSTRUCTION.

    Raise UsageError for an expression that is none, CaptureError where there is no compiler.
    """
    tcpdump = shutil.which("tcpdump")
    if tcpdump is None:
        raise CaptureError(interface, "expected tcpdump, which compiles --bpf; install it")
    reason = ""
    for target in _targets(interface, linktype):
        answer = _run([tcpdump, *target, "-ddd", "--", expression], interface)
        if answer.returncode == 0:
            return _read_program(answer.stdout, interface)
        reason = _reason(answer.stderr)
        if not any(words in reason for words in _UNUSABLE):
            raise UsageError(f"--bpf {expression!r}: {reason}")
    raise CaptureError(interface, f"expected an interface to compile --bpf for, found: {reason}")


def _targets(interface: str, linktype: int) -> list[list[str]]:
    """List what to compile for, the best first, as arguments of tcpdump.

    Only for a real interface does it mind that VLAN tags are elsewhere; for one that is down the
    loopback device stands in. What comes without link header is filtered from the IP header on.
    """
    if linktype == LINKTYPE_ETHERNET:
        return [["-i", interface], ["-i", "lo"]]
    return [["-y", "RAW"]]


def _run(command: list[str], interface: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - no shell; the expression is one argument
            command,
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        reason = f"expected tcpdump to compile --bpf, found no answer in {_PATIENCE_S} s"
        raise CaptureError(interface, reason) from None
    except OSError as error:
        reason = f"expected tcpdump to compile --bpf, found {error.strerror or error}"
        raise CaptureError(interface, reason) from None


def _read_program(text: str, interface: str) -> NDArray[np.void]:
    """Read what tcpdump -ddd prints: how many instructions, then one a line in four numbers."""
    try:
        count, *numbers = map(int, text.split())
        rows = [tuple(numbers[at : at + 4]) for at in range(0, len(numbers), 4)]
        program = np.array(rows, INSTRUCTION)
    except (ValueError, OverflowError):
        program, count = np.empty(0, INSTRUCTION), -1
    if count != len(program):
        raise CaptureError(
            interface, "expected a filter program from tcpdump, found something else"
        )
    return program


def _reason(text: str) -> str:
    """Take the last complaint out of what tcpdump printed."""
    lines = [line.removeprefix("tcpdump: ") for line in text.splitlines() if line.strip()]
    named = [line for line in lines if not line.startswith(("Warning", "("))]
    return (named or lines or ["no reason given"])[-1]
