"""ICMP and ICMPv6 errors, and the packets that they quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.internet import read_datagram
from auditor.decode.links import read_link
from auditor.decode.packets import Quote
from auditor.decode.transports import read_segment
from auditor.protocols import ETHERTYPE_IPV4, ETHERTYPE_IPV6, ICMP_ERRORS, ICMPV6_ERRORS
from auditor.records import IPPROTO_ICMP, IPPROTO_ICMPV6, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch
    from auditor.decode.internet import Datagram

_REDIRECT_V6 = 137
_ERRORS = {
    IPPROTO_ICMP: frozenset(ICMP_ERRORS),
    IPPROTO_ICMPV6: frozenset(ICMPV6_ERRORS),
}
_UNREACHABLE = {IPPROTO_ICMP: 3, IPPROTO_ICMPV6: 1}
_QUOTE_OFFSET = 8
_REDIRECT_OPTIONS_OFFSET = 40
_REDIRECTED_HEADER = 4


def is_error(frame: bytes, datagram: Datagram) -> bool:
    """Tell whether the datagram is an ICMP or ICMPv6 error (a redirect is one here)."""
    errors = _ERRORS.get(datagram.protocol)
    return (
        errors is not None
        and datagram.position < datagram.end
        and frame[datagram.position] in errors
    )


def read_quotes(
    batch: FrameBatch, rows: NDArray[np.void], carried: Mapping[int, Datagram]
) -> Iterator[Quote]:
    """Read what the ICMP errors of a batch quote, in their order; `rows` are its PACKET rows.

    `carried` holds, by row, the errors that do not stand behind a plain link header.
    An error that quotes too little of a packet, or a later fragment, yields nothing.
    """
    for row in np.flatnonzero(rows["status"] == Status.ICMP_ERROR).tolist():
        frame = batch.frame(row)
        error = carried.get(row) or _read_plain(int(batch.linktype[row]), frame)
        quote = None if isinstance(error, Status) else _read_quote(frame, error, row)
        if quote:
            yield quote


def _read_plain(linktype: int, frame: bytes) -> Datagram | Status:
    link = read_link(linktype, frame)
    return link if isinstance(link, Status) else read_datagram(frame, *link[:2])


def _read_quote(frame: bytes, error: Datagram, row: int) -> Quote | None:
    message = frame[error.position]
    if error.protocol == IPPROTO_ICMPV6 and message == _REDIRECT_V6:
        position = _find_redirected(frame, error.position + _REDIRECT_OPTIONS_OFFSET, error.end)
    else:
        position = error.position + _QUOTE_OFFSET
    if position >= error.end:
        return None
    ethertype = ETHERTYPE_IPV6 if frame[position] >> 4 == 6 else ETHERTYPE_IPV4
    quoted = read_datagram(frame[: error.end], ethertype, position)
    if isinstance(quoted, Status) or (quoted.fragment and quoted.fragment.offset):
        return None
    segment = read_segment(frame, quoted.protocol, quoted.position, quoted.end)
    if isinstance(segment, Status):
        return None
    return Quote(
        row,
        message == _UNREACHABLE[error.protocol],
        quoted.src_hi,
        quoted.src_lo,
        quoted.dst_hi,
        quoted.dst_lo,
        quoted.protocol,
        segment.src_port,
        segment.dst_port,
    )


def _find_redirected(frame: bytes, position: int, end: int) -> int:
    """Find the quoted packet among a redirect's options (RFC 4861, 4.6.3), else give `end`."""
    while position + 8 <= end and frame[position + 1]:
        if frame[position] == _REDIRECTED_HEADER:
            return position + 8
        position += frame[position + 1] * 8
    return end
