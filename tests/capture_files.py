"""Writes captures byte by byte, in every variant that is read, and lists what comes back."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from auditor.capture.live.ring_frames import listed
from auditor.capture.reader import copy_into
from auditor.capture.stream import FrameStream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.capture.batch import FrameBatch
    from auditor.capture.live.source import LiveFrames

SECOND_NS = 1_000_000_000
NOON_NS = 1_700_000_000 * SECOND_NS


class Frame(NamedTuple):
    """A frame as it went in or came out."""

    time_ns: int
    data: bytes
    wire_len: int
    linktype: int = 1
    number: int = 0


def frame(data: bytes, *, at_ns: int = 0, wire_len: int | None = None) -> Frame:
    """Make an Ethernet frame captured `at_ns` after noon."""
    return Frame(NOON_NS + at_ns, data, len(data) if wire_len is None else wire_len)


def numbered(frames: Iterable[Frame], first: int = 1) -> list[Frame]:
    """Give frames the numbers that a reader gives them."""
    return [each._replace(number=number) for number, each in enumerate(frames, first)]


def pcap_header(
    order: str = "<",
    *,
    magic: int = 0xA1B2C3D4,
    version: tuple[int, int] = (2, 4),
    snaplen: int = 262_144,
    link: int = 1,
) -> bytes:
    """Write a pcap file header."""
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, link)


def pcap_record(
    each: Frame, order: str = "<", *, unit_ns: int = 1000, extra: bytes = b"", swapped: bool = False
) -> bytes:
    """Write a pcap record; `extra` ends a variant's longer header."""
    seconds, rest = divmod(each.time_ns, SECOND_NS)
    lengths = [len(each.data), each.wire_len]
    if swapped:
        lengths.reverse()
    return struct.pack(order + "IIII", seconds, rest // unit_ns, *lengths) + extra + each.data


def pcap(frames: Iterable[Frame], order: str = "<", *, unit_ns: int = 1000, link: int = 1) -> bytes:
    """Write a pcap file, with microseconds or (`unit_ns` 1) nanoseconds."""
    magic = 0xA1B23C4D if unit_ns == 1 else 0xA1B2C3D4
    records = (pcap_record(each, order, unit_ns=unit_ns) for each in frames)
    return pcap_header(order, magic=magic, link=link) + b"".join(records)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Write a pcapng block, padded."""
    body += bytes(-len(body) % 4)
    length = len(body) + 12
    return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    """Write a pcapng option, padded."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", *, version: tuple[int, int] = (1, 0), options: bytes = b"") -> bytes:
    """Write a section header block of unknown section length."""
    body = struct.pack(order + "IHHq", 0x1A2B3C4D, *version, -1) + options
    return block(0x0A0D0D0A, body, order)


def interface(order: str = "<", *, link: int = 1, snaplen: int = 0, options: bytes = b"") -> bytes:
    """Write an interface description block."""
    return block(1, struct.pack(order + "HHI", link, 0, snaplen) + options, order)


def enhanced(
    ticks: int,
    data: bytes,
    order: str = "<",
    *,
    interface_id: int = 0,
    wire_len: int | None = None,
    options: bytes = b"",
) -> bytes:
    """Write an enhanced packet block."""
    wire = len(data) if wire_len is None else wire_len
    high, low = divmod(ticks, 1 << 32)
    head = struct.pack(order + "IIIII", interface_id, high, low, len(data), wire)
    return block(6, head + data + bytes(-len(data) % 4) + options, order)


def simple(data: bytes, order: str = "<", *, wire_len: int | None = None) -> bytes:
    """Write a simple packet block."""
    wire = len(data) if wire_len is None else wire_len
    return block(3, struct.pack(order + "I", wire) + data, order)


def old_packet(
    ticks: int, data: bytes, order: str = "<", *, interface_id: int = 0, lost: int = 0xFFFF
) -> bytes:
    """Write an obsolete packet block."""
    high, low = divmod(ticks, 1 << 32)
    fields = (interface_id, lost, high, low, len(data), len(data))
    return block(2, struct.pack(order + "HHIIII", *fields) + data, order)


def pcapng(frames: Iterable[Frame], order: str = "<") -> bytes:
    """Write a pcapng file of one section and one interface, in nanoseconds."""
    blocks = [section(order), interface(order, options=option(9, b"\x09", order))]
    blocks += (enhanced(each.time_ns, each.data, order, wire_len=each.wire_len) for each in frames)
    return b"".join(blocks)


class BytesReader:
    """A source in memory, which hands out `chunk` bytes at a time."""

    reopenable = False

    def __init__(self, data: bytes, chunk: int | None = None) -> None:
        """Read `data` from the start."""
        self.consumed = 0
        self.size = len(data)
        self.closed = False
        self._data = data
        self._chunk = chunk or max(1, len(data))

    def read(self, limit: int) -> bytes:
        """Return the next bytes."""
        data = self._data[self.consumed : self.consumed + min(limit, self._chunk)]
        self.consumed += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Put the next bytes into a buffer."""
        return copy_into(buffer, self.read(len(buffer)))

    def rest(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def open_bytes(data: bytes, *, chunk: int | None = None, block_bytes: int = 1 << 20) -> FrameStream:
    """Open a capture in memory, called x.pcap."""
    return FrameStream("x.pcap", BytesReader(data, chunk), 0, block_bytes)


def batches_of(stream: FrameStream) -> list[FrameBatch]:
    """Read a capture to its end."""
    batches = []
    while (batch := stream.read()) is not None:
        batches.append(replace(batch, data=batch.data.copy()))  # borrowed until the next one
    return batches


def frames_in(batches: Iterable[LiveFrames]) -> list[Frame]:
    """List the frames of batches."""
    return [
        Frame(
            int(batch.time_ns[row]),
            batch.frame(row),
            int(batch.wire_len[row]),
            int(batch.linktype[row]),
            int(batch.number[row]),
        )
        for batch in map(listed, batches)
        for row in range(len(batch))
    ]


def read_bytes(data: bytes, *, chunk: int | None = None, block_bytes: int = 1 << 20) -> list[Frame]:
    """Read all frames of a capture in memory."""
    return frames_in(batches_of(open_bytes(data, chunk=chunk, block_bytes=block_bytes)))
