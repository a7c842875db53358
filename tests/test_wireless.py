"""802.11 data frames and what adapters put before them."""

from __future__ import annotations

from struct import pack

import pytest
from carried import PACKET, SNAP, assert_opened, row_of

from auditor.records import Status

AIR = 105
ADDRESSES = bytes(18)
BODY = SNAP + PACKET


def air(control: bytes, body: bytes = BODY, *, rest: bytes = b"", sequence: int = 0x0010) -> bytes:
    """Make a frame of the air: frame control, three addresses, what else the header has, body."""
    return control + bytes(2) + ADDRESSES + pack("<H", sequence) + rest + body


def radiotap(frame: bytes, fields: bytes = b"", *present: int) -> bytes:
    """Put a radiotap header with these presence words and fields before a frame."""
    words = present or (0,)
    header = pack(f"<{len(words)}I", *words) + fields
    return pack("<BxH", 0, 4 + len(header)) + header + frame


PLAIN = air(b"\x08\x02")
SUBFRAME = bytes(12) + pack("!H", len(BODY))

STACKS = {
    "from station": (AIR, air(b"\x08\x01")),
    "to station": (AIR, PLAIN),
    "ad hoc": (AIR, air(b"\x08\0")),
    "bridge": (AIR, air(b"\x08\x03", rest=bytes(6))),
    "quality": (AIR, air(b"\x88\x01", rest=b"\0\0")),
    "bridge quality": (AIR, air(b"\x88\x03", rest=bytes(6) + b"\0\0")),
    "throughput": (AIR, air(b"\x88\x81", rest=b"\0\0" + bytes(4))),
    "aggregate": (AIR, air(b"\x88\x01", rest=b"\x80\0" + SUBFRAME)),
    "first fragment": (AIR, air(b"\x08\x06")),
    "checksum": (AIR, PLAIN + bytes(4)),
    "radiotap": (127, radiotap(PLAIN)),
    "radiotap fields": (127, radiotap(PLAIN, bytes(8) + b"\x10\x02", 0x2F)),
    "radiotap more words": (127, radiotap(PLAIN, bytes(5), 0x80000002, 0x80000000, 0)),
    "radiotap padded": (
        127,
        radiotap(air(b"\x88\x01", rest=b"\0\0" + b"\0\0"), b"\x20", 0x02),
    ),
    "radiotap clock padded": (
        127,
        radiotap(air(b"\x88\x01", rest=b"\0\0" + b"\0\0"), bytes(8) + b"\x20", 0x03),
    ),
    "ppi": (192, pack("<BxHI", 0, 12, AIR) + bytes(4) + PLAIN),
}


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_opens_data_frames(linktype: int, frame: bytes) -> None:
    """Every shape of header leads to the datagram; the air is a link, no tunnel."""
    assert assert_opened(frame, linktype)["tunnel"] == 0


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_calls_a_frame_cut_by_the_capture_truncated(linktype: int, frame: bytes) -> None:
    """However short the capture cuts it, a frame without ports is TRUNCATED."""
    ports = int(row_of(frame, linktype)["payload_offset"]) - 4
    statuses = {row_of(frame[:length], linktype)["status"] for length in range(ports)}
    assert statuses == {Status.TRUNCATED}


@pytest.mark.parametrize(
    ("linktype", "frame", "status"),
    [
        (AIR, air(b"\x80\0", bytes(40)), Status.NOT_IP),
        (AIR, b"\xd4\0" + bytes(8), Status.NOT_IP),
        (AIR, air(b"\x48\x01", bytes(20)), Status.NOT_IP),
        (AIR, air(b"\x18\x01"), Status.NOT_IP),
        (AIR, air(b"\x08\x41"), Status.UNSUPPORTED),
        (AIR, air(b"\x08\x02", sequence=0x0011), Status.FRAGMENT),
        (AIR, air(b"\x08\x02", b"\xaa\xaa\x03\0\0\0\x08\x06" + bytes(28)), Status.NOT_IP),
        (192, pack("<BxHI", 0, 8, 1) + PLAIN, Status.UNSUPPORTED),
    ],
    ids=["beacon", "ack", "null", "polling", "encrypted", "later fragment", "arp", "ppi ethernet"],
)
def test_names_what_holds_no_packet(linktype: int, frame: bytes, status: Status) -> None:
    """Management is not IP, what is encrypted cannot be opened, a later piece is a FRAGMENT."""
    assert row_of(frame, linktype)["status"] == status
