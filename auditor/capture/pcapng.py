"""The pcapng format, as a walk through bytes that someone else reads.

A file is a chain of blocks: type, total length, body, padding to 32 bits, total length again. A
section header sets the byte order and starts the list of interfaces anew; an interface
description gives link type and clock of the frames that name the interface. Blocks of any other
type are passed over. Numbers of blocks and options are those of draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.capture.pcapng_frames import FRAME_BLOCKS, read_frames
from auditor.capture.pcapng_section import Section
from auditor.capture.walk import BATCH_FRAMES, Remark, Walk, frame_limit
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_STATISTICS = 5
_COUNTED = frozenset({9, 0x204, 0x216, 0x221, 0x0BAD, 0x4000_0BAD})
"""Journal entries, system calls and custom blocks: Wireshark gives them frame numbers."""
_KNOWN = frozenset({_SECTION, _INTERFACE, _STATISTICS, *_COUNTED, *FRAME_BLOCKS})

_KNOWN_KINDS = np.array(sorted(_KNOWN), np.int64)

_BYTE_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_VERSIONS = {(1, 0), (1, 2)}
_MIN_LEN = {
    _SECTION: 28,
    _INTERFACE: 20,
    **{kind: block.min_len for kind, block in FRAME_BLOCKS.items()},
}
_BLOCK_LEN = 12

_BLOCK_LIMIT = 1 << 24
"""Bytes of a block; more is damage, except in frames of a link type that has larger ones."""
_OPTIONS_LIMIT = 1 << 20
_INTERFACE_LIMIT = 1 << 16
"""Interfaces of a section; more is damage."""


def is_pcapng(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is a pcapng file."""
    return head[:4] == _SECTION.to_bytes(4, "big")


