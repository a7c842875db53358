"""What DHCPv6 messages say of a client's name and addresses (RFC 8415, RFC 4704)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from auditor.evidence.cursor import Cursor
from auditor.evidence.dhcp import LeaseMessage, Step, labels_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS = Struct(">QQ")
_SOLICIT, _REQUEST, _CONFIRM, _RENEW, _REBIND, _REPLY = 1, 3, 4, 5, 6, 7
_STEPS = {
    **dict.fromkeys((_SOLICIT, _REQUEST, _CONFIRM, _RENEW, _REBIND), Step.ASKS),
    _REPLY: Step.GRANTS,
}
_USED = frozenset({_CONFIRM, _RENEW, _REBIND})
_RELAYED = frozenset({12, 13})
_RELAY_HEADER_LEN = 33
_MOST_RELAYS = 8
_CLIENT, _ASSOCIATION, _ADDRESS, _RELAY_MESSAGE, _FULL_NAME = 1, 3, 5, 9, 39
_ADDRESS_LEN = 24
_MOST_ADDRESSES = 16


def read_dhcpv6(data: bytes) -> LeaseMessage | None:
    """Read a message, also one that relays pass on; None for anything that settles no name."""
    message = Cursor(data)
    kind = message.number(1)
    for _ in range(_MOST_RELAYS):
        if kind not in _RELAYED:
            break
        message.skip(_RELAY_HEADER_LEN)
        inner = (value for code, value in _options(message) if code == _RELAY_MESSAGE)
        message = next(inner, Cursor(b""))
        kind = message.number(1)
    step = _STEPS.get(kind)
    if step is None:
        return None
    transaction = message.take(3)
    client = name = None
    addresses: list[tuple[int, int]] = []
    for code, value in _options(message):
        if code == _CLIENT:
            client = value.rest()
        elif code == _FULL_NAME:
            value.skip(1)
            name = labels_text(value)
        elif code == _ASSOCIATION:
            addresses += _addresses(value, granted=step is Step.GRANTS)
    if client is None:
        return None
    found = tuple(addresses[:_MOST_ADDRESSES])
    return LeaseMessage(
        step,
        client=transaction + client,
        name=name,
        used=found if kind in _USED else (),
        given=found if step is Step.GRANTS else (),
    )


def _options(options: Cursor) -> Iterator[tuple[int, Cursor]]:
    while options.left:
        code, value = options.number(2), options.block(2)
        if not value.whole:
            return
        yield code, value


def _addresses(association: Cursor, *, granted: bool) -> Iterator[tuple[int, int]]:
    """Give the address words in an association; a server withdraws one by a lifetime of 0."""
    association.skip(12)
    for code, value in _options(association):
        if code == _ADDRESS and value.left >= _ADDRESS_LEN:
            high, low = _WORDS.unpack(value.take(16))
            value.skip(4)
            if value.number(4) or not granted:
                yield high, low
