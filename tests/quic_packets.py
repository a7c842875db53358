"""QUIC Initial packets, sealed as a client or a server would, by means other than the reader's."""

from __future__ import annotations

from struct import pack
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

VERSION_1, VERSION_2 = 1, 0x6B3343CF
SALTS = {
    VERSION_1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
    VERSION_2: "0dede3def700a6db819381be6e269dcbf9bd2ed9",
}
PING, PADDING = b"\x01", b"\x00"


class Keys(NamedTuple):
    """What seals the packets of one side."""

    key: bytes
    iv: bytes
    hp: bytes


def keys(identifier: bytes, version: int = VERSION_1, label: str = "client in") -> Keys:
    """Derive the keys of a side from the id that the client first chose for the server."""
    secret = HKDF.extract(SHA256(), bytes.fromhex(SALTS[version]), identifier)
    side = _expand(secret, label, 32)
    stem = "quicv2" if version == VERSION_2 else "quic"
    return Keys(
        _expand(side, f"{stem} key", 16),
        _expand(side, f"{stem} iv", 12),
        _expand(side, f"{stem} hp", 16),
    )


def variable(number: int) -> bytes:
    """Write a number in as few bytes as it needs."""
    if number < 1 << 6:
        return bytes([number])
    return pack("!H", number | 0x4000) if number < 1 << 14 else pack("!I", number | 0x8000_0000)


def crypto(offset: int, data: bytes) -> bytes:
    """Make a CRYPTO frame."""
    return b"\x06" + variable(offset) + variable(len(data)) + data


def ack(*, ecn: bool = False, ranges: int = 1) -> bytes:
    """Make an ACK frame."""
    frame = (b"\x03" if ecn else b"\x02") + b"\x07\x00" + variable(ranges) + b"\x00"
    return frame + b"\x00\x00" * ranges + (b"\x01\x02\x03" if ecn else b"")


def initial(
    frames: bytes,
    identifier: bytes,
    *,
    version: int = VERSION_1,
    sealed_by: Keys | None = None,
    source: bytes = b"",
    token: bytes = b"",
    number: int = 0,
    number_len: int = 4,
) -> bytes:
    """Make an Initial packet to a connection id; sealed with what follows from it by default.

    Frames too short to sample for header protection are padded.
    """
    frames = frames.ljust(4, PADDING)
    kind = 1 if version == VERSION_2 else 0
    start = bytes([0xC0 | kind << 4 | number_len - 1]) + version.to_bytes(4, "big")
    start += bytes([len(identifier)]) + identifier + bytes([len(source)]) + source
    start += variable(len(token)) + token
    start += variable(number_len + len(frames) + 16)
    shown = number.to_bytes(number_len, "big")
    chosen = sealed_by or keys(identifier, version)
    return sealed(start + shown, number, frames, chosen)


def sealed(header: bytes, number: int, frames: bytes, with_keys: Keys) -> bytes:
    """Seal frames behind a header that ends in the packet number."""
    number_at = len(header) - (header[0] & 3) - 1
    nonce = (int.from_bytes(with_keys.iv, "big") ^ number).to_bytes(12, "big")
    payload = AESGCM(with_keys.key).encrypt(nonce, frames, header)
    packet = bytearray(header + payload)
    mask = (
        Cipher(AES(with_keys.hp), ECB())
        .encryptor()
        .update(bytes(packet[number_at + 4 : number_at + 20]))
    )
    packet[0] ^= mask[0] & 0x0F
    for place, bits in zip(range(number_at, len(header)), mask[1:], strict=False):
        packet[place] ^= bits
    return bytes(packet)


def zero_rtt(identifier: bytes, size: int = 60, version: int = VERSION_1) -> bytes:
    """Make a packet of early data, which nobody but its server can read."""
    kind = 2 if version == VERSION_2 else 1
    start = bytes([0xC0 | kind << 4]) + version.to_bytes(4, "big")
    return start + bytes([len(identifier)]) + identifier + b"\0" + variable(size) + bytes(size)


def _expand(secret: bytes, label: str, length: int) -> bytes:
    text = b"tls13 " + label.encode()
    info = pack("!HB", length, len(text)) + text + b"\0"
    return HKDFExpand(SHA256(), length, info).derive(secret)
