"""802.11 data frames, plain or behind the headers that monitoring adapters add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dpkt.ieee80211 import IEEE80211

from auditor.decode.carriers import Inside
from auditor.decode.links import read_llc
from auditor.decode.shims import unpack
from auditor.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable

_LINK_80211 = 105
_LONGEST_HEADER = 32  # of those that dpkt reads: four addresses and quality of service
_TYPE_DATA = 0x08
_NO_DATA = 0x40
_QUALITY = 0x80
_AGGREGATE = 0x8000  # in the quality word as dpkt reads it, first byte first
_SUBFRAME_HEADER = 14

_MOST_PRESENT_WORDS = 32
_RADIOTAP_CLOCK, _RADIOTAP_FLAGS, _RADIOTAP_MORE = 1 << 0, 1 << 1, 1 << 31
_PADDED = 0x20


def _read_80211(frame: bytes, position: int = 0, *, padded: bool = False) -> Inside | Status:
    """Read a frame of the air from `position`; padded: its payload stands at a multiple of 4."""
    start = frame[position : position + _LONGEST_HEADER]
    if len(start) < 2:
        return Status.TRUNCATED
    if start[0] & 0x0C != _TYPE_DATA or start[0] & _NO_DATA:
        return Status.NOT_IP
    header = unpack(IEEE80211, start)
    if header is None:
        return Status.TRUNCATED if len(start) < _LONGEST_HEADER else Status.NOT_IP
    if header.wep:
        return Status.UNSUPPORTED
    if header.data_frame.fragment_number:
        return Status.FRAGMENT
    length = len(start) - len(header.data)
    if start[0] & _QUALITY and header.order:
        length += 4  # control of high throughput
    position += length + 3 & ~3 if padded else length
    if start[0] & _QUALITY and header.qos_data.control & _AGGREGATE:
        position += _SUBFRAME_HEADER  # of the first packet, which stands for all of them
    link = read_llc(frame, position, 0)
    return link if isinstance(link, Status) else Inside(*link)


def _read_radiotap(frame: bytes) -> Inside | Status:
    """Step over what the adapter says.

    dpkt reads every field, and stumbles where a chain of presence words is cut; we need two.
    """
    length = int.from_bytes(frame[2:4], "little")
    if len(frame) < max(length, 8):
        return Status.TRUNCATED
    present = int.from_bytes(frame[4:8], "little")
    position, more = 8, present
    while more & _RADIOTAP_MORE and position < min(length, 4 * _MOST_PRESENT_WORDS):
        more = int.from_bytes(frame[position : position + 4], "little")
        position += 4
    if present & _RADIOTAP_CLOCK:
        position = (position + 7 & ~7) + 8
    padded = present & _RADIOTAP_FLAGS and position < length and frame[position] & _PADDED
    return _read_80211(frame, length, padded=bool(padded))


def _read_ppi(frame: bytes) -> Inside | Status:
    """Step over per-packet information of 802.11 frames."""
    length = int.from_bytes(frame[2:4], "little")
    if len(frame) < max(length, 8):
        return Status.TRUNCATED
    if int.from_bytes(frame[4:8], "little") != _LINK_80211:
        return Status.UNSUPPORTED
    return _read_80211(frame, length)


BY_LINKTYPE: dict[int, Callable[[bytes], Inside | Status]] = {
    _LINK_80211: _read_80211,
    127: _read_radiotap,
    192: _read_ppi,
}
"""Readers by LINKTYPE_ number."""
