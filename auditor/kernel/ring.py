"""The walk over blocks of a TPACKET_V3 ring (Linux, Documentation/networking/packet_mmap).

A block is a chain of packets, each a header, the address of where it was received, room, and its
bytes. The kernel takes two things out of the bytes that belong there, and the walk puts them back
into the room: the outermost VLAN tag, which network cards report beside the frame, and for a
socket without link headers one of LINKTYPE_LINUX_SLL2, made of the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.nearby import bring_near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.kernel.frames import FrameColumns

ALIGNMENT = 8
"""Headers begin at multiples of it, in bytes."""

PACKET_HEADER = np.dtype(
    {
        "names": [
            "next_offset",
            "sec",
            "nsec",
            "captured",
            "wire",
            "status",
            "start",
            "tci",
            "tpid",
            "interface",
            "hardware",
            "direction",
        ],
        "formats": ["u4", "u4", "u4", "u4", "u4", "u4", "u2", "u4", "u2", "i4", "u2", "u1"],
        "offsets": [0, 4, 8, 12, 16, 20, 24, 32, 36, 52, 56, 58],
        "itemsize": 68,
    }
)
"""struct tpacket3_hdr and, from byte 48 on, struct sockaddr_ll, in the machine's byte order."""

TAG_BYTES = 4
COOKED_BYTES = 20
"""Length of a header of LINKTYPE_LINUX_SLL2."""

_CACHE_LINE = 64
_AHEAD = 4096

_HEADER_BYTES = 68
_PROTOCOL = 50
_ADDRESS_LEN = 59
_ADDRESS = 60
"""Where the parts of sockaddr_ll stand that are copied as they are, from the header's start."""

_TAGGED = 0x10
_TAG_KIND_KNOWN = 0x40
_CUSTOMER_TAG = 0x8100
_OUTGOING = 4
_LOOPBACK = 1
"""Interface number of the loopback device, in every network namespace."""

BLOCK, LISTED, COOKED = range(3)
"""Places in Ring.totals: the block where the walk is; frames listed since the source was opened;
whether frames come without link headers."""


class Ring(NamedTuple):
    """Borrowed blocks of a ring, and how far they are walked: no frame is walked over twice."""

    data: NDArray[np.uint8]
    """Shape (bytes,), the whole ring, written to."""
    headers: NDArray[np.void]
    """PACKET_HEADER, one at every multiple of ALIGNMENT bytes of data."""
    at: NDArray[np.int64]
    """Shape (blocks,): where each block's next header is in data."""
    end: NDArray[np.int64]
    """Shape (blocks,)."""
    left: NDArray[np.int64]
    """Shape (blocks,): packets not walked over yet."""
    totals: NDArray[np.int64]
    """Shape (3,)."""


@part
def _insert_tag(data: NDArray[np.uint8], header: np.void, start: int) -> None:
    """Move the two Ethernet addresses at `start` ahead, and write the tag behind them.

    data: uint8 (m,), written to. header: one PACKET_HEADER. start: where the frame is, bytes.
    """
    for byte in range(start, start + 12):
        data[byte - TAG_BYTES] = data[byte]
    kind, tag = _tag(header)
    data[start + 8] = kind >> 8
    data[start + 9] = kind & 0xFF
    data[start + 10] = tag >> 8
    data[start + 11] = tag & 0xFF


