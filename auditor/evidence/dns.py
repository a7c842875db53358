"""Addresses that DNS answers give, and the names that lead to them (RFC 1035, RFC 3596).

Messages are whatever anyone sent from port 53. Compression pointers must lead backwards, and what
follows any label is read once, so that loops end and work stays proportional to the message.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from auditor.records import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = Struct(">6H")
_RECORD = Struct(">HHIH")
_WORDS = Struct(">QQ")
_RESPONSE, _OPCODE, _RCODE = 0x8000, 0x7800, 0x000F
_INTERNET = 1
_A, _CNAME, _AAAA = 1, 5, 28
_POINTER = 0xC000
_LONGEST_LABEL = 63
_MOST_LABELS = 127
_MOST_JUMPS = 32
_MOST_RECORDS = 256
_LONGEST_CHAIN = 16

_Labels = tuple[bytes, ...]


class Answer(NamedTuple):
    """An address, and the names by which it was asked for."""

    address: tuple[int, int]
    """Address words."""
    names: tuple[bytes, ...]
    """The name in question, then the canonical names that led on; as sent, in lower case."""


def read_answers(message: bytes) -> list[Answer]:
    """List the addresses that a response gives to its question; empty for anything else."""
    if len(message) < _HEADER.size:
        return []
    _, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    if flags & _RESPONSE == 0 or flags & (_OPCODE | _RCODE) or questions != 1 or not answers:
        return []
    names = _NameReader(message)
    asked, place = names.read(_HEADER.size)
    if asked is None:
        return []
    aliases: dict[_Labels, _Labels] = {}
    addresses: list[tuple[_Labels, tuple[int, int]]] = []
    for owner, kind, start, length in _records(names, place + 4, min(answers, _MOST_RECORDS)):
        if kind == _CNAME:
            target, _ = names.read(start)
            if target is not None:
                aliases.setdefault(owner, target)
        elif kind == _A and length == 4:
            number = int.from_bytes(message[start : start + 4], "big")
            addresses.append((owner, (0, IPV4_MAPPED | number)))
        elif kind == _AAAA and length == 16:
            addresses.append((owner, _WORDS.unpack_from(message, start)))
    chain = _chain(asked, aliases)
    steps = {labels: number for number, labels in enumerate(chain, 1)}
    texts = tuple(map(b".".join, chain))
    return [
        Answer(address, texts[: steps[owner]]) for owner, address in addresses if owner in steps
    ]


def split_stream(segment: bytes) -> Iterator[bytes]:
    """Split a segment of DNS over TCP into the messages that lie in it whole."""
    place = 0
    while place + 2 < len(segment):
        end = place + 2 + int.from_bytes(segment[place : place + 2], "big")
        if end > len(segment):
            return
        yield segment[place + 2 : end]
        place = end


def _records(names: _NameReader, place: int, count: int) -> Iterator[tuple[_Labels, int, int, int]]:
    """Give owner, type, start and length of the data of each Internet record that is whole."""
    message = names.message
    for _ in range(count):
        owner, place = names.read(place)
        if owner is None or place + _RECORD.size > len(message):
            return
        kind, family, _, length = _RECORD.unpack_from(message, place)
        start = place + _RECORD.size
        place = start + length
        if place > len(message):
            return
        if family == _INTERNET:
            yield owner, kind, start, length


def _chain(asked: _Labels, aliases: dict[_Labels, _Labels]) -> list[_Labels]:
    chain = [asked]
    while len(chain) < _LONGEST_CHAIN:
        target = aliases.get(chain[-1])
        if target is None or target in chain:
            break
        chain.append(target)
    return chain


class _NameReader:
    """Reads the names of one message."""

    def __init__(self, message: bytes) -> None:
        self.message = message
        self._known: dict[int, _Labels | None] = {}

    def read(self, start: int) -> tuple[_Labels | None, int]:
        """Give the labels of the name at `start`, None for a bad one, and where it ends."""
        return self._walk(start, 0)

    def _walk(self, start: int, jumps: int) -> tuple[_Labels | None, int]:
        message = self.message
        walked: list[tuple[int, bytes]] = []
        name: _Labels | None = None
        place = start
        while place < len(message):
            if jumps and place in self._known:
                name = self._known[place]
                break
            length = message[place]
            place += 1
            if length == 0:
                name = ()
                break
            if length > _LONGEST_LABEL:
                target = int.from_bytes(message[place - 1 : place + 1], "big") - _POINTER
                place += 1
                if 0 <= target < start and jumps < _MOST_JUMPS:
                    name, _ = self._walk(target, jumps + 1)
                break
            label = message[place : place + length].lower()
            if b"." in label:  # would make the name look like another one
                break
            walked.append((place - 1, label))
            place += length
        for at, label in reversed(walked):
            if name is not None:
                name = (label, *name) if len(name) < _MOST_LABELS else None
            self._known[at] = name
        return name, place
