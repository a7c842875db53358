"""What a service promises: the protocols by which a payload proves its port right."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from auditor.catalog.services import parse_service
from auditor.documents import Document
from auditor.errors import RulesError
from auditor.records import TRANSPORT_NAMES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from auditor.documents import Entry

_NUMBERS = {name: number for number, name in TRANSPORT_NAMES.items()}
_NOTHING: frozenset[str] = frozenset()
_PORTS = 1 << 16


@dataclass(frozen=True)
class Promises:
    """The table of services."""

    speaks: dict[tuple[int, int], frozenset[str]]
    """(IP protocol number, port) -> protocol ids; absent where nothing is promised."""
    off_port: frozenset[str]
    """Protocols that are a finding where no service speaks them."""

    def of(self, transport: int, port: int) -> frozenset[str]:
        """Give the protocols of a service; none where it promises nothing."""
        return self.speaks.get((transport, port), _NOTHING)

    @cached_property
    def sets(self) -> tuple[frozenset[str], ...]:
        """List what services promise, each set of protocols once, beginning with none."""
        return tuple(dict.fromkeys([_NOTHING, *self.speaks.values()]))

    def numbers(self, transport: NDArray[np.uint8], port: NDArray[np.uint32]) -> NDArray[np.int16]:
        """Give for many services the place in `sets` of what they promise; all arrays: (n,)."""
        number = {promised: place for place, promised in enumerate(self.sets)}
        found = np.zeros(len(port), np.int16)
        for each in {transport for transport, _ in self.speaks}:
            table = np.zeros(_PORTS + 1, np.int16)
            for (spoken_over, spoken_on), promised in self.speaks.items():
                if spoken_over == each:
                    table[spoken_on] = number[promised]
            rows = np.flatnonzero(transport == each)
            found[rows] = table[np.minimum(port[rows], _PORTS)]
        return found

    def ports_of(self, transport: int, protocol: str) -> list[int]:
        """List the ports of one IP protocol on which some protocol is spoken."""
        return [
            port
            for (number, port), spoken in self.speaks.items()
            if number == transport and protocol in spoken
        ]


def load_promises(path: Path, protocols: Collection[str]) -> Promises:
    """Read the table; raises RulesError with every mistake and its line."""
    document = Document(str(path), RulesError)
    top = document.read(path)
    top.allow(("off-port", "services"))
    speaks: dict[tuple[int, int], frozenset[str]] = {}
    for entry in top.entries("services"):
        entry.allow(("service", "speaks"))
        spoken = _protocols(entry, "speaks", protocols)
        for scalar in entry.scalars("service"):
            try:
                service = parse_service(scalar.text)
            except ValueError as error:
                document.report(scalar.line, str(error))
                continue
            for port in range(service.low or 0, (service.high or 0) + 1):
                key = _NUMBERS[service.transport], port
                if key in speaks:
                    document.report(scalar.line, f"{scalar.text} stands here twice")
                speaks[key] = spoken
    promises = Promises(speaks, _protocols(top, "off-port", protocols))
    document.finish()
    return promises


def _protocols(entry: Entry, key: str, known: Collection[str]) -> frozenset[str]:
    found = entry.scalars(key)
    if not found:
        entry.report(key, f"{key!r} is missing")
    for scalar in found:
        if scalar.text not in known:
            message = f"{scalar.text!r} is no protocol of the signatures"
            entry.document.report(scalar.line, message)
    return frozenset(scalar.text for scalar in found)
