"""Names told of addresses: by time, to whom, and within bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.name_book import NameBook, SeenName
from auditor.records import address_words

SERVER, ASKER, OTHER = map(address_words, ("192.0.2.7", "10.0.0.1", "10.0.0.2"))


def book(most_addresses: int = 9, most_names: int = 99, most_answers: int = 9999) -> NameBook:
    """Make a book with room."""
    return NameBook(most_addresses, most_names, most_answers)


def told(names: NameBook) -> list[tuple[int, str]]:
    """List what was told of the server."""
    return [(seen.time_ns, seen.name) for seen in names.address_names().get(SERVER, ())]


def test_names_told_together() -> None:
    """All names of an answer stay, the one in question first."""
    names = book()
    names.tell(SERVER, ["www.example", "cdn.example"], "dns", ASKER, 5)
    assert names.address_names() == {
        SERVER: (
            SeenName("www.example", "dns", 5, ASKER),
            SeenName("cdn.example", "dns", 5, ASKER),
        )
    }


def test_told_again() -> None:
    """A repetition is left out, unless another name was told to the same asker in between."""
    names = book()
    for time_ns, name in enumerate(["a", "a", "b", "b", "a", "a"]):
        names.tell(SERVER, [name], "dns", ASKER, time_ns)
    names.tell(SERVER, ["c"], "dns", OTHER, 1)
    assert told(names) == [(0, "a"), (1, "c"), (2, "b"), (4, "a")]


@given(st.permutations([(1, "a"), (2, "b"), (3, "b"), (4, "a"), (5, "a"), (6, "c")]))
def test_any_order(tellings: list[tuple[int, str]]) -> None:
    """Captures may be read in any order: what counts is the earliest time of each name."""
    names = book()
    for time_ns, name in tellings:
        names.tell(SERVER, [name], "dns", ASKER, time_ns)
    found = told(names)
    assert found == sorted(found)
    assert {name: min(t for t, n in found if n == name) for _, name in found} == {
        "a": 1,
        "b": 2,
        "c": 6,
    }


def test_aliases_of_earlier_messages() -> None:
    """An alias that was told before leads to the address, for the asker that knows it."""
    names = book()
    names.lead_on(["www.example", "cdn.example"], ASKER)
    names.lead_on(["cdn.example", "edge.example"], ASKER)
    names.tell(SERVER, ["edge.example"], "dns", ASKER, 5)
    names.tell(SERVER, ["edge.example"], "dns", OTHER, 6)
    assert told(names) == [
        (5, "edge.example"),
        (5, "cdn.example"),
        (5, "www.example"),
        (6, "edge.example"),
    ]


def test_aliases_in_a_circle() -> None:
    """A circle of aliases, and a long chain of them, end."""
    names = book()
    names.lead_on(["a", "b", "a"], ASKER)
    names.tell(SERVER, ["a"], "dns", ASKER, 1)
    assert told(names) == [(1, "a"), (1, "b")]
    names.lead_on([str(number) for number in range(40)], ASKER)
    names.tell(SERVER, ["39"], "dns", ASKER, 2)
    assert len(told(names)) == 2 + 16


def test_kinds_side_by_side() -> None:
    """Names of different kinds do not count as changes of each other."""
    names = book()
    for time_ns in range(4):
        names.tell(SERVER, ["desk"], "netbios", None, time_ns)
        names.tell(SERVER, ["desk.local"], "mdns", None, time_ns)
    assert told(names) == [(0, "desk"), (0, "desk.local")]


def test_many_changes() -> None:
    """A name that comes and goes for ever costs no more than a while's memory."""
    names = book()
    for time_ns in range(1000):
        names.tell(SERVER, [f"{time_ns % 3}.example"], "dns", ASKER, time_ns)
    found = told(names)
    assert len(found) <= 65
    assert found[:3] == [(0, "0.example"), (1, "1.example"), (2, "2.example")]
    assert found[-1] == (999, "0.example")
    assert names.forgotten == 0


def test_names_of_an_address() -> None:
    """An address keeps as many names as allowed, and counts the others."""
    names = book(most_names=2)
    names.tell(SERVER, ["a", "b", "c"], "dns", ASKER, 1)
    names.tell(SERVER, ["d"], "dns", OTHER, 2)
    assert told(names) == [(1, "a"), (1, "b")]
    assert names.forgotten == 2


def test_repetitions_leave_room() -> None:
    """Names that come and go fill half of the room; what is new still finds some."""
    names = book(most_answers=20)
    for time_ns in range(50):
        names.tell(SERVER, [f"{time_ns % 2}.example"], "dns", ASKER, time_ns)
    assert len(told(names)) == 10
    for time_ns in range(50, 70):
        names.tell(SERVER, [f"{time_ns}.example"], "dns", ASKER, time_ns)
    assert len(told(names)) == 20
    assert names.forgotten == 10


def test_aliases_are_bounded() -> None:
    """No more aliases are remembered than answers."""
    names = book(most_answers=2)
    names.lead_on(["a", "b", "c", "d"], ASKER)
    names.lead_on(["z", "b"], ASKER)
    assert names.forgotten == 1
