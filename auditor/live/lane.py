"""One of the sources that bring an interface's frames, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.decode.compiled import CompiledDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.capture.batch import FrameBatch
    from auditor.capture.live import LiveSource
    from auditor.decode.packets import Packets

    Macs = dict[str, set[tuple[int, int]]]


class Lane:
    """A source, and the decoder of its frames: fragments of a datagram come by one source.

    One thread calls `decode`; the rest may be asked by others.
    """

    def __init__(self, source: LiveSource, macs: frozenset[str]) -> None:
        """macs: hardware addresses to watch for."""
        self.source = source
        self.dropped = source.dropped
        """As of the last look; None where the source cannot tell."""
        self._watched = macs
        self._decoder = CompiledDecoder(macs)

    @property
    def macs(self) -> Macs:
        """Give the addresses found so far behind each hardware address."""
        # Copied at one go each, since frames go on being decoded meanwhile.
        found = self._decoder.mac_addresses.copy()
        return {mac: pairs.copy() for mac, pairs in found.items()}

    def decode(self, batch: FrameBatch, macs: frozenset[str]) -> Packets:
        """Decode a batch; macs: hardware addresses to watch for from now on."""
        if macs != self._watched:
            self._watched = macs
            self._decoder = CompiledDecoder(macs)
        return self._decoder.decode(batch)

    def look(self) -> list[str]:
        """Ask the source how it is doing; give the lines that tell what happened since."""
        self.dropped = self.source.dropped
        return self.source.notices()


def unite_macs(lanes: Iterable[Lane]) -> Macs:
    """Give the addresses that any of the lanes has found behind each hardware address."""
    united: Macs = {}
    for lane in lanes:
        for mac, addresses in lane.macs.items():
            united.setdefault(mac, set()).update(addresses)
    return united
