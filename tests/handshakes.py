"""ClientHellos and DNS messages, part by part, so that a test can break any part of them."""

from __future__ import annotations

from itertools import pairwise
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SUPPORTED_VERSIONS = (43, bytes.fromhex("04 0304 0303"))
TLS12, DTLS10, DTLS12 = b"\x03\x03", b"\xfe\xff", b"\xfe\xfd"


def server_name(name: bytes, kind: int = 0) -> tuple[int, bytes]:
    """Make the extension that names the server."""
    entry = bytes([kind]) + pack("!H", len(name)) + name
    return 0, pack("!H", len(entry)) + entry


def client_hello(
    *extensions: tuple[int, bytes], cookie: bytes | None = None, session: bytes = bytes(32)
) -> bytes:
    """Make the body of a ClientHello; a `cookie`, even an empty one, makes it DTLS."""
    listed = b"".join(pack("!HH", kind, len(data)) + data for kind, data in extensions)
    return (
        (TLS12 if cookie is None else DTLS12)
        + bytes(range(32))
        + bytes([len(session)])
        + session
        + (b"" if cookie is None else bytes([len(cookie)]) + cookie)
        + pack("!HHH", 4, 0x1301, 0xC02F)
        + b"\x01\x00"
        + pack("!H", len(listed))
        + listed
    )


def named_hello(name: bytes, cookie: bytes | None = None) -> bytes:
    """Make the body of a ClientHello that names its server."""
    return client_hello(SUPPORTED_VERSIONS, server_name(name), (10, b"\0\2\0\x1d"), cookie=cookie)


def tls_handshake(body: bytes, kind: int = 1) -> bytes:
    """Put the header of a TLS handshake message before its body."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def tls_record(data: bytes, kind: int = 22, version: bytes = b"\x03\x01") -> bytes:
    """Put the header of a TLS record before its data."""
    return bytes([kind]) + version + pack("!H", len(data)) + data


def tls_records(message: bytes, *cuts: int) -> bytes:
    """Spread a handshake message over TLS records, cut at the given places."""
    return b"".join(map(tls_record, pieces(message, *cuts)))


def dtls_fragments(body: bytes, *cuts: int, number: int = 0, kind: int = 1) -> list[bytes]:
    """Spread a handshake body over DTLS fragments, each with its header."""
    fragments = []
    offset = 0
    for piece in pieces(body, *cuts):
        claims = [len(body).to_bytes(3, "big"), offset.to_bytes(3, "big")]
        length = len(piece).to_bytes(3, "big")
        fragments.append(
            bytes([kind]) + claims[0] + pack("!H", number) + claims[1] + length + piece
        )
        offset += len(piece)
    return fragments


def dtls_record(data: bytes, kind: int = 22, version: bytes = DTLS10, epoch: int = 0) -> bytes:
    """Put the header of a DTLS record before its data."""
    return bytes([kind]) + version + pack("!HHIH", epoch, 0, 7, len(data)) + data


def pieces(data: bytes, *cuts: int) -> list[bytes]:
    """Cut bytes at places, given in any order; places beyond the end and empty pieces fall away."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def dns_name(name: str, pointer: int | None = None) -> bytes:
    """Encode a name as labels, closed by a zero or by a pointer to a place in the message."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return labels + (b"\0" if pointer is None else pack("!H", 0xC000 | pointer))


def dns_record(owner: bytes, kind: int, data: bytes, family: int = 1) -> bytes:
    """Make a resource record; `owner` is encoded already."""
    return owner + pack("!HHIH", kind, family, 300, len(data)) + data


def dns_response(
    question: bytes, records: Sequence[bytes] = (), *, flags: int = 0x8180, count: int | None = None
) -> bytes:
    """Make a response to an encoded name; `count` claims another number of records."""
    claimed = len(records) if count is None else count
    return (
        pack("!6H", 7, flags, 1, claimed, 0, 0) + question + pack("!HH", 1, 1) + b"".join(records)
    )
