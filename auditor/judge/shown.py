"""The name that speaks best for each flow's server, in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.coded import Coded
from auditor.evidence.own_names import OWN_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from auditor.evidence.name_book import SeenName
    from auditor.evidence.own_names import OwnNames


@dataclass(frozen=True, slots=True, eq=False)
class ShownNames(Mapping[int, "SeenName"]):
    """Flow -> the name that speaks best for its server; only flows that have one."""

    entry: NDArray[np.int64]
    """Shape (n flows,): place in what is seen, -1 = no name."""
    own: OwnNames
    """What flows hold themselves: the first of what is seen."""
    told: Sequence[SeenName]
    """What comes behind it: from DNS, DHCP, the site file."""

    def __getitem__(self, flow: int) -> SeenName:
        """Make an object of a flow's name."""
        entry = int(self.entry[flow]) if 0 <= flow < len(self.entry) else -1
        if entry < 0:
            raise KeyError(flow)
        count = len(self.own.flow)
        return self.own.entry(entry) if entry < count else self.told[entry - count]

    def __contains__(self, flow: object) -> bool:
        """Say whether a flow has a name."""
        return isinstance(flow, int) and 0 <= flow < len(self.entry) and self.entry[flow] >= 0

    def __iter__(self) -> Iterator[int]:
        """Give the flows that have a name, ascending."""
        return iter(np.flatnonzero(self.entry >= 0).tolist())

    def __len__(self) -> int:
        """Count the flows that have a name."""
        return int(np.count_nonzero(self.entry >= 0))

    def texts(self, flows: NDArray[np.int64] | None = None) -> Coded[str | None]:
        """Give every flow's name as text, or that of some flows; None for none."""
        words = dict.fromkeys((*self.own.words, *(seen.name for seen in self.told)))
        place = {word: number for number, word in enumerate(words)}
        of_told = np.array([place[seen.name] for seen in self.told], np.int64)
        entry = self.entry if flows is None else self.entry[flows]
        code = np.append(np.concatenate([self.own.name, of_told]), -1)[entry]
        return Coded(code, (*words, None))

    def kinds(self) -> Coded[str | None]:
        """Give what kind of name each flow's is, None for none."""
        words = dict.fromkeys((*OWN_KINDS, *(seen.kind for seen in self.told)))
        place = {word: number for number, word in enumerate(words)}
        of_told = np.array([place[seen.kind] for seen in self.told], np.int64)
        code = np.append(np.concatenate([self.own.kind, of_told]), -1)[self.entry]
        return Coded(code, (*words, None))
