"""Frames through Wireshark's dumpcap, where the kernel's ring cannot be had.

dumpcap has the privilege that this program may lack, and knows how every system lets itself be
listened to. It writes pcapng to a pipe, which is read as any capture is, by a thread, so that
waiting for frames never takes longer than a tick.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from queue import Empty
from typing import TYPE_CHECKING

from auditor.capture.live.dumpcap_child import DumpcapChild, find_dumpcap, list_devices
from auditor.capture.live.privileges import permission_advice
from auditor.capture.live.source import STATE_NOTICES, TICK_S, InterfaceState
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.capture.batch import FrameBatch
    from auditor.capture.live.source import LiveOptions
    from auditor.errors import AuditError

_RETRY_S = 1.0
"""Between attempts to listen to an interface that is not there or not up."""

_PATIENCE_S = 10
"""For dumpcap to begin or to refuse."""


class DumpcapSource:
    """What a dumpcap child hears on an interface; another child where one has ended."""

    def __init__(self, interface: str, options: LiveOptions) -> None:
        """Listen; raise CaptureError or UsageError, in which dumpcap's reason stands."""
        program = find_dumpcap()
        if program is None:
            raise CaptureError(interface, f"expected dumpcap, found none; {permission_advice()}")
        self.interface = interface
        self._options = options
        self._command = _command(program, interface, options)
        self._notices: list[str] = []
        self._state = InterfaceState.UP
        self._number = 0
        self._dropped: int | None = None  # by children that have ended
        self._retry_s = 0.0
        self._child: DumpcapChild | None = DumpcapChild(self._command, interface)
        if not self._child.settled.wait(_PATIENCE_S):
            self._child.stop()
            reason = f"expected dumpcap to begin, found no answer in {_PATIENCE_S} s"
            raise CaptureError(interface, reason)
        if not self._child.began:
            refusal = self._refusal(self._child)
            self._end_child()
            if refusal:
                raise refusal
            self._enter(InterfaceState.DOWN)

    @property
    def state(self) -> InterfaceState:
        """What is known of the interface, as of the last call of `read`."""
        return self._state

    @property
    def dropped(self) -> int | None:
        """Frames that dumpcap says it lost, which it says when it ends; None before."""
        counts = (self._dropped, self._child.dropped if self._child else None)
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def read(self) -> FrameBatch | None:
        """Return the next batch; None after TICK_S without a frame."""
        if self._child is None:
            time.sleep(TICK_S)
            if time.monotonic() >= self._retry_s:
                self._child = DumpcapChild(self._command, self.interface)
            return None
        try:
            batch = self._child.batches.get(timeout=TICK_S)
        except Empty:
            self._look()
            return None
        if batch is None:
            self._take_end(self._child)
            return None
        self._enter(InterfaceState.UP)
        return self._numbered(self._child, batch)

    def notices(self) -> list[str]:
        """Take the lines that tell what happened since the last call."""
        taken, self._notices = self._notices, []
        return taken

    def rest(self) -> Iterator[FrameBatch]:
        """Have the child end, and give what it has written till then."""
        child = self._child
        if child is None:
            return
        child.ask_to_end()
        with suppress(Empty):
            while (batch := child.batches.get(timeout=_PATIENCE_S)) is not None:
                yield self._numbered(child, batch)

    def close(self) -> None:
        """Stop listening; `dropped` is complete then."""
        self._end_child()

    def _numbered(self, child: DumpcapChild, batch: FrameBatch) -> FrameBatch:
        """Count on from child to child, each of which counts from 1."""
        child.passed_on += len(batch)
        return replace(batch, number=batch.number + self._number)

    def _take_end(self, child: DumpcapChild) -> None:
        """Say why a child has ended, and plan for the next one."""
        refusal = None if child.began else self._refusal(child)
        if refusal and not _is_absent(child):
            self._end_child()
            raise refusal
        if child.began:
            self._notices.append(f"{self.interface}: dumpcap ended: {child.complaint}")
        self._end_child()
        if self._state != InterfaceState.DOWN:
            self._enter(InterfaceState.GONE)

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child:
            child.stop()
            self._number += child.passed_on
            if child.dropped is not None:
                self._dropped = (self._dropped or 0) + child.dropped
        self._retry_s = time.monotonic() + _RETRY_S

    def _refusal(self, child: DumpcapChild) -> AuditError | None:
        """Put in our words why a child did not begin; None if waiting may help."""
        said, name = child.complaint, self.interface
        plain = said.lower()
        if "capture filter" in plain:
            return UsageError(f"--bpf {self._options.bpf!r}: {child.detail or said}")
        if "not up" in plain:
            return None
        if "permission" in plain or "not permitted" in plain:
            reason = f"expected to be allowed to listen, found that dumpcap is not either: {said}"
            return CaptureError(name, f"{reason}; {permission_advice()}")
        if _is_absent(child):
            known = ", ".join(list_devices(child.program))
            return CaptureError(name, f"expected one of the interfaces {known}, found none")
        return CaptureError(name, f"expected dumpcap to listen there, found: {said}")

    def _look(self) -> None:
        """See what has become of the interface, which dumpcap does not tell while it lasts."""
        if self._child is None or not self._child.began:
            return
        state = InterfaceState.UP
        if sys.platform == "linux":
            from auditor.capture.live.interfaces import interface_state  # noqa: PLC0415 - Linux alone

            state = interface_state(self.interface)
        self._enter(state)

    def _enter(self, state: InterfaceState) -> None:
        """Note a state, and tell of it if it is another one."""
        if state != self._state:
            self._state = state
            self._notices.append(f"{self.interface}: {STATE_NOTICES[state]}")


def _is_absent(child: DumpcapChild) -> bool:
    """Tell whether a child did not begin because there is no such interface."""
    said = child.complaint.lower()
    return "no device" in said or "no such" in said or "no interface" in said


def _command(program: str, interface: str, options: LiveOptions) -> list[str]:
    command = [program, "-q", "-i", interface, "-B", str(options.ring_mb), "-w", "-"]
    if options.bpf:
        command += ["-f", options.bpf]
    if not options.promiscuous:
        command.append("-p")
    return command
