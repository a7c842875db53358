"""Carriers inside IP and UDP: IP in IP, GRE, ERSPAN, VXLAN, GENEVE, GTP-U, Teredo, L2TP."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from dpkt.ah import AH
from dpkt.gre import GRE, GRE_AP, GRE_CP, GRE_KP, GRE_RP, GRE_SP

from auditor.decode.carriers import Inside, Opener
from auditor.decode.shims import (
    ETHERTYPE_PPP,
    IP_VERSIONS,
    NEXT_PROTOCOLS,
    open_ethernet,
    open_ppp,
    unpack,
)
from auditor.protocols import (
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    IPPROTO_AH,
    IPPROTO_IPV4,
    IPPROTO_IPV6,
    UDP_GENEVE,
    UDP_GTP,
    UDP_L2TP,
    UDP_TEREDO,
    UDP_VXLAN,
    UDP_VXLAN_GPE,
)
from auditor.records import IPPROTO_GRE, Status, Tunnel

if TYPE_CHECKING:
    from auditor.decode.internet import Datagram

_VXLAN = Struct("!B2xBI")
_GENEVE = Struct("!BBHI")
_GTP = Struct("!BBHI")

_GRE_WORDS = GRE_CP | GRE_KP | GRE_SP | GRE_AP
"""Flags of the optional parts that are present, four bytes each."""
_ERSPAN = 0x88BE
_ERSPAN_III = 0x22EB

_GTP_PACKET = 255
_MOST_GTP_EXTENSIONS = 8

_TEREDO_PREFIX = b"\x20\x01\0\0"
_LINK_LOCAL = b"\xfe\x80"


def step_over_authentication(frame: bytes, datagram: Datagram) -> Datagram:
    """Give the datagram as it would be without its authentication header (RFC 4302)."""
    if datagram.protocol != IPPROTO_AH or (datagram.fragment and datagram.fragment.offset):
        return datagram
    header = unpack(AH, frame[datagram.position : datagram.position + 12])
    if header is None:
        return datagram
    position = datagram.position + (header.len + 2) * 4
    if position > datagram.end:
        return datagram
    return datagram._replace(protocol=header.nxt, position=position)


def _open_ipv4(_frame: bytes, position: int) -> Inside | Status:
    return Inside(ETHERTYPE_IPV4, position, tunnel=Tunnel.IPIP)


def _open_ipv6(_frame: bytes, position: int) -> Inside | Status:
    return Inside(ETHERTYPE_IPV6, position, tunnel=Tunnel.IPIP)


def _open_gre(frame: bytes, position: int) -> Inside | Status:
    """Open GRE (RFC 2784, 2890) and PPTP's variant (RFC 2637); source routes are refused."""
    if len(frame) < position + 4:
        return Status.TRUNCATED
    flags = frame[position] << 8 | frame[position + 1]
    length = 4 + (flags & _GRE_WORDS).bit_count() * 4
    header = unpack(GRE, frame[position : position + length])
    if header is None:
        return Status.TRUNCATED
    if flags & GRE_RP or header.v > 1:
        return Status.UNSUPPORTED
    position += length
    ethertype: int = header.p
    if ethertype in {_ERSPAN, _ERSPAN_III}:
        return _open_erspan(frame, position, numbered=bool(flags & GRE_SP))
    if header.v and ethertype != ETHERTYPE_PPP:
        return Status.NOT_IP
    key = header.callid if header.v else header.key if flags & GRE_KP else 0
    return Inside(ethertype, position, tunnel=Tunnel.GRE, tunnel_id=key)


def _open_erspan(frame: bytes, position: int, *, numbered: bool) -> Inside | Status:
    """Open a mirrored frame; type I has neither a header nor a sequence number in GRE."""
    if not numbered:
        inside = open_ethernet(frame, position)
        if isinstance(inside, Status):
            return inside
        return inside._replace(tunnel=Tunnel.ERSPAN)
    header = frame[position : position + 12]
    if len(header) < 12:
        return Status.TRUNCATED
    version = header[0] >> 4
    if version not in {1, 2}:
        return Status.NOT_IP
    if version == 1:
        position += 8
    else:
        position += 20 if header[11] & 1 else 12
    inside = open_ethernet(frame, position)
    if isinstance(inside, Status):
        return inside
    return inside._replace(
        vlan=inside.vlan or (header[0] << 8 | header[1]) & 0x0FFF,
        tunnel=Tunnel.ERSPAN,
        tunnel_id=(header[2] << 8 | header[3]) & 0x03FF,
    )


def _open_vxlan(frame: bytes, position: int) -> Inside | Status:
    """Open a frame of an overlay (RFC 7348)."""
    if len(frame) < position + 8:
        return Status.TRUNCATED
    flags, _, network = _VXLAN.unpack_from(frame, position)
    if not flags & 0x08 or network & 0xFF:
        return Status.NOT_IP
    inside = open_ethernet(frame, position + 8)
    if isinstance(inside, Status):
        return inside
    return inside._replace(tunnel=Tunnel.VXLAN, tunnel_id=network >> 8)


