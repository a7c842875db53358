"""Headers between the link layer and IP: MPLS, PPPoE, PPP, bridging, security and service tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dpkt import UnpackError
from dpkt.ethernet import MPLSlabel
from dpkt.pppoe import PPP, PPPoE

from auditor.decode.carriers import Inside, Opener
from auditor.decode.internet import read_datagram
from auditor.decode.links import read_tags
from auditor.protocols import ETHERTYPE_IPV4, ETHERTYPE_IPV6
from auditor.records import Status, Tunnel

if TYPE_CHECKING:
    from collections.abc import Callable

Header = TypeVar("Header")

ETHERTYPE_ETHERNET = 0x6558
ETHERTYPE_MPLS = 0x8847
ETHERTYPE_PPP = 0x880B

IP_VERSIONS = {4: ETHERTYPE_IPV4, 6: ETHERTYPE_IPV6}

NEXT_PROTOCOLS = {
    1: ETHERTYPE_IPV4,
    2: ETHERTYPE_IPV6,
    3: ETHERTYPE_ETHERNET,
    4: 0x894F,
    5: ETHERTYPE_MPLS,
}
"""EtherTypes by the numbers that service headers and VXLAN-GPE have for them."""

_TAG = 0x8100
_MOST_LABELS = 16
_ARP, _ARP_ETHERNET_IPV4 = 0x0806, b"\0\1\x08\0"
_PPP_ADDRESS = b"\xff\x03"
_PPP_PROTOCOLS = {
    0x0021: ETHERTYPE_IPV4,
    0x0057: ETHERTYPE_IPV6,
    0x0281: ETHERTYPE_MPLS,
    0x0283: ETHERTYPE_MPLS,
}
_PPP_PACKED = frozenset({0x002D, 0x002F, 0x003D, 0x00FB, 0x00FD})  # compressed, encrypted, split
_MACSEC_SECTAG, _MACSEC_SCI = 6, 8


def unpack(kind: Callable[[bytes], Header], header: bytes) -> Header | None:
    """Dissect one header with dpkt; None where it is cut or contradicts itself.

    `header` is no longer than the header may be: given more, dpkt would go on into what follows,
    which it does without bound and not always without other errors.
    """
    try:
        return kind(header)
    except UnpackError:
        return None


def open_ethernet(frame: bytes, position: int) -> Inside | Status:
    """Open an Ethernet frame inside the frame."""
    if len(frame) < position + 14:
        return Status.TRUNCATED
    link = read_tags(frame, _word(frame, position + 12), position + 14)
    return link if isinstance(link, Status) else Inside(*link)


def open_ppp(frame: bytes, position: int) -> Inside | Status:
    """Open a PPP frame, with or without its constant address and control bytes."""
    if frame[position : position + 2] == _PPP_ADDRESS:
        position += 2
    start = frame[position : position + 2]
    header = unpack(PPP, start) if len(start) == 2 else None
    if header is None:
        return Status.TRUNCATED
    ethertype = _PPP_PROTOCOLS.get(header.p)
    if ethertype is None:
        return Status.UNSUPPORTED if header.p in _PPP_PACKED else Status.NOT_IP
    return Inside(ethertype, position + len(start) - len(header.data))


def _open_tags(frame: bytes, position: int) -> Inside | Status:
    link = read_tags(frame, _TAG, position)
    return link if isinstance(link, Status) else Inside(*link)


def _open_mpls(frame: bytes, position: int) -> Inside | Status:
    """Walk the labels; the bottom one is the tunnel's id (RFC 3032)."""
    for _ in range(_MOST_LABELS):
        label = unpack(MPLSlabel, frame[position : position + 4])
        if label is None:
            return Status.TRUNCATED
        position += 4
        if label.s:
            inside = _behind_labels(frame, position)
            if isinstance(inside, Status):
                return inside
            return inside._replace(tunnel=Tunnel.MPLS, tunnel_id=label.val)
    return Status.MALFORMED


