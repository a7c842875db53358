"""Addresses that DNS answers give, and the names that lead to them (RFC 1035, RFC 3596).

LLMNR (RFC 4795) and mDNS (RFC 6762) answer in the same form, each host for itself.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from auditor.evidence.dns_message import OPCODE, RCODE, RESPONSE, Message
from auditor.records import IPV4_MAPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.evidence.dns_message import Labels, Record

_WORDS = Struct(">QQ")
_INTERNET, _CACHE_FLUSH = 1, 0x8000
_A, _CNAME, _AAAA = 1, 5, 28
_LONGEST_CHAIN = 16


class Answer(NamedTuple):
    """An address, and the names by which it was asked for or announced."""

    address: tuple[int, int] | None
    """Address words; None where the chain of names ends without any."""
    names: tuple[bytes, ...]
    """The name in question, then the canonical names that led on; as sent, in lower case."""


def read_answers(data: bytes) -> list[Answer]:
    """List the addresses that a response gives to its question; empty for anything else.

    Aliases that lead to no address of this message are one answer without address: another
    message may go on from there.
    """
    message = Message.of(data)
    if message is None or not _is_answer(message) or message.questions != 1 or not message.answers:
        return []
    asked, place = message.question()
    if asked is None:
        return []
    aliases: dict[Labels, Labels] = {}
    addresses: list[tuple[Labels, tuple[int, int]]] = []
    for record in message.records(place, message.answers):
        if record.family != _INTERNET:
            continue
        address = _address(data, record)
        if address is not None:
            addresses.append((record.owner, address))
        elif record.kind == _CNAME:
            target, _ = message.name(record.start)
            if target is not None:
                aliases.setdefault(record.owner, target)
    chain = _chain(asked, aliases)
    steps = {labels: number for number, labels in enumerate(chain, 1)}
    texts = tuple(map(b".".join, chain))
    found = [
        Answer(address, texts[: steps[owner]]) for owner, address in addresses if owner in steps
    ]
    return found or ([Answer(None, texts)] if len(texts) > 1 else [])


def read_announced(data: bytes) -> list[Answer]:
    """List the addresses that a response of LLMNR or mDNS holds, each with its owner's name."""
    message = Message.of(data)
    if message is None or not _is_answer(message):
        return []
    _, place = message.question()
    found = []
    for record in message.records(place, message.records_claimed):
        address = _address(data, record)
        if address is not None and record.family & ~_CACHE_FLUSH == _INTERNET:
            found.append(Answer(address, (b".".join(record.owner),)))
    return found


def split_stream(stream: bytes) -> Iterator[bytes]:
    """Split DNS over TCP into the messages that lie in it whole."""
    place = 0
    while place + 2 < len(stream):
        end = place + 2 + int.from_bytes(stream[place : place + 2], "big")
        if end > len(stream):
            return
        yield stream[place + 2 : end]
        place = end


def _is_answer(message: Message) -> bool:
    return message.flags & (RESPONSE | OPCODE | RCODE) == RESPONSE


def _address(data: bytes, record: Record) -> tuple[int, int] | None:
    """Give the address words of an A or AAAA record."""
    if record.kind == _A and record.length == 4:
        number = int.from_bytes(data[record.start : record.start + 4], "big")
        return 0, IPV4_MAPPED | number
    if record.kind == _AAAA and record.length == 16:
        high, low = _WORDS.unpack_from(data, record.start)
        return high, low
    return None


def _chain(asked: Labels, aliases: dict[Labels, Labels]) -> list[Labels]:
    chain = [asked]
    while len(chain) < _LONGEST_CHAIN:
        target = aliases.get(chain[-1])
        if target is None or target in chain:
            break
        chain.append(target)
    return chain
