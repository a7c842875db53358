"""Link layers of lines between routers, and of Linux's packet log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from auditor.decode.carriers import Inside
from auditor.decode.shims import BY_ETHERTYPE, open_ppp
from auditor.protocols import ETHERTYPE_IPV4, ETHERTYPE_IPV6
from auditor.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable

_ETHERTYPE_PPPOE = 0x8864

_CISCO_HDLC = frozenset({0x0F, 0x8F})
_UNNUMBERED = 0x03
_NLPIDS = {0xCC: ETHERTYPE_IPV4, 0x8E: ETHERTYPE_IPV6}
_NLPID_SNAP = 0x80

_NFLOG_FAMILIES = {2: ETHERTYPE_IPV4, 10: ETHERTYPE_IPV6}
_NFLOG_PAYLOAD = 9
_MOST_NFLOG_FIELDS = 64


def _read_ppp(frame: bytes, position: int = 0) -> Inside | Status:
    if frame[position : position + 1] and frame[position] in _CISCO_HDLC:
        return _read_cisco_hdlc(frame, position)
    return open_ppp(frame, position)


def _read_ppp_with_direction(frame: bytes) -> Inside | Status:
    return _read_ppp(frame, 1)


def _read_pppoe(frame: bytes) -> Inside | Status:
    return BY_ETHERTYPE[_ETHERTYPE_PPPOE](frame, 0)


def _read_cisco_hdlc(frame: bytes, position: int = 0) -> Inside | Status:
    if len(frame) < position + 4:
        return Status.TRUNCATED
    return Inside(frame[position + 2] << 8 | frame[position + 3], position + 4)


def _read_frame_relay(frame: bytes) -> Inside | Status:
    """Read an address of two to four bytes, and RFC 2427's or Cisco's name of the protocol."""
    position = next((at + 1 for at, byte in enumerate(frame[:4]) if byte & 1), 0)
    if position < 2:
        return Status.MALFORMED if len(frame) >= 4 else Status.TRUNCATED
    if len(frame) < position + 3:
        return Status.TRUNCATED
    if frame[position] != _UNNUMBERED:
        return Inside(frame[position] << 8 | frame[position + 1], position + 2)
    position += 2 if frame[position + 1] == 0 else 1  # padding
    if frame[position] == _NLPID_SNAP:
        snap = frame[position + 1 : position + 6]
        if len(snap) < 5:
            return Status.TRUNCATED
        return Inside(snap[3] << 8 | snap[4], position + 6)
    ethertype = _NLPIDS.get(frame[position])
    return Status.NOT_IP if ethertype is None else Inside(ethertype, position + 1)


def _read_nflog(frame: bytes) -> Inside | Status:
    """Find the payload among the fields.

    Numbers are in the logging host's byte order, which the first field's small type tells.
    """
    if len(frame) < 4:
        return Status.TRUNCATED
    ethertype = _NFLOG_FAMILIES.get(frame[0])
    if ethertype is None:
        return Status.NOT_IP
    order: Literal["big", "little"] = "big" if frame[6:7] == b"\0" else "little"
    position = 4
    for _ in range(_MOST_NFLOG_FIELDS):
        if len(frame) < position + 4:
            return Status.TRUNCATED
        length = int.from_bytes(frame[position : position + 2], order)
        kind = int.from_bytes(frame[position + 2 : position + 4], order)
        if length < 4:
            return Status.MALFORMED
        if kind == _NFLOG_PAYLOAD:
            return Inside(ethertype, position + 4)
        position += length + 3 & ~3
    return Status.MALFORMED


BY_LINKTYPE: dict[int, Callable[[bytes], Inside | Status]] = {
    9: _read_ppp,
    50: _read_ppp,
    51: _read_pppoe,
    104: _read_cisco_hdlc,
    107: _read_frame_relay,
    166: _read_ppp_with_direction,
    204: _read_ppp_with_direction,
    239: _read_nflog,
}
"""Readers by LINKTYPE_ number."""
