"""ICMP errors that quote a packet of no flow so far: the capture may show the flow later."""

from __future__ import annotations

from dataclasses import dataclass

_MOST_KEYS = 65_536


@dataclass(slots=True)
class Early:
    """The errors that arrived before the flow that they quote."""

    count: int = 0
    unreachable_a: bool = False
    unreachable_b: bool = False


class EarlyQuotes:
    """Errors by the key of the flow that they wait for."""

    def __init__(self) -> None:
        """Begin without any."""
        self.unmatched = 0
        """Errors for which no flow has come."""
        self._by_key: dict[bytes, Early] = {}

    @property
    def waiting(self) -> bool:
        """Say whether any error waits."""
        return bool(self._by_key)

    def add(self, key: bytes, *, from_b: bool, unreachable: bool) -> None:
        """Keep an error that quotes a packet which endpoint b, or else a, had sent."""
        self.unmatched += 1
        early = self._by_key.get(key)
        if early is None:
            if len(self._by_key) == _MOST_KEYS:
                return
            early = self._by_key[key] = Early()
        early.count += 1
        early.unreachable_a |= unreachable and not from_b
        early.unreachable_b |= unreachable and from_b

    def take(self, key: bytes) -> Early | None:
        """Hand over the errors that waited for a flow which now opens."""
        early = self._by_key.pop(key, None)
        if early is not None:
            self.unmatched -= early.count
        return early
