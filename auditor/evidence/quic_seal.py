"""The seal of QUIC's Initial packets, which hides nothing from who reads the standard.

Keys: RFC 9001 section 5.2 and RFC 9369 section 3.3; packet protection: RFC 9001 sections 5.3, 5.4.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

if TYPE_CHECKING:
    from auditor.evidence.quic_packets import Initial

_SAMPLE_LEN = 16
_LONGEST_NUMBER = 4
_KEY_LEN, _IV_LEN, _SECRET_LEN = 16, 12, 32


class _Version(NamedTuple):
    salt: bytes
    label: str


_VERSIONS = {
    1: _Version(bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic"),
    0x6B3343CF: _Version(bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2"),
}


class Seal:
    """What protects the Initial packets of the client of one connection."""

    def __init__(self, version: int, identifier: bytes) -> None:
        """Derive the keys; identifier: the destination of the client's first packet."""
        salt, label = _VERSIONS[version]
        initial = hmac.digest(salt, identifier, "sha256")
        secret = _expand(initial, "client in", _SECRET_LEN)
        self._iv = int.from_bytes(_expand(secret, f"{label} iv", _IV_LEN), "big")
        self._aead = AESGCM(_expand(secret, f"{label} key", _KEY_LEN))
        # One block at a time is what the standard asks for: the mask of a header.
        self._mask = Cipher(AES(_expand(secret, f"{label} hp", _KEY_LEN)), ECB())  # noqa: S305 - RFC 9001, 5.4.3

    def open(self, packet: Initial) -> bytes | None:
        """Give the frames of a packet; None if it was not sealed so, or not by the client."""
        sealed, number_at = packet.sealed, packet.number_at
        sample_at = number_at + _LONGEST_NUMBER
        sample = sealed[sample_at : sample_at + _SAMPLE_LEN]
        if len(sample) < _SAMPLE_LEN:
            return None
        mask = self._mask.encryptor().update(sample)
        first = sealed[0] ^ mask[0] & 0x0F
        number_len = (first & 3) + 1
        payload_at = number_at + number_len
        masked = zip(sealed[number_at:payload_at], mask[1:], strict=False)
        number = bytes(each ^ mask for each, mask in masked)
        header = bytes([first]) + sealed[1:number_at] + number
        # Numbers begin near 0 and are only cut short when they have grown.
        nonce = (self._iv ^ int.from_bytes(number, "big")).to_bytes(_IV_LEN, "big")
        try:
            return self._aead.decrypt(nonce, sealed[payload_at:], header)
        except InvalidTag:
            return None


def _expand(secret: bytes, label: str, length: int) -> bytes:
    """Derive `length` bytes, at most one digest: HKDF-Expand-Label (RFC 8446 section 7.1)."""
    text = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(text)]) + text + b"\0"
    return hmac.digest(secret, info + b"\1", "sha256")[:length]