def _behind_labels(frame: bytes, position: int) -> Inside | Status:
    """Guess what follows, which no field tells: IP, or Ethernet behind a control word or none.

    Many Ethernet addresses begin as an IP header does; so Ethernet comes first where it holds IP or
    ARP indeed.
    """
    if position >= len(frame):
        return Status.TRUNCATED
    frames = [open_ethernet(frame, start) for start in (position + 4, position)]
    ethernet = [inside for inside in frames if not isinstance(inside, Status)]
    for inside in ethernet:
        if _is_credible(frame, inside):
            return inside
    ethertype = IP_VERSIONS.get(frame[position] >> 4, 0)
    packet = read_datagram(frame, ethertype, position)
    if not isinstance(packet, Status):
        return Inside(ethertype, position)
    return next((inside for inside in ethernet if inside.ethertype in BY_ETHERTYPE), packet)


def _is_credible(frame: bytes, inside: Inside) -> bool:
    if inside.ethertype == _ARP:
        return frame[inside.position : inside.position + 4] == _ARP_ETHERNET_IPV4
    return not isinstance(read_datagram(frame, inside.ethertype, inside.position), Status)


def _open_pppoe(frame: bytes, position: int) -> Inside | Status:
    header = unpack(PPPoE, frame[position : position + 6])
    if header is None:
        return Status.TRUNCATED
    if header.code:
        return Status.NOT_IP
    inside = open_ppp(frame, position + 6)
    if isinstance(inside, Status):
        return inside
    return inside._replace(tunnel=Tunnel.PPPOE, tunnel_id=header.session)


def _open_pbb(frame: bytes, position: int) -> Inside | Status:
    """Open a customer's frame on a provider's backbone (IEEE 802.1Q, 9.7)."""
    inside = open_ethernet(frame, position + 4)
    if isinstance(inside, Status):
        return inside
    service = _word(frame, position) << 16 | _word(frame, position + 2)
    return inside._replace(tunnel=Tunnel.PBB, tunnel_id=service & 0xFF_FFFF)


def _open_macsec(frame: bytes, position: int) -> Inside | Status:
    """Step over a tag that only authenticates (IEEE 802.1AE, 9.3)."""
    if len(frame) < position + 2:
        return Status.TRUNCATED
    control = frame[position]
    if control & 0x0C:  # encrypted, or changed in another way
        return Status.UNSUPPORTED
    position += _MACSEC_SECTAG + (_MACSEC_SCI if control & 0x20 else 0)
    return _typed(frame, position)


def _open_hsr(frame: bytes, position: int) -> Inside | Status:
    """Step over the tag of a redundant ring (IEC 62439-3): path and size, sequence."""
    return _typed(frame, position + 4)


def _open_nsh(frame: bytes, position: int) -> Inside | Status:
    """Open a packet on its way through a chain of services (RFC 8300)."""
    if len(frame) < position + 8:
        return Status.TRUNCATED
    length = (frame[position + 1] & 0x3F) * 4
    ethertype = NEXT_PROTOCOLS.get(frame[position + 3])
    if frame[position] >> 6 or length < 8 or ethertype is None:
        return Status.NOT_IP
    path = int.from_bytes(frame[position + 4 : position + 7], "big")
    return Inside(ethertype, position + length, tunnel=Tunnel.NSH, tunnel_id=path)


def _typed(frame: bytes, position: int) -> Inside | Status:
    """Go on behind an EtherType at `position`."""
    if len(frame) < position + 2:
        return Status.TRUNCATED
    return Inside(_word(frame, position), position + 2)


def _word(frame: bytes, position: int) -> int:
    return frame[position] << 8 | frame[position + 1]


BY_ETHERTYPE: dict[int, Opener] = {
    ETHERTYPE_ETHERNET: open_ethernet,
    _TAG: _open_tags,
    0x88A8: _open_tags,
    0x9100: _open_tags,
    ETHERTYPE_MPLS: _open_mpls,
    0x8848: _open_mpls,
    ETHERTYPE_PPP: open_ppp,
    0x8864: _open_pppoe,
    0x88E5: _open_macsec,
    0x88E7: _open_pbb,
    0x892F: _open_hsr,
    0x894F: _open_nsh,
}
"""Openers by the EtherType that stands before the header."""
