"""Frames decoded into PACKET rows; the twin is auditor.decode.dissect, which has the general path.

Positions are those of a frame; `base` is where the frame begins in the bytes of its batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor import protocols as numbers
from auditor.kernel.jit import compiled, part
from auditor.kernel.nearby import bring_near
from auditor.kernel.reading import eight, four, two
from auditor.kernel.transports import read_transport, short
from auditor.records import (
    IPPROTO_SCTP,
    IPPROTO_UDP,
    IPV4_MAPPED,
    Status,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADERS_AHEAD, _HEADERS = 16, 60
"""How many frames further on headers are asked for, and how far they reach, bytes: frames lie too
far apart for the processor to guess where the next one is."""

PLAIN, CARRIER, QUOTING, AGAIN = range(4)
"""What decode_frames notes of a frame: nothing; a packet may hide deeper inside; it is an ICMP
error; only the twin can decode it (fragments, SCTP)."""

_OK = int(Status.OK)
_TRUNCATED = int(Status.TRUNCATED)
_NOT_IP = int(Status.NOT_IP)
_UNSUPPORTED = int(Status.UNSUPPORTED)
_MALFORMED = int(Status.MALFORMED)
_ICMP_ERROR = int(Status.ICMP_ERROR)

_UDP_CARRIER = np.zeros(0x10000, np.bool_)
_UDP_CARRIER[list(numbers.CARRIER_UDP_PORTS)] = True


class FrameColumns(NamedTuple):
    """A batch, as auditor.capture.batch.FrameBatch has it."""

    data: NDArray[np.uint8]
    offset: NDArray[np.int64]
    captured_len: NDArray[np.int64]
    wire_len: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    linktype: NDArray[np.int32]
    number: NDArray[np.int64]
    capture: NDArray[np.int32]


@part
def _read_tags(
    data: NDArray[np.uint8], base: int, captured: int, ethertype: int, position: int
) -> tuple[int, int, int, int]:
    """Walk VLAN tags and LLC from behind an EtherType; results as of _read_link."""
    vlan = 0
    while ethertype in numbers.VLAN_TAGS:
        if captured < position + 4:
            return _TRUNCATED, 0, 0, 0
        if vlan <= 0xFFFF:
            vlan |= (two(data, base + position) & 0x0FFF) << (16 if vlan else 0)
        ethertype = two(data, base + position + 2)
        position += 4
    if ethertype > numbers.LONGEST_802_3:
        return _OK, ethertype, position, vlan
    at = base + position
    if captured < position + 3:
        return _TRUNCATED, 0, 0, 0
    if data[at] == 0xAA and data[at + 1] == 0xAA and data[at + 2] == 3:
        if captured < position + 8:
            return _TRUNCATED, 0, 0, 0
        return _OK, two(data, at + 6), position + 8, vlan
    if data[at] == 6 and data[at + 1] == 6 and data[at + 2] == 3:
        return _OK, numbers.ETHERTYPE_IPV4, position + 3, vlan
    return _OK, 0, position, vlan


@part
def _read_link(
    data: NDArray[np.uint8], base: int, captured: int, linktype: int
) -> tuple[int, int, int, int]:
    """Read a link header: status; EtherType, 0 for none; where what follows begins; VLAN ids."""
    if linktype == numbers.LINK_ETHERNET:
        if captured < 14:
            return _TRUNCATED, 0, 0, 0
        ethertype = two(data, base + 12)
        if ethertype in (numbers.ETHERTYPE_IPV4, numbers.ETHERTYPE_IPV6):
            return _OK, ethertype, 14, 0
        return _read_tags(data, base, captured, ethertype, 14)
    if linktype == numbers.LINK_COOKED:
        if captured < 16:
            return _TRUNCATED, 0, 0, 0
        return _read_tags(data, base, captured, two(data, base + 14), 16)
    if linktype == numbers.LINK_COOKED_2:
        if captured < 20:
            return _TRUNCATED, 0, 0, 0
        return _read_tags(data, base, captured, two(data, base), 20)
    if linktype in numbers.LINKS_RAW:
        if captured < 1:
            return _TRUNCATED, 0, 0, 0
        version = data[base] >> 4
        if version == 4:
            return _OK, numbers.ETHERTYPE_IPV4, 0, 0
        return (_OK, numbers.ETHERTYPE_IPV6, 0, 0) if version == 6 else (_MALFORMED, 0, 0, 0)
    if linktype in numbers.LINKS_LOOPBACK:
        if captured < 4:
            return _TRUNCATED, 0, 0, 0
        family = four(data, base)
        if family > 0xFFFF:  # written in the byte order of the capturing machine
            low, high = two(data, base + 2), two(data, base)
            family = (low & 0xFF) << 24 | low >> 8 << 16 | (high & 0xFF) << 8 | high >> 8
        if family in numbers.FAMILIES_IPV4:
            family = numbers.ETHERTYPE_IPV4
        elif family in numbers.FAMILIES_IPV6:
            family = numbers.ETHERTYPE_IPV6
        return _OK, family if family > numbers.LONGEST_802_3 else 0, 4, 0
    return _UNSUPPORTED, 0, 0, 0


@part
def _read_ipv4(
    data: NDArray[np.uint8], base: int, captured: int, position: int, row: np.void
) -> tuple[int, int, int, int, bool]:
    """Read an IPv4 header into a row; give what _read_ipv6 gives."""
    if captured < position + 20:
        return _TRUNCATED, 0, 0, 0, False
    at = base + position
    header, total = np.int64(data[at] & 0x0F) << 2, two(data, at + 2)
    if data[at] >> 4 != 4 or header < 20 or 0 < total < header:
        return _MALFORMED, 0, 0, 0, False
    if captured < position + header:
        return _TRUNCATED, 0, 0, 0, False
    row["ip_version"] = 4
    row["transport"] = data[at + 9]
    row["src_lo"] = np.uint64(IPV4_MAPPED) | np.uint64(four(data, at + 12))
    row["dst_lo"] = np.uint64(IPV4_MAPPED) | np.uint64(four(data, at + 16))
    row["identity"] = two(data, at + 4) << 16
    # A total length of 0 is what segmentation offload leaves to the network card to fill in.
    sent_end = position + total if total else captured
    pieces = (two(data, at + 6) & 0x3FFF) != 0
    return _OK, position + header, min(sent_end, captured), sent_end, pieces


@part
def _read_ipv6(
    data: NDArray[np.uint8], base: int, captured: int, position: int, row: np.void
) -> tuple[int, int, int, int, bool]:
    """Read an IPv6 header into a row.

    Give status; where the transport header begins; where the captured bytes of the datagram end;
    where all of them do; whether it is a piece of a fragmented one.
    """
    if captured < position + 40:
        return _TRUNCATED, 0, 0, 0, False
    at = base + position
    if data[at] >> 4 != 6:
        return _MALFORMED, 0, 0, 0, False
    length, protocol = two(data, at + 4), np.int64(data[at + 6])
    row["src_hi"], row["src_lo"] = eight(data, at + 8), eight(data, at + 16)
    row["dst_hi"], row["dst_lo"] = eight(data, at + 24), eight(data, at + 32)
    position += 40
    # A length of 0 is a jumbogram or segmentation offload: the rest belongs to it.
    sent_end = position + length if length else captured
    end = min(sent_end, captured)
    while protocol in numbers.IPV6_EXTENSIONS:
        at = base + position
        if position + 8 > end:
            return short(captured, position + 8), 0, 0, 0, False
        if protocol != numbers.IPV6_FRAGMENT:
            position += 8 * (1 + np.int64(data[at + 1]))
        elif two(data, at + 2) & 0xFFF9:
            return _OK, position, end, sent_end, True
        else:
            position += 8
        protocol = np.int64(data[at])
    if position > end:
        return short(captured, position), 0, 0, 0, False
    row["ip_version"] = 6
    row["transport"] = protocol
    return _OK, position, end, sent_end, False


@part
def _read_network(
    data: NDArray[np.uint8], base: int, captured: int, link: tuple[int, int], row: np.void
) -> tuple[int, bool]:
    """Read what a frame carries into a row; give the status, and whether only the twin can.

    link: EtherType, and where the network header begins.
    """
    ethertype, position = link
    if ethertype == numbers.ETHERTYPE_IPV4:
        status, at, end, sent_end, again = _read_ipv4(data, base, captured, position, row)
    elif ethertype == numbers.ETHERTYPE_IPV6:
        status, at, end, sent_end, again = _read_ipv6(data, base, captured, position, row)
    else:
        return (_UNSUPPORTED if ethertype in numbers.CARRIER_ETHERTYPES else _NOT_IP), False
    if status != _OK:
        # Addresses without a sound header are nobody's.
        row["src_hi"] = row["src_lo"] = row["dst_hi"] = row["dst_lo"] = 0
        return status, False
    if again or row["transport"] == IPPROTO_SCTP:
        return _OK, True
    return read_transport(data, base, captured, (at, end, sent_end), row), False


@part
def bring_headers(data: NDArray[np.uint8], start: int) -> None:
    """Ask for the headers of the frame that begins there."""
    bring_near(data, start)
    bring_near(data, start + _HEADERS)


@compiled
def decode_frames(
    data: NDArray[np.uint8],
    offset: NDArray[np.int64],
    captured_len: NDArray[np.int64],
    linktype: NDArray[np.int32],
    time_ns: NDArray[np.int64],
    wire_len: NDArray[np.int64],
    blank: NDArray[np.void],
    rows: NDArray[np.void],
    notes: NDArray[np.uint8],
) -> int:
    """Decode all frames of a batch, and give how many have a note.

    data: shape (bytes,). offset, captured_len: bytes, linktype, time_ns, wire_len: bytes, all of
    shape (n,). blank: PACKET, shape (1,), zero. rows: PACKET, shape (n,), is set. notes: shape
    (n,), is set to PLAIN and so on.
    """
    noted = 0
    count = offset.shape[0]
    for i in range(count):
        bring_headers(data, offset[min(i + HEADERS_AHEAD, count - 1)])
        rows[i] = blank[0]
        row, base, captured = rows[i], offset[i], captured_len[i]
        row["time_ns"], row["wire_len"] = time_ns[i], wire_len[i]
        note, again = PLAIN, False
        status, ethertype, position, vlan = _read_link(data, base, captured, linktype[i])
        if status == _OK:
            row["vlan"] = vlan
            status, again = _read_network(data, base, captured, (ethertype, position), row)
        row["status"] = status
        protocol = np.int64(row["transport"])
        if again:
            note = AGAIN
        elif status == _ICMP_ERROR:
            note = QUOTING
        elif status == _UNSUPPORTED or protocol in numbers.CARRIER_PROTOCOLS:
            note = CARRIER
        elif protocol == IPPROTO_UDP and status == _OK:
            ports = _UDP_CARRIER[row["src_port"]] or _UDP_CARRIER[row["dst_port"]]
            note = CARRIER if ports else PLAIN
        notes[i] = note
        noted += note != PLAIN
    return noted
