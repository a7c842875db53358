"""Which flows no verdict can tell apart."""

from __future__ import annotations

import numpy as np
from conversations import flows_of
from judging import apart, judge, site, tcp, udp

from auditor.hosts import resolve
from auditor.judge.kinds import kinds_of
from auditor.judge.rulebook import NameClass

FARM = site("10.0.0.1 = ddc", "10.0.7.0/24 = vda", "a: 10.0.0.5 fd00::5 = adc", "b: 10.0.0.6 = adc")


def test_flows_between_the_same_roles_are_one_kind() -> None:
    """Hundreds of VDAs that register are judged once."""
    judged = judge(FARM, *(tcp(f"10.0.7.{n}", "10.0.0.1", 80) for n in range(1, 200)))
    assert len(judged.kinds.kinds) == 1
    assert set(judged.kinds.kind_of.tolist()) == {0}


def test_ports_that_no_rule_tells_apart_are_one_kind() -> None:
    """Ports between the ends of rules make no difference, ports of different rules do."""
    judged = judge(FARM, *(tcp("10.0.7.1", "10.0.0.1", port) for port in (4001, 4002, 4003, 80)))
    kind_of = judged.kinds.kind_of
    assert kind_of[1] == kind_of[2]
    assert len({int(kind_of[0]), int(kind_of[1]), int(kind_of[3])}) == 3


def test_each_thing_that_a_verdict_needs_makes_a_kind() -> None:
    """Direction, transport, listing, special addresses, names and machines are told apart."""
    talks = [
        tcp("10.0.7.1", "10.0.0.1", 80),
        tcp("10.0.0.1", "10.0.7.1", 80),
        udp("10.0.7.1", "10.0.0.1", 80),
        tcp("192.0.2.1", "10.0.0.1", 80),
        tcp("10.0.7.1", "192.0.2.1", 80),
        tcp("10.0.7.1", "192.0.2.2", 80),
        udp("10.0.7.1", "255.255.255.255", 80, replies=False),
        tcp("10.0.0.5", "10.0.0.6", 80),
        tcp("10.0.0.5", "fd00::5", 80),
    ]
    judged = judge(FARM, *talks, own={5: "www.example.org"})
    assert len(set(judged.kinds.kind_of.tolist())) == len(talks)


def test_kinds_describe_their_flows() -> None:
    """Every flow's kind has the parties, the interval, the names and the machines of that flow."""
    talks = apart(tcp("10.0.7.1", "10.0.0.1", 80), tcp("10.0.0.5", "fd00::5", 22))
    flows = flows_of(*talks)
    hosts = resolve(flows, FARM)
    client = np.where(flows.facts["a_port"] >= 50000, hosts.a, hosts.b)
    server = np.where(flows.facts["a_port"] >= 50000, hosts.b, hosts.a)
    classes = [NameClass(), NameClass(seen=True)]
    found = kinds_of(hosts, client, server, np.array([7, 9]), np.array([1, 0]), classes)
    first, second = (found.kinds[number] for number in found.kind_of.tolist())
    assert (first.client.roles, first.server.roles) == ({"vda"}, {"ddc"})
    assert (first.interval, first.names, first.same_machine) == (7, classes[1], False)
    assert (second.interval, second.names, second.same_machine) == (9, classes[0], True)


def test_no_flows_have_no_kinds() -> None:
    """An empty flow table has neither kinds nor rows."""
    empty = np.zeros(0, dtype=np.int64)
    found = kinds_of(resolve(flows_of()), empty, empty, empty, empty, [NameClass()])
    assert (found.kinds, len(found.kind_of)) == ([], 0)
