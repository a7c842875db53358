"""Link layers: from the start of a frame to the network protocol that it carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.protocols import (
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    FAMILIES_IPV4,
    FAMILIES_IPV6,
    LINK_COOKED,
    LINK_COOKED_2,
    LINK_ETHERNET,
    LINKS_LOOPBACK,
    LINKS_RAW,
    LONGEST_802_3,
    VLAN_TAGS,
)
from auditor.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable

_LLC_SNAP = b"\xaa\xaa\x03"
_LLC_IPV4 = b"\x06\x06\x03"
_NOT_IP = 0

_FAMILIES = {
    **dict.fromkeys(FAMILIES_IPV4, ETHERTYPE_IPV4),
    **dict.fromkeys(FAMILIES_IPV6, ETHERTYPE_IPV6),
}


class Link(NamedTuple):
    """What follows a frame's link header."""

    ethertype: int
    """0 where the header names no EtherType."""
    position: int
    """Where the network header starts, from the start of the frame."""
    vlan: int
    """As in auditor.records.PACKET."""


def read_link(linktype: int, frame: bytes) -> Link | Status:
    """Read the link header of a frame of that LINKTYPE_ number."""
    reader = _READERS.get(linktype)
    return reader(frame) if reader else Status.UNSUPPORTED


def source_mac(linktype: int, data: memoryview, start: int) -> bytes:
    """Give the sender's Ethernet address of the frame at `start`, empty where it names none."""
    if linktype == LINK_ETHERNET:
        return bytes(data[start + 6 : start + 12])
    if linktype == LINK_COOKED and bytes(data[start + 2 : start + 6]) == b"\0\1\0\6":
        return bytes(data[start + 6 : start + 12])
    if linktype == LINK_COOKED_2 and bytes(data[start + 8 : start + 12 : 3]) == b"\0\6":
        return bytes(data[start + 12 : start + 18])
    return b""


def read_tags(frame: bytes, ethertype: int, position: int) -> Link | Status:
    """Walk VLAN tags and LLC from behind an EtherType field; a third tag and further are no ids."""
    vlan = 0
    while ethertype in VLAN_TAGS:
        if len(frame) < position + 4:
            return Status.TRUNCATED
        identifier = (frame[position] << 8 | frame[position + 1]) & 0x0FFF
        if vlan <= 0xFFFF:
            vlan |= identifier << (16 if vlan else 0)
        ethertype = frame[position + 2] << 8 | frame[position + 3]
        position += 4
    if ethertype > LONGEST_802_3:
        return Link(ethertype, position, vlan)
    return read_llc(frame, position, vlan)


def read_llc(frame: bytes, position: int, vlan: int) -> Link | Status:
    """Read the LLC header at `position`, behind these VLAN ids."""
    header = frame[position : position + 8]
    if len(header) < (8 if header[:3] == _LLC_SNAP else 3):
        return Status.TRUNCATED
    if header[:3] == _LLC_SNAP:
        return Link(header[6] << 8 | header[7], position + 8, vlan)
    if header[:3] == _LLC_IPV4:
        return Link(ETHERTYPE_IPV4, position + 3, vlan)
    return Link(_NOT_IP, position, vlan)


def _read_ethernet(frame: bytes) -> Link | Status:
    if len(frame) < 14:
        return Status.TRUNCATED
    ethertype = frame[12] << 8 | frame[13]
    if ethertype in {ETHERTYPE_IPV4, ETHERTYPE_IPV6}:
        return Link(ethertype, 14, 0)
    return read_tags(frame, ethertype, 14)


def _read_cooked(frame: bytes) -> Link | Status:
    if len(frame) < 16:
        return Status.TRUNCATED
    return read_tags(frame, frame[14] << 8 | frame[15], 16)


def _read_cooked_2(frame: bytes) -> Link | Status:
    if len(frame) < 20:
        return Status.TRUNCATED
    return read_tags(frame, frame[0] << 8 | frame[1], 20)


def _read_raw(frame: bytes) -> Link | Status:
    if not frame:
        return Status.TRUNCATED
    version = frame[0] >> 4
    if version == 4:
        return Link(ETHERTYPE_IPV4, 0, 0)
    return Link(ETHERTYPE_IPV6, 0, 0) if version == 6 else Status.MALFORMED


def _read_loopback(frame: bytes) -> Link | Status:
    if len(frame) < 4:
        return Status.TRUNCATED
    family = int.from_bytes(frame[:4], "big")
    if family > 0xFFFF:  # written in the byte order of the capturing machine
        family = int.from_bytes(frame[:4], "little")
    return Link(_FAMILIES.get(family, family if family > LONGEST_802_3 else _NOT_IP), 4, 0)


_READERS: dict[int, Callable[[bytes], Link | Status]] = {
    **dict.fromkeys(LINKS_LOOPBACK, _read_loopback),
    **dict.fromkeys(LINKS_RAW, _read_raw),
    LINK_ETHERNET: _read_ethernet,
    LINK_COOKED: _read_cooked,
    LINK_COOKED_2: _read_cooked_2,
}
