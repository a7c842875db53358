"""Blocks of a TPACKET_V3 ring as the kernel writes them, and what the walk makes of them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.live.ring_frames import RingFrames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FIRST = 48
OUTGOING = 4
ROOM = 120
"""From a header's start to its packet: header, address, reserve."""


@dataclass(frozen=True)
class RingPacket:
    """A packet as the kernel has it: without its tag, with where it was received."""

    data: bytes
    sec: int = 1_700_000_000
    nsec: int = 0
    wire: int | None = None
    tag: tuple[int, int] | None = None
    """EtherType and value; EtherType 0 where the kernel does not say it."""
    interface: int = 2
    direction: int = 0
    protocol: int = 0x0800
    hardware: int = 1
    address: bytes = b"\2\0\0\0\0\1"


def block_of(packets: Sequence[RingPacket], spare: int = 0) -> NDArray[np.uint8]:
    """Write a block, with `spare` bytes behind the last packet."""
    out = bytearray(FIRST)
    for number, packet in enumerate(packets, 1):
        length = -(-(ROOM + len(packet.data)) // 8) * 8
        kind, tag = packet.tag or (0, 0)
        status = 1 | (0x10 if packet.tag else 0) | (0x40 if kind else 0)
        wire = len(packet.data) if packet.wire is None else packet.wire
        following = length if number < len(packets) else 0
        sizes = (following, packet.sec, packet.nsec, len(packet.data), wire, status, ROOM, ROOM)
        header = struct.pack("=6I2H", *sizes) + struct.pack("=IIHH8x", 0, tag, kind, 0)
        place = struct.pack(">HH", 17, packet.protocol)
        place += struct.pack("=iHBB", packet.interface, packet.hardware, packet.direction, 6)
        start = header + place + packet.address.ljust(8, b"\0")
        out += (start.ljust(ROOM, b"\0") + packet.data).ljust(length, b"\0")
    return np.frombuffer(bytes(out) + bytes(spare + 24), np.uint8).copy()


def walked(
    data: NDArray[np.uint8], count: int, *, cooked: bool = False
) -> list[tuple[bytes, int, int]]:
    """Walk a block, and list the frames: bytes, length on the wire, time."""
    frames = RingFrames(data, 1, 0, cooked=cooked)
    frames.borrow([(FIRST, len(data), count)])
    batch = frames.all()
    lengths, times = batch.wire_len.tolist(), batch.time_ns.tolist()
    return [(batch.frame(row), lengths[row], times[row]) for row in range(len(batch))]


def ring_of(blocks: Sequence[Sequence[RingPacket]], linktype: int = 1) -> RingFrames:
    """Borrow blocks of a ring that has no others."""
    written = [block_of(packets) for packets in blocks]
    places, data = [], bytearray()
    for block, packets in zip(written, blocks, strict=True):
        at = len(data)
        data += block.tobytes() + bytes(-len(block) % 8)
        places.append((at + FIRST, len(data), len(packets)))
    frames = RingFrames(
        np.frombuffer(data or bytearray(96), np.uint8), len(blocks), linktype, cooked=False
    )
    frames.borrow(places)
    return frames


def damaged_blocks() -> list[NDArray[np.uint8]]:
    """Make blocks with random bytes in their headers, the same ones every time."""
    random = np.random.default_rng(7)
    blocks = []
    for number in range(300):
        tags = [None, (0, 10), (0x88A8, 4095)]
        packets = [RingPacket(bytes(range(size)), tag=tags[size % 3]) for size in range(8, 60, 7)]
        data = block_of(packets, number)
        places = random.integers(FIRST, len(data), 1 + number % 9)
        data[places] = random.integers(0, 256, len(places))
        if number % 3 == 0:  # something that a header's fields can hold, near what they should
            data[places & ~7] = random.integers(0, 64, len(places))
        blocks.append(data)
    return blocks


def digest() -> str:
    """Sum up what the walk makes of damaged blocks, and of their bytes."""
    total, kept = hashlib.sha256(), 0
    for data in damaged_blocks():
        for cooked in (False, True):
            block = data.copy()
            frames = walked(block, 10, cooked=cooked)
            kept += len(frames)
            total.update(repr(frames).encode())
            total.update(block.tobytes())
    assert kept, "every block is damaged beyond its first header"
    return total.hexdigest()


if __name__ == "__main__":
    print(digest())  # noqa: T201 - read by the test that runs this in other modes
