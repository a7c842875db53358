"""Initial packets of QUIC as they travel, several to a datagram (RFC 9000 sections 12.2, 17.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.evidence.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION_1, _VERSION_2 = 1, 0x6B3343CF
_INITIAL = {_VERSION_1: 0, _VERSION_2: 1}
_RETRY = {_VERSION_1: 3, _VERSION_2: 0}
_LONG = 0x80
_LONGEST_ID = 20
_SHORTEST_PACKET = 20
"""Number and payload: what header protection samples must be there (RFC 9001 section 5.4.2)."""
_MOST_COALESCED = 4

VERSIONS = tuple(_INITIAL)
"""Versions whose first packets can be opened."""


class Initial(NamedTuple):
    """An Initial packet as it travels."""

    version: int
    identifier: bytes
    """Destination connection id."""
    sealed: bytes
    """The packet from its first byte to its last."""
    number_at: int
    """Where the protected packet number stands in it."""


def initials(datagram: bytes) -> Iterator[Initial]:
    """Find the Initial packets of a known version in a datagram, in which others may lie too."""
    for _ in range(_MOST_COALESCED):
        cursor = Cursor(datagram)
        first, version = cursor.number(1), cursor.number(4)
        kind = first >> 4 & 3
        if not first & _LONG or version not in _INITIAL or kind == _RETRY[version]:
            return
        identifier, own = cursor.block(1), cursor.block(1)
        if max(identifier.left, own.left) > _LONGEST_ID:
            return
        if kind == _INITIAL[version]:
            cursor.skip(cursor.variable())
        length = cursor.variable()
        number_at = len(datagram) - cursor.left
        if not _SHORTEST_PACKET <= length <= cursor.left:
            return
        if kind == _INITIAL[version]:
            yield Initial(version, identifier.rest(), datagram[: number_at + length], number_at)
        datagram = datagram[number_at + length :]