def _open_vxlan_gpe(frame: bytes, position: int) -> Inside | Status:
    """Open a packet of an overlay that says what it carries."""
    if len(frame) < position + 8:
        return Status.TRUNCATED
    flags, protocol, network = _VXLAN.unpack_from(frame, position)
    ethertype = NEXT_PROTOCOLS.get(protocol)
    if flags & 0x38 != 0x08 or network & 0xFF or ethertype is None:
        return Status.NOT_IP
    return Inside(ethertype, position + 8, tunnel=Tunnel.VXLAN, tunnel_id=network >> 8)


def _open_geneve(frame: bytes, position: int) -> Inside | Status:
    """Open a packet of an overlay (RFC 8926), whatever its options say."""
    if len(frame) < position + 8:
        return Status.TRUNCATED
    first, _, ethertype, network = _GENEVE.unpack_from(frame, position)
    if first >> 6 or network & 0xFF:
        return Status.NOT_IP
    position += 8 + (first & 0x3F) * 4
    return Inside(ethertype, position, tunnel=Tunnel.GENEVE, tunnel_id=network >> 8)


def _open_gtp(frame: bytes, position: int) -> Inside | Status:
    """Open a mobile user's packet (3GPP TS 29.281, 5)."""
    if len(frame) < position + 8:
        return Status.TRUNCATED
    flags, kind, _, endpoint = _GTP.unpack_from(frame, position)
    if flags >> 4 != 3 or kind != _GTP_PACKET:  # version 1, the protocol's own type
        return Status.NOT_IP
    position = _behind_gtp_header(frame, position + 8, flags)
    ethertype = IP_VERSIONS.get(frame[position] >> 4) if position < len(frame) else None
    if ethertype is None:
        return Status.NOT_IP
    return Inside(ethertype, position, tunnel=Tunnel.GTP, tunnel_id=endpoint)


def _behind_gtp_header(frame: bytes, position: int, flags: int) -> int:
    """Step over the optional fields, and the chain of extensions that the last of them begins."""
    if not flags & 0x07:
        return position
    position += 4
    if flags & 0x04:
        for _ in range(_MOST_GTP_EXTENSIONS):
            if position >= len(frame) or not frame[position - 1]:
                break
            position += 4 * frame[position]
    return position


def _open_teredo(frame: bytes, position: int) -> Inside | Status:
    """Open IPv6 that crosses address translation (RFC 4380), behind its two optional headers."""
    if frame[position : position + 2] == b"\0\1" and len(frame) >= position + 4:
        position += 13 + frame[position + 2] + frame[position + 3]
    if frame[position : position + 2] == b"\0\0":
        position += 8
    source, destination = frame[position + 8 : position + 24], frame[position + 24 : position + 40]
    if len(destination) < 16:
        return Status.TRUNCATED
    prefixes = (_TEREDO_PREFIX, _LINK_LOCAL)
    if not source.startswith(prefixes) and not destination.startswith(prefixes):
        return Status.NOT_IP
    return Inside(ETHERTYPE_IPV6, position, tunnel=Tunnel.TEREDO)


def _open_l2tp(frame: bytes, position: int) -> Inside | Status:
    """Open PPP inside a data message of version 2 (RFC 2661, 3.1)."""
    if len(frame) < position + 6:
        return Status.TRUNCATED
    flags = frame[position] << 8 | frame[position + 1]
    if flags & 0x800F != 2:
        return Status.NOT_IP
    position += 4 if flags & 0x4000 else 2  # length
    session = int.from_bytes(frame[position + 2 : position + 4], "big")
    position += 4
    if flags & 0x0800:  # sequence numbers
        position += 4
    if flags & 0x0200:  # padding
        position += 2 + int.from_bytes(frame[position : position + 2], "big")
    inside = open_ppp(frame, position)
    if isinstance(inside, Status):
        return inside
    return inside._replace(tunnel=Tunnel.L2TP, tunnel_id=session)


BY_PROTOCOL: dict[int, Opener] = {
    IPPROTO_IPV4: _open_ipv4,
    IPPROTO_IPV6: _open_ipv6,
    IPPROTO_GRE: _open_gre,
}
"""Openers by IP protocol number."""

BY_UDP_PORT: dict[int, Opener] = {
    UDP_L2TP: _open_l2tp,
    UDP_GTP: _open_gtp,
    UDP_TEREDO: _open_teredo,
    UDP_VXLAN: _open_vxlan,
    UDP_VXLAN_GPE: _open_vxlan_gpe,
    UDP_GENEVE: _open_geneve,
}
"""Openers by either port of a UDP datagram."""
