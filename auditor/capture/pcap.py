"""The pcap format and its relatives, as a walk through bytes that someone else reads.

A file header of 24 bytes (magic, version, two unused fields, snapshot length, link type), then
records: a header with seconds, fraction, captured length and wire length, and the frame. The
magic tells byte order and fraction; some old variants have longer record headers, and only the
records themselves tell which.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.capture.walk import BATCH_FRAMES, Walk, frame_limit, gather
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER_LEN = 24


@dataclass(frozen=True, slots=True)
class _Magic:
    fraction_ns: int
    header_len: int = _HEADER_LEN
    record_lens: tuple[int, ...] = (16,)


_MAGICS = {
    # The variants of Red Hat 6.1 (24 bytes) and Nokia (20) have the standard magic.
    0xA1B2C3D4: _Magic(1000, record_lens=(16, 24, 20)),
    0xA1B23C4D: _Magic(1),
    # Kuznetsov's patches of 1999: one of them (28) came with SuSE 6.3.
    0xA1B2CD34: _Magic(1000, record_lens=(24, 28)),
    # Ixia's lcap: the header ends with the size of all records.
    0x1C0001AC: _Magic(1, header_len=28),
    0x1C0001AB: _Magic(1000, header_len=28),
}

_AIX_LINKTYPES = {6: 1, 9: 6, 15: 10, 24: 0}
"""AIX writes version 2.2, interface types (RFC 1573) for link types, and nanoseconds."""

_NOKIA_WORD = re.compile("[9b]fbf[bd][69]0[12]")

_RESERVED_LINK_BITS = 0x03FF_0000
"""Between the link type, 16 bits, and the length of the check sequence."""


def is_pcap(head: bytes) -> bool:
    """Tell whether a file that begins with these bytes is a pcap file."""
    return _byte_order(head) is not None


def _byte_order(head: bytes) -> str | None:
    if int.from_bytes(head[:4], "little") in _MAGICS:
        return "<"
    return ">" if int.from_bytes(head[:4], "big") in _MAGICS else None


class _Records(NamedTuple):
    """What one walk found."""

    columns: NDArray[np.int64]
    """Shape (4, n): of each record where its frame begins, captured and wire length, time_ns."""
    end: int
    """Where the first record not taken begins."""
    captured: int
    """Captured length of that one, 0 if its header is not whole, -1 if there was just no room."""


class PcapWalker:
    """Finds the frames of a pcap file."""

    dropped: int | None = None

    def __init__(self, name: str, head: bytes, capture: int) -> None:
        """Read the file header from `head`, which is_pcap; raise CaptureError naming `name`.

        `head` should go beyond the header as far as it is at hand: the first records tell the
        variants apart. `capture` becomes FrameBatch.capture.
        """
        self._order = _byte_order(head) or "<"
        magic = _MAGICS[struct.unpack_from(self._order + "I", head)[0]]
        if len(head) < magic.header_len:
            expected = f"expected a pcap header of {magic.header_len} bytes"
            raise CaptureError(name, f"{expected}, found {len(head)} bytes")
        major, minor, snaplen, link = struct.unpack_from(self._order + "HH8xII", head, 4)
        if major not in {2, 543}:  # DG/UX writes 543.0
            raise CaptureError(name, f"expected pcap version 2, found version {major}.{minor}")
        if link & _RESERVED_LINK_BITS:
            raise CaptureError(name, f"expected a pcap link type, found 0x{link:08x}")
        self.header_len = magic.header_len
        self.number = 0
        self._capture = capture
        self._linktype = link & 0xFFFF
        self._fraction_ns = magic.fraction_ns
        self._record_len = magic.record_lens[0]
        self._captured_at = _captured_at(major, minor)
        if (major, minor) == (2, 2) and link in _AIX_LINKTYPES:
            self._linktype = _AIX_LINKTYPES[link]
            self._fraction_ns = 1
        elif major == 2 and minor >= 4 and len(magic.record_lens) > 1:
            records = head[magic.header_len :]
            fitting = (n for n in magic.record_lens if _fits(records, self._order, n, snaplen))
            self._record_len = next(fitting, self._record_len)
        self._limit = frame_limit(self._linktype)

    def walk(self, data: NDArray[np.uint8], at: int, *, compiled: bool = False) -> Walk:
        """Take the records that are whole in data[at:], BATCH_FRAMES at most; by a kernel."""
        if compiled:
            columns, end, captured = self._walk_compiled(data, at)
        else:
            columns, end, captured = self._walk_plain(data, at)
        step = Walk(end)
        if columns.shape[1]:
            step.batch = self._batch(data, columns)
        if captured > self._limit:
            expected = f"expected a frame of at most {self._limit:,} bytes"
            step.stop(self.number + 1, f"{expected}, found {captured:,}")
        elif captured >= 0:
            step.need = self._record_len + captured
        return step

    def _walk_compiled(self, data: NDArray[np.uint8], at: int) -> _Records:
        from auditor.kernel import walk  # noqa: PLC0415 - numba takes its time

        columns, state = np.empty((4, BATCH_FRAMES), np.int64), np.zeros(3, np.int64)
        count = walk.walk_records(data, at, self._layout(), columns, state)
        end, reason, captured = state.tolist()
        if reason == walk.FULL:
            captured = -1
        elif reason == walk.NEED_HEADER:
            captured = 0
        return _Records(columns[:, :count], end, captured)

    def _layout(self) -> NDArray[np.int64]:
        """Say where a record header has what, as auditor.kernel.walk wants it."""
        captured_at, bound_at = self._captured_at[0], self._captured_at[-1]
        numbers = self._record_len, captured_at, bound_at, self._order == ">"
        return np.array([*numbers, self._limit, self._fraction_ns], np.int64)

    def _walk_plain(self, data: NDArray[np.uint8], at: int) -> _Records:
        starts: list[int] = []
        lengths = "".join(f"{skip}xI" for skip in np.diff([-4, *self._captured_at]) - 4)
        take, captured_len = starts.append, struct.Struct(self._order + lengths).unpack_from
        record_len, limit, size, view = self._record_len, self._limit, len(data), data.data
        stopped_by = -1
        for _ in range(BATCH_FRAMES):
            if at + record_len > size:
                stopped_by = 0
                break
            captured = min(captured_len(view, at))
            following = at + record_len + captured
            if captured > limit or following > size:
                stopped_by = captured
                break
            take(at)
            at = following
        return _Records(self._columns(data, np.array([*starts, at], np.int64)), at, stopped_by)

    def _columns(self, data: NDArray[np.uint8], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Read the headers of records that lie side by side between `bounds`, all at once."""
        layout = [(name, self._order + "u4") for name in ("seconds", "fraction", "len_1", "len_2")]
        headers = gather(data, bounds[:-1], np.dtype(layout))
        offset = bounds[:-1] + self._record_len
        captured = bounds[1:] - offset
        wire = np.maximum(headers["len_1"], headers["len_2"]).astype(np.int64)
        time = headers["seconds"].astype(np.int64) * 1_000_000_000
        time += headers["fraction"].astype(np.int64) * self._fraction_ns
        return np.stack([offset, captured, np.maximum(wire, captured), time])

    def _batch(self, data: NDArray[np.uint8], columns: NDArray[np.int64]) -> FrameBatch:
        count = columns.shape[1]
        first = self.number + 1
        self.number += count
        return FrameBatch(
            data,
            columns[0],
            columns[1],
            columns[2],
            columns[3],
            np.full(count, self._linktype, np.int32),
            np.arange(first, self.number + 1, dtype=np.int64),
            np.full(count, self._capture, np.int32),
        )


