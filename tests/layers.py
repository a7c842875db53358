"""Frames from layers, byte by byte, and batches from frames: the input of decoding tests."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.decode.dissect import Decoder
from auditor.flows import FlowTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.decode.packets import Packets
    from auditor.flows import Flows

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

IPV4, IPV6 = 0x0800, 0x86DD

A, B, ROUTER = "10.0.0.1", "10.0.0.2", "10.0.0.254"
A6, B6, ROUTER6 = "2001:db8::a", "2001:db8::b", "2001:db8::fe"
MAC_A, MAC_B = bytes.fromhex("02000000000a"), bytes.fromhex("02000000000b")


def ethernet(payload: bytes, ethertype: int = IPV4, source: bytes = MAC_A) -> bytes:
    """Put an Ethernet header before a packet."""
    return MAC_B + source + pack("!H", ethertype) + payload


def tagged(payload: bytes, *tags: tuple[int, int], ethertype: int = IPV4) -> bytes:
    """Put an Ethernet header with tags, each (EtherType of the tag, VLAN id), before a packet."""
    header = b"".join(pack("!HH", kind, 0xE000 | identifier) for kind, identifier in tags)
    return MAC_B + MAC_A + header + pack("!H", ethertype) + payload


def ipv4(
    payload: bytes,
    protocol: int = 6,
    source: str = A,
    destination: str = B,
    *,
    options: bytes = b"",
    total: int | None = None,
    identification: int = 1,
    pieces: int = 0,
) -> bytes:
    """Put an IPv4 header before a payload; `pieces` is the word of flags and fragment offset."""
    header = 20 + len(options)
    return (
        pack(
            "!BBHHHBBH4s4s",
            0x40 | header // 4,
            0,
            header + len(payload) if total is None else total,
            identification,
            pieces,
            64,
            protocol,
            0,
            ip_address(source).packed,
            ip_address(destination).packed,
        )
        + options
        + payload
    )


def ipv6(
    payload: bytes,
    protocol: int = 6,
    source: str = A6,
    destination: str = B6,
    *,
    length: int | None = None,
) -> bytes:
    """Put an IPv6 header before a payload."""
    return (
        pack("!IHBB", 0x60000000, len(payload) if length is None else length, protocol, 64)
        + ip_address(source).packed
        + ip_address(destination).packed
        + payload
    )


def fragment6(payload: bytes, protocol: int, offset: int, *, more: bool, number: int = 7) -> bytes:
    """Put an IPv6 fragment header before a piece; `offset` in units of 8 bytes."""
    return pack("!BBHI", protocol, 0, offset << 3 | more, number) + payload


def tcp(
    source: int,
    destination: int,
    flags: int = ACK,
    payload: bytes = b"",
    sequence: int = 1000,
    ack: int = 1,
) -> bytes:
    """Make a TCP segment."""
    return pack("!HHIIBBHHH", source, destination, sequence, ack, 0x50, flags, 1024, 0, 0) + payload


def udp(source: int, destination: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """Make a UDP datagram."""
    return (
        pack("!HHHH", source, destination, 8 + len(payload) if length is None else length, 0)
        + payload
    )


def icmp(kind: int, payload: bytes = b"", code: int = 0, rest: bytes = bytes(4)) -> bytes:
    """Make an ICMP or ICMPv6 message with the four bytes behind its checksum."""
    return pack("!BBH", kind, code, 0) + rest + payload


def echo(kind: int, identifier: int, payload: bytes = b"ping") -> bytes:
    """Make an echo request (8, 128) or reply (0, 129)."""
    return icmp(kind, payload, rest=pack("!HH", identifier, 1))


def segment(
    source: tuple[str, int],
    destination: tuple[str, int],
    flags: int = ACK,
    payload: bytes = b"",
    sequence: int = 1000,
) -> bytes:
    """Make an Ethernet frame with a TCP segment between two IPv4 endpoints."""
    body = tcp(source[1], destination[1], flags, payload, sequence)
    return ethernet(ipv4(body, 6, source[0], destination[0]))


def datagram(source: tuple[str, int], destination: tuple[str, int], payload: bytes = b"") -> bytes:
    """Make an Ethernet frame with a UDP datagram between two IPv4 endpoints."""
    return ethernet(ipv4(udp(source[1], destination[1], payload), 17, source[0], destination[0]))


def batch(
    frames: Sequence[bytes],
    linktype: int = 1,
    *,
    times: Sequence[int] | None = None,
    wire_lens: Sequence[int] | None = None,
    first_number: int = 1,
    capture: int = 0,
) -> FrameBatch:
    """Lay frames side by side, a microsecond apart unless `times` are given."""
    count = len(frames)
    captured = np.array([len(frame) for frame in frames], dtype=np.int64)
    number = np.arange(first_number, first_number + count, dtype=np.int64)
    return FrameBatch(
        data=np.frombuffer(b"".join(frames), np.uint8).copy(),
        offset=np.cumsum(captured) - captured,
        captured_len=captured,
        wire_len=captured if wire_lens is None else np.array(wire_lens, dtype=np.int64),
        time_ns=number * 1000 if times is None else np.array(times, dtype=np.int64),
        linktype=np.full(count, linktype, dtype=np.int32),
        number=number,
        capture=np.full(count, capture, dtype=np.int32),
    )


def decoded(*frames: bytes, linktype: int = 1) -> Packets:
    """Decode frames as one batch."""
    return Decoder().decode(batch(frames, linktype))


def flows_of(*frames: bytes) -> Flows:
    """Assemble the flows of Ethernet frames."""
    table = FlowTable()
    table.update(decoded(*frames))
    return table.finish()
