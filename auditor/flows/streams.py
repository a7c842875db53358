"""The first bytes of one direction of a TCP connection, put in order."""

from __future__ import annotations

import re

from auditor.flows.tcp import ahead

LONGEST_HEAD = 16 * 1024
_SHORT_HEAD = 1024
_HTTP_HEAD = 4096
_TELLING_HEAD = 256
_LEAST_HEAD = 64
REACH = 1 << 20
"""How far ahead, in bytes, a segment may lie and a missing one still be awaited: a window."""
_MOST_WAITING = 16

_TLS_HANDSHAKE = b"\x16\x03"
_HELLO = re.compile(
    rb"\x16\x03[\x00-\x04].{2}[\x01\x02]\x00.{2}\x03[\x00-\x04].{32}[\x00-\x20]", re.DOTALL
)
"""Record and message of a hello up to the length of its session id (RFC 8446 section 4.1)."""
_SHORTEST_RECORD, _LONGEST_RECORD, _SHORTEST_HELLO = 4, (1 << 14) + 2048, 41
_TELLING = re.compile(rb"\x1aCGP/01|\x00.{3}[\xfc-\xff]SMB", re.DOTALL)
"""CGP and SMB ([MS-SMB2] section 2.1): what they are is said at once."""
_DNS_RESPONSE = re.compile(rb".{4}[\x80-\x87][\x00-\x3f\x80-\xbf]\x00\x01", re.DOTALL)
"""Length, number, flags and the one question of a DNS answer over TCP (RFC 1035 section 4.2.2)."""
_HTTP_REQUEST = re.compile(rb"[A-Z]{3,16}(?:_[A-Z]+)* [!-~]")


class StreamHead:
    """Contiguous bytes from the first one on; what arrives early waits.

    The first byte is the one behind the SYN, or the earliest seen where there was none. Of bytes
    sent twice the first copy stays.
    """

    __slots__ = ("_anchored", "_start", "_waiting", "data")

    def __init__(self) -> None:
        """Begin without a byte."""
        self.data = b""
        self._start: int | None = None
        self._anchored = False
        self._waiting: dict[int, bytes] | None = None

    @classmethod
    def resumed(cls, data: bytes, start: int, *, anchored: bool) -> StreamHead:
        """Go on with a stream whose first bytes, from sequence number `start` on, are there."""
        stream = cls()
        stream.data, stream._start, stream._anchored = data, start & 0xFFFF_FFFF, anchored
        return stream

    @property
    def size(self) -> int:
        """Count the bytes held, waiting ones included."""
        return len(self.data) + (sum(map(len, self._waiting.values())) if self._waiting else 0)

    def anchor(self, start: int) -> None:
        """Learn the sequence number of the first byte, from a SYN."""
        if not (self._anchored and self.data):
            self._restart(start)
            self._anchored = True

    def add(self, sequence: int, payload: bytes) -> bool:
        """Add a segment's payload; False if it lies so far ahead that no gap will be closed."""
        if self._start is None:
            self._start = sequence
        distance = ahead(sequence, self._start)
        if distance > REACH:
            return False
        if -REACH < distance < 0 and not self._anchored:
            self._restart(sequence)
            distance = 0
        if distance > len(self.data):
            self._wait(sequence, payload[: max(LONGEST_HEAD - distance, 0)])
        else:
            self._extend(distance, payload)
            if self._waiting:
                self._take_waiting()
        return True

    def _restart(self, start: int) -> None:
        """Begin anew at `start`; what was taken for the beginning waits."""
        if self._start is not None:
            self._wait(self._start, self.data)
        self._start, self.data = start, b""
        self._take_waiting()

    def _wait(self, sequence: int, payload: bytes) -> None:
        waiting = self._waiting or {}
        room = LONGEST_HEAD - self.size
        if len(waiting.get(sequence, b"")) < len(payload) <= room and len(waiting) < _MOST_WAITING:
            waiting[sequence] = payload
            self._waiting = waiting

    def _extend(self, distance: int, payload: bytes) -> None:
        """Append what `payload`, `distance` bytes from the start, has beyond the end."""
        news = payload[len(self.data) - distance :]
        if news:
            self.data = (self.data + news)[:LONGEST_HEAD]

    def _take_waiting(self) -> None:
        start, waiting = self._start or 0, self._waiting or {}
        self._waiting = None
        for sequence in sorted(waiting, key=lambda each: ahead(each, start)):
            distance = ahead(sequence, start)
            if distance > len(self.data):
                self._wait(sequence, waiting[sequence])
            else:
                self._extend(distance, waiting[sequence])


def wanted_length(data: bytes) -> int:
    """Say how many bytes are worth keeping of a head that so far is `data`.

    A TLS hello and a DNS response are kept to their claimed end, an HTTP request to the end of its
    header fields. Nothing is read in what follows a hello, nor far into a session that says at
    once what it is.
    """
    if len(data) < _LEAST_HEAD:
        return _SHORT_HEAD
    if _is_hello(data):
        return min(max(_hello_end(data), _LEAST_HEAD), LONGEST_HEAD)
    if _TELLING.match(data):
        return _TELLING_HEAD
    if len(data) < _SHORT_HEAD:
        return _SHORT_HEAD
    if data.startswith(_TLS_HANDSHAKE):
        return min(max(_hello_end(data), _SHORT_HEAD), LONGEST_HEAD)
    if _HTTP_REQUEST.match(data):
        end = data.find(b"\r\n\r\n", 0, _HTTP_HEAD)
        return _HTTP_HEAD if end < 0 else max(end + 4, _SHORT_HEAD)
    if _DNS_RESPONSE.match(data):
        return min(max(2 + int.from_bytes(data[:2], "big"), _SHORT_HEAD), LONGEST_HEAD)
    return _SHORT_HEAD


def _is_hello(data: bytes) -> bool:
    """Recognise a ClientHello or a ServerHello as the check of its signature does."""
    record_len, hello_len = (int.from_bytes(data[i : i + 2], "big") for i in (3, 7))
    return (
        _HELLO.match(data) is not None
        and _SHORTEST_RECORD <= record_len <= _LONGEST_RECORD
        and hello_len >= _SHORTEST_HELLO
    )


def _hello_end(data: bytes) -> int:
    """Find the end of the first handshake message, which may span records (RFC 8446, 5.1).

    If the record in which it ends is short, that is where the record ends.
    """
    missing = 4 + int.from_bytes(data[6:9], "big")
    position = 0
    while True:
        record_len = int.from_bytes(data[position + 3 : position + 5], "big")
        position += 5
        if missing <= record_len:
            record_end = position + record_len
            return record_end if record_end <= _SHORT_HEAD else position + missing
        if position + record_len + 5 > len(data) or not record_len:
            return position + missing + 5
        missing -= record_len
        position += record_len
