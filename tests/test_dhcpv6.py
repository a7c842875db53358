"""Names and addresses in DHCPv6 messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from name_messages import (
    ADVERTISE,
    CONFIRM,
    REBIND,
    RENEW,
    REPLY,
    REQUEST6,
    SOLICIT,
    dhcpv6,
    full_name6,
    lease6,
    option6,
    relayed6,
)

from auditor.evidence.dhcp import Step
from auditor.evidence.dhcpv6 import read_dhcpv6
from auditor.records import address_words

ADDRESS = "2001:db8::7"


@pytest.mark.parametrize("kind", [SOLICIT, REQUEST6])
def test_request(kind: int) -> None:
    """A client without address tells its name."""
    message = read_dhcpv6(dhcpv6(kind, full_name6("desk.corp.example"), lease6(ADDRESS)))
    assert message is not None
    assert (message.step, message.name) == (Step.ASKS, b"desk.corp.example")
    assert (message.used, message.given) == ((), ())


@pytest.mark.parametrize("kind", [CONFIRM, RENEW, REBIND])
def test_address_in_use(kind: int) -> None:
    """A client that renews has its address, whatever lifetime it writes."""
    message = read_dhcpv6(dhcpv6(kind, full_name6("desk"), lease6(ADDRESS, valid_s=0)))
    assert message is not None
    assert message.used == (address_words(ADDRESS),)


def test_grant() -> None:
    """A reply grants the addresses that it gives a lifetime, to the client that asked."""
    withdrawn = lease6("2001:db8::8", valid_s=0)
    message = read_dhcpv6(dhcpv6(REPLY, lease6(ADDRESS), withdrawn))
    asked = read_dhcpv6(dhcpv6(REQUEST6))
    assert message is not None
    assert asked is not None
    assert (message.step, message.given) == (Step.GRANTS, (address_words(ADDRESS),))
    assert message.client == asked.client


def test_relays() -> None:
    """What relays pass on is read inside their wrappings, up to a depth."""
    message = dhcpv6(REPLY, lease6(ADDRESS))
    assert read_dhcpv6(relayed6(relayed6(message, 13), 13)) == read_dhcpv6(message)
    for _ in range(9):
        message = relayed6(message)
    assert read_dhcpv6(message) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\3ab",
        dhcpv6(ADVERTISE, lease6(ADDRESS)),
        b"\3abc" + full_name6("desk"),
        b"\x0c" + bytes(33),
        relayed6(b""),
        b"\3abc" + option6(1, b"client")[:-1],
    ],
)
def test_nothing_to_learn(message: bytes) -> None:
    """Offers, messages of nobody, empty wrappings and cut messages settle nothing."""
    assert read_dhcpv6(message) is None


@given(st.binary(max_size=120), st.data())
def test_junk(junk: bytes, data: st.DataObject) -> None:
    """Junk, bare or in place of a part of a message, is never an error."""
    whole = relayed6(dhcpv6(RENEW, full_name6("desk.corp"), lease6(ADDRESS)))
    start = data.draw(st.integers(0, len(whole)))
    broken = whole[:start] + junk + whole[data.draw(st.integers(start, len(whole))) :]
    for message in (junk, broken, b"\3" + junk, b"\7abc" + option6(1, b"x") + junk):
        found = read_dhcpv6(message)
        assert found is None or len(found.used + found.given) <= 16
