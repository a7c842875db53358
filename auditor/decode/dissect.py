"""From a batch of frames to its rows: the plain path for every frame, the general path for few.

    link header -> IP header -> transport header -> one PACKET row

A frame that a stage cannot read gets that stage's status, never an exception. Rows that may hide
a packet deeper inside (auditor.decode.carriers) are read again by auditor.decode.general. A faster
plain path must give the same rows; what follows them (carriers, quotes, MACs) asks only for rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.carriers import find_carriers
from auditor.decode.fragments import FragmentTable, Head
from auditor.decode.icmp import is_error, read_quotes
from auditor.decode.internet import read_datagram
from auditor.decode.links import read_link
from auditor.decode.macs import MacWatch
from auditor.decode.packets import Packets
from auditor.decode.rows import Row, nowhere, portless, whole
from auditor.decode.transports import read_segment
from auditor.records import PACKET, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch
    from auditor.decode.general import GeneralPath
    from auditor.decode.internet import Datagram

    Heads = Mapping[tuple[int, ...], Head]
    """First fragments by datagram."""


class Decoder:
    """Turns frames into rows; remembers first fragments from batch to batch."""

    def __init__(self, macs: frozenset[str] = frozenset()) -> None:
        """Watch for these Ethernet source addresses; ValueError where one is none."""
        self._fragments = FragmentTable()
        self._general: GeneralPath | None = None
        self._watch = MacWatch(macs)

    @property
    def mac_addresses(self) -> dict[str, set[tuple[int, int]]]:
        """Of each watched MAC that sent IP: the words of its source addresses."""
        return self._watch.addresses

    def fragments(self) -> tuple[FragmentTable, FragmentTable]:
        """Give the memory of first fragments: of the plain path, and of the general one."""
        general = self._general
        return self._fragments, general.fragments if general else FragmentTable()

    def resume(self, plain: Heads, general: Heads) -> None:
        """Begin with what another decoder remembers, table by table as `fragments` gives them."""
        self._fragments.resume(plain)
        if general:
            self._carriers_path().fragments.resume(general)

    def decode(self, batch: FrameBatch) -> Packets:
        """Decode every frame of a batch, in order."""
        rows = self._read_frames(batch)
        return self._finish(batch, rows, find_carriers(rows))

    def _finish(
        self, batch: FrameBatch, rows: NDArray[np.void], carriers: NDArray[np.int64]
    ) -> Packets:
        """Take the general path for the frames that may carry a packet deeper inside."""
        carried_errors = self._open_carriers(batch, rows, carriers) if len(carriers) else {}
        self._watch.observe(batch, rows)
        return Packets(batch, rows, list(read_quotes(batch, rows, carried_errors)))

    def _read_frames(self, batch: FrameBatch) -> NDArray[np.void]:
        """Give the PACKET rows of a batch by the plain path."""
        data = batch.data.tobytes()  # slices of bytes are cheaper than those of an array
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
        return np.array(frames, dtype=PACKET)

    def _open_carriers(
        self, batch: FrameBatch, rows: NDArray[np.void], carriers: NDArray[np.int64]
    ) -> dict[int, Datagram]:
        """Read some rows again by the general path; give the ICMP errors inside, by row."""
        return self._carriers_path().reread(batch, rows, carriers)

    def _carriers_path(self) -> GeneralPath:
        if self._general is None:
            from auditor.decode.general import GeneralPath  # noqa: PLC0415 - dpkt takes its time

            self._general = GeneralPath()
        return self._general

    def _read_frame(self, frame: bytes, linktype: int, time_ns: int, wire_len: int) -> Row:
        link = read_link(linktype, frame)
        if isinstance(link, Status):
            return nowhere(link, time_ns, wire_len, 0)
        datagram = read_datagram(frame, link.ethertype, link.position)
        if isinstance(datagram, Status):
            return nowhere(datagram, time_ns, wire_len, link.vlan)
        if datagram.fragment and datagram.fragment.offset:
            return self._read_later_fragment(datagram, time_ns, wire_len, link.vlan)
        if is_error(frame, datagram):
            return portless(Status.ICMP_ERROR, datagram, time_ns, wire_len, link.vlan)
        segment = read_segment(frame, datagram.protocol, datagram.position, datagram.end)
        if isinstance(segment, Status):
            return portless(segment, datagram, time_ns, wire_len, link.vlan)
        if datagram.fragment:
            head = Head(time_ns, datagram.protocol, segment.src_port, segment.dst_port)
            self._fragments.remember(datagram, head)
        return whole(datagram, segment, time_ns, wire_len, link.vlan)

    def _read_later_fragment(
        self, datagram: Datagram, time_ns: int, wire_len: int, vlan: int
    ) -> Row:
        head = self._fragments.find(datagram, time_ns)
        if head is None:
            return portless(Status.FRAGMENT, datagram, time_ns, wire_len, vlan)
        of_first = datagram._replace(protocol=head.protocol)
        ports = head.src_port, head.dst_port
        return portless(Status.OK, of_first, time_ns, wire_len, vlan, ports)
