"""Flows of one client to one service of one server are one conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from judging import judge, site, tcp, udp

from auditor.judge.conversations import converse

if TYPE_CHECKING:
    from auditor.judge.conversations import Conversations
    from auditor.judge.judged import Judged
    from auditor.site.model import Site


def judged(*ports: tuple[str, str, int], place: Site | None = None) -> Judged:
    """Judge TCP connections, given as client, server and port."""
    return judge(place, *(tcp(*each) for each in ports))


def every(flows: Judged, *, by_service: bool = True) -> Conversations:
    """Gather all flows."""
    return converse(flows, np.ones(len(flows.flows.facts), dtype=bool), by_service=by_service)


A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"


def test_conversations_come_by_their_first_flow() -> None:
    """Each has its flows, ascending, wherever they stand among others."""
    talks = every(judged((A, B, 443), (A, C, 80), (A, B, 443), (A, B, 80), (A, C, 80)))
    assert [str(talks[number]) for number in range(len(talks))] == [
        "10.0.0.1 -> 10.0.0.2 tcp/443",
        "10.0.0.1 -> 10.0.0.3 tcp/80",
        "10.0.0.1 -> 10.0.0.2 tcp/80",
    ]
    assert [talks.flows_of(number).tolist() for number in range(3)] == [[0, 2], [1, 4], [3]]


def test_addresses_under_one_name_are_one_host() -> None:
    """A reader knows hosts by their labels; an address may itself be another host's name."""
    place = site(f"one: {A} = ddc", f"one: {B} = ddc", f"{C}: 10.0.0.9 = vda")
    flows = judged((A, "10.0.0.7", 80), (B, "10.0.0.7", 80), place=place)
    assert len(every(flows)) == 1
    flows = judged((C, "10.0.0.7", 80), ("10.0.0.9", "10.0.0.7", 80), place=place)
    assert len(every(flows)) == 1


def test_hosts_alone() -> None:
    """Ports and transports make no difference where only the pair counts."""
    flows = judge(None, tcp(A, B, 80), udp(A, B, 443), tcp(A, C, 80))
    talks = every(flows, by_service=False)
    assert [talks.flows_of(number).tolist() for number in range(len(talks))] == [[0, 1], [2]]


def test_marks_of_flows_are_joined() -> None:
    """Some or every flow of a conversation may be marked, and values are told apart."""
    talks = every(judged((A, B, 443), (A, C, 80), (A, B, 443)))
    mark = np.array([True, False, False])
    assert talks.some(mark).tolist() == [True, False]
    assert talks.every(mark).tolist() == [False, False]
    assert talks.every(~mark).tolist() == [False, True]
    assert talks.bits(np.array([1, 4, 2], np.uint8)).tolist() == [3, 4]
    owner, values = talks.values(np.array([7, 5, 6]))
    assert list(zip(owner.tolist(), values.tolist(), strict=True)) == [(0, 6), (0, 7), (1, 5)]


def test_selected_conversations_keep_their_flows() -> None:
    """Fewer conversations are still whole."""
    talks = every(judged((A, B, 443), (A, C, 80), (A, B, 443)))
    only = talks.select(np.array([True, False]))
    assert (len(only), only.flows.tolist(), only.starts.tolist()) == (1, [0, 2], [0, 2])


def test_no_flows_make_no_conversations() -> None:
    """Nothing marked, nothing gathered."""
    flows = judged((A, B, 443))
    talks = converse(flows, np.zeros(1, dtype=bool))
    assert len(talks) == 0
    assert not len(talks.some(np.zeros(1, dtype=bool)))
