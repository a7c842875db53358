"""Ports cut into intervals."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from auditor.catalog.model import Rule, Service
from auditor.judge.services import ServiceIndex
from auditor.records import ECHO_ID, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP

PROTOCOLS = {"tcp": IPPROTO_TCP, "udp": IPPROTO_UDP}


def rule(name: str, *services: Service) -> Rule:
    """State a rule of which only the services matter."""
    return Rule(
        id=name,
        pack="paper",
        origin="table",
        row=1,
        product="",
        sources=("x",),
        destinations=("y",),
        services=services,
        purpose="",
        group=name,
    )


port = st.integers(0, 0xFFFF)
service = st.builds(
    lambda transport, ends: Service(transport, min(ends), max(ends)),
    st.sampled_from(["tcp", "udp"]),
    st.tuples(port, port),
)


@given(st.lists(st.lists(service, min_size=1, max_size=3), max_size=8), port)
def test_interval_holds_exactly_the_rules_that_cover_the_port(
    services: list[list[Service]], asked: int
) -> None:
    """The interval of a port holds the rules that a walk through all of them would find."""
    rules = [rule(f"r{number}", *some) for number, some in enumerate(services)]
    index = ServiceIndex(rules)
    for transport, other in (("tcp", "udp"), ("udp", "tcp")):
        interval = index.one(PROTOCOLS[transport], asked)

        def covering(name: str) -> set[str]:
            return {
                r.id
                for r in rules
                for s in r.services
                if s.transport == name and (s.low or 0) <= asked <= (s.high or 0)
            }

        assert {r.id for r in interval.rules} == covering(transport)
        assert {r.id for r in interval.twin} == covering(other)
        assert interval.low <= asked <= interval.high


def test_icmp_rule_covers_both_versions_whatever_the_identifier() -> None:
    """A rule for ICMP covers ICMPv6 too, and an echo identifier is no port."""
    index = ServiceIndex([rule("ping", Service("icmp", None, None))])
    for protocol in (IPPROTO_ICMP, IPPROTO_ICMPV6):
        row = index.lookup(np.array([protocol], np.uint8), np.array([ECHO_ID + 7], np.uint32))
        assert [r.id for r in index.intervals[int(row[0])].rules] == ["ping"]


def test_unknown_transport_lies_in_the_empty_interval() -> None:
    """A transport that no rule names has the interval 0, which holds nothing."""
    index = ServiceIndex([])
    row = index.lookup(np.array([50, 6], np.uint8), np.array([0, 443], np.uint32))
    assert row[0] == 0
    assert index.intervals[0].rules == ()
    assert index.intervals[int(row[1])].rules == ()
