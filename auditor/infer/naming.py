"""What hosts are called: the names told of an address, and those it is asked for by."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.groups import group

if TYPE_CHECKING:
    from auditor.evidence.names import Names
    from auditor.judge.judged import Judged


class HostNames:
    """The names of every host of a capture."""

    def __init__(self, judged: Judged, told: Names) -> None:
        """Collect the names: first those told of addresses, then those in the flows themselves."""
        self._table = judged.hosts.table
        names: dict[int, dict[str, None]] = defaultdict(dict)
        rows = judged.hosts.addresses.rows_of(told.address_names).tolist()
        for row, seen in zip(rows, told.address_names.values(), strict=True):
            if row >= 0:
                names[row].update(dict.fromkeys(each.name for each in seen))
        own = told.own
        server = judged.orientation.server[own.flow]
        asked = np.sort(group((server, own.name.astype(np.int64))).first)
        for row, word in zip(server[asked].tolist(), own.name[asked].tolist(), strict=True):
            names[row].setdefault(own.words[word])
        self.all: dict[int, tuple[str, ...]] = {row: tuple(each) for row, each in names.items()}
        """By row of Hosts.table."""
        self._holders = Counter(name for each in self.all.values() for name in each)

    def own(self, host: int) -> str | None:
        """Give the first name that no other host has; a name shared is that of a service."""
        mine = (name for name in self.all.get(host, ()) if self._holders[name] == 1)
        return next(mine, None)

    def label(self, host: int) -> str:
        """Give the name that the site file or the host alone has, else the address."""
        entry = self._table[host]
        return entry.name or self.own(host) or entry.address
