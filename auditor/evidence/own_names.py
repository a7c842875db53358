"""The names in the flows' own payload: which flow asked for which name, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, overload

import numpy as np

from auditor.evidence.name_book import SeenName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

OWN_KINDS = ("sni", "http-host", "dtls-sni", "quic-sni")
"""Kinds of name that a flow's payload can hold; of one side they stand in this order."""


@dataclass(frozen=True, slots=True, eq=False)
class OwnNames(Sequence[tuple[SeenName, ...]]):
    """The names in payloads: item i is a tuple of those of flow i, mostly empty.

    Entries are sorted by flow; an object for a name comes into being where an item is asked for.
    """

    flows: int
    """How many there are, with names or without."""
    flow: NDArray[np.int64]
    """Shape (m,), as all columns: the flow that holds the name, ascending."""
    name: NDArray[np.int32]
    """Index into words."""
    kind: NDArray[np.uint8]
    """Index into OWN_KINDS."""
    time_ns: NDArray[np.int64]
    words: tuple[str, ...]
    """The names, each once."""

    @classmethod
    def of(cls, names: Iterable[Sequence[SeenName]]) -> Self:
        """Lay out names that exist as objects, flow by flow."""
        listed = list(names)
        words: dict[str, int] = {}
        entries = [
            (flow, words.setdefault(seen.name, len(words)), OWN_KINDS.index(seen.kind), seen[2])
            for flow, several in enumerate(listed)
            for seen in several
        ]
        flow, name, kind, time_ns = np.array(entries, np.int64).reshape(-1, 4).T
        return cls(
            len(listed),
            flow,
            name.astype(np.int32),
            kind.astype(np.uint8),
            time_ns,
            tuple(words),
        )

    def __len__(self) -> int:
        """Count the flows."""
        return self.flows

    @overload
    def __getitem__(self, row: int) -> tuple[SeenName, ...]: ...
    @overload
    def __getitem__(self, row: slice) -> list[tuple[SeenName, ...]]: ...
    def __getitem__(self, row: int | slice) -> tuple[SeenName, ...] | list[tuple[SeenName, ...]]:
        """Give the names of a flow, or of some."""
        if isinstance(row, slice):
            return [self[each] for each in range(*row.indices(self.flows))]
        if not -self.flows <= row < self.flows:
            raise IndexError(row)
        first, last = np.searchsorted(self.flow, [row % self.flows, row % self.flows + 1])
        return tuple(map(self.entry, range(first, last)))

    def __iter__(self) -> Iterator[tuple[SeenName, ...]]:
        """Give the names flow by flow."""
        named = dict(self.items())
        return (named.get(row, ()) for row in range(self.flows))

    def items(self) -> Iterator[tuple[int, tuple[SeenName, ...]]]:
        """Give the flows that have names, ascending, each with them."""
        flows, firsts = np.unique(self.flow, return_index=True)
        bounds = [*firsts.tolist(), len(self.flow)]
        for flow, first, last in zip(flows.tolist(), bounds, bounds[1:], strict=False):
            yield flow, tuple(map(self.entry, range(first, last)))

    def __eq__(self, other: object) -> bool:
        """Compare the names, with those of any sequence."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as every list; typeshed knows no such thing

    def entry(self, number: int) -> SeenName:
        """Make an object of one entry."""
        kind = OWN_KINDS[self.kind[number]]
        return SeenName(self.words[self.name[number]], kind, int(self.time_ns[number]), None)
