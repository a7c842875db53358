"""Copies of packets whose first sight is in another part of the captures.

A packet takes its place among those seen lately unless it is a copy of the one that has it. So
what was seen before a part matters to a place until a packet with another fingerprint takes it;
what the part had there up to then is handed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.decode.compiled_duplicates import CompiledDuplicates
from auditor.decode.duplicates import LONG_AGO, PLACES_BITS
from auditor.kernel.duplicates import RECENT, REPLACED, SIGHTING, UNSEEN, note_first

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CopiesPart:
    """What a part found, without knowing what was before it."""

    count: int
    recent: NDArray[np.void]
    """RECENT: what each place held in the end."""
    state: NDArray[np.uint8]
    """Of each place, as auditor.kernel.duplicates has it."""
    sightings: NDArray[np.void]
    """SIGHTING, in the order in which they came."""


class PartDuplicates(CompiledDuplicates):
    """Finds copies in a part, and notes what may be copies of something before it."""

    def __init__(self, known: NDArray[np.void] | None = None, *, leave_out: bool = False) -> None:
        """Begin with what was seen before, if that is known."""
        super().__init__(leave_out=leave_out)
        if known is not None:
            self.recent[:] = known
        self._first = np.zeros(1 << PLACES_BITS, np.uint64)
        self._state = np.full(1 << PLACES_BITS, UNSEEN, np.uint8)
        self._sightings: list[NDArray[np.void]] = []
        self._settled = False

    def part(self) -> CopiesPart:
        """Give what was found."""
        sightings = np.concatenate([np.empty(0, SIGHTING), *self._sightings])
        return CopiesPart(self.count, self.recent, self._state, sightings)

    def _find(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        if not self._settled:
            noted = np.empty(len(rows), SIGHTING)
            count = note_first(rows, self._first, self._state, noted)
            self._sightings.append(noted[:count].copy())
            self._settled = bool((self._state == REPLACED).all())
        return super()._find(rows)


class MergedDuplicates:
    """Counts the copies of all parts so far, in the order of time."""

    def __init__(self) -> None:
        """Begin without any."""
        self.count = 0
        self.recent = np.zeros(1 << PLACES_BITS, RECENT)
        """RECENT: what each place holds."""
        self.recent["time_ns"] = LONG_AGO

    def reaches_into(self, part: CopiesPart) -> bool:
        """Say whether a packet of the part is a copy of one before it."""
        return len(self._continued(part)) > 0

    def absorb(self, part: CopiesPart, *, knowing: bool = False) -> None:
        """Take over a part; knowing: it was read knowing what was before it."""
        self.count += part.count
        recent = np.where(part.state == UNSEEN, self.recent, part.recent)
        for place in () if knowing else self._continued(part).tolist():
            ours, theirs = self.recent[place].copy(), np.zeros(1, RECENT)[0]
            theirs["time_ns"] = LONG_AGO
            for sighting in part.sightings[_places(part.sightings) == place]:
                self.count += _sees_copy(ours, sighting) - _sees_copy(theirs, sighting)
            if part.state[place] != REPLACED:
                recent[place] = ours
        self.recent = part.recent.copy() if knowing else recent

    def _continued(self, part: CopiesPart) -> NDArray[np.int64]:
        """Give the places whose first packet is a copy of the one that we have there."""
        places, firsts = np.unique(_places(part.sightings), return_index=True)
        first, known = part.sightings[firsts], self.recent[places]
        apart = np.abs(first["time_ns"] - known["time_ns"])
        same = first["fingerprint"] == known["fingerprint"]
        continued: NDArray[np.int64] = places[same & (apart <= first["reach_ns"])]
        return continued


def _places(sightings: NDArray[np.void]) -> NDArray[np.int64]:
    places: NDArray[np.int64] = (sightings["fingerprint"] >> np.uint64(64 - PLACES_BITS)).astype(
        np.int64
    )
    return places


def _sees_copy(known: np.void, sighting: np.void) -> bool:
    """Hold a packet against the one that has its place, which it takes unless it is a copy."""
    apart = abs(int(sighting["time_ns"]) - int(known["time_ns"]))
    if known["fingerprint"] == sighting["fingerprint"] and apart <= sighting["reach_ns"]:
        return True
    known["fingerprint"], known["time_ns"] = sighting["fingerprint"], sighting["time_ns"]
    return False
