"""The general path: one frame at a time, every stack that is known.

    link header -> IP header -> transport header -> one PACKET row

A frame that a stage cannot read gets that stage's status, never an exception. A tunnel is its
outer packet: one that carries IP inside would hand `read_datagram` a new EtherType and position.
A faster decoder must give the same rows; what follows them (quotes, MACs) asks only for rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.fragments import FragmentTable, Head
from auditor.decode.icmp import is_error, read_quotes
from auditor.decode.internet import read_datagram
from auditor.decode.links import read_link
from auditor.decode.macs import MacWatch
from auditor.decode.packets import Packets
from auditor.decode.transports import read_segment
from auditor.records import PACKET, Status, Tunnel

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.decode.internet import Datagram

_Row = tuple[int, ...]
"""The fields of PACKET, in its order."""


class Decoder:
    """Turns frames into rows; remembers first fragments from batch to batch."""

    def __init__(self, macs: frozenset[str] = frozenset()) -> None:
        """Watch for these Ethernet source addresses; ValueError where one is none."""
        self._fragments = FragmentTable()
        self._watch = MacWatch(macs)

    @property
    def mac_addresses(self) -> dict[str, set[tuple[int, int]]]:
        """Of each watched MAC that sent IP: the words of its source addresses."""
        return self._watch.addresses

    def decode(self, batch: FrameBatch) -> Packets:
        """Decode every frame of a batch, in order."""
        data = batch.data
        read_frame = self._read_frame
        frames = [
            read_frame(data[start : start + captured], linktype, time_ns, wire_len)
            for start, captured, linktype, time_ns, wire_len in zip(
                batch.offset.tolist(),
                batch.captured_len.tolist(),
                batch.linktype.tolist(),
                batch.time_ns.tolist(),
                batch.wire_len.tolist(),
                strict=True,
            )
        ]
        rows = np.array(frames, dtype=PACKET)
        self._watch.observe(batch, rows)
        return Packets(batch, rows, list(read_quotes(batch, rows)))

    def _read_frame(self, frame: bytes, linktype: int, time_ns: int, wire_len: int) -> _Row:
        link = read_link(linktype, frame)
        if isinstance(link, Status):
            return _nowhere(link, time_ns, wire_len, 0)
        datagram = read_datagram(frame, link.ethertype, link.position)
        if isinstance(datagram, Status):
            return _nowhere(datagram, time_ns, wire_len, link.vlan)
        if datagram.fragment and datagram.fragment.offset:
            return self._read_later_fragment(datagram, time_ns, wire_len, link.vlan)
        if is_error(frame, datagram):
            return _portless(Status.ICMP_ERROR, datagram, time_ns, wire_len, link.vlan)
        segment = read_segment(frame, datagram.protocol, datagram.position, datagram.end)
        if isinstance(segment, Status):
            return _portless(segment, datagram, time_ns, wire_len, link.vlan)
        if datagram.fragment:
            head = Head(time_ns, datagram.protocol, segment.src_port, segment.dst_port)
            self._fragments.remember(datagram, head)
        return (
            time_ns,
            datagram.src_hi,
            datagram.src_lo,
            datagram.dst_hi,
            datagram.dst_lo,
            wire_len,
            segment.payload,
            segment.payload_len,
            segment.src_port,
            segment.dst_port,
            segment.tcp_seq,
            0,
            link.vlan,
            datagram.protocol,
            segment.tcp_flags,
            0,
            datagram.version,
            0,
        )

    def _read_later_fragment(
        self, datagram: Datagram, time_ns: int, wire_len: int, vlan: int
    ) -> _Row:
        head = self._fragments.find(datagram, time_ns)
        if head is None:
            return _portless(Status.FRAGMENT, datagram, time_ns, wire_len, vlan)
        whole = datagram._replace(protocol=head.protocol)
        return _portless(Status.OK, whole, time_ns, wire_len, vlan, (head.src_port, head.dst_port))


def _portless(
    status: Status,
    datagram: Datagram,
    time_ns: int,
    wire_len: int,
    vlan: int,
    ports: tuple[int, int] = (0, 0),
) -> _Row:
    """Make the row of a frame whose own transport header is not there to read."""
    return (
        time_ns,
        *datagram[2:6],
        wire_len,
        0,
        0,
        *ports,
        0,
        0,
        vlan,
        datagram.protocol,
        0,
        status,
        datagram.version,
        Tunnel.NONE,
    )


def _nowhere(status: Status, time_ns: int, wire_len: int, vlan: int) -> _Row:
    """Make the row of a frame without addresses."""
    return (time_ns, 0, 0, 0, 0, wire_len, 0, 0, 0, 0, 0, 0, vlan, 0, 0, status, 0, Tunnel.NONE)
