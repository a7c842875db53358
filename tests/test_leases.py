"""Requests for addresses, matched with their replies."""

from __future__ import annotations

from auditor.evidence.dhcp import LeaseMessage, Step
from auditor.evidence.dns import Answer
from auditor.evidence.leases import Leases
from auditor.records import address_words

OLD, NEW = address_words("10.0.0.7"), address_words("10.0.0.8")


def asks(
    client: bytes = b"c",
    name: bytes | None = b"desk",
    *,
    used: tuple[tuple[int, int], ...] = (),
    wanted: tuple[tuple[int, int], ...] = (),
) -> LeaseMessage:
    """State a request."""
    return LeaseMessage(Step.ASKS, client, name, used, wanted)


def grants(client: bytes = b"c", name: bytes | None = None) -> LeaseMessage:
    """State a reply that grants an address."""
    return LeaseMessage(Step.GRANTS, client, name, given=(NEW,))


def refuses(client: bytes = b"c") -> LeaseMessage:
    """State a reply that refuses."""
    return LeaseMessage(Step.REFUSES, client, None)


def test_name_from_the_request_address_from_the_reply() -> None:
    """The client's own name goes with the address that it was granted, once."""
    leases = Leases()
    assert leases.take(asks(), 1) == []
    assert leases.take(grants(name=b"other"), 2) == [Answer(NEW, (b"desk",))]
    assert leases.take(grants(), 3) == []
    assert list(leases.unanswered()) == []


def test_reply_to_another() -> None:
    """A reply to another client grants this one nothing."""
    leases = Leases()
    leases.take(asks(), 1)
    assert leases.take(grants(b"d"), 2) == []


def test_name_that_the_server_gives() -> None:
    """A client without name, or one that was not heard, is called what the server calls it."""
    leases = Leases()
    assert leases.take(asks(name=None), 1) == []
    assert leases.take(grants(name=b"given"), 2) == [Answer(NEW, (b"given",))]


def test_address_in_use() -> None:
    """A named client that has an address needs no reply."""
    assert Leases().take(asks(used=(OLD,)), 1) == [Answer(OLD, (b"desk",))]


def test_request_without_reply() -> None:
    """An address that was asked for counts in the end, unless it was refused."""
    leases = Leases()
    leases.take(asks(wanted=(NEW,)), 1)
    leases.take(asks(), 2)
    leases.take(asks(b"d", wanted=(OLD,)), 3)
    leases.take(refuses(b"d"), 4)
    assert list(leases.unanswered()) == [(Answer(NEW, (b"desk",)), 2)]


def test_oldest_gives_way() -> None:
    """Of more clients than may wait the oldest are forgotten; one that asks again is not old."""
    leases = Leases(most_waiting=2)
    for client in (b"a", b"b", b"a", b"c"):
        leases.take(asks(client), 1)
    assert [leases.take(grants(client), 2) != [] for client in (b"a", b"b", b"c")] == [
        True,
        False,
        True,
    ]
