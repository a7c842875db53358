"""The walk over one block of a TPACKET_V3 ring (Linux, Documentation/networking/packet_mmap).

A block is a chain of packets, each a header, the address of where it was received, room, and its
bytes. The kernel takes two things out of the bytes that belong there, and the walk puts them back
into the room: the outermost VLAN tag, which network cards report beside the frame, and for a
socket without link headers one of LINKTYPE_LINUX_SLL2, made of the address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.kernel.jit import compiled, part
from auditor.kernel.nearby import bring_near

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
def _tag(header: np.void) -> tuple[int, int]:
    """Give EtherType and value of the VLAN tag that stands in `header`, one PACKET_HEADER."""
    kind = int(header["tpid"])
    if not header["status"] & _TAG_KIND_KNOWN:
        kind = _CUSTOMER_TAG
    return kind, int(header["tci"]) & 0xFFFF


@compiled
def walk(
    data: NDArray[np.uint8],
    headers: NDArray[np.void],
    first: int,
    count: int,
    cooked: bool,
    columns: NDArray[np.int64],
    kept: int,
    base: int,
) -> int:
    """List the frames of a block, restoring their link headers in place.

    Return how many are listed then.

    data: uint8 (m,), the block. headers: PACKET_HEADER (h,), one at every multiple of ALIGNMENT
    bytes of data. first: where the first header is, bytes. count: packets in the block. cooked:
    whether frames come without link headers. columns: int64 (4, >= kept + count), written to:
    offset, bytes captured, bytes on the wire, nanoseconds since 1970. kept: frames listed there so
    far. base: where the block is in what offsets are counted in. A second walk over the same block
    would restore twice. What leaves by the loopback device is left out: it arrives there too.
    """
    at = first
    touched = first
    for _ in range(count):
        index = at // ALIGNMENT
        if index >= len(headers):
            break
        # Each header tells where the next one is, so that every one would be waited for: a tenth of
        # the time goes for what is asked for before it is known where.
        while touched < min(at + _AHEAD, len(data)):
            bring_near(data, touched)
            touched += _CACHE_LINE
        header = headers[index]
        start = at + int(header["start"])
        captured = int(header["captured"])
        wire = int(header["wire"])
        if start < at + _HEADER_BYTES + TAG_BYTES + COOKED_BYTES * cooked:
            break
        if start + captured > len(data):
            break
        if header["direction"] != _OUTGOING or header["interface"] != _LOOPBACK:
            tag = TAG_BYTES * (header["status"] & _TAGGED != 0)
            if cooked:
                tag += COOKED_BYTES
                _cook(data, header, at, start - tag)
            elif captured < 12:
                tag = 0
            elif tag:
                _insert_tag(data, header, start)
            columns[0, kept] = base + start - tag
            columns[1, kept] = captured + tag
            columns[2, kept] = wire + tag
            columns[3, kept] = int(header["sec"]) * 1_000_000_000 + int(header["nsec"])
            kept += 1
        if header["next_offset"] == 0:
            break
        at += int(header["next_offset"])
    return kept
