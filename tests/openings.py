"""What protocols open with: for every signature a payload that shows it, and one that just fails.

Payloads are built from the published descriptions, not from the signatures.
"""

from __future__ import annotations

from typing import NamedTuple


class Opening(NamedTuple):
    """A payload that a signature must recognise, and near misses that it must not."""

    transport: str
    sender: str
    payload: bytes | tuple[bytes, ...]
    """One head, or successive datagrams."""
    misses: tuple[bytes | tuple[bytes, ...], ...]


def tcp_client(payload: bytes, *misses: bytes) -> Opening:
    """Let a client speak over TCP."""
    return Opening("tcp", "client", payload, misses)


def tcp_server(payload: bytes, *misses: bytes) -> Opening:
    """Let a server speak over TCP."""
    return Opening("tcp", "server", payload, misses)


def udp_client(payload: bytes, *misses: bytes) -> Opening:
    """Let a client speak over UDP."""
    return Opening("udp", "client", payload, misses)


def udp_server(payload: bytes, *misses: bytes) -> Opening:
    """Let a server speak over UDP."""
    return Opening("udp", "server", payload, misses)


def changed(payload: bytes, place: int, value: int | None = None) -> bytes:
    """Set one byte, or turn its bits over; a negative place counts from the end."""
    place %= len(payload)
    new = payload[place] ^ 0xFF if value is None else value
    return payload[:place] + bytes([new]) + payload[place + 1 :]


def sized(*parts: bytes, width: int = 4, order: str = "big") -> bytes:
    """Put the length of all parts, itself not counted, before them."""
    body = b"".join(parts)
    return len(body).to_bytes(width, "little" if order == "little" else "big") + body
