"""The server's name in a QUIC connection's first packets (RFC 9000, RFC 9001, RFC 9369).

A client's Initial packets are sealed with keys that follow from the connection id which it chose
for the server, so whoever sees them from the first on can open them. After a server's Retry the
client chooses anew; and when it has heard the server, it goes on under the server's id with the
old keys. So every id that was seen is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.cursor import Cursor
from auditor.evidence.quic_packets import VERSIONS, initials
from auditor.evidence.tls import join_pieces, read_hello_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.evidence.quic_seal import Seal

_LONGEST_HELLO = 1 << 16
_MOST_IDS = 4

_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO = 0x00, 0x01, 0x02, 0x03, 0x06

_VERSION_BYTES = frozenset(version.to_bytes(4, "big") for version in VERSIONS)


def read_quic_name(heads: Sequence[bytes]) -> bytes | None:
    """Give the server name that the first datagrams of a side ask for; None without one."""
    if not any(head[1:5] in _VERSION_BYTES for head in heads):
        return None
    packets = [packet for head in heads for packet in initials(head)]
    if not packets:
        return None
    from auditor.evidence.quic_seal import Seal  # noqa: PLC0415 - few captures need cryptography

    identifiers: list[bytes] = []
    seals: dict[tuple[int, bytes], Seal] = {}
    pieces: dict[bytes, list[tuple[int, bytes]]] = {}
    for packet in packets:
        if packet.identifier not in identifiers and len(identifiers) < _MOST_IDS:
            identifiers.append(packet.identifier)
        for identifier in identifiers:
            key = packet.version, identifier
            if key not in seals:
                seals[key] = Seal(*key)
            opened = seals[key].open(packet)
            if opened is not None:
                pieces.setdefault(identifier, []).extend(_crypto_pieces(Cursor(opened)))
                break
    for found in pieces.values():
        name = read_hello_name(join_pieces(found))
        if name is not None:
            return name
    return None


def _crypto_pieces(frames: Cursor) -> Iterator[tuple[int, bytes]]:
    """Give offset and bytes of each CRYPTO frame, until a frame that no Initial should have."""
    while frames.left:
        kind = frames.variable()
        if kind == _PADDING:
            frames = Cursor(frames.rest().lstrip(b"\0"))
        elif kind in {_ACK, _ACK_ECN}:
            _skip_ack(frames, counters=3 if kind == _ACK_ECN else 0)
        elif kind == _CRYPTO:
            offset, length = frames.variable(), frames.variable()
            if length > frames.left:
                return
            piece = frames.take(length)
            if offset < _LONGEST_HELLO:
                yield offset, piece
        elif kind != _PING:
            return


def _skip_ack(frames: Cursor, counters: int) -> None:
    frames.variable()
    frames.variable()
    ranges = frames.variable()
    for _ in range(min(1 + 2 * ranges + counters, frames.left)):
        frames.variable()
