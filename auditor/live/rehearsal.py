"""A watch over a crowd that was never there: what a watch needs is loaded and compiled by it.

A ring does not wait for a compiler, and what is done only for many would else be compiled when
many come. So the crowd is as large as anything asks for that is kept for many.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.capture.live.source import InterfaceState
from auditor.live.clock import Clock, Schedule
from auditor.live.intake import Intake
from auditor.live.tick import Limits
from auditor.live.watch import Watch
from auditor.outlets.window import Window
from auditor.records import IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP
from auditor.report.writers import Style, json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.judging import Judging

_CLIENTS = 2_000
"""Of each conversation: together, more pairs of addresses and series of payloads than any of the
bounds from which on something is done by a kernel."""

_PATIENCE_S = 1.0
_ETHERNET = 1
_ADDRESSES_AT = 14 + 12
_CLIENT, _SERVER = bytes((198, 18, 0, 0)), bytes((198, 19, 0, 1))
"""Of the networks that are there for measuring (RFC 2544); clients differ in their last bytes."""
_CLIENT_PORT, _HTTP, _RTP, _DNS = 50_000, 80, 5_004, 53
_SYN, _SYN_ACK, _PUSH_ACK = 0x02, 0x12, 0x18
_REQUEST = b"GET / HTTP/1.1\r\nHost: rehearsal.example\r\n\r\n"


class _Crowd:
    """A live source that has a few frames of each client, once it is asked for the rest."""

    interface = "rehearsal"
    state = InterfaceState.UP
    dropped = 0

    def read(self) -> FrameBatch | None:
        return None

    def rest(self) -> Iterator[FrameBatch]:
        talk = [
            _segment(_SYN, 100, b""),
            _segment(_SYN_ACK, 200, b"", answers=True),
            _segment(_PUSH_ACK, 101, _REQUEST),
            _segment(_PUSH_ACK, 203, b"out of order", answers=True),
            *(_datagram(_RTP, _voice(number)) for number in range(4)),
            _datagram(_DNS, bytes(12), answers=True),
            _refusal(_datagram(_RTP, _voice(0))),
        ]
        for frame in talk:
            yield _from_each(frame)

    def notices(self) -> list[str]:
        return []

    def close(self) -> None:
        """Do nothing: there is nothing to be given back."""


def rehearse(judging: Judging) -> None:
    """Watch the crowd to the end of a window, and write the report to nowhere."""
    limits, clock = Limits(), Clock()
    crowd = _Crowd()
    intake = Intake([crowd], limits, frozenset(), Schedule(3600.0, clock), clock)
    watch = Watch(crowd.interface, judging, limits)
    watch.begin(clock.steady_s())
    intake.stop()
    intake.start()
    last = False
    while not last:
        tick = intake.take(_PATIENCE_S)
        if tick is None:
            continue
        if tick.error is not None:
            raise tick.error
        window = watch.take(tick)
        if isinstance(window, Window):
            json.write(window.report, io.StringIO(), Style())
        last = tick.last


def _from_each(frame: bytes) -> FrameBatch:
    """Let each client send a frame, or be sent it."""
    data = np.tile(np.frombuffer(frame, np.uint8), (_CLIENTS, 1))
    numbers = np.arange(_CLIENTS, dtype=np.int64)
    client = frame.index(_CLIENT, _ADDRESSES_AT)
    data[:, client + 2], data[:, client + 3] = numbers >> 8, numbers & 0xFF
    length = np.full(_CLIENTS, len(frame), np.int64)
    return FrameBatch(
        data.ravel(),
        numbers * len(frame),
        length,
        length,
        numbers,
        np.full(_CLIENTS, _ETHERNET, np.int32),
        numbers + 1,
        np.zeros(_CLIENTS, np.int32),
    )


def _segment(flags: int, sequence: int, payload: bytes, *, answers: bool = False) -> bytes:
    rest = struct.pack("!IIBBHHH", sequence, 1, 0x50, flags, 1024, 0, 0) + payload
    return _packet(IPPROTO_TCP, _ports(_HTTP, answers=answers) + rest, answers=answers)


def _datagram(port: int, payload: bytes, *, answers: bool = False) -> bytes:
    rest = struct.pack("!HH", 8 + len(payload), 0) + payload
    return _packet(IPPROTO_UDP, _ports(port, answers=answers) + rest, answers=answers)


def _refusal(frame: bytes) -> bytes:
    """Make an ICMP error that quotes a client's packet (RFC 792: port unreachable)."""
    return _packet(IPPROTO_ICMP, struct.pack("!BBHI", 3, 3, 0, 0) + frame[14:], answers=True)


def _ports(port: int, *, answers: bool) -> bytes:
    return struct.pack("!HH", *((port, _CLIENT_PORT) if answers else (_CLIENT_PORT, port)))


def _voice(number: int) -> bytes:
    """Make a datagram of RTP (RFC 3550, 5.1)."""
    return struct.pack("!BBHII", 0x80, 0, number, 160 * number, 1) + bytes(160)


def _packet(protocol: int, content: bytes, *, answers: bool) -> bytes:
    """Frame what an IPv4 packet holds."""
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(content), 1, 0, 64, protocol, 0)
    addresses = _SERVER + _CLIENT if answers else _CLIENT + _SERVER
    return bytes(12) + b"\x08\x00" + ip + addresses + content
