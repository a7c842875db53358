"""What ties hosts together in the eyes of one clue: who did with whom what the clue asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.infer.clues import CLIENT, EITHER, SERVER
from auditor.judge.groups import group

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.infer.clues import Clue, TraceKind
    from auditor.infer.traces import Traces


@dataclass(frozen=True, slots=True, eq=False)
class Ties:
    """Pairs of a host and a peer, each once, by host and then peer; columns of shape (n,)."""

    host: NDArray[np.int64]
    """Of which the clue speaks; rows of Hosts.table."""
    peer: NDArray[np.int64]
    kinds_start: NDArray[np.int64]
    """Where in `kind` that begins what the two did, and how many kinds of it there are."""
    kinds_count: NDArray[np.int64]
    kind: NDArray[np.int64]
    """Indices into kinds, tie by tie."""
    kinds: tuple[TraceKind, ...]

    @classmethod
    def none(cls) -> Ties:
        """Give no ties."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing, nothing, ())

    def __len__(self) -> int:
        """Count the ties."""
        return len(self.host)

    def hosts(self, least: int) -> NDArray[np.int64]:
        """List the hosts with at least so many peers."""
        hosts, counts = np.unique(self.host, return_counts=True)
        enough: NDArray[np.int64] = hosts[counts >= least]
        return enough

    def of_host(self, host: int) -> Ties:
        """Narrow to the ties of one host."""
        begin, end = self.host.searchsorted((host, host + 1)).tolist()
        return self.select(slice(begin, end))

    def of_hosts(self, among: NDArray[np.bool_]) -> Ties:
        """Narrow to the ties of some hosts, marked by row of Hosts.table."""
        return self.select(np.flatnonzero(among[self.host]))

    def with_peers(self, among: NDArray[np.bool_]) -> Ties:
        """Narrow to the ties with some peers, marked by row of Hosts.table."""
        return self.select(np.flatnonzero(among[self.peer]))

    @property
    def services(self) -> list[str]:
        """List the services over which the ties go, by their text."""
        ends = zip(self.kinds_start.tolist(), self.kinds_count.tolist(), strict=True)
        kinds = {
            kind for start, count in ends for kind in self.kind[start : start + count].tolist()
        }
        return sorted({self.kinds[kind].service for kind in kinds})

    def select(self, rows: NDArray[np.int64] | slice) -> Ties:
        """Narrow to some ties."""
        return Ties(
            self.host[rows],
            self.peer[rows],
            self.kinds_start[rows],
            self.kinds_count[rows],
            self.kind,
            self.kinds,
        )


@dataclass(frozen=True, slots=True)
class Weighed:
    """A clue that holds for a host."""

    clue: Clue
    host: int
    """Row of Hosts.table."""
    ties: Ties
    """Of all hosts, those that the clue counts."""

    @property
    def peers(self) -> Ties:
        """Give the host's own ties."""
        return self.ties.of_host(self.host)


def ties(clue: Clue, traces: Traces) -> Ties:
    """Collect the ties that a clue with a side sees in some traces.

    Of a clue that asks no role of the peer, those fall out in which the peer serves just as much.
    """
    fitting = np.array([clue.fits(kind) for kind in traces.kinds], dtype=bool)
    if not fitting.any():
        return Ties.none()
    rows = np.flatnonzero(fitting[traces.kind] & (traces.client != traces.server))
    sides = []
    if clue.side in {SERVER, EITHER}:
        sides.append((traces.server[rows], traces.client[rows]))
    if clue.side in {CLIENT, EITHER}:
        sides.append((traces.client[rows], traces.server[rows]))
    host, peer = (np.concatenate(ends) for ends in zip(*sides, strict=True))
    found = group((host, peer))
    first, order = found.first, found.rows
    every = Ties(
        host[first],
        peer[first],
        found.starts[:-1],
        np.diff(found.starts),
        np.tile(traces.kind[rows], len(sides))[order],
        traces.kinds,
    )
    if clue.peer or clue.mutual or clue.side == EITHER or not len(every):
        return every
    flows = np.add.reduceat(np.tile(traces.flows[rows], len(sides))[order], found.starts[:-1])
    return every.select(np.flatnonzero(flows > _reverse(every, flows)))


def _reverse(every: Ties, flows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the flows of the tie the other way round, 0 where there is none."""
    width = int(max(every.host.max(), every.peer.max())) + 1
    keys = every.host * width + every.peer
    wanted = every.peer * width + every.host
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, flows[place], 0)
