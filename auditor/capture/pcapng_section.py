"""A pcapng section: its byte order, and the interfaces that its frames name."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.walk import MAX_TIME_NS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LOST_COUNT = 4
"""The option of a frame that says how many were lost before it."""

_IF_TSRESOL = 9
_IF_TSOFFSET = 14
_ISB_IFDROP = 5
_ISB_OSDROP = 7
_UNKNOWN_COUNT = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(slots=True)
class Interface:
    """Link type and clock of an interface, and what was said of its losses so far."""

    linktype: int
    snaplen: int
    """Bytes kept of a frame, at most; 0 for all."""
    ticks_per_second: int = 1_000_000
    offset_s: int = 0
    """Seconds after 1970 at which its clock starts."""
    total_lost: int | None = None
    """Frames lost in all, as its latest statistics say."""
    noted_lost: int | None = None
    """Frames lost, summed over the frames that say how many were lost before them."""

    @property
    def lost(self) -> int | None:
        """Frames lost; statistics include what the frames say."""
        return self.noted_lost if self.total_lost is None else self.total_lost

    def note_lost(self, count: int) -> None:
        """Take in how many frames were lost before one frame."""
        self.noted_lost = (self.noted_lost or 0) + count

    def nanoseconds(self, ticks: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Convert timestamps to nanoseconds since 1970, rounded down, from 0 to MAX_TIME_NS."""
        ns_per_tick, rest = divmod(1_000_000_000, self.ticks_per_second)
        if not rest and not self.offset_s and int(ticks.max()) <= MAX_TIME_NS // ns_per_tick:
            return (ticks * np.uint64(ns_per_tick)).astype(np.int64)
        # Python's integers, for clocks whose resolution or offset goes beyond 64 bits on the way.
        times = (
            self.offset_s * 1_000_000_000 + tick * 1_000_000_000 // self.ticks_per_second
            for tick in ticks.tolist()
        )
        return np.array([min(max(0, time), MAX_TIME_NS) for time in times], np.int64)


@dataclass(slots=True)
class Section:
    """What the blocks of a section share."""

    order: str
    """Byte order, as the struct module writes it."""
    interfaces: list[Interface] = field(default_factory=list)

    @property
    def lost(self) -> int | None:
        """Frames lost on all interfaces; None if nothing is said of any."""
        counts = [interface.lost for interface in self.interfaces]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def add_interface(self, body: bytes) -> Interface:
        """Read the body of an interface description, of at least 8 bytes."""
        linktype, snaplen = struct.unpack_from(self.order + "HxxI", body)
        interface = Interface(linktype, snaplen)
        for code, value in self._options(body, 8):
            if code == _IF_TSRESOL and len(value) >= 1:
                base = 2 if value[0] & 0x80 else 10
                interface.ticks_per_second = base ** (value[0] & 0x7F)
            elif code == _IF_TSOFFSET and len(value) >= 8:
                (interface.offset_s,) = struct.unpack_from(self.order + "q", value)
        self.interfaces.append(interface)
        return interface

    def add_statistics(self, body: bytes) -> None:
        """Read the body of interface statistics, which count from the start of the capture."""
        if len(body) < 12:
            return
        (index,) = struct.unpack_from(self.order + "I", body)
        counts = [
            count
            for code, value in self._options(body, 12)
            if code in {_ISB_IFDROP, _ISB_OSDROP} and (count := self._count(value)) is not None
        ]
        if counts and index < len(self.interfaces):
            self.interfaces[index].total_lost = sum(counts)

    def add_frame_options(self, index: int, body: bytes) -> None:
        """Read the options of a frame that interface `index` captured."""
        for code, value in self._options(body, 0):
            if code == LOST_COUNT and (count := self._count(value)) is not None:
                self.interfaces[index].note_lost(count)

    def _count(self, value: bytes) -> int | None:
        if len(value) < 8:
            return None
        (count,) = struct.unpack_from(self.order + "Q", value)
        return None if count == _UNKNOWN_COUNT else int(count)

    def _options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """Yield code and value of each option from `at` on, up to one that does not fit."""
        header = struct.Struct(self.order + "HH")
        while at + 4 <= len(body):
            code, length = header.unpack_from(body, at)
            at += 4
            if code == 0 or at + length > len(body):
                return
            yield code, body[at : at + length]
            at += -(-length // 4) * 4
