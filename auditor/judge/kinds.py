"""Flows gathered into the kinds that a verdict can tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group
from auditor.judge.rulebook import FlowKind, NameClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from auditor.hosts import Hosts
    from auditor.judge.groups import Groups


@dataclass(frozen=True)
class Kinds:
    """The kinds present, and the kind of every flow."""

    kinds: list[FlowKind]
    groups: Groups
    """The flows by kind."""

    @property
    def kind_of(self) -> NDArray[np.int64]:
        """Shape (n flows,): index into kinds."""
        return self.groups.group_of

    def per_flow(self, per_kind: Iterable[bool]) -> NDArray[np.bool_]:
        """Spread what is known of kinds over their flows."""
        flags = np.array(list(per_kind), dtype=bool)
        return flags[self.kind_of] if len(flags) else np.zeros(len(self.kind_of), dtype=bool)


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
    parties, party = hosts.parties, hosts.party
    same = hosts.machine[client] == hosts.machine[server]
    groups = group((party[client], party[server], interval, name_class, same))
    kinds = [
        FlowKind(
            parties[party[client[row]]],
            parties[party[server[row]]],
            int(interval[row]),
            classes[name_class[row]],
            bool(same[row]),
        )
        for row in groups.first.tolist()
    ]
    return Kinds(kinds, groups)
