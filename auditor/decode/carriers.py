"""Headers that carry another packet: which frames have one, and what its reader gives.

The plain path reads no further than the first IP header. This module knows which of its rows may
hide a packet deeper inside; auditor.decode.general opens those, and is loaded when one turns up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.protocols import CARRIER_PROTOCOLS, CARRIER_UDP_PORTS
from auditor.records import IPPROTO_UDP, Status, Tunnel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.decode.internet import Datagram

_IS_CARRIER = np.zeros(256, dtype=np.bool_)
_IS_CARRIER[list(CARRIER_PROTOCOLS)] = True


class Inside(NamedTuple):
    """What a carrier's header leads to."""

    ethertype: int
    """Of what follows; a carrier that names it otherwise is translated."""
    position: int
    """Where that starts in the frame."""
    vlan: int = 0
    """Ids that the carrier's own header adds, as in auditor.records.PACKET."""
    tunnel: Tunnel = Tunnel.NONE
    tunnel_id: int = 0


Opener = Callable[[bytes, int], Inside | Status]
"""Reads the carrier's header at a position of a frame, which ends where the carrier ends.

A Status says why there is no packet inside; auditor.decode.general then keeps the outer one.
"""


class Innermost(NamedTuple):
    """The innermost IP packet of a frame that could be read."""

    datagram: Datagram
    vlan: int
    """The first two ids on the way in, as in auditor.records.PACKET."""
    tunnel: Tunnel
    tunnel_id: int
    pieces: tuple[Datagram, ...]
    """Those on the way in, itself included, that are first fragments."""


def find_carriers(rows: NDArray[np.void]) -> NDArray[np.int64]:
    """Find the PACKET rows of the plain path that may hide a packet deeper inside."""
    transport = rows["transport"]
    carriers = _IS_CARRIER[transport] | (rows["status"] == Status.UNSUPPORTED)
    udp = np.flatnonzero(transport == IPPROTO_UDP)
    ports = np.stack([rows["src_port"][udp], rows["dst_port"][udp]])
    carriers[udp] = np.isin(ports, CARRIER_UDP_PORTS).any(axis=0)
    return np.flatnonzero(carriers)


def join_vlans(outer: int, inner: int) -> int:
    """Append the VLAN ids of an inner header to those outside of it, up to two, each once."""
    ids = (outer & 0xFFFF, outer >> 16, inner & 0xFFFF, inner >> 16)
    first, second, *_ = *dict.fromkeys(each for each in ids if each), 0, 0
    return second << 16 | first
