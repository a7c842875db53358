"""The general path: from a carrier to the innermost IP packet that can be read.

    (link header ->) carrier -> ... -> IP header (-> carrier -> ... -> IP header)

dpkt dissects the carriers that it knows, one header at a time; for the others a few lines of our
own do. Where a carrier holds nothing that can be read, its outer packet is the innermost one. No
input raises, and none is followed through more than a few headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode import serial, wireless
from auditor.decode.carriers import Innermost, Inside, join_vlans
from auditor.decode.fragments import FragmentTable, Head
from auditor.decode.icmp import is_error
from auditor.decode.internet import read_datagram
from auditor.decode.links import read_link
from auditor.decode.rows import Row, portless, whole
from auditor.decode.shims import BY_ETHERTYPE
from auditor.decode.transports import read_segment
from auditor.decode.tunnels import BY_PROTOCOL, BY_UDP_PORT, step_over_authentication
from auditor.records import IPPROTO_UDP, PACKET, Status, Tunnel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch
    from auditor.decode.internet import Datagram

_MOST_CARRIERS = 8
_NO_NEXT_HEADER = 59

_BY_LINKTYPE = {**serial.BY_LINKTYPE, **wireless.BY_LINKTYPE}


class GeneralPath:
    """Reads again what the plain path handed over; remembers first fragments as it does."""

    def __init__(self) -> None:
        """Begin without fragments."""
        self.fragments = FragmentTable()

    def reread(
        self, batch: FrameBatch, rows: NDArray[np.void], suspects: NDArray[np.int64]
    ) -> dict[int, Datagram]:
        """Replace some PACKET rows; give the ICMP errors that they turned out to be, by row."""
        errors = {}
        opened: dict[int, Row] = {}
        chosen = batch.select(suspects)
        for row, linktype, time_ns, wire_len in zip(
            suspects.tolist(),
            chosen.linktype.tolist(),
            chosen.time_ns.tolist(),
            chosen.wire_len.tolist(),
            strict=True,
        ):
            frame = batch.frame(row)
            innermost = find_innermost(frame, linktype)
            if isinstance(innermost, Status):
                rows["status"][row] = innermost
                continue
            opened[row] = self._describe(frame, innermost, time_ns, wire_len)
            datagram = innermost.datagram
            if not _is_later_piece(datagram) and is_error(frame, datagram):
                errors[row] = datagram
        rows[list(opened)] = np.array(list(opened.values()), PACKET)
        return errors

    def _describe(self, frame: bytes, found: Innermost, time_ns: int, wire_len: int) -> Row:
        datagram, vlan, tunnel, tunnel_id, pieces = found
        if _is_later_piece(datagram):
            return self._describe_later_fragment(found, time_ns, wire_len)
        carried = tunnel, tunnel_id
        if is_error(frame, datagram):
            status = Status.ICMP_ERROR
            return portless(status, datagram, time_ns, wire_len, vlan, tunnel=carried)
        segment = read_segment(frame, datagram.protocol, datagram.position, datagram.end)
        if isinstance(segment, Status):
            return portless(segment, datagram, time_ns, wire_len, vlan, tunnel=carried)
        for piece in pieces:
            head = Head(time_ns, datagram.protocol, segment.src_port, segment.dst_port, found)
            self.fragments.remember(piece, head)
        return whole(datagram, segment, time_ns, wire_len, vlan, carried)

    def _describe_later_fragment(self, found: Innermost, time_ns: int, wire_len: int) -> Row:
        """Join a piece to the flow of its first one, whatever that one carried."""
        datagram, vlan, tunnel, tunnel_id, _ = found
        head = self.fragments.find(datagram, time_ns)
        if head is None or head.innermost is None:
            status, carried = Status.FRAGMENT, (tunnel, tunnel_id)
            return portless(status, datagram, time_ns, wire_len, vlan, tunnel=carried)
        first = head.innermost
        ports, carried = (head.src_port, head.dst_port), (first.tunnel, first.tunnel_id)
        return portless(Status.OK, first.datagram, time_ns, wire_len, vlan, ports, carried)


def find_innermost(frame: bytes, linktype: int) -> Innermost | Status:
    """Follow a frame of that LINKTYPE_ number to its innermost IP packet."""
    reader = _BY_LINKTYPE.get(linktype)
    link = reader(frame) if reader else read_link(linktype, frame)
    if isinstance(link, Status):
        return link
    return _descend(frame, Inside(*link))


def _descend(frame: bytes, inside: Inside) -> Innermost | Status:
    ethertype, position, vlan, tunnel, tunnel_id = inside
    found: Innermost | Status = Status.UNSUPPORTED
    pieces: tuple[Datagram, ...] = ()
    for _ in range(_MOST_CARRIERS + 1):
        step: Inside | Status
        opener = BY_ETHERTYPE.get(ethertype)
        if opener:
            step = opener(frame, position)
        else:
            datagram = read_datagram(frame, ethertype, position)
            if isinstance(datagram, Status):
                return found if isinstance(found, Innermost) else datagram
            datagram = step_over_authentication(frame, datagram)
            if isinstance(found, Innermost) and datagram.protocol == _NO_NEXT_HEADER:
                return found  # keeps a tunnel open and belongs to it
            pieces += (datagram,) if datagram.fragment else ()
            found = Innermost(datagram, vlan, tunnel, tunnel_id, pieces)
            frame = frame[: datagram.end]
            step = _open_datagram(frame, datagram)
        if isinstance(step, Status):
            return found if isinstance(found, Innermost) else step
        ethertype, position = step.ethertype, step.position
        vlan = join_vlans(vlan, step.vlan)
        if step.tunnel != Tunnel.NONE:
            tunnel, tunnel_id = step.tunnel, step.tunnel_id
    return found


def _open_datagram(frame: bytes, datagram: Datagram) -> Inside | Status:
    """Open what an IP packet carries, of fragments only the first."""
    if _is_later_piece(datagram):
        return Status.FRAGMENT
    if datagram.protocol != IPPROTO_UDP:
        opener = BY_PROTOCOL.get(datagram.protocol)
        return opener(frame, datagram.position) if opener else Status.NOT_IP
    segment = read_segment(frame, IPPROTO_UDP, datagram.position, datagram.end)
    if isinstance(segment, Status):
        return segment
    opener = BY_UDP_PORT.get(segment.dst_port) or BY_UDP_PORT.get(segment.src_port)
    payload_end = segment.payload + segment.payload_len
    return opener(frame[:payload_end], segment.payload) if opener else Status.NOT_IP


def _is_later_piece(datagram: Datagram) -> bool:
    return datagram.fragment is not None and datagram.fragment.offset > 0
