"""Names and addresses in DHCP messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from name_messages import (
    ACK,
    DECLINE,
    DISCOVER,
    INFORM,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    dhcp,
    full_name,
    host_name,
    option,
    wanted,
)

from auditor.evidence.dhcp import Step, read_dhcp
from auditor.records import address_words

OLD, NEW = "10.0.0.7", "10.0.0.8"


def test_request_for_an_address() -> None:
    """A request tells the client's name and the address that it will have."""
    message = read_dhcp(dhcp(REQUEST, host_name(b"desk-07"), wanted(NEW)))
    assert message is not None
    assert (message.step, message.name) == (Step.ASKS, b"desk-07")
    assert (message.used, message.wanted, message.given) == ((), (address_words(NEW),), ())


def test_wish_of_a_discovery() -> None:
    """The address in a discovery is a wish that nobody needs to grant."""
    message = read_dhcp(dhcp(DISCOVER, host_name(b"desk-07"), wanted(NEW)))
    assert message is not None
    assert (message.step, message.wanted) == (Step.ASKS, ())


@pytest.mark.parametrize("kind", [REQUEST, INFORM])
def test_address_in_use(kind: int) -> None:
    """A client that renews or asks for more tells the address that it has."""
    message = read_dhcp(dhcp(kind, host_name(b"desk-07"), used=OLD))
    assert message is not None
    assert message.used == (address_words(OLD),)


@pytest.mark.parametrize(
    ("used", "yours", "given"), [("0.0.0.0", NEW, NEW), (OLD, "0.0.0.0", OLD), (OLD, NEW, NEW)]
)
def test_grant(used: str, yours: str, given: str) -> None:
    """An ACK grants `your` address, or confirms things for the one in use."""
    message = read_dhcp(dhcp(ACK, used=used, yours=yours))
    assert message is not None
    assert (message.step, message.used) == (Step.GRANTS, ())
    assert message.given == (address_words(given),)


def test_refusal() -> None:
    """A NAK refuses what the client with that transaction asked for."""
    asked, refused = read_dhcp(dhcp(REQUEST)), read_dhcp(dhcp(NAK))
    other = read_dhcp(dhcp(NAK, transaction=8))
    assert asked is not None
    assert refused is not None
    assert other is not None
    assert refused.step is Step.REFUSES
    assert asked.client == refused.client != other.client


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ([host_name(b"desk\0")], b"desk"),
        ([host_name(b"desk"), full_name(b"desk.corp.example")], b"desk.corp.example"),
        ([full_name(b"desk.corp.example", canonical=False)], b"desk.corp.example"),
        ([option(81, b"\4\0\0\4desk")], b"desk"),
        ([option(81, b"\4\0\0\4desk\4co")], b"desk"),
        ([option(81, b"\4\0\0\6a.corp\0"), host_name(b"desk")], b"desk"),
        ([option(81, b"\4"), host_name(b"desk")], b"desk"),
        ([host_name(b"de"), b"\0\0", host_name(b"sk")], b"desk"),
        ([b"\xff", host_name(b"desk")], b""),
        ([b"\x0c\xff", b"desk"], b""),
        ([], b""),
    ],
)
def test_name(options: list[bytes], name: bytes) -> None:
    """The full name beats the host name, in either of its spellings; options may be in parts."""
    message = read_dhcp(dhcp(REQUEST, *options))
    assert message is not None
    assert message.name == name


@pytest.mark.parametrize(
    "message",
    [
        b"",
        dhcp(REQUEST)[:239],
        dhcp(REQUEST)[:240],
        dhcp(REQUEST).replace(b"\x63\x82\x53\x63", b"\x63\x82\x53\x64"),
        dhcp(OFFER, yours=NEW),
        dhcp(DECLINE, wanted(NEW)),
        dhcp(RELEASE, used=OLD),
        b"\2" + dhcp(REQUEST, wanted(NEW))[1:],
        b"\1" + dhcp(ACK, yours=NEW)[1:],
        dhcp(REQUEST, option(53, b"\3")),
    ],
)
def test_nothing_to_learn(message: bytes) -> None:
    """Offers, releases, BOOTP, cut and contradictory messages settle nothing."""
    assert read_dhcp(message) is None


@given(st.binary(max_size=120), st.data())
def test_junk(junk: bytes, data: st.DataObject) -> None:
    """Junk, bare or in place of a part of a message, is never an error."""
    whole = dhcp(REQUEST, host_name(b"desk"), full_name(b"desk.corp"), wanted(NEW), used=OLD)
    start = data.draw(st.integers(0, len(whole)))
    broken = whole[:start] + junk + whole[data.draw(st.integers(start, len(whole))) :]
    for message in (junk, broken, whole[:240] + junk):
        found = read_dhcp(message)
        assert found is None or len(found.used + found.wanted + found.given) <= 2
