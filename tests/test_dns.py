"""Addresses and names in DNS answers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import pack

import payloads
import pytest
from handshakes import dns_name, dns_record, dns_response
from hypothesis import given
from hypothesis import strategies as st
from name_messages import announcement

from auditor.evidence.dns import Answer, read_announced, read_answers, split_stream
from auditor.records import address_words

A, NS, CNAME, AAAA = 1, 2, 5, 28
QUESTION = 12
"""Where the name in question stands in a message."""
ADDRESS = ip_address("192.0.2.1").packed


def at_question() -> bytes:
    """Point to the name in question, as servers do."""
    return dns_name("", QUESTION)


def test_addresses_of_the_name() -> None:
    """A and AAAA records give addresses to the name in question."""
    message = payloads.dns_answer("WWW.Example.com", "192.0.2.1", "2001:db8::1")
    assert read_answers(message) == [
        Answer(address_words("192.0.2.1"), (b"www.example.com",)),
        Answer(address_words("2001:db8::1"), (b"www.example.com",)),
    ]


def test_chain_of_aliases() -> None:
    """An address behind aliases has the name in question and every canonical name on the way."""
    message = payloads.dns_answer("a.example", "192.0.2.1", aliases=("b.example", "c.example"))
    assert read_answers(message) == [
        Answer(address_words("192.0.2.1"), (b"a.example", b"b.example", b"c.example"))
    ]


def test_records_in_any_order() -> None:
    """The chain is followed whatever the order of the records."""
    records = [
        dns_record(dns_name("c.example"), A, ADDRESS),
        dns_record(dns_name("b.example"), CNAME, dns_name("C.example")),
        dns_record(at_question(), CNAME, dns_name("b.example")),
    ]
    (answer,) = read_answers(dns_response(dns_name("a.example"), records))
    assert answer.names == (b"a.example", b"b.example", b"c.example")


def test_compression() -> None:
    """Names may end in pointers to earlier names, and data may be pointed to."""
    question = dns_name("www.example.com")
    first = dns_record(at_question(), CNAME, dns_name("cdn", QUESTION + 4))
    target = QUESTION + len(question) + 4 + len(first) - len(dns_name("cdn", 0))
    records = [first, dns_record(dns_name("", target), A, ADDRESS)]
    (answer,) = read_answers(dns_response(question, records))
    assert answer.names == (b"www.example.com", b"cdn.example.com")


def test_unrelated_owner() -> None:
    """An address of a name that nobody asked about is left alone."""
    records = [
        dns_record(dns_name("bank.example"), A, ADDRESS),
        dns_record(dns_name("bank.example"), CNAME, dns_name("a.example")),
    ]
    assert read_answers(dns_response(dns_name("a.example"), records)) == []


def test_aliases_in_a_circle() -> None:
    """A circle of aliases ends, and the address on it counts for the names up to it."""
    records = [
        dns_record(dns_name("a.example"), CNAME, dns_name("b.example")),
        dns_record(dns_name("b.example"), CNAME, dns_name("a.example")),
        dns_record(dns_name("b.example"), A, ADDRESS),
    ]
    (answer,) = read_answers(dns_response(dns_name("a.example"), records))
    assert answer.names == (b"a.example", b"b.example")


def test_aliases_without_address() -> None:
    """Aliases that lead to no address are told; another message may go on from there."""
    message = payloads.dns_answer("a.example", aliases=("b.example", "c.example"))
    records = [dns_record(at_question(), CNAME, dns_name("b.example"))]
    assert read_answers(dns_response(dns_name("a.example"), records)) == [
        Answer(None, (b"a.example", b"b.example"))
    ]
    (answer,) = read_answers(message)
    assert answer == Answer(None, (b"a.example", b"b.example", b"c.example"))


def test_announcement() -> None:
    """A response of mDNS or LLMNR names every address in it, in whatever section."""
    hosts = ("Printer.local", "10.0.0.9"), ("printer.local", "fe80::9"), ("b.local", "10.0.0.8")
    expected = [Answer(address_words(each), (name.lower().encode(),)) for name, each in hosts]
    assert read_announced(announcement(*hosts)) == expected
    assert read_announced(announcement(*hosts, family=1)) == expected
    llmnr = payloads.dns_answer("desk-07", "10.0.0.7")
    assert read_announced(llmnr) == [Answer(address_words("10.0.0.7"), (b"desk-07",))]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        payloads.dns_query("desk-07", multicast=True),
        announcement(("a.local", "10.0.0.9"), family=3),
        announcement(("a.local", "10.0.0.9"))[:-1],
        b"\0\0\x04\0" + announcement(("a.local", "10.0.0.9"))[4:],
        b"\0\0\x84\x03" + announcement(("a.local", "10.0.0.9"))[4:],
        dns_response(b"\x80abc", [dns_record(dns_name("a.local"), A, ADDRESS)]),
        dns_response(dns_name("a.local"), [dns_record(dns_name("a.local"), NS, ADDRESS)]),
    ],
)
def test_nothing_announced(message: bytes) -> None:
    """Questions, probes, failures, other classes and records, cut messages announce nothing."""
    assert read_announced(message) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        bytes(12),
        payloads.dns_query("a.example"),
        payloads.dns_answer("a.example"),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, ADDRESS)], flags=0x0100),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, ADDRESS)], flags=0x8183),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, ADDRESS)], flags=0xA800),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, ADDRESS, family=3)]),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, bytes(5))]),
        dns_response(dns_name("a.example"), [dns_record(at_question(), AAAA, bytes(4))]),
        dns_response(dns_name("a.example"), [dns_record(at_question(), NS, dns_name("b"))]),
        dns_response(dns_name("a.example"), [dns_record(at_question(), A, ADDRESS)])[:-1],
        dns_response(b"\x80abc", [dns_record(at_question(), A, ADDRESS)]),
        dns_response(dns_name("", QUESTION), [dns_record(at_question(), A, ADDRESS)]),
        dns_response(dns_name("", 200), [dns_record(at_question(), A, ADDRESS)]),
    ],
)
def test_nothing_to_learn(message: bytes) -> None:
    """Questions, failures, other records, other classes, cut and looping ones give nothing."""
    assert read_answers(message) == []


def test_count_that_lies() -> None:
    """A count beyond the records at hand costs nothing and hides none of them."""
    records = [dns_record(at_question(), A, ADDRESS)]
    (answer,) = read_answers(dns_response(dns_name("a.example"), records, count=0xFFFF))
    assert answer.names == (b"a.example",)


def test_pointers_never_lead_forward() -> None:
    """A label before a pointer to itself, and two pointers to each other, are no names."""
    loop = b"\x01a" + pack("!H", 0xC000 | QUESTION)
    assert read_answers(dns_response(loop, [dns_record(at_question(), A, ADDRESS)])) == []
    pair = pack("!HH", 0xC000 | QUESTION + 2, 0xC000 | QUESTION)
    assert read_answers(dns_response(pair, [dns_record(at_question(), A, ADDRESS)])) == []


@pytest.mark.parametrize(("rung", "found"), [(0, 1), (5, 1), (1999, 0)])
def test_ladder_of_pointers(rung: int, found: int) -> None:
    """A few pointers to pointers make a name; a long ladder of them is neither climbed nor one."""
    question = dns_name("a.example")
    base = QUESTION + len(question) + 4 + len(dns_record(at_question(), NS, b""))
    places = [QUESTION, *range(base, base + 2 * 1999, 2)]
    ladder = dns_record(at_question(), NS, b"".join(pack("!H", 0xC000 | each) for each in places))
    owner = dns_name("", base + 2 * rung)
    answers = read_answers(dns_response(question, [ladder, dns_record(owner, A, ADDRESS)]))
    assert len(answers) == found


def test_label_with_a_dot() -> None:
    """A dot inside a label does not make a name look like another."""
    disguised = b"\x0bx.nssvc.net\0"
    records = [dns_record(at_question(), A, ADDRESS)]
    assert all(
        b"x.nssvc.net" not in answer.names
        for answer in read_answers(dns_response(disguised, records))
    )


def test_messages_of_a_segment() -> None:
    """A segment of DNS over TCP holds messages behind their lengths; a cut one is left out."""
    first, second = payloads.dns_answer("a.example", "192.0.2.1"), b"other"
    stream = b"".join(pack("!H", len(each)) + each for each in (first, second))
    assert list(split_stream(stream)) == [first, second]
    assert list(split_stream(stream[:-1])) == [first]
    assert list(split_stream(b"\0")) == []


@given(st.binary(max_size=400), st.data())
def test_junk(junk: bytes, data: st.DataObject) -> None:
    """Junk, bare or in place of a part of an answer, is never an error."""
    whole = payloads.dns_answer("a.example", "192.0.2.1", aliases=("b.example",))
    start = data.draw(st.integers(0, len(whole)))
    broken = whole[:start] + junk[:30] + whole[data.draw(st.integers(start, len(whole))) :]
    for message in (junk, broken, whole[:12] + junk):
        for answer in read_answers(message):
            assert answer.names
        assert all(answer.address for answer in read_announced(message))
        assert sum(map(len, split_stream(message))) <= len(message)


@given(
    st.lists(
        st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,4}", fullmatch=True),
        unique=True,
        min_size=1,
        max_size=6,
    ),
    st.lists(st.ip_addresses(), min_size=1, max_size=6),
)
def test_round_trip(names: list[str], addresses: list[IPv4Address | IPv6Address]) -> None:
    """Whatever chain of aliases and addresses is built is read back."""
    texts = [str(address) for address in addresses]
    message = payloads.dns_answer(names[0], *texts, aliases=tuple(names[1:]))
    expected = tuple(name.encode() for name in names)
    assert read_answers(message) == [Answer(address_words(text), expected) for text in texts]