class PcapngWalker:
    """Finds the frames of a pcapng file."""

    header_len = 0

    def __init__(self, name: str, head: bytes, capture: int) -> None:
        """Check the first section header, in `head`; raise CaptureError naming `name`.

        `capture` becomes FrameBatch.capture.
        """
        if len(head) < _MIN_LEN[_SECTION]:
            expected = f"expected a pcapng section header of {_MIN_LEN[_SECTION]} bytes"
            raise CaptureError(name, f"{expected}, found {len(head)} bytes")
        problem = _section_problem(head, 0)
        if problem:
            raise CaptureError(name, problem)
        self.number = 0
        self._capture = capture
        self._latest_ns = 0
        self._lost: int | None = None  # in the sections before this one
        self._strangers = False  # whether a frame of an undeclared interface was met
        self._section = Section("<")
        self._frame_limits: dict[int, int] = {}
        self._block_limit = _BLOCK_LIMIT
        self._begin_section(_BYTE_ORDERS[head[8:12]])

    @property
    def dropped(self) -> int | None:
        """Frames that the capturing side says it lost; None if it says nothing."""
        if self._lost is None or self._section.lost is None:
            return self._section.lost if self._lost is None else self._lost
        return self._lost + self._section.lost

    def walk(self, data: NDArray[np.uint8], at: int, *, compiled: bool = False) -> Walk:
        """Take a run of frames of one kind, BATCH_FRAMES at most, or else one other block."""
        step = Walk(at)
        if len(data) < at + _BLOCK_LEN:
            step.need = _BLOCK_LEN
            return step
        kind, _ = self._block.unpack_from(data.data, at)
        starts = np.empty(0, np.int64)
        if kind in FRAME_BLOCKS:
            starts = (self._run_compiled if compiled else self._run)(data, step, kind)
        if len(starts):
            step.batch = self._batch(data, starts, kind)
        else:
            self._take_block(data, step)
        return step

    def _run_compiled(self, data: NDArray[np.uint8], step: Walk, kind: int) -> NDArray[np.int64]:
        from auditor.kernel.walk import walk_blocks  # noqa: PLC0415 - numba takes its time

        starts, state = np.empty(BATCH_FRAMES, np.int64), np.zeros(1, np.int64)
        block = FRAME_BLOCKS[kind]
        numbers = kind, block.min_len, *block.places, self._section.order == ">"
        layout = np.array(numbers, np.int64)
        limits = np.array(list(self._frame_limits.values()), np.int64)
        count = walk_blocks(data, step.end, layout, limits, _KNOWN_KINDS, starts, state)
        step.end = int(state[0])
        return starts[:count]

    def _run(self, data: NDArray[np.uint8], step: Walk, kind: int) -> NDArray[np.int64]:
        """Find sound frames in blocks of one kind, up to the first that needs a closer look.

        Blocks of types that mean nothing here are passed over.
        """
        layout = FRAME_BLOCKS[kind]
        starts: list[int] = []
        take, block, word = starts.append, self._block.unpack_from, self._word.unpack_from
        essentials = layout.essentials_reader(self._section.order)
        min_len, limits, size, at = layout.min_len, self._frame_limits, len(data), step.end
        view = data.data
        for _ in range(BATCH_FRAMES):
            if at + _BLOCK_LEN > size:
                break
            found, length = block(view, at)
            following = at + (length + 3 & -4)
            if length < _BLOCK_LEN or following > size or word(view, following - 4)[0] != length:
                break
            if found == kind:
                if length < min_len:
                    break
                interface, captured = essentials(view, at)
                if captured > length - min_len or captured > limits.get(interface, -1):
                    break
                take(at)
            elif found in _KNOWN:
                break
            at = following
        step.end = at
        return np.array(starts, np.int64)

    def _batch(self, data: NDArray[np.uint8], starts: NDArray[np.int64], kind: int) -> FrameBatch:
        frames = read_frames(data, starts, kind, self._section)
        count = len(starts)
        time_ns = frames.time_ns
        if time_ns is None:
            # The best that can be said of a frame without a time: after the one before it.
            time_ns = np.full(count, self._latest_ns, np.int64)
        self._latest_ns = int(time_ns[-1])
        self.number += count
        return FrameBatch(
            data,
            frames.offset,
            frames.captured_len,
            frames.wire_len,
            time_ns,
            frames.linktype,
            np.arange(self.number - count + 1, self.number + 1, dtype=np.int64),
            np.full(count, self._capture, np.int32),
        )

    def _take_block(self, data: NDArray[np.uint8], step: Walk) -> None:
        """Take the block at step.end if it is whole and sound, else say what it needs or lacks."""
        at = step.end
        (kind,) = self._word.unpack_from(data.data, at)
        least = _MIN_LEN.get(kind, _BLOCK_LEN)
        if kind == _SECTION:
            if len(data) < at + least:
                step.need = least
                return
            problem = _section_problem(data.data, at)
            if problem:
                step.stop(self.number + 1, problem)
                return
            self._begin_section(_BYTE_ORDERS[data[at + 8 : at + 12].tobytes()])
        (length,) = self._word.unpack_from(data.data, at + 4)
        padded = length + 3 & -4
        if not least <= length <= self._block_limit:
            expected = f"expected a block of {least} to {self._block_limit:,} bytes"
            step.stop(self.number + 1, f"{expected}, found {length:,}")
        elif len(data) < at + padded:
            step.need = padded
        elif self._word.unpack_from(data.data, at + padded - 4)[0] != length:
            expected = f"expected a block that ends with its length, {length:,}"
            (found,) = self._word.unpack_from(data.data, at + padded - 4)
            step.stop(self.number + 1, f"{expected}, found {found:,}")
        else:
            self._take_body(data, kind, step, at + padded)

    def _take_body(self, data: NDArray[np.uint8], kind: int, step: Walk, following: int) -> None:
        """Take a block that is whole, and go on to the `following` one."""
        body = data[step.end + 8 : following - 4].tobytes()
        if kind == _INTERFACE:
            if len(self._frame_limits) == _INTERFACE_LIMIT:
                expected = f"expected at most {_INTERFACE_LIMIT:,} interfaces"
                step.stop(self.number + 1, f"{expected}, found another one")
                return
            interface = self._section.add_interface(body)
            limit = frame_limit(interface.linktype)
            self._frame_limits[len(self._frame_limits)] = limit
            self._block_limit = max(self._block_limit, limit + _OPTIONS_LIMIT)
        elif kind == _STATISTICS:
            self._section.add_statistics(body)
        elif kind in FRAME_BLOCKS:
            self._take_unsound_frame(data, kind, step)
            if step.broken:
                return
        elif kind in _COUNTED:
            self.number += 1
        step.end = following

    def _take_unsound_frame(self, data: NDArray[np.uint8], kind: int, step: Walk) -> None:
        """Say what is wrong with a frame's block, and count the frame unless all ends here."""
        essentials = FRAME_BLOCKS[kind].essentials_reader(self._section.order)
        interface, captured = essentials(data.data, step.end)
        limits = self._frame_limits
        if interface in limits:
            room = self._block.unpack_from(data.data, step.end)[1] - FRAME_BLOCKS[kind].min_len
            limit = min(limits[interface], room)
            expected = f"expected a frame of at most {limit:,} bytes"
            step.stop(self.number + 1, f"{expected}, found {captured:,}")
            return
        self.number += 1
        if not self._strangers:
            expected = f"expected one of {len(limits)} interfaces"
            found = f"found number {interface}; such frames are left out"
            step.remarks.append(Remark(self.number, step.end, f"{expected}, {found}"))
        self._strangers = True

    def _begin_section(self, order: str) -> None:
        self._lost = self.dropped
        self._section = Section(order)
        self._frame_limits = {}
        self._block_limit = _BLOCK_LIMIT
        self._block = struct.Struct(order + "II")
        self._word = struct.Struct(order + "I")


def _section_problem(data: bytes | memoryview, at: int) -> str | None:
    """Say why the section header at `at`, of 28 bytes at least, cannot be read; None if it can."""
    mark = bytes(data[at + 8 : at + 12])
    order = _BYTE_ORDERS.get(mark)
    if order is None:
        return f"expected a pcapng byte-order mark, found bytes {mark.hex(' ')}"
    major, minor = struct.unpack_from(order + "HH", data, at + 12)
    if (major, minor) not in _VERSIONS:
        return f"expected a pcapng section of version 1.0, found version {major}.{minor}"
    return None
