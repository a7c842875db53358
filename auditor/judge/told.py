"""The names that traffic told of addresses, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from auditor.evidence.names import Names, SeenName
    from auditor.hosts import Hosts

NOBODY = -1
"""Stands for the row of an address that is no host of the capture."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """Names that were told; arrays have shape (m,), address by address as Names has them."""

    seen: list[SeenName]
    host: NDArray[np.int64]
    """Row of the address in Hosts.table, or NOBODY."""
    kinds: tuple[str, ...]
    kind: NDArray[np.int64]
    """Index into kinds."""
    asker: NDArray[np.int64]
    """Row of who was told, or NOBODY; NOBODY too where everyone was."""
    time_ns: NDArray[np.int64]

    @classmethod
    def of(cls, names: Names, hosts: Hosts) -> Self:
        """Lay out the names of all addresses."""
        told = names.address_names
        seen = list(chain.from_iterable(told.values()))
        rows = hosts.addresses.rows_of(told)
        sizes = np.fromiter(map(len, told.values()), np.int64, len(told))
        _, kinds, times, askers = zip(*seen, strict=True) if seen else ((),) * 4
        kind_places = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
        asker_places = {asker: place for place, asker in enumerate(dict.fromkeys(askers))}
        asker_rows = np.full(len(asker_places), NOBODY)
        known = [asker for asker in asker_places if asker is not None]
        asker_rows[[asker_places[asker] for asker in known]] = hosts.addresses.rows_of(known)
        return cls(
            seen,
            np.repeat(rows, sizes),
            tuple(kind_places),
            _places(kind_places, kinds),
            asker_rows[_places(asker_places, askers)],
            np.array(times, dtype=np.int64),
        )

    def is_kind(self, kind: str) -> NDArray[np.bool_]:
        """Mark the names of a kind."""
        marked: NDArray[np.bool_] = np.array([each == kind for each in self.kinds], bool)[self.kind]
        return marked


def _places(places: Mapping[object, int], values: tuple[object, ...]) -> NDArray[np.int64]:
    return np.fromiter(map(places.__getitem__, values), np.int64, len(values))
