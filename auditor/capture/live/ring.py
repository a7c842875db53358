"""Frames straight from the kernel's ring: the live source on Linux."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.live.filters import compile_filter
from auditor.capture.live.interfaces import check_interface, interface_state, link_layer
from auditor.capture.live.packet_socket import PacketSocket, open_socket
from auditor.capture.live.ring_frames import RingFrames
from auditor.capture.live.source import ANY, STATE_NOTICES, TICK_S, InterfaceState
from auditor.errors import CaptureError, UsageError
from auditor.kernel.ring import PACKET_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from auditor.capture.live.source import LiveOptions

LARGEST_RING_MB = 4095
"""The kernel counts a ring's bytes in 32 bits."""

_SPARE_SOCKETS = 8
"""How often the interface of a group can come back after privileges were dropped."""

_BUSY_LOOK_S = 1.0
"""How often the interface is looked at while frames come from it."""

_NOT_THERE = frozenset({errno.ENODEV, errno.ENXIO, errno.ENETDOWN})
"""Why an interface cannot be bound to that has just gone."""


class RingSource:
    """One ring on one interface, or one worker's share of it.

    It outlives its interface without privileges: a socket whose interface is gone is bound to the
    next one of that name. A socket of a group cannot be bound again, so spare ones are kept.
    """

    def __init__(self, interface: str, options: LiveOptions, group: int | None = None) -> None:
        """Listen; sources of one `group`, a number of 16 bits, share the frames.

        Raise CaptureError for an interface that cannot be listened to, UsageError for options
        that cannot be followed, OSError where packet sockets cannot be had.
        """
        if not 1 <= options.ring_mb <= LARGEST_RING_MB:
            expected = f"expected a ring of 1 to {LARGEST_RING_MB:,} MiB"
            raise UsageError(f"--ring-mb: {expected}, found {options.ring_mb:,}")
        check_interface(interface)
        self.interface = interface
        self._options = options
        self._group = group
        self._notices: list[str] = []
        self._dropped_before = 0  # by sockets that were replaced
        self._bound = False
        self._busy = False
        self._state = InterfaceState.UP
        self._looked_s = 0.0
        self._layer = link_layer(interface)
        self._program: NDArray[np.void] | None = None
        kind = self._layer.socket_type
        spares = 0 if group is None or interface == ANY else _SPARE_SOCKETS
        with ExitStack() as opened:
            # Whoever may not have a socket learns it before anything takes time.
            bare = opened.enter_context(open_socket(kind, interface))
            self._spares = [
                opened.enter_context(open_socket(kind, interface)) for _ in range(spares)
            ]
            if options.bpf:
                self._program = compile_filter(options.bpf, interface, self._layer.linktype)
            _compile_walk()
            self._socket, self._frames = self._make_ring(bare)
            self._look(time.monotonic())
            opened.pop_all()

    @property
    def state(self) -> InterfaceState:
        """What is known of the interface, as of the last call of `read`."""
        return self._state

    @property
    def dropped(self) -> int:
        """Frames that found no room in the ring."""
        return self._dropped_before + self._socket.counts().dropped

    def read(self) -> RingFrames | None:
        """Return the frames of a part of the ring; None after TICK_S without any."""
        now_s = time.monotonic()
        deadline_s = now_s + TICK_S
        while True:
            # Where frames come all is well; each look finds cold caches.
            if now_s - self._looked_s >= (_BUSY_LOOK_S if self._busy else TICK_S):
                self._look(now_s)
            self._frames.borrow(self._socket.take())
            self._busy = len(self._frames) > 0
            if self._busy:
                return self._frames
            if now_s >= deadline_s:
                return None
            self._socket.wait(deadline_s - now_s)
            now_s = time.monotonic()

    def notices(self) -> list[str]:
        """Take the lines that tell what happened since the last call."""
        taken, self._notices = self._notices, []
        return taken

    def rest(self) -> Iterator[RingFrames]:
        """Listen to nothing more, and give what waits in the ring."""
        self._socket.refuse()
        for _ in range(self._socket.blocks):
            frames = self.read()
            if frames is None:
                return
            yield frames

    def close(self) -> None:
        """Stop listening; `dropped` stays."""
        self._socket.close()
        for spare in self._spares:
            spare.close()

    def _look(self, now_s: float) -> None:
        """See what has become of the interface, and follow it."""
        self._looked_s = now_s
        if self._bound and self.interface != ANY:
            name = self._socket.bound_to()
            if not name:
                self._bound = False
                self._enter(InterfaceState.GONE)
                if self._group is not None:
                    self._replace_socket()
            elif name != self.interface:
                self._notices.append(f"{self.interface}: is called {name} now; still listening")
                self.interface = name
        state = interface_state(self.interface)
        if not self._bound and state != InterfaceState.GONE:
            self._listen(state)
        self._enter(state)
        # The kernel counts in 32 bits until it is asked.
        self._socket.counts()

    def _enter(self, state: InterfaceState) -> None:
        """Note a state, and tell of it if it is another one."""
        if state != self._state:
            self._state = state
            self._notices.append(f"{self.interface}: {STATE_NOTICES[state]}")

    def _listen(self, state: InterfaceState) -> None:
        """Bind to the interface that is there now."""
        if self._group is not None and state == InterfaceState.DOWN:
            return  # only a running socket can join a group
        try:
            if link_layer(self.interface) != self._layer:
                reason = "expected the kind of interface that it was, found another; start anew"
                raise CaptureError(self.interface, reason)
            self._socket.bind(self.interface, promiscuous=self._options.promiscuous)
            if self._group is not None:
                self._socket.join(self._group)
        except OSError as error:
            if error.errno not in _NOT_THERE:
                reason = f"expected to listen there, found {error.strerror or error}"
                raise CaptureError(self.interface, reason) from None
        else:
            self._bound = True

    def _make_ring(self, bare: socket.socket, listed: int = 0) -> tuple[PacketSocket, RingFrames]:
        """Give a socket its ring; listed: frames that came by other sockets before."""
        try:
            ring = PacketSocket(bare, self._options.ring_mb, self._program)
        except OSError as error:
            expected = f"expected memory for a ring of {self._options.ring_mb:,} MiB"
            reason = f"{expected} (--ring-mb), found {error.strerror or error}"
            raise CaptureError(self.interface, reason) from None
        cooked = self._layer.socket_type == socket.SOCK_DGRAM
        return ring, RingFrames(
            ring.data, ring.at_once, self._layer.linktype, cooked=cooked, listed=listed
        )

    def _replace_socket(self) -> None:
        """Go on with a new socket, for one of a group stays with its interface for good."""
        self._dropped_before += self._socket.counts().dropped
        self._socket.close()
        try:
            bare = open_socket(self._layer.socket_type, self.interface)
        except PermissionError:
            if not self._spares:
                expected = (
                    f"expected at most {_SPARE_SOCKETS} returns after privileges were dropped"
                )
                raise CaptureError(
                    self.interface, f"{expected}, found another; start anew"
                ) from None
            bare = self._spares.pop()
        self._socket, self._frames = self._make_ring(bare, self._frames.listed)


def _compile_walk() -> None:
    """Have the walk compiled, or loaded, before frames wait for it and privileges are gone."""
    RingFrames(np.zeros(2 * PACKET_HEADER.itemsize, np.uint8), 1, 0, cooked=False).all()
