"""Wireshark's own view of a few frames, through pyshark, in a process of its own.

pyshark runs tshark on an event loop. Of its ways one must not become ours: it fails inside another
loop (notebooks), reads a `config.ini` of the working directory, loses summaries, and complains of
child processes on its own terms. So it works in a child that sees a small capture of the flow's
first frames and nothing else, for a bounded time; whatever goes wrong there is one line here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.capture.tshark import find_tshark
from auditor.capture.write import PcapngWriter
from auditor.errors import AuditError
from auditor.explain.model import Dissection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.report.picking import PickedFrame

PATIENCE_S = 30
_GRACE_S = 5
"""The child gives up first, and in order; so long we wait for one that cannot."""

_CAPTURE = "flow.pcapng"
_CHILD = "auditor.explain.pyshark_child"


class NotAvailableError(AuditError):
    """There is no dissection to be had; its text says why in a line."""


def dissect(frames: Sequence[PickedFrame], patience_s: float = PATIENCE_S) -> list[Dissection]:
    """Let Wireshark dissect frames; one result for each. Raises NotAvailableError."""
    tshark = find_tshark()
    if tshark is None:
        raise NotAvailableError("tshark is not installed")
    # Windows cannot remove the file while a process that is being ended still has it open.
    with tempfile.TemporaryDirectory(prefix="auditor-", ignore_cleanup_errors=True) as directory:
        with (Path(directory) / _CAPTURE).open("wb") as out:
            writer = PcapngWriter(out)
            for frame in frames:
                writer.write(
                    frame.data,
                    time_ns=frame.time_ns,
                    wire_len=frame.wire_len,
                    linktype=frame.linktype,
                )
        answer = _ask_child(directory, tshark, patience_s)
    return _read(answer, len(frames))


def _ask_child(directory: str, tshark: str, patience_s: float) -> bytes:
    """Run the child in `directory`; however this ends, no process of it is left."""
    # The child finds this package and pyshark where we did, wherever it is run.
    paths = os.pathsep.join(path for path in map(os.path.abspath, sys.path) if path)
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": paths}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own module, under the same Python
            [sys.executable, "-m", _CHILD, _CAPTURE, tshark, str(patience_s)],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise NotAvailableError(f"Python cannot be started: {error.strerror or error}") from None
    with child:
        try:
            return child.communicate(timeout=patience_s + _GRACE_S)[0]
        except subprocess.TimeoutExpired:
            raise NotAvailableError(f"no answer within {patience_s:g} s") from None
        finally:
            if child.poll() != 0:
                _end_tree(child)


def _end_tree(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started."""
    if sys.platform == "win32":
        subprocess.run(  # noqa: S603 - a number alone
            ["taskkill", "/T", "/F", "/PID", str(child.pid)],  # noqa: S607 - part of Windows
            check=False,
            capture_output=True,
        )
        child.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # it took its own along
            os.killpg(child.pid, signal.SIGKILL)


def _read(answer: bytes, expected: int) -> list[Dissection]:
    """Read what the child printed, as pyshark_child writes it."""
    try:
        said = json.loads(answer)
        if "reason" in said:
            raise NotAvailableError(str(said["reason"]))
        found = [Dissection(str(one["protocols"]), tuple(one["details"])) for one in said["frames"]]
    except (ValueError, TypeError, KeyError):
        raise NotAvailableError("pyshark ended without an answer") from None
    if len(found) != expected:
        raise NotAvailableError(f"tshark gave {len(found)} of {expected} frames")
    return found
