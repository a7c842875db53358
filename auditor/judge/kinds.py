"""Flows gathered into the kinds that a verdict can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.rulebook import FlowKind, NameClass, Party

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from auditor.hosts import Hosts


@dataclass(frozen=True)
class Kinds:
    """The kinds present, and the kind of every flow."""

    kinds: list[FlowKind]
    kind_of: NDArray[np.int64]
    """Shape (n flows,): index into kinds."""


def kinds_of(
    hosts: Hosts,
    client: NDArray[np.int64],
    server: NDArray[np.int64],
    interval: NDArray[np.int64],
    name_class: NDArray[np.int64],
    classes: Sequence[NameClass],
) -> Kinds:
    """Gather flows by (client party, server party, interval, name class, same machine).

    client, server: rows of hosts.table; interval: of the service; name_class: index into classes;
    all of shape (n,).
    """
    if not len(client):
        return Kinds([], np.zeros(0, dtype=np.int64))
    parties: dict[Party, int] = {}
    party_of = np.array(
        [
            parties.setdefault(Party(host.roles, host.listed, host.special), len(parties))
            for host in hosts.table
        ],
        dtype=np.int64,
    )
    machine = np.array([host.machine for host in hosts.table], dtype=np.int64)
    same = (machine[client] == machine[server]).astype(np.int64)

    # One integer per combination: np.unique sorts these far faster than rows of a matrix.
    columns = (party_of[client], party_of[server], interval, name_class, same)
    sizes = (len(parties), len(parties), int(interval.max()) + 1, len(classes), 2)
    key = np.zeros(len(client), dtype=np.int64)
    for column, size in zip(columns, sizes, strict=True):
        key = key * size + column
    _, first, kind_of = np.unique(key, return_index=True, return_inverse=True)

    by_number = list(parties)
    kinds = [
        FlowKind(
            by_number[party_of[client[row]]],
            by_number[party_of[server[row]]],
            int(interval[row]),
            classes[name_class[row]],
            bool(same[row]),
        )
        for row in first.tolist()
    ]
    return Kinds(kinds, kind_of)
