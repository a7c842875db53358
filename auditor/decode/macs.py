"""Which IP addresses speak from behind the MACs that a site declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.links import source_mac
from auditor.records import Tunnel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.capture.batch import FrameBatch


class MacWatch:
    """Source addresses behind some Ethernet addresses; no cost where none are watched."""

    def __init__(self, macs: frozenset[str]) -> None:
        """Watch for `macs`, each six bytes in hex with any of `:`, `-`, `.` between them.

        Raises ValueError where one is something else.
        """
        self.addresses: dict[str, set[tuple[int, int]]] = {}
        self._watched = {_mac_bytes(mac): mac for mac in macs}

    def observe(self, batch: FrameBatch, rows: NDArray[np.void]) -> None:
        """Note who sent a batch's IP packets, given as PACKET rows of any status."""
        if not self._watched:
            return
        data = batch.data.data  # a memory view: its items are Python's integers
        # Who sends a tunnel's frames need not be near the hosts that speak inside.
        versions = np.where(rows["tunnel"] == Tunnel.NONE, rows["ip_version"], 0)
        for start, linktype, version, high, low in zip(
            batch.offset.tolist(),
            batch.linktype.tolist(),
            versions.tolist(),
            rows["src_hi"].tolist(),
            rows["src_lo"].tolist(),
            strict=True,
        ):
            # An IP header was read, so that the link header before it is whole.
            mac = version and self._watched.get(source_mac(linktype, data, start))
            if mac and not _is_unspecified(high, low):
                self.addresses.setdefault(mac, set()).add((high, low))


def _mac_bytes(text: str) -> bytes:
    digits = text.translate(str.maketrans("", "", ":-."))
    mac = bytes.fromhex(digits)
    if len(mac) != 6:
        raise ValueError(f"expected a MAC of six bytes, found {text!r}")
    return mac


def _is_unspecified(high: int, low: int) -> bool:
    """Recognise 0.0.0.0 and ::, which a host uses while it has no address."""
    return high == 0 and low & 0xFFFF_FFFF == 0 and low >> 32 in {0, 0xFFFF}
