"""Names in columns: the same as if each flow were named by itself, and the views of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import payloads
import pytest
from conversations import SECOND, Talk, flows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import catalog, site

from auditor.evidence.coded import Coded
from auditor.evidence.names import Names, SeenName
from auditor.evidence.own_names import OwnNames
from auditor.evidence.reading import read_own_names
from auditor.hosts import Hosts, resolve
from auditor.judge.naming import name_flows
from auditor.judge.orient import Orientation, orient
from auditor.judge.rulebook import RuleBook
from auditor.judge.shown import ShownNames
from auditor.records import NO_TIME, Seen, address_words

if TYPE_CHECKING:
    from auditor.flows import Flows

HOSTS = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "198.51.100.9", "198.51.100.10")
NAMES = ("www.digicert.com", "a.xendesktop.net", "x.y.xendesktop.net", "cdn.example.net")
PLACE = site("10.0.0.1 fd00::1 = cloud-connector", "gw: 10.0.0.3 = storefront")
WEIGHTLESS = {"netbios", "mdns", "llmnr"}


def reference(
    flows: Flows, names: Names, hosts: Hosts, orientation: Orientation
) -> dict[int, list[SeenName]]:
    """List what counts for each flow, the best first, one flow after the other."""
    facts = flows.facts
    client, server = orientation.client.tolist(), orientation.server.tolist()
    service = list(zip(client, server, orientation.server_port.tolist(), strict=True))
    own = [list(each) for each in names.own]
    heard: dict[int, list[SeenName]] = {}
    for row in range(len(facts)):
        mine = own[row]
        if facts["data_a_ns"][row] == facts["data_b_ns"][row] == NO_TIME:
            siblings = [one for other, held in enumerate(own) for one in held
                        if service[other] == service[row]]  # fmt: skip
            mine = list({name.name: name for name in siblings}.values())
        declared = hosts.table[server[row]].name
        if declared:
            mine = [*mine, SeenName(declared, "inventory", 0, None)]
        began = min(facts["first_a_ns"][row], facts["first_b_ns"][row])
        machine = hosts.table[client[row]].machine
        askers = {pair for pair, host in zip(hosts.words, hosts.table, strict=True)
                  if host.machine == machine}  # fmt: skip
        told = names.address_names.get(hosts.words[server[row]], ())
        told = tuple(name for name in told if name.time_ns <= began)
        for known in (
            [name for name in told if name.asker in askers],
            [name for name in told if name.kind == "dhcp"],
        ):
            mine = [*mine, *sorted(known, key=lambda name: -name.time_ns)]
        if mine:
            heard[row] = mine
    return heard


def some_talks(dice: random.Random) -> list[Talk]:
    """State conversations of few hosts, with names, without, and without payload."""
    talks = []
    for number in range(dice.randrange(1, 40)):
        hello = payloads.tls_client_hello(dice.choice(NAMES))
        request = payloads.http_request(dice.choice(NAMES))
        datagram = payloads.dtls_client_hello(dice.choice(NAMES))
        talk = dice.choice(
            (
                Talk("", "", "tcp", head=hello, reply_head=dice.choice((b"", hello, request))),
                Talk("", "", "tcp", head=request),
                Talk("", "", "tcp", sent=Seen.SYN, answered=Seen.RST),
                Talk("", "", "tcp", sent=Seen.SYN, replies=False),
                Talk("", "", "udp", head=datagram, reply_head=dice.choice((b"", datagram))),
            )
        )
        talk.first, talk.second = dice.sample(HOSTS, 2)
        talk.port, talk.from_port = dice.choice((80, 443)), 50000 + number
        talk.start_s = float(dice.randrange(12))
        talks.append(talk)
    return talks


def some_answers(dice: random.Random) -> dict[tuple[int, int], tuple[SeenName, ...]]:
    """State what was told of addresses."""
    told: dict[tuple[int, int], list[SeenName]] = {}
    for _ in range(dice.randrange(15)):
        kind = dice.choice(("dns", "dns", "dns", "dhcp", "netbios"))
        asker = address_words(dice.choice((*HOSTS, "10.9.9.9"))) if kind == "dns" else None
        name = SeenName(dice.choice(NAMES), kind, dice.randrange(12) * SECOND, asker)
        told.setdefault(address_words(dice.choice(HOSTS)), []).append(name)
    return {
        address: tuple(sorted(several, key=lambda name: name.time_ns))
        for address, several in told.items()
    }


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_flows_are_named_as_one_by_one(seed: int, declared: bool) -> None:
    """The name shown is the first that counts; flows share a class if their names are the same."""
    dice = random.Random(seed)
    place = PLACE if declared else None
    flows = flows_of(*some_talks(dice))
    names = Names(read_own_names(flows), some_answers(dice))
    hosts, book = resolve(flows, place), RuleBook(catalog(), place)
    orientation = orient(flows, hosts, book)
    naming = name_flows(flows, names, hosts, orientation, book)
    expected = reference(flows, names, hosts, orientation)
    assert dict(naming.shown) == {row: heard[0] for row, heard in expected.items()}
    assert list(naming.shown.texts()) == [
        expected[row][0].name if row in expected else None for row in range(len(flows.facts))
    ]
    assert list(naming.shown.kinds()) == [
        expected[row][0].kind if row in expected else None for row in range(len(flows.facts))
    ]
    class_of: dict[frozenset[tuple[str, bool, bool]], int] = {}
    for row, number in enumerate(naming.name_class.tolist()):
        words = frozenset(
            (name.name, name.kind in {"dns", "inventory"}, name.kind == "dhcp")
            for name in expected.get(row, ())
            if name.kind not in WEIGHTLESS
        )
        assert class_of.setdefault(words, number) == number
        found = naming.classes[number]
        assert found.seen == any(not dhcp for _, _, dhcp in words)
        assert found.own == any(not address and not dhcp for _, address, dhcp in words)


def test_own_names_are_a_sequence_by_flow() -> None:
    """Items are tuples, mostly empty; laid out and given back they are the same."""
    first, second = SeenName("a.example", "sni", 5, None), SeenName("b.example", "sni", 6, None)
    listed = [(), (first, second), (), (first,)]
    names = OwnNames.of(listed)
    assert names == listed
    assert list(names) == listed
    assert names[1] == names[-3] == (first, second)
    assert names[1:] == listed[1:]
    assert list(names.items()) == [(1, (first, second)), (3, (first,))]
    assert OwnNames.of([]) == []
    with pytest.raises(IndexError):
        names[4]


def test_coded_columns_are_sequences() -> None:
    """A column reads like the list of its words; a code of -1 is the last one."""
    column = Coded(np.array([1, 0, -1], np.int8), ("dns", "tls", None))
    assert column == ["tls", "dns", None]
    assert column != ["tls", "dns"]
    assert (column[0], column[2], len(column)) == ("tls", None, 3)
    assert column[1:] == ["dns", None]


def test_shown_names_know_only_flows_that_have_one() -> None:
    """Flows without a name, or that do not exist, are not among them."""
    own = OwnNames.of([(), (SeenName("a.example", "sni", 5, None),), ()])
    told = (SeenName("b.example", "dns", 1, (0, 1)),)
    shown = ShownNames(np.array([-1, 0, 1]), own, told)
    assert dict(shown) == {1: own[1][0], 2: told[0]}
    assert (0 in shown, 2 in shown, 3 in shown, len(shown)) == (False, True, False, 2)
    assert shown.get(0) is None
    assert shown.texts() == [None, "a.example", "b.example"]
    assert shown.kinds() == [None, "sni", "dns"]
