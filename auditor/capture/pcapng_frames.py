"""The three kinds of pcapng blocks that hold a frame, read many at a time."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.pcapng_section import LOST_COUNT
from auditor.capture.walk import gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from auditor.capture.pcapng_section import Section

OLD_PACKET = 2
SIMPLE_PACKET = 3
ENHANCED_PACKET = 6

_NO_LOST_COUNT = 0xFFFF
_SCANNED_OPTIONS = 8


@dataclass(frozen=True, slots=True)
class FrameBlock:
    """How a kind of block holds its frame."""

    min_len: int
    """Bytes beside the frame: the header before it, and four bytes after it."""
    fields: tuple[tuple[str, str], ...]
    """The header, as numpy writes it without byte order."""
    essentials: str | None
    """Where interface and captured length stand in the header, as the struct module writes it."""
    places: tuple[int, int, int]
    """The same in bytes: where the interface stands, or -1; its width; the captured length."""

    def essentials_reader(self, order: str) -> Callable[[memoryview, int], tuple[int, int]]:
        """Return a reader of interface and captured length from a block in bytes, at a place.

        A simple packet has neither: it is of the first interface, and as long as it can be.
        """
        if self.essentials is None:
            return lambda _data, _at: (0, 0)
        reader: Callable[[memoryview, int], tuple[int, int]]
        reader = struct.Struct(order + self.essentials).unpack_from
        return reader

    @property
    def header_len(self) -> int:
        """Return how many bytes stand before the frame."""
        return self.min_len - 4


_BLOCK = (("kind", "u4"), ("length", "u4"))
_CLOCKED = (("ticks_high", "u4"), ("ticks_low", "u4"), ("captured", "u4"), ("wire", "u4"))

FRAME_BLOCKS = {
    OLD_PACKET: FrameBlock(
        32, (*_BLOCK, ("interface", "u2"), ("lost", "u2"), *_CLOCKED), "8xH10xI", (8, 2, 20)
    ),
    SIMPLE_PACKET: FrameBlock(16, (*_BLOCK, ("wire", "u4")), None, (-1, 0, 0)),
    ENHANCED_PACKET: FrameBlock(
        32, (*_BLOCK, ("interface", "u4"), *_CLOCKED), "8xI8xI", (8, 4, 20)
    ),
}


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """Frames of one kind of block; all arrays have shape (n,)."""

    offset: NDArray[np.int64]
    captured_len: NDArray[np.int64]
    wire_len: NDArray[np.int64]
    time_ns: NDArray[np.int64] | None
    """Nanoseconds since 1970; None where the blocks hold no time."""
    linktype: NDArray[np.int32]


def read_frames(
    data: NDArray[np.uint8], at: NDArray[np.int64], kind: int, section: Section
) -> FrameColumns:
    """Read the blocks of this `kind` that begin `at` places; each was found to be sound.

    Losses that they tell of are noted at their interfaces.
    """
    block = FRAME_BLOCKS[kind]
    layout = np.dtype([(name, section.order + code) for name, code in block.fields])
    header = gather(data, at, layout)
    offset = at + block.header_len
    wire = header["wire"].astype(np.int64)
    if kind == SIMPLE_PACKET:
        index = np.zeros(len(at), np.int64)
        room = header["length"].astype(np.int64) - block.min_len
        captured = np.minimum(wire, np.minimum(room, section.interfaces[0].snaplen or room))
        time = None
    else:
        index = header["interface"].astype(np.int64)
        captured = header["captured"].astype(np.int64)
        ticks = header["ticks_high"].astype(np.uint64) << np.uint64(32) | header["ticks_low"]
        time = _times(ticks, index, section)
    if kind == OLD_PACKET:
        _note_lost_fields(header["lost"], index, section)
    elif kind == ENHANCED_PACKET:
        options = offset + (captured + 3 & -4)
        ends = at + header["length"] - 4
        _note_lost_options(data, options, ends, index, section)
    linktypes = np.array([interface.linktype for interface in section.interfaces], np.int32)
    return FrameColumns(offset, captured, np.maximum(wire, captured), time, linktypes[index])


def _times(
    ticks: NDArray[np.uint64], index: NDArray[np.int64], section: Section
) -> NDArray[np.int64]:
    """Convert timestamps by the clock of each frame's interface, to nanoseconds since 1970."""
    if len(section.interfaces) == 1:
        return section.interfaces[0].nanoseconds(ticks)
    times = np.empty(len(ticks), np.int64)
    for number in np.unique(index).tolist():
        rows = index == number
        times[rows] = section.interfaces[number].nanoseconds(ticks[rows])
    return times


def _note_lost_fields(lost: NDArray[np.uint16], index: NDArray[np.int64], section: Section) -> None:
    for row in np.flatnonzero(lost != _NO_LOST_COUNT).tolist():
        section.interfaces[index[row]].note_lost(int(lost[row]))


def _note_lost_options(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    index: NDArray[np.int64],
    section: Section,
) -> None:
    """Look for lost counts in the options of each frame, in data[starts:ends]."""
    # Nearly all options are flags and comments: only a frame with the one that counts is parsed.
    layout = np.dtype([("code", section.order + "u2"), ("length", section.order + "u2")])
    rows = np.flatnonzero(ends - starts >= layout.itemsize)
    at = starts[rows]
    for _ in range(_SCANNED_OPTIONS):
        if not len(rows):
            return
        option = gather(data, at, layout)
        found = option["code"] == LOST_COUNT
        for row in rows[found].tolist():
            section.add_frame_options(index[row], data[starts[row] : ends[row]].tobytes())
        at = at + layout.itemsize + (option["length"].astype(np.int64) + 3 & -4)
        more = ~found & (option["code"] != 0) & (at + layout.itemsize <= ends[rows])
        rows, at = rows[more], at[more]
    for row in rows.tolist():
        section.add_frame_options(index[row], data[starts[row] : ends[row]].tobytes())
