"""A packet socket with a TPACKET_V3 ring (Linux: packet(7), networking/packet_mmap)."""

from __future__ import annotations

import mmap
import select
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.live.filters import INSTRUCTION
from auditor.capture.live.source import ANY
from auditor.kernel.ring import COOKED_BYTES, TAG_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

MIB = 1 << 20
_LARGEST_BLOCK = 4 * MIB
"""Bytes that are handed over at a time, at most: waking up costs as much as reading a MiB."""
_LEAST_BLOCKS = 16
"""So that the kernel has somewhere to write; a ring of few MiB has fewer."""

_GATHERED_SHARE, _MOST_GATHERED = 4, 8
"""The part of a ring that may be filled before anything is read, and that is read at a time: a
quarter, and no more blocks than this, since what waits for it is to be told soon."""
_LEAST_STEP_S, _LONGEST_GATHERING_S = 0.01, 0.15
"""After which it is looked at again, at least, and how long one waits for it: a quarter of 128 MiB
is 27 ms of 10 Gbit/s."""
_SOON = 0.75
"""Share of the time that it took last, for which it is not looked at: what comes five times as
quick all at once still finds room."""

_RETIRE_MS = 64
"""After which a block is handed over though it is not full."""
_FRAME_BYTES = 2048
"""The ring has no frames of fixed size; the kernel checks the arithmetic all the same."""

_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_RX_RING = 5
_PACKET_STATISTICS = 6
_PACKET_VERSION = 10
_PACKET_RESERVE = 12
_PACKET_FANOUT = 18
_TPACKET_V3 = 2
_MEMBERSHIP_PROMISCUOUS = 1
_FANOUT_HASH = 0
_FANOUT_ROLLOVER = 0x1000
"""A full ring's frames go to another one rather than be lost."""
_FANOUT_DEFRAG = 0x8000
"""Fragments go where the datagram goes."""
_SO_ATTACH_FILTER = 26
_REFUSE = (0x06, 0, 0, 0)
"""Instruction of a filter: return, with no byte of the frame (linux/filter.h, BPF_RET)."""
_ETH_P_ALL = 3

_HELD_BY_KERNEL = 0
_HELD_BY_USER = 1


class _Block:
    """A block of a ring: struct tpacket_block_desc, then packets."""

    def __init__(self, data: NDArray[np.uint8], start: int, end: int) -> None:
        """View the block that lies there in the ring, shape (bytes,)."""
        self._start = start
        self._end = end
        self._state = data[start + 8 : start + 20].data.cast("I")

    @property
    def is_ours(self) -> bool:
        """Whether the kernel has handed it over."""
        return bool(self._state[0] & _HELD_BY_USER)

    @property
    def content(self) -> tuple[int, int, int]:
        """Where the first header stands in the ring, where the block ends, how many packets."""
        return self._start + self._state[2], self._end, self._state[1]

    def give_back(self) -> None:
        """Let the kernel write there again."""
        self._state[0] = _HELD_BY_KERNEL


@dataclass(slots=True)
class KernelCounts:
    """What the kernel has counted since the socket was opened."""

    received: int = 0
    dropped: int = 0


def open_socket(kind: socket.SocketKind, interface: str) -> socket.socket:
    """Open a packet socket that listens to nothing yet; raise OSError, PermissionError among them.

    This alone takes a privilege, CAP_NET_RAW: filter, ring, binding and groups take none.
    """
    # With protocol 0 no frame comes in before there is a filter to hold it against. To all
    # interfaces Python can bind in no other way than this; that queue ends with the ring's start.
    protocol = socket.htons(_ETH_P_ALL) if interface == ANY else 0
    return socket.socket(socket.AF_PACKET, kind, protocol)


