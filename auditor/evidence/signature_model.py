"""Signatures as values: what bytes a protocol begins with, and how much that proves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[bytes], bool]
    """Looks at one payload: the head of a stream, or one datagram."""
    SeriesCheck = Callable[[tuple[bytes, ...]], bool]
    """Looks at successive datagrams of one side; the first one is where the signature was met."""

CLIENT, SERVER, EITHER = "client", "server", "either"


class Strength(IntEnum):
    """How much a match proves; the order counts."""

    WEAK = 1
    """Fits, as other things may: it supports an expectation and contradicts none."""
    STRONG = 2
    """Positive identification; chance or another protocol would need about 30 bits of luck."""
    PROOF = 3
    """Beyond doubt: long constants, or lengths and checks that agree with each other."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol that can be recognised."""

    id: str
    title: str
    encrypted: bool = False
    """What it carries cannot be told from outside."""
    first_speaker: str = ""
    """Who sends the first payload, `client` or `server`; `` where nothing prescribes it."""
    kind_of: str = ""
    """The protocol that it is a use of: the XML service is a kind of HTTP."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bytes at a place, compared under a mask."""

    offset: int
    value: bytes
    """Already masked."""
    mask: bytes

    def first_bytes(self) -> frozenset[int]:
        """List the values that the first byte of a fitting payload can have."""
        return ANY_BYTE if self.offset else _fitting(self.value[0], self.mask[0])

    def expression(self) -> bytes:
        """Write the pattern as a regular expression, which compares faster than Python code."""
        pairs = zip(self.value, self.mask, strict=True)
        classes = (
            b"\\x%02x" % each if mask == 0xFF else _class(each, mask) for each, mask in pairs
        )
        return b".{%d}" % self.offset + b"".join(classes)


def _fitting(value: int, mask: int) -> frozenset[int]:
    return frozenset(byte for byte in range(256) if byte & mask == value)


def _class(value: int, mask: int) -> bytes:
    if mask == 0:
        return b"."
    # Ranges, not single bytes: what a class costs to compile grows with what stands in it.
    runs: list[list[int]] = []
    for byte in sorted(_fitting(value, mask)):
        if runs and runs[-1][1] == byte - 1:
            runs[-1][1] = byte
        else:
            runs.append([byte, byte])
    return b"[" + b"".join(b"\\x%02x-\\x%02x" % (first, last) for first, last in runs) + b"]"


@dataclass(frozen=True, slots=True)
class LengthField:
    """A field that gives the length of the message."""

    offset: int
    width: int
    order: str
    """`big` or `little`."""
    plus: int
    """Bytes of the message that the field does not count."""
    exact: bool
    """The message is the whole payload; else the payload holds all of it, and maybe more."""

    def fits(self, payload: bytes) -> bool:
        """Hold the field against the payload."""
        field = payload[self.offset : self.offset + self.width]
        if len(field) < self.width:
            return False
        length = int.from_bytes(field, "big" if self.order == "big" else "little") + self.plus
        return length == len(payload) if self.exact else length <= len(payload)


@dataclass(frozen=True)
class Signature:
    """One way in which a protocol shows itself in the first payload of one side."""

    id: str
    protocol: str
    transports: tuple[int, ...]
    """IP protocol numbers."""
    sender: str
    """CLIENT, SERVER or EITHER."""
    strength: Strength
    patterns: tuple[Pattern, ...] = ()
    """Alternatives, of which one must fit; none = any bytes."""
    minimum_len: int = 1
    length: LengthField | None = None
    contains: bytes = b""
    """Lower-case text that must stand somewhere, in any case."""
    first_line: bool = False
    """The text must stand in the first line."""
    checks: tuple[Check, ...] = ()
    series_checks: tuple[SeriesCheck, ...] = ()
    source: str = ""

    def fits(self, payloads: tuple[bytes, ...], place: int) -> bool:
        """Hold `payloads[place]`, and for a series what follows it, against the signature."""
        payload = payloads[place]
        if self._opening.match(payload) is None:
            return False
        if self.length is not None and not self.length.fits(payload):
            return False
        if self.contains and self.contains not in self._searched(payload):
            return False
        for check in self.checks:
            if not check(payload):
                return False
        return all(check(payloads[place:]) for check in self.series_checks)

    @cached_property
    def first_bytes(self) -> frozenset[int]:
        """The values that the first byte of a fitting payload can have."""
        if not self.patterns:
            return ANY_BYTE
        return frozenset().union(*(pattern.first_bytes() for pattern in self.patterns))

    @cached_property
    def _opening(self) -> re.Pattern[bytes]:
        """What a payload must begin with; compiled when first asked for, as few ever are."""
        alternatives = b"|".join(pattern.expression() for pattern in self.patterns)
        return re.compile(b"(?=.{%d})(?:%b)" % (self.minimum_len, alternatives), re.DOTALL)

    def _searched(self, payload: bytes) -> bytes:
        return (payload.split(b"\n", 1)[0] if self.first_line else payload).lower()


ANY_BYTE = frozenset(range(256))
