"""Lines between routers, and Linux's packet log."""

from __future__ import annotations

from struct import pack

import pytest
from carried import PACKET, PACKET6, assert_opened, carrier_of, row_of

from auditor.records import Status

ADDRESS = b"\x18\x41"
LOG = b"\2\0\0\5"


def field(order: str, kind: int, value: bytes) -> bytes:
    """Make a field of a log record, padded to four bytes."""
    return pack(f"{order}HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


STACKS = {
    "ppp": (9, b"\xff\x03\0\x21" + PACKET),
    "ppp short": (9, b"\x21" + PACKET),
    "ppp ipv6": (50, b"\xff\x03\0\x57" + PACKET6),
    "ppp of cisco": (50, b"\x0f\0\x08\0" + PACKET),
    "ppp direction": (204, b"\1\xff\x03\0\x21" + PACKET),
    "pppd": (166, b"\0\xff\x03\0\x21" + PACKET),
    "pppoe": (51, pack("!BBHH", 0x11, 0, 5, 2 + len(PACKET)) + b"\0\x21" + PACKET),
    "hdlc": (104, b"\x0f\0\x08\0" + PACKET),
    "hdlc ipv6": (104, b"\x8f\0\x86\xdd" + PACKET6),
    "relay": (107, ADDRESS + b"\x03\xcc" + PACKET),
    "relay ipv6": (107, ADDRESS + b"\x03\x8e" + PACKET6),
    "relay padded": (107, ADDRESS + b"\x03\0\xcc" + PACKET),
    "relay snap": (107, ADDRESS + b"\x03\0\x80\0\0\0\x08\0" + PACKET),
    "relay cisco": (107, ADDRESS + b"\x08\0" + PACKET),
    "relay long address": (107, b"\x18\x40\x40\x41\x03\xcc" + PACKET),
    "log": (239, LOG + field("<", 10, b"in\0") + field("<", 9, PACKET) + field("<", 1, b"mark")),
    "log big": (239, LOG + field(">", 1, b"\x08\0\0\0") + field(">", 9, PACKET)),
    "log ipv6": (239, b"\x0a" + LOG[1:] + field("<", 9, PACKET6)),
}  # fmt: skip


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_finds_the_datagram_behind_the_link_header(linktype: int, frame: bytes) -> None:
    """Every link layer leads to the datagram; only PPPoE has an id to tell."""
    row = assert_opened(frame, linktype)
    assert carrier_of(row) == (("PPPOE", 5) if linktype == 51 else ("NONE", 0))


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_calls_a_header_cut_by_the_capture_truncated(linktype: int, frame: bytes) -> None:
    """However short the capture cuts it, a frame without ports is TRUNCATED."""
    ports = int(row_of(frame, linktype)["payload_offset"]) - 4
    statuses = {row_of(frame[:length], linktype)["status"] for length in range(ports)}
    assert statuses == {Status.TRUNCATED}


@pytest.mark.parametrize(
    ("linktype", "frame", "status"),
    [
        (9, b"\xff\x03\xc0\x21" + bytes(20), Status.NOT_IP),
        (104, b"\x8f\0\x80\x35" + bytes(20), Status.NOT_IP),
        (107, b"\0\1\x03\x08\0\x75", Status.NOT_IP),
        (107, b"\x01\0\0\0\0", Status.MALFORMED),
        (107, b"\0\0\0\0\0", Status.MALFORMED),
        (239, b"\x07" + LOG[1:] + field("<", 9, PACKET), Status.NOT_IP),
        (239, LOG + pack("<HH", 3, 1) + bytes(8), Status.MALFORMED),
        (239, LOG + field("<", 1, b"") * 100, Status.MALFORMED),
    ],
    ids=[
        "ppp control", "keepalive", "relay status", "relay short address", "relay address",
        "log of bridge", "log field length", "log without payload",
    ],
)  # fmt: skip
def test_names_what_holds_no_packet(linktype: int, frame: bytes, status: Status) -> None:
    """Control frames are not IP; an address or a field that cannot be is MALFORMED."""
    assert row_of(frame, linktype)["status"] == status
