"""The server's name in a ClientHello, of TLS over a stream and of DTLS in datagrams.

Formats: RFC 8446 sections 4.1.2 and 5.1, RFC 6347 section 4 (RFC 9147 keeps both for the hello),
RFC 6066 section 3. All lengths are claims: what they claim beyond the bytes at hand is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_LONGEST_RECORD = (1 << 14) + 2048
_DTLS_VERSIONS = (b"\xfe\xff", b"\xfe\xfd")


def read_tls_name(heads: Sequence[bytes]) -> bytes | None:
    """Give the server name that the start of a stream asks for, as sent; None without one."""
    for head in heads[:1]:
        if head.startswith(b"\x16\x03"):
            return read_hello_name(b"".join(_handshake_bytes(head)))
    return None


def read_hello_name(message: bytes) -> bytes | None:
    """Give the server name in a handshake message, whole or cut; None if it is no ClientHello."""
    hello = Cursor(message)
    if hello.number(1) != _CLIENT_HELLO:
        return None
    return _server_name(hello.block(3), cookie=False)


def read_dtls_name(heads: Sequence[bytes]) -> bytes | None:
    """Give the server name that the first datagrams of a side ask for; None without one.

    A hello may come in fragments, spread over datagrams and in any order, and once more with the
    server's cookie.
    """
    messages: dict[int, list[tuple[int, bytes]]] = {}
    for head in heads:
        if head.startswith(b"\x16\xfe"):
            for number, offset, piece in _hello_pieces(head):
                messages.setdefault(number, []).append((offset, piece))
    for number in sorted(messages):
        name = _server_name(Cursor(join_pieces(messages[number])), cookie=True)
        if name is not None:
            return name
    return None


def join_pieces(pieces: Iterable[tuple[int, bytes]]) -> bytes:
    """Join fragments, given with their offsets, up to the first gap."""
    message = b""
    for offset, piece in sorted(pieces):
        if offset > len(message):
            break
        message += piece[len(message) - offset :]
    return message


def _handshake_bytes(stream: bytes) -> Iterator[bytes]:
    """Take the handshake out of the records that carry it, until another kind of record."""
    cursor = Cursor(stream)
    while cursor.number(1) == _HANDSHAKE and cursor.number(1) == 3:
        cursor.skip(1)
        length = cursor.number(2)
        if not 0 < length <= _LONGEST_RECORD:
            return
        yield cursor.take(length)


def _hello_pieces(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Give message number, offset and bytes of each fragment of a ClientHello in a datagram."""
    records = Cursor(datagram)
    while records.number(1) == _HANDSHAKE and records.take(2) in _DTLS_VERSIONS:
        epoch = records.number(2)
        records.skip(6)
        record = records.block(2)
        while epoch == 0 and record.left:
            kind = record.number(1)
            record.skip(3)
            number, offset = record.number(2), record.number(3)
            piece = record.block(3)
            if kind == _CLIENT_HELLO:
                yield number, offset, piece.rest()


def _server_name(hello: Cursor, *, cookie: bool) -> bytes | None:
    """Find the first host name in the body of a ClientHello, whole or cut."""
    hello.skip(2 + 32)
    hello.block(1)
    if cookie:
        hello.block(1)
    hello.block(2)
    hello.block(1)
    extensions = hello.block(2)
    while extensions.left:
        kind = extensions.number(2)
        extension = extensions.block(2)
        if kind == _SERVER_NAME and extension.left:
            names = extension.block(2)
            while names.left:
                name_kind, name = names.number(1), names.block(2)
                if name_kind == _HOST_NAME:
                    return name.rest() if name.whole else None
            return None
    return None
