"""Memory of first fragments, so that later ones find their ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from auditor.decode.carriers import Innermost
    from auditor.decode.internet import Datagram

_LIFETIME_NS = 60 * 10**9
"""How long receivers keep pieces (RFC 8200, 4.5), and so how long an id means one datagram."""


class Head(NamedTuple):
    """What a first fragment says for all of its datagram."""

    time_ns: int
    protocol: int
    src_port: int
    dst_port: int
    innermost: Innermost | None = None
    """What was found inside, where the datagram carries another."""


class FragmentTable:
    """First fragments by datagram; the least recently used are forgotten."""

    def __init__(self, capacity: int = 16_384) -> None:
        """Remember at most `capacity` datagrams."""
        self.missed: set[tuple[int, ...]] = set()
        """Datagrams of which a later fragment was asked for, and nothing was known; so many."""
        self._capacity = capacity
        self._heads: dict[tuple[int, ...], Head] = {}

    @property
    def heads(self) -> dict[tuple[int, ...], Head]:
        """All first fragments that are remembered, the least recently used first."""
        return self._heads

    def resume(self, heads: Mapping[tuple[int, ...], Head]) -> None:
        """Remember what another table did, as more recent than what this one does."""
        for key in heads:
            self._heads.pop(key, None)
        self._heads.update(heads)
        while len(self._heads) > self._capacity:
            del self._heads[next(iter(self._heads))]

    def may_know(self, missed: AbstractSet[tuple[int, ...]]) -> bool:
        """Say whether another table would have found more, had it begun with this one's memory."""
        overflowed = len(missed) >= self._capacity
        return bool(self._heads) and (overflowed or any(key in self._heads for key in missed))

    def remember(self, datagram: Datagram, head: Head) -> None:
        """Note a first fragment, in place of an older one with the same identification."""
        key = _key(datagram)
        self._heads.pop(key, None)
        self._heads[key] = head
        if len(self._heads) > self._capacity:
            del self._heads[next(iter(self._heads))]

    def find(self, datagram: Datagram, time_ns: int) -> Head | None:
        """Give the head of a later fragment's datagram, None if it was not seen or is too old."""
        key = _key(datagram)
        head = self._heads.pop(key, None)
        if head is None and len(self.missed) < self._capacity:
            self.missed.add(key)
        if head is None or abs(time_ns - head.time_ns) > _LIFETIME_NS:
            return None
        self._heads[key] = head
        return head


def _key(datagram: Datagram) -> tuple[int, ...]:
    """Identify the whole datagram; in IPv6 pieces may name different next headers (RFC 8200)."""
    fragment = datagram.fragment
    identification = fragment.identification if fragment else 0
    protocol = datagram.protocol if datagram.version == 4 else 0
    return (*datagram[2:6], datagram.version, protocol, identification)
