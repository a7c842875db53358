"""The first messages of conversations, side by side in one block of bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import payloads
from talks import Turn, turns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture_mix import Kind
    from capture_site import Cast
    from numpy.typing import NDArray

PREFIX = np.dtype("V13")
"""How later messages of an opening's side begin."""

MSS = 1460

_VARIANTS = 256
_FRAMED = frozenset({"audio", "cgp", "dtls", "sql", "stream", "tls"})
"""Talks of which every later message has a head; of others it is noise."""
_LENGTH_AT = {"tls": 3, "dtls": 11}
"""Where a head holds the big-endian length of what follows the length."""


@dataclass(frozen=True)
class Openings:
    """Openings of all kinds; those of one kind follow each other."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    """Of each message in data, shape (messages,)."""
    by_client: NDArray[np.bool_]
    first: NDArray[np.int64]
    """Index of each opening's first message, shape (openings + 1,)."""
    prefix: NDArray[np.void]
    """PREFIX by opening and side, the client's first, shape (openings, 2)."""
    framed: NDArray[np.bool_]
    """Whether messages after the opening begin with the prefix, by kind."""
    length_at: NDArray[np.int64]
    """Byte of a message that holds its length in big-endian, by kind; 0 = none does."""
    kind_first: NDArray[np.int64]
    kind_count: NDArray[np.int64]
    """Openings of each kind, shape (kinds,)."""


def gather_openings(kinds: Sequence[Kind], cast: Cast) -> Openings:
    """Let every kind say its opening in as many variants as it has."""
    messages: list[bytes] = []
    by_client: list[bool] = []
    first, kind_first = [0], []
    prefixes: list[list[bytes]] = []
    for kind in kinds:
        kind_first.append(len(prefixes))
        for variant in range(_variants(kind, cast)):
            turns = _turns(kind, variant, cast)
            last = {True: b"", False: b""}
            for turn in turns:
                for message in turn.messages:
                    for begin in range(0, len(message), MSS):
                        messages.append(message[begin : begin + MSS])
                        by_client.append(turn.by_client)
                    last[turn.by_client] = message
            first.append(len(messages))
            prefixes.append([_prefix(last[True]), _prefix(last[False])])
    length = np.array([len(message) for message in messages])
    kind_ends = np.array([*kind_first, len(prefixes)])
    return Openings(
        data=np.frombuffer(b"".join(messages), np.uint8),
        start=np.cumsum(length) - length,
        length=length,
        by_client=np.array(by_client),
        first=np.array(first),
        prefix=np.array(prefixes, PREFIX),
        framed=np.array([kind.talk in _FRAMED for kind in kinds]),
        length_at=np.array([_LENGTH_AT.get(kind.talk, 0) for kind in kinds]),
        kind_first=kind_ends[:-1],
        kind_count=np.diff(kind_ends),
    )


def _variants(kind: Kind, cast: Cast) -> int:
    """Count the variants: names asked for, else servers, of which the first few suffice."""
    if kind.talk == "dns":
        return _VARIANTS
    return min(cast.groups[kind.server].count, _VARIANTS)


def _turns(kind: Kind, variant: int, cast: Cast) -> list[Turn]:
    label = f"{kind.client} {kind.server} {kind.service} {variant}"
    if kind.talk == "dns":
        group = cast.groups["www" if variant % 2 else "vda"]
        index = variant // 2 % group.count
        name, address = group.host_name(index), cast.address(group.name, index)
        return [
            Turn(by_client=True, messages=(payloads.dns_query(name),)),
            Turn(by_client=False, messages=(payloads.dns_answer(name, address),)),
        ]
    name = cast.groups[kind.server].host_name(variant)
    return turns_of(kind.talk, name, label)


def _prefix(message: bytes) -> bytes:
    return message[: PREFIX.itemsize].ljust(PREFIX.itemsize, b"\x55")
