"""Which addresses speak from behind declared MACs."""

from __future__ import annotations

import pytest
from layers import A6, IPV6, MAC_A, A, batch, ethernet, ipv4, ipv6, udp

from auditor.decode.dissect import Decoder
from auditor.records import address_words

QUERY = ipv4(udp(5000, 53), 17)


@pytest.mark.parametrize(
    "mac", ["02:00:00:00:00:0a", "02-00-00-00-00-0A", "0200.0000.000a", "02000000000A"]
)
@pytest.mark.parametrize(
    ("linktype", "frame"),
    [
        (1, ethernet(QUERY)),
        (113, b"\0\0\0\1\0\6" + MAC_A + b"\0\0\x08\0" + QUERY),
        (276, b"\x08\0" + bytes(6) + b"\0\1\0\6" + MAC_A + bytes(2) + QUERY),
    ],
    ids=["ethernet", "cooked", "cooked 2"],
)
def test_notes_who_speaks_behind_a_mac(mac: str, linktype: int, frame: bytes) -> None:
    """Each way to write a MAC finds its frames, and is the key of what was found."""
    decoder = Decoder(frozenset({mac}))
    decoder.decode(batch([frame], linktype))
    assert decoder.mac_addresses == {mac: {address_words(A)}}


def test_gathers_addresses_over_batches() -> None:
    """A MAC can stand for several addresses; frames of others and non-IP frames add none."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    decoder.decode(batch([ethernet(QUERY), ethernet(bytes(28), 0x0806)]))
    decoder.decode(
        batch([ethernet(ipv6(udp(1, 2), 17), IPV6), ethernet(QUERY, source=bytes(6)), b"short"])
    )
    assert decoder.mac_addresses == {"02:00:00:00:00:0a": {address_words(A), address_words(A6)}}


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(ipv4(udp(68, 67), 17, "0.0.0.0", "255.255.255.255")),
        ethernet(ipv6(udp(1, 2), 17, "::"), IPV6),
    ],
)
def test_leaves_out_a_host_without_address(frame: bytes) -> None:
    """A host that asks for an address speaks from the unspecified one, which is nobody's."""
    decoder = Decoder(frozenset({"02:00:00:00:00:0a"}))
    decoder.decode(batch([frame]))
    assert decoder.mac_addresses == {}


@pytest.mark.parametrize("mac", ["02:00:00:00:00", "02:00:00:00:00:0a:0b", "host"])
def test_refuses_what_is_no_mac(mac: str) -> None:
    """Anything but six bytes in hex is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"hexadecimal|six bytes"):
        Decoder(frozenset({mac}))
