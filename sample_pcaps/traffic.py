"""Speak packets: hosts that converse beside a span port, told as ladder diagrams.

    wire = Wire()
    Tcp(wire, vda, ddc, 80, at_ms=250).connect().send(b"POST ...").answer(b"HTTP/1.1 200").close()
    Udp(wire, vda, dns, 53, at_ms=900).send(query).answer(response)
    frames = wire.captured()

Every conversation keeps a clock of its own, so that conversations overlap as they do on a wire.
`payloads` has things to say, `pcap_files` writes the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import dpkt
from wire import MILLISECOND_NS, Dice, Frame, Host, Wire

__all__ = ["ACK", "FIN", "PSH", "RST", "SYN", "Dice", "Frame", "Host", "Tcp", "Udp", "Wire"]

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

_MSS = 1460
_SYN_OPTIONS = bytes.fromhex("020405b4 01 030308 01 01 0402")


@dataclass
class _Side:
    """One end of a conversation."""

    host: Host
    port: int
    sequence: int = 0


class _Conversation:
    """What TCP and UDP share: two ends and a clock."""

    def __init__(
        self, wire: Wire, client: Host, server: Host, port: int, *,
        at_ms: int = 0, client_port: int | None = None, rtt_us: int = 600,
    ) -> None:  # fmt: skip
        """Place the conversation `at_ms` after the start of the capture."""
        self.wire = wire
        self.now_ns = wire.moment_ns(at_ms)
        self.client = _Side(client, client_port or wire.dice.ephemeral_port())
        self.server = _Side(server, port)
        self._half_rtt_ns = rtt_us * 500
        self._speaker: _Side | None = None
        self._last = b""

    def pause(self, wait_ms: int) -> Self:
        """Let time pass."""
        self.now_ns += wait_ms * MILLISECOND_NS
        return self

    def reject(self, reporter: Host) -> Self:
        """Answer the last packet with an ICMP unreachable from `reporter`."""
        sender = self._speaker or self.client
        self._tick(None)
        self.wire.unreachable(self.now_ns, reporter, sender.host, self._last)
        return self

    def _tick(self, speaker: _Side | None) -> None:
        """Advance the clock: a packet's travel when the speaker changes, else a burst's gap."""
        jitter_ns = self.wire.dice.number(40_000)
        self.now_ns += jitter_ns + (8_000 if speaker is self._speaker else self._half_rtt_ns)
        self._speaker = speaker

    def _other(self, side: _Side) -> _Side:
        return self.server if side is self.client else self.client


class Udp(_Conversation):
    """A UDP conversation, datagram by datagram."""

    def send(self, *datagrams: bytes) -> Self:
        """Let the client send."""
        return self._say(self.client, datagrams)

    def answer(self, *datagrams: bytes) -> Self:
        """Let the server send."""
        return self._say(self.server, datagrams)

    def _say(self, side: _Side, datagrams: tuple[bytes, ...]) -> Self:
        other = self._other(side)
        for data in datagrams:
            self._tick(side)
            body = dpkt.udp.UDP(sport=side.port, dport=other.port, ulen=8 + len(data), data=data)
            self._last = self.wire.packet(self.now_ns, side.host, other.host, 17, body)
        return self


class Tcp(_Conversation):
    """A TCP connection, message by message; without `connect` the capture began in its middle."""

    def __init__(
        self, wire: Wire, client: Host, server: Host, port: int, *,
        at_ms: int = 0, client_port: int | None = None, rtt_us: int = 600,
    ) -> None:  # fmt: skip
        """Place the connection `at_ms` after the start of the capture."""
        super().__init__(
            wire, client, server, port, at_ms=at_ms, client_port=client_port, rtt_us=rtt_us
        )
        self.client.sequence = wire.dice.number(1 << 32)
        self.server.sequence = wire.dice.number(1 << 32)
        self._unacknowledged: _Side | None = None

    def connect(self) -> Self:
        """Shake hands."""
        self._segment(self.client, SYN)
        self._segment(self.server, SYN | ACK)
        self._segment(self.client, ACK)
        return self

    def refuse(self) -> Self:
        """Let the server answer the SYN with a reset."""
        self._segment(self.client, SYN)
        self._segment(self.server, RST | ACK)
        return self

    def knock(self, times: int = 3) -> Self:
        """Send the SYN over and over, waiting 1, 2, 4 ... seconds; nobody answers."""
        first = self.client.sequence
        for attempt in range(times):
            if attempt:
                self.pause(1000 << (attempt - 1))
            self.client.sequence = first
            self._segment(self.client, SYN)
        return self

    def send(self, *messages: bytes) -> Self:
        """Let the client send."""
        return self._say(self.client, messages)

    def answer(self, *messages: bytes) -> Self:
        """Let the server send."""
        return self._say(self.server, messages)

    def pause(self, wait_ms: int) -> Self:
        """Let time pass; what is still unacknowledged is acknowledged first."""
        self._acknowledge()
        return super().pause(wait_ms)

    def close(self) -> Self:
        """End the connection in order, the client first."""
        self._acknowledge()
        self._segment(self.client, FIN | ACK)
        self._segment(self.server, FIN | ACK)
        self._segment(self.client, ACK)
        return self

    def reset(self) -> Self:
        """Let the client abort."""
        self._acknowledge()
        self._segment(self.client, RST | ACK)
        return self

    def _say(self, side: _Side, messages: tuple[bytes, ...]) -> Self:
        for message in messages:
            for index, start in enumerate(range(0, len(message), _MSS)):
                if index and index % 2 == 0:  # every second segment is acknowledged
                    self._segment(self._other(side), ACK)
                piece = message[start : start + _MSS]
                flags = ACK | (PSH if start + _MSS >= len(message) else 0)
                self._segment(side, flags, piece)
        self._unacknowledged = side
        return self

    def _acknowledge(self) -> None:
        if self._unacknowledged is not None:
            self._segment(self._other(self._unacknowledged), ACK)
            self._unacknowledged = None

    def _segment(self, side: _Side, flags: int, data: bytes = b"") -> None:
        other = self._other(side)
        if side is not self._unacknowledged:
            self._unacknowledged = None  # this segment acknowledges what the other side sent
        self._tick(side)
        body = dpkt.tcp.TCP(
            sport=side.port, dport=other.port, seq=side.sequence,
            ack=other.sequence if flags & ACK else 0,
            flags=flags, win=self._window(flags), data=data,
        )  # fmt: skip
        if flags & SYN:
            body.opts = _SYN_OPTIONS
            body.off = 5 + len(_SYN_OPTIONS) // 4
        self._last = self.wire.packet(self.now_ns, side.host, other.host, 6, body)
        side.sequence += len(data) + (1 if flags & (SYN | FIN) else 0)
        side.sequence &= 0xFFFF_FFFF

    def _window(self, flags: int) -> int:
        """Offer a window: none in a reset, unscaled in a SYN, afterwards scaled by 256."""
        if flags & RST:
            return 0
        return 64240 if flags & SYN else 1020 + self.wire.dice.number(8)
