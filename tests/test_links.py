"""Link layers, each with the same UDP datagram inside."""

from __future__ import annotations

import pytest
from layers import IPV6, decoded, ethernet, ipv4, ipv6, tagged, udp

from auditor.records import Status

PACKET4 = ipv4(udp(5000, 53, b"query"), 17)
PACKET6 = ipv6(udp(5000, 53, b"query"), 17)

COOKED = b"\0\0\0\1\0\6" + bytes(8)
COOKED_2 = bytes(2) + bytes(4) + b"\0\1\0\6" + bytes(8)
SNAP = b"\xaa\xaa\x03\0\0\0"

STACKS = {
    "ethernet ipv4": (1, ethernet(PACKET4)),
    "ethernet ipv6": (1, ethernet(PACKET6, IPV6)),
    "ethernet padded": (1, ethernet(PACKET4) + bytes(20)),
    "802.3 snap": (1, ethernet(SNAP + b"\x08\0" + PACKET4, 8 + len(PACKET4))),
    "802.3 llc": (1, ethernet(b"\x06\x06\x03" + PACKET4, 3 + len(PACKET4))),
    "cooked ipv4": (113, COOKED + b"\x08\0" + PACKET4),
    "cooked ipv6": (113, COOKED + b"\x86\xdd" + PACKET6),
    "cooked vlan": (113, COOKED + b"\x81\0\0\5\x08\0" + PACKET4),
    "cooked 2 ipv4": (276, b"\x08\0" + COOKED_2[2:] + bytes(2) + PACKET4),
    "cooked 2 ipv6": (276, b"\x86\xdd" + COOKED_2[2:] + bytes(2) + PACKET6),
    "raw 12": (12, PACKET4),
    "raw 14": (14, PACKET6),
    "raw 101": (101, PACKET6),
    "raw ipv4": (228, PACKET4),
    "raw ipv6": (229, PACKET6),
    "null little": (0, b"\2\0\0\0" + PACKET4),
    "null big": (0, b"\0\0\0\2" + PACKET4),
    "null ipv6 linux": (0, b"\x0a\0\0\0" + PACKET6),
    "null ipv6 windows": (0, b"\x17\0\0\0" + PACKET6),
    "null ipv6 netbsd": (0, b"\x18\0\0\0" + PACKET6),
    "null ipv6 freebsd": (0, b"\0\0\0\x1c" + PACKET6),
    "null ipv6 macos": (0, b"\x1e\0\0\0" + PACKET6),
    "loop": (108, b"\0\0\0\2" + PACKET4),
}


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_finds_the_datagram_behind_the_link_header(linktype: int, frame: bytes) -> None:
    """Every link layer leads to the same ports and the same payload."""
    row = decoded(frame, linktype=linktype).rows[0]
    assert row["status"] == Status.OK
    assert (row["src_port"], row["dst_port"], row["transport"]) == (5000, 53, 17)
    start, length = int(row["payload_offset"]), int(row["payload_len"])
    assert frame[start : start + length] == b"query"


@pytest.mark.parametrize(("linktype", "frame"), STACKS.values(), ids=list(STACKS))
def test_calls_a_header_cut_by_the_capture_truncated(linktype: int, frame: bytes) -> None:
    """However short the capture cuts it, a frame without ports is TRUNCATED."""
    ports = int(decoded(frame, linktype=linktype).rows["payload_offset"][0]) - 4
    statuses = [
        decoded(frame[:length], linktype=linktype).rows["status"][0] for length in range(ports)
    ]
    assert statuses == [Status.TRUNCATED] * ports


@pytest.mark.parametrize("kind", [0x8100, 0x88A8, 0x9100])
def test_keeps_a_vlan_id(kind: int) -> None:
    """A tag of any of the three kinds gives its id, without priority bits."""
    row = decoded(tagged(PACKET4, (kind, 7))).rows[0]
    assert (row["status"], row["vlan"]) == (Status.OK, 7)


def test_keeps_the_two_outer_vlan_ids() -> None:
    """The outer id stands in the low half, the next in the high half, a third is walked over."""
    frames = (
        tagged(PACKET4, (0x88A8, 100), (0x8100, 20)),
        tagged(PACKET4, (0x9100, 100), (0x9100, 20), (0x8100, 3)),
    )
    rows = decoded(*frames).rows
    assert rows["vlan"].tolist() == [20 << 16 | 100] * 2
    assert rows["dst_port"].tolist() == [53, 53]


def test_takes_a_priority_tag_for_no_vlan() -> None:
    """VLAN id 0 marks a priority only, so that the tag inside gives the outer id."""
    assert decoded(tagged(PACKET4, (0x8100, 0), (0x8100, 20))).rows["vlan"][0] == 20


def test_keeps_the_vlan_of_what_it_cannot_read() -> None:
    """A frame that is not IP still has its VLAN."""
    row = decoded(tagged(bytes(28), (0x8100, 7), ethertype=0x0806)).rows[0]
    assert (row["status"], row["vlan"]) == (Status.NOT_IP, 7)


@pytest.mark.parametrize(
    ("linktype", "frame", "status"),
    [
        (1, ethernet(bytes(28), 0x0806), Status.NOT_IP),
        (1, ethernet(b"\x42\x42\x03" + bytes(35), 38), Status.NOT_IP),
        (0, b"\x07\0\0\0" + PACKET4, Status.NOT_IP),
        (1, ethernet(PACKET4, 0x22F3), Status.UNSUPPORTED),
        (9999, PACKET4, Status.UNSUPPORTED),
        (101, b"\x15" + PACKET4[1:], Status.MALFORMED),
    ],
)
def test_names_what_it_does_not_read(linktype: int, frame: bytes, status: Status) -> None:
    """What is no IP, is carried in a way that is not known, or contradicts itself has a status."""
    assert decoded(frame, linktype=linktype).rows["status"][0] == status