class PacketSocket:
    """A packet socket with a ring, which listens from when it is bound."""

    def __init__(self, bare: socket.socket, ring_mb: int, program: NDArray[np.void] | None) -> None:
        """Give a `bare` socket its ring of so many blocks, and a filter; raise OSError."""
        self.socket = bare
        try:
            self._set(_PACKET_VERSION, struct.pack("i", _TPACKET_V3))
            # The walk writes there what the kernel has taken out.
            reserve = TAG_BYTES + COOKED_BYTES
            self._set(_PACKET_RESERVE, struct.pack("I", reserve))
            if program is not None:
                self._attach(program)
            block = _block_bytes(ring_mb)
            count = ring_mb * MIB // block
            frames = count * (block // _FRAME_BYTES)
            request = (block, count, _FRAME_BYTES, frames, _RETIRE_MS, 0, 0)
            self._set(_PACKET_RX_RING, struct.pack("7I", *request))
            self._memory = mmap.mmap(self.socket.fileno(), count * block)
        except OSError:
            self.socket.close()
            raise
        self.data = np.frombuffer(self._memory, np.uint8)
        """All bytes of the ring."""
        starts = range(0, len(self.data), block)
        self._blocks = [_Block(self.data, start, start + block) for start in starts]
        self._at = 0
        self.at_once = max(min(count // _GATHERED_SHARE, _MOST_GATHERED), 1)
        """Blocks that are borrowed at a time, at most."""
        self._borrowed: list[_Block] = []
        self._gathered_in_s = 0.0
        # A lock is the one thing in Python that orders memory between processors.
        self._barrier = threading.Lock()
        self._poll = select.poll()
        self._poll.register(self.socket, select.POLLIN | select.POLLERR)
        self._counts = KernelCounts()

    def bind(self, interface: str, *, promiscuous: bool) -> None:
        """Listen to an interface, from now on; raise OSError."""
        if interface == ANY:
            return
        self.socket.bind((interface, _ETH_P_ALL))
        if promiscuous:
            membership = socket.if_nametoindex(interface), _MEMBERSHIP_PROMISCUOUS, 0, b""
            self._set(_PACKET_ADD_MEMBERSHIP, struct.pack("iHH8s", *membership))

    def join(self, group: int) -> None:
        """Share the interface's frames with the sockets of a group; raise OSError.

        The kernel hashes addresses and ports alike for both directions.
        """
        mode = _FANOUT_HASH | _FANOUT_ROLLOVER | _FANOUT_DEFRAG
        self._set(_PACKET_FANOUT, struct.pack("I", group | mode << 16))

    def bound_to(self) -> str:
        """Name the interface as it is called now; empty for one that is gone."""
        name: str = self.socket.getsockname()[0]
        return name

    def take(self) -> list[tuple[int, int, int]]:
        """Give back what was borrowed, and borrow what is filled: a part of the ring at most.

        Of each block: where its first header stands, where it ends, how many packets it has.
        """
        with self._barrier:
            for block in self._borrowed:
                block.give_back()
            self._at = (self._at + len(self._borrowed)) % len(self._blocks)
            self._borrowed = list(islice(self._filled(), self.at_once))
            return [block.content for block in self._borrowed]

    def _filled(self) -> Iterator[_Block]:
        for step in range(len(self._blocks)):
            block = self._blocks[(self._at + step) % len(self._blocks)]
            if not block.is_ours:
                return
            yield block

    def wait(self, timeout_s: float) -> None:
        """Wait for a block, or for something to happen to the interface."""
        if self._gathered_in_s:
            # Frames have come without a pause; to wake for the first block is to wake for little.
            self._let_gather()
            return
        for _, events in self._poll.poll(timeout_s * 1000):
            if events & select.POLLERR:
                # Reading the error clears it; what it means is asked of the interface itself.
                self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            else:
                self._let_gather()

    def _let_gather(self) -> None:
        """Wait until a part of the ring is filled, if that is soon.

        Whoever wakes finds nothing of its own in the processor's caches: the first block after
        that takes much longer than those that follow at once.
        """
        begun_s = time.monotonic()
        time.sleep(_SOON * self._gathered_in_s)
        while True:
            count = sum(1 for _ in islice(self._filled(), self.at_once))
            spent_s = time.monotonic() - begun_s
            if count in {0, self.at_once} or spent_s > _LONGEST_GATHERING_S:
                self._gathered_in_s = spent_s if count == self.at_once else 0.0
                return
            missing_s = spent_s * (self.at_once - count) / count
            most_s = _LONGEST_GATHERING_S - spent_s
            time.sleep(max(min(missing_s, most_s), _LEAST_STEP_S))

    @property
    def blocks(self) -> int:
        """Count the blocks of the ring."""
        return len(self._blocks)

    def refuse(self) -> None:
        """Let no more frames come in; the last block is handed over when it is due."""
        self._attach(np.array([_REFUSE], INSTRUCTION))

    def counts(self) -> KernelCounts:
        """Count frames that passed the filter: those received, and those lost for want of room."""
        if self.socket.fileno() < 0:
            return self._counts
        # Reading the kernel's counters sets them back to nought.
        answer = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)
        packets, drops, _ = struct.unpack("3I", answer)
        self._counts.received += packets - drops
        self._counts.dropped += drops
        return self._counts

    def close(self) -> None:
        """Stop listening. Memory that a batch still borrows goes when that does."""
        if self.socket.fileno() < 0:
            return
        self.counts()
        self._poll.unregister(self.socket)
        self.socket.close()
        del self._blocks, self._borrowed, self.data
        with suppress(BufferError):
            self._memory.close()

    def _set(self, option: int, value: bytes) -> None:
        self.socket.setsockopt(_SOL_PACKET, option, value)

    def _attach(self, program: NDArray[np.void]) -> None:
        """Attach a filter; the kernel copies it."""
        pointer = struct.pack("HP", len(program), program.ctypes.data)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


def _block_bytes(ring_mb: int) -> int:
    """Choose the size of a ring's blocks, which the kernel wants to be a power of two of pages."""
    size = _LARGEST_BLOCK
    while size > MIB and ring_mb * MIB < size * _LEAST_BLOCKS:
        size //= 2
    return size
