"""What acknowledgements tell of a capture, by pair of hosts, and what that makes of absence."""

from __future__ import annotations

import numpy as np
import pytest
from conversations import Talk
from judging import WATCHED, judge, site, tcp

from auditor.judge.expect import Watch, expect
from auditor.judge.loss import Acknowledged, Losses, measure_losses
from auditor.records import Seen

DDC, VDA, SQL = "10.0.0.1", "10.0.0.2", "10.0.0.3"
SMALL = site("ddc1: 10.0.0.1 = ddc", "vda1: 10.0.0.2 = vda", "sql1: 10.0.0.3 = sql-server")


def lossy(*counts: tuple[Talk, int, int]) -> Losses:
    """Measure talks, each with its acknowledgements and gaps."""
    judged = judge(SMALL, *(talk for talk, _, _ in counts))
    judged.flows.facts["acks_a"] = [acks for _, acks, _ in counts]
    judged.flows.facts["gaps_a"] = [gaps for _, _, gaps in counts]
    return measure_losses(judged)


def row_of(address: str, *talks: Talk) -> list[int]:
    """Give the row of a host, as a role's hosts are given."""
    hosts = judge(SMALL, *talks).hosts.table
    return [row for row, host in enumerate(hosts) if host.address == address]


def test_a_share_needs_enough_acknowledgements() -> None:
    """Two of three say nothing."""
    assert Acknowledged(3, 2).share() is None
    assert Acknowledged(100, 2).share() == 0.02
    assert Acknowledged(20, 1).share(20) == 0.05
    assert Acknowledged().share(0) is None


def test_flows_are_summed_by_pair() -> None:
    """The worst pair stands first; pairs with too little, or without a gap, are left out."""
    register, query = tcp(VDA, DDC, 80), tcp(DDC, SQL, 1433, start_s=9)
    few = tcp(VDA, SQL, 1433, start_s=99)
    found = lossy(
        (register, 60, 6), (tcp(VDA, DDC, 80, start_s=5), 40, 0), (query, 100, 0), (few, 9, 9)
    )
    assert found.total == Acknowledged(209, 15)
    [(_, _, counts)] = found.worst(5)
    assert counts == Acknowledged(100, 6)
    assert found.captures == {0: Acknowledged(209, 15)}
    assert found.worst(0) == []


def test_loss_between_two_weakens_what_is_missing_there_alone() -> None:
    """A pair that lost a tenth proves little, though others lost nothing."""
    talks = tcp(VDA, DDC, 9), tcp(DDC, SQL, 1433, start_s=9)
    found = lossy((talks[0], 50, 5), (talks[1], 10_000, 0))
    vda, ddc, sql = (row_of(address, *talks) for address in (VDA, DDC, SQL))
    for ends in ((vda, ddc), (ddc, vda)):
        assert found.doubts(*ends) == ["between the two about 10 % was not captured"]
    assert found.doubts(ddc, sql) == []
    assert found.doubts([], []) == []


def test_loss_over_everything_weakens_everything() -> None:
    """Where a hundredth was lost, that may be what is missing."""
    talk = tcp(VDA, DDC, 9)
    judged = judge(SMALL, talk)
    missing = [e for e in expect(judged, WATCHED) if e.status == "missing"]
    assert {e.strength for e in missing} >= {"strong"}
    watch = Watch(WATCHED.duration_s, lossless=True, losses=lossy((talk, 1000, 10)))
    weak = [e for e in expect(judged, watch) if e.status == "missing"]
    assert {e.strength for e in weak} == {"weak"}
    assert all("about 1 % of the traffic was not captured" in e.why for e in weak)
    watch = Watch(WATCHED.duration_s, lossless=True, losses=lossy((talk, 1000, 9)))
    assert expect(judged, watch) == expect(judged, WATCHED)


@pytest.mark.parametrize(
    ("sent", "packets", "expected"),
    [
        (Seen.SYN_ACK, 1, 1),
        (Seen.SYN | Seen.ACK, 2, 1),
        (Seen.ACK | Seen.DATA, 3, 1),
        (Seen.ACK, 1, 0),
        (Seen.SYN, 9, 0),
        (Seen.RST, 9, 0),
    ],
)
def test_one_direction_is_known_by_what_it_answers(sent: Seen, packets: int, expected: int) -> None:
    """A SYN without an answer, a reset or a lone acknowledgement is all there may have been."""
    judged = judge(SMALL, Talk(VDA, DDC, "tcp", 80, sent=sent, replies=False))
    facts = judged.flows.facts
    side = "a" if facts["packets_a"][0] else "b"
    assert facts["packets_a" if side == "b" else "packets_b"][0] == 0
    facts[f"packets_{side}"] = packets
    found = measure_losses(judged)
    assert (found.tcp_flows, found.one_sided) == (1, expected)


def test_nothing_is_lost_where_nothing_was_said() -> None:
    """An empty capture has no pairs."""
    found = lossy()
    assert found.total == Acknowledged()
    assert found.worst(3) == []
    assert not np.any(found.gaps)
