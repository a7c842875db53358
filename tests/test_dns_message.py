"""The form of DNS messages: questions, records and names, as far as their bytes go."""

from __future__ import annotations

from struct import pack

from handshakes import dns_name, dns_record, dns_response
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.dns_message import Message, Record


def message_of(data: bytes) -> Message:
    """Take bytes for a message that has a header."""
    message = Message.of(data)
    assert message is not None
    return message


def test_too_short_for_a_header() -> None:
    """Eleven bytes are no message, twelve are an empty one."""
    assert Message.of(bytes(11)) is None
    empty = message_of(bytes(12))
    assert empty.question() == (None, 12)
    assert list(empty.records(12, 5)) == []


def test_question_and_records() -> None:
    """The first name in question is given, and the records behind all questions."""
    question = dns_name("A.Example")
    data = pack("!6H", 7, 0x8180, 2, 1, 0, 1) + (question + bytes(4)) * 2
    records = [dns_record(dns_name("b"), 1, b"\1\2\3\4"), dns_record(dns_name("c"), 99, b"")]
    message = message_of(data + b"".join(records))
    asked, place = message.question()
    assert (asked, message.answers, message.records_claimed) == ((b"a", b"example"), 1, 2)
    assert list(message.records(place, message.records_claimed)) == [
        Record((b"b",), 1, 1, place + 13, 4),
        Record((b"c",), 99, 1, place + 13 + 4 + 13, 0),
    ]


def test_cut_record() -> None:
    """A record that the message does not hold whole ends the list."""
    data = dns_response(dns_name("a"), [dns_record(dns_name("b"), 1, b"1234")] * 2)
    for cut in range(1, 16):
        message = message_of(data[:-cut])
        assert len(list(message.records(message.question()[1], 2))) == 1


def test_pointer_leads_backwards() -> None:
    """A name may end in an earlier one, and never in itself or a later one."""
    data = bytes(12) + dns_name("example") + dns_name("a", 12) + dns_name("b", 33)
    message = message_of(data)
    assert message.name(21) == ((b"a", b"example"), 25)
    assert message.name(25) == (None, 29)


@given(st.binary(min_size=12, max_size=300), st.integers(0, 320))
def test_junk(junk: bytes, start: int) -> None:
    """Whatever the bytes are, names and records end within them and hold no dots."""
    message = message_of(junk)
    name, _ = message.name(start)
    assert name is None or (len(name) <= 127 and not any(b"." in label for label in name))
    for record in message.records(message.question()[1], message.records_claimed):
        assert record.start + record.length <= len(junk)