@part
def _cook(data: NDArray[np.uint8], header: np.void, at: int, start: int) -> None:
    """Write a LINKTYPE_LINUX_SLL2 header, and the tag if there is one, before a packet.

    data: uint8 (m,), written to. header: one PACKET_HEADER. at: where it stands in data, bytes.
    start: where to write, bytes.
    """
    interface = int(header["interface"])
    hardware = int(header["hardware"])
    data[start] = data[at + _PROTOCOL]
    data[start + 1] = data[at + _PROTOCOL + 1]
    data[start + 2] = 0
    data[start + 3] = 0
    for byte in range(4):
        data[start + 4 + byte] = interface >> (24 - 8 * byte) & 0xFF
    data[start + 8] = hardware >> 8
    data[start + 9] = hardware & 0xFF
    data[start + 10] = header["direction"]
    data[start + 11] = data[at + _ADDRESS_LEN]
    for byte in range(8):
        data[start + 12 + byte] = data[at + _ADDRESS + byte]
    if header["status"] & _TAGGED:
        kind, tag = _tag(header)
        data[start + 20] = tag >> 8
        data[start + 21] = tag & 0xFF
        data[start + 22] = data[start]
        data[start + 23] = data[start + 1]
        data[start] = kind >> 8
        data[start + 1] = kind & 0xFF


@part
def _restore(data: NDArray[np.uint8], header: np.void, at: int, start: int, cooked: bool) -> int:
    """Put back what the kernel took out of the packet at `start`; give how many bytes that is."""
    added = TAG_BYTES * (header["status"] & _TAGGED != 0)
    if cooked:
        added += COOKED_BYTES
        _cook(data, header, at, start - added)
    elif header["captured"] < 12:
        added = 0
    elif added:
        _insert_tag(data, header, start)
    return added


@part
def _tag(header: np.void) -> tuple[int, int]:
    """Give EtherType and value of the VLAN tag that stands in `header`, one PACKET_HEADER."""
    kind = int(header["tpid"])
    if not header["status"] & _TAG_KIND_KNOWN:
        kind = _CUSTOMER_TAG
    return kind, int(header["tci"]) & 0xFFFF


@compiled
def walk(ring: Ring, frames: FrameColumns, kept: int, most: int) -> int:
    """List frames of the ring, restoring their link headers in place, until `most` are listed.

    Return how many are; fewer where the blocks are at their end. frames: all but data, linktype
    and capture are set. kept: frames listed there so far. What leaves by the loopback device is
    left out: it arrives there too.
    """
    while kept < most and ring.totals[BLOCK] < len(ring.at):
        block = ring.totals[BLOCK]
        if ring.left[block] > 0:
            kept = _walk_block(ring, block, frames, kept, most)
        else:
            ring.totals[BLOCK] += 1
    return kept


@part
def _walk_block(ring: Ring, block: int, frames: FrameColumns, kept: int, most: int) -> int:
    """Walk on in one block; a header that cannot be right is its end."""
    at, end, left = ring.at[block], ring.end[block], ring.left[block]
    cooked = ring.totals[COOKED] != 0
    least_start = _HEADER_BYTES + TAG_BYTES + COOKED_BYTES * cooked
    touched = at
    while left > 0 and kept < most:
        if at // ALIGNMENT * ALIGNMENT + _HEADER_BYTES > end:
            left = 0
            break
        # Each header tells where the next one is, so that every one would be waited for: a tenth of
        # the time goes for what is asked for before it is known where.
        while touched < min(at + _AHEAD, end):
            bring_near(ring.data, touched)
            touched += _CACHE_LINE
        header = ring.headers[at // ALIGNMENT]
        start, captured = at + int(header["start"]), int(header["captured"])
        if start < at + least_start or start + captured > end:
            left = 0
            break
        if header["direction"] != _OUTGOING or header["interface"] != _LOOPBACK:
            ring.totals[LISTED] += 1
            added = _restore(ring.data, header, at, start, cooked)
            frames.offset[kept] = start - added
            frames.captured_len[kept] = captured + added
            frames.wire_len[kept] = int(header["wire"]) + added
            frames.time_ns[kept] = int(header["sec"]) * 1_000_000_000 + int(header["nsec"])
            frames.number[kept] = ring.totals[LISTED]
            kept += 1
        at += int(header["next_offset"])
        left = left - 1 if header["next_offset"] != 0 else 0
    ring.at[block], ring.left[block] = at, left
    return kept
