"""The form of DNS messages (RFC 1035 section 4): header, names, records.

LLMNR, mDNS and the NetBIOS name service use it too. Messages are whatever anyone sent to such a
port: compression pointers must lead backwards, and what follows any label is read once, so that
loops end and work stays proportional to the message.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONSE, OPCODE, RCODE = 0x8000, 0x7800, 0x000F
"""Masks of the flags."""

_HEADER = Struct(">6H")
_RECORD = Struct(">HHIH")
_QUESTION_LEN = 4
_POINTER = 0xC000
_LONGEST_LABEL = 63
_MOST_LABELS = 127
_MOST_JUMPS = 32
_MOST_QUESTIONS = 16
_MOST_RECORDS = 256

Labels = tuple[bytes, ...]


class Record(NamedTuple):
    """A resource record that lies in its message whole."""

    owner: Labels
    kind: int
    family: int
    """What RFC 1035 calls the class."""
    start: int
    """Where the data stands in the message."""
    length: int


class Message:
    """A message of which no more is believed than its bytes show; at least a header."""

    def __init__(self, data: bytes) -> None:
        """Read the header; Raises struct.error if `data` is shorter than that."""
        self.data = data
        _, flags, questions, *counts = _HEADER.unpack_from(data)
        self.flags: int = flags
        self.questions: int = questions
        self.answers: int = counts[0]
        self.records_claimed: int = sum(counts)
        self._known: dict[int, Labels | None] = {}

    @classmethod
    def of(cls, data: bytes) -> Message | None:
        """Take `data` for a message; None if it is too short for one."""
        return cls(data) if len(data) >= _HEADER.size else None

    def question(self) -> tuple[Labels | None, int]:
        """Give the first name in question, None for a bad one, and where the records begin."""
        asked, place = None, _HEADER.size
        for number in range(min(self.questions, _MOST_QUESTIONS)):
            name, place = self.name(place)
            if name is None:
                return None, len(self.data)
            place += _QUESTION_LEN
            if number == 0:
                asked = name
        return asked, place

    def records(self, place: int, count: int) -> Iterator[Record]:
        """Give up to `count` records from `place` on, until one that is bad or cut."""
        data = self.data
        for _ in range(min(count, _MOST_RECORDS)):
            owner, place = self.name(place)
            if owner is None or place + _RECORD.size > len(data):
                return
            kind, family, _, length = _RECORD.unpack_from(data, place)
            start = place + _RECORD.size
            place = start + length
            if place > len(data):
                return
            yield Record(owner, kind, family, start, length)

    def name(self, start: int) -> tuple[Labels | None, int]:
        """Give the labels of the name at `start`, None for a bad one, and where it ends.

        Labels are in lower case. A label with a dot is bad: it would make the name look like
        another one.
        """
        data = self.data
        # Most owners are nothing but a pointer to a name that was read before.
        if start + 1 < len(data) and data[start] >= _POINTER >> 8:
            target = (data[start] << 8 | data[start + 1]) - _POINTER
            if target < start and target in self._known:
                return self._known[target], start + 2
        return self._walk(start, 0)

    def _walk(self, start: int, jumps: int) -> tuple[Labels | None, int]:
        data = self.data
        walked: list[tuple[int, bytes]] = []
        name: Labels | None = None
        place = start
        while place < len(data):
            if jumps and place in self._known:
                name = self._known[place]
                break
            length = data[place]
            place += 1
            if length == 0:
                name = ()
                break
            if length > _LONGEST_LABEL:
                target = int.from_bytes(data[place - 1 : place + 1], "big") - _POINTER
                place += 1
                if 0 <= target < start and jumps < _MOST_JUMPS:
                    name, _ = self._walk(target, jumps + 1)
                break
            label = data[place : place + length].lower()
            if b"." in label:
                break
            walked.append((place - 1, label))
            place += length
        for at, label in reversed(walked):
            if name is not None:
                name = (label, *name) if len(name) < _MOST_LABELS else None
            self._known[at] = name
        return name, place