def _captured_at(major: int, minor: int) -> tuple[int, ...]:
    """Say where a record header holds the captured length: the smallest field at these places.

    Up to version 2.2 it is the second length instead of the first. Version 2.3 was written both
    ways, but the captured length is never the larger one.
    """
    if major == 543 or minor < 3:
        return (12,)
    return (8, 12) if minor == 3 else (8,)


def _fits(records: bytes, order: str, record_len: int, snaplen: int) -> bool:
    """Tell whether the first records make sense with headers of `record_len` bytes.

    Three records are enough: a header read at the wrong place hardly does. Where none fits, such
    as in a file that is damaged near its start, the first of the variants is meant.
    """
    at = 0
    for _ in range(3):
        header = records[at : at + record_len]
        if not header:
            return at > 0
        if len(header) < record_len:
            return False
        _, fraction, captured, wire = struct.unpack_from(order + "IIII", header)
        at += record_len + captured
        if fraction >= 1_000_000 or captured > wire or captured > (snaplen or captured):
            return False
        if wire > 1 << 27 or at > len(records) or not _extra_fits(header[16:], order):
            return False
    return True


def _extra_fits(extra: bytes, order: str) -> bool:
    """Tell whether the end of a variant's longer record header makes sense."""
    if not extra:
        return True
    if len(extra) == 4:  # Nokia: nobody knows what it means, but few values were ever seen
        (word,) = struct.unpack(order + "I", extra)
        return _NOKIA_WORD.fullmatch(f"{word:08x}") is not None
    interface, protocol, packet_type = struct.unpack_from(order + "IHB", extra)
    known_protocol = protocol >= 0x0600 or protocol <= 0x17 or protocol in {0x60, 0x200, 0x400}
    return interface <= 10_000 and known_protocol and packet_type <= 4
