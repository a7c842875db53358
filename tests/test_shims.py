"""Headers between the link layer and IP."""

from __future__ import annotations

from struct import pack

import pytest
from carried import INNER_FRAME, PACKET, PACKET6, assert_opened, carrier_of, label, row_of
from layers import ethernet, tagged

from auditor.records import Status

MPLS, PPPOE, MACSEC, PBB, HSR, NSH = 0x8847, 0x8864, 0x88E5, 0x88E7, 0x892F, 0x894F
LABELS = label(100, bottom=False) + label(16_000, bottom=True)
SESSION = pack("!BBHH", 0x11, 0, 515, 2 + len(PACKET))
SERVICE = pack("!I", 0x60000000 | 70_000)
PATH = pack("!BBBBI", 0, 2, 2, 1, 777 << 8 | 255)
PATH_TO_FRAME = pack("!BBBBI", 0, 6, 1, 3, 777 << 8 | 255) + bytes(16)
ARP = b"\x68" + ethernet(b"\0\1\x08\0" + bytes(40), 0x0806)[1:]

STACKS = {
    "mpls": (ethernet(LABELS + PACKET, MPLS), "MPLS", 16_000),
    "mpls multicast": (ethernet(LABELS + PACKET6, 0x8848), "MPLS", 16_000),
    "mpls pseudowire": (ethernet(LABELS + bytes(4) + INNER_FRAME, MPLS), "MPLS", 16_000),
    "mpls bare pseudowire": (ethernet(LABELS + INNER_FRAME, MPLS), "MPLS", 16_000),
    "mpls mac like ipv4": (ethernet(LABELS + b"\x48" + INNER_FRAME[1:], MPLS), "MPLS", 16_000),
    "pppoe": (ethernet(SESSION + b"\0\x21" + PACKET, PPPOE), "PPPOE", 515),
    "pppoe ipv6": (ethernet(SESSION + b"\0\x57" + PACKET6, PPPOE), "PPPOE", 515),
    "pppoe short protocol": (ethernet(SESSION + b"\x21" + PACKET, PPPOE), "PPPOE", 515),
    "ppp mpls": (ethernet(SESSION + b"\2\x81" + LABELS + PACKET, PPPOE), "MPLS", 16_000),
    "ppp": (ethernet(b"\xff\x03\0\x21" + PACKET, 0x880B), "NONE", 0),
    "pbb": (ethernet(SERVICE + INNER_FRAME, PBB), "PBB", 70_000),
    "macsec": (ethernet(b"\0\0" + bytes(4) + b"\x08\0" + PACKET + bytes(16), MACSEC), "NONE", 0),
    "macsec sci": (ethernet(b"\x20\0" + bytes(12) + b"\x08\0" + PACKET, MACSEC), "NONE", 0),
    "hsr": (ethernet(b"\0\x40\0\1\x08\0" + PACKET, HSR), "NONE", 0),
    "hsr vlan": (ethernet(b"\0\x40\0\1\x81\0\0\5\x08\0" + PACKET, HSR), "NONE", 0),
    "nsh": (ethernet(PATH + PACKET, NSH), "NSH", 777),
    "nsh ethernet": (ethernet(PATH_TO_FRAME + INNER_FRAME, NSH), "NSH", 777),
    "bridging": (ethernet(INNER_FRAME, 0x6558), "NONE", 0),
}


@pytest.mark.parametrize(("frame", "kind", "number"), STACKS.values(), ids=list(STACKS))
def test_opens_what_stands_before_ip(frame: bytes, kind: str, number: int) -> None:
    """Every header leads to the datagram inside, and those that have an id give it."""
    assert carrier_of(assert_opened(frame)) == (kind, number)


@pytest.mark.parametrize(("frame", "kind", "number"), STACKS.values(), ids=list(STACKS))
def test_calls_a_shim_cut_by_the_capture_truncated(frame: bytes, kind: str, number: int) -> None:
    """Up to the inner ports a cut frame has no flow, whatever is guessed from what is left."""
    del kind, number
    ports = int(row_of(frame)["payload_offset"]) - 4
    statuses = {Status(row_of(frame[:length])["status"]) for length in range(ports)}
    assert Status.TRUNCATED in statuses
    assert Status.OK not in statuses


@pytest.mark.parametrize(
    ("frame", "vlan"),
    [
        (tagged(LABELS + PACKET, (0x8100, 7), ethertype=MPLS), 7),
        (tagged(SERVICE + INNER_FRAME, (0x88A8, 7), ethertype=PBB), 20 << 16 | 7),
        (tagged(SERVICE + INNER_FRAME, (0x88A8, 20), ethertype=PBB), 20),
        (tagged(SERVICE + INNER_FRAME, (0x88A8, 5), (0x8100, 6), ethertype=PBB), 6 << 16 | 5),
        (ethernet(SERVICE + INNER_FRAME, PBB), 20),
        (STACKS["hsr vlan"][0], 5),
    ],
)
def test_gathers_vlans_on_the_way_in(frame: bytes, vlan: int) -> None:
    """The first two ids count, wherever they stand, and each once."""
    assert assert_opened(frame)["vlan"] == vlan


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        (ethernet(SESSION + b"\xc0\x21" + bytes(20), PPPOE), Status.NOT_IP),
        (ethernet(SESSION + b"\0\xfd" + bytes(20), PPPOE), Status.UNSUPPORTED),
        (ethernet(pack("!BBHH", 0x11, 0xA7, 515, 0), PPPOE), Status.NOT_IP),
        (ethernet(b"\x0c\0" + bytes(60), MACSEC), Status.UNSUPPORTED),
        (ethernet(label(5, bottom=False) * 40, MPLS), Status.MALFORMED),
        (ethernet(LABELS + b"\x10" + bytes(60), MPLS), Status.NOT_IP),
        (ethernet(LABELS + ARP, MPLS), Status.NOT_IP),
        (ethernet(pack("!BBBBI", 0, 2, 2, 9, 0) + PACKET, NSH), Status.NOT_IP),
        (ethernet(b"\0\x40\0\1\x08\x06" + bytes(28), HSR), Status.NOT_IP),
    ],
    ids=[
        "ppp control", "ppp encrypted", "pppoe end", "macsec encrypted", "labels without end",
        "pseudowire control", "pseudowire arp", "service of no packet", "arp",
    ],
)  # fmt: skip
def test_names_what_holds_no_packet(frame: bytes, status: Status) -> None:
    """Control frames are not IP, what is encrypted or compressed cannot be opened."""
    assert row_of(frame)["status"] == status


def test_keeps_the_vlan_of_what_it_cannot_open() -> None:
    """A frame whose carrier holds nothing readable still has its VLAN."""
    row = row_of(tagged(b"\x0c\0" + bytes(60), (0x8100, 7), ethertype=MACSEC))
    assert (row["status"], row["vlan"]) == (Status.UNSUPPORTED, 7)
