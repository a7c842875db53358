"""Findings that a site has accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from judging import WATCHED, judge, site, tcp, udp

from auditor.catalog.model import Service
from auditor.judge.accept import accept
from auditor.judge.expect import expect
from auditor.judge.findings import find
from auditor.site.model import Acceptance, Site

if TYPE_CHECKING:
    from conversations import Talk

    from auditor.judge.finding import Findings

TODAY = date(2026, 3, 2)
PEER = "198.51.100.9"
LINES = ("vda1: 10.0.0.2 fd00::2 = vda", "sql1: 10.0.0.4 fd00::4 = sql-server", "10.0.0.1 = ddc")
RDP = Service("tcp", 3389, 3389)


def entry(
    client: str | None = None,
    server: str | None = None,
    service: Service | None = None,
    until: date | None = None,
) -> Acceptance:
    """State an entry of `exceptions`."""
    return Acceptance(client, server, service, "reason", until=until)


def judged(place: Site | None, *talks: Talk) -> Findings:
    """Find what talks are worth, and what of it the site accepts."""
    flows = judge(place, *talks)
    return accept(find(flows, expect(flows, WATCHED)), place, TODAY)


def accepted(*entries: Acceptance, talk_port: int = 3389, client: str = "10.0.0.2") -> bool:
    """Say whether the finding of a VDA that calls the database's host is accepted."""
    place = site(*LINES, acceptances=entries)
    server = "fd00::4" if ":" in client else "10.0.0.4"
    (found,) = [f for f in judged(place, tcp(client, server, talk_port)) if f.flows]
    return found.accepted


@pytest.mark.parametrize(
    ("entry_", "expected"),
    [
        (entry("10.0.0.2", "10.0.0.4", RDP), True),
        (entry("vda1", "sql1", RDP), True),
        (entry("vda", "sql-server"), True),
        (entry("10.0.0.0/24", "10.0.0.4/32", RDP), True),
        (entry(service=Service("tcp", 3000, 4000)), True),
        (entry("fd00::2"), True),
        (entry("fd00::/64"), True),
        (entry("10.0.0.3"), False),
        (entry("vda2"), False),
        (entry("ddc"), False),
        (entry("10.0.1.0/24"), False),
        (entry("2001:db8::/32"), False),
        (entry("sql1", "vda1"), False),
        (entry(service=Service("udp", 3389, 3389)), False),
        (entry(service=Service("tcp", 3390, 3400)), False),
        (entry(service=Service("icmp", None, None)), False),
    ],
)
def test_entry_covers_what_it_says(entry_: Acceptance, expected: bool) -> None:
    """Ends go by address, network, name or role, services by range; what is left out is any."""
    assert accepted(entry_) == expected


def test_entry_ends_after_its_day() -> None:
    """An entry counts on its last day, and no longer."""
    assert accepted(entry("vda1", until=TODAY))
    assert not accepted(entry("vda1", until=date(2026, 3, 1)))
    assert accepted(entry("vda1", until=date(2026, 3, 1)), entry("vda"))


def test_address_of_another_family_is_the_same_host() -> None:
    """Whoever accepts a host by one of its addresses accepts the host."""
    assert accepted(entry("10.0.0.2"), talk_port=4444, client="fd00::2")


def test_first_entry_that_covers_is_given() -> None:
    """The entry that is reported is the first in the file."""
    first, second = (
        replace(entry(of), reason=word) for of, word in (("vda1", "first"), ("vda", "second"))
    )
    place = site(*LINES, acceptances=(entry("ddc"), first, second))
    (found,) = [f for f in judged(place, tcp("10.0.0.2", "10.0.0.4", 3389)) if f.flows]
    assert found.advice == "Accepted: first."


@pytest.mark.parametrize(
    ("entry_", "expected"),
    [
        (entry("vda", "ddc", Service("tcp", 80, 80)), True),
        (entry("vda", service=Service("tcp", 443, 443)), False),
        (entry("10.0.0.2"), False),
        (entry(server="ddc"), True),
    ],
)
def test_missing_group_is_accepted_by_role(entry_: Acceptance, expected: bool) -> None:
    """What is missing between two roles has no address."""
    assert _accepts_missing(site(*LINES, acceptances=(entry_,)), "vda -> ddc") == expected


def test_any_port_of_a_missing_group_stands_for_it() -> None:
    """To accept that 443 is missing is to accept that its alternative 80 is."""
    lines = ("10.0.0.2 = storefront", "10.0.0.1 = ddc")
    for port, expected in ((80, True), (443, True), (8080, False)):
        place = site(*lines, acceptances=(entry(service=Service("tcp", port, port)),))
        assert _accepts_missing(place, "storefront -> ddc") == expected


def test_without_a_site_nothing_is_accepted() -> None:
    """Without a site file there are no exceptions."""
    (found,) = judged(None, udp("10.0.0.2", "10.0.0.4", 1434))
    assert not found.accepted


def _accepts_missing(place: Site, pair: str) -> bool:
    talks = tcp("10.0.0.2", PEER, 9999), tcp("10.0.0.1", PEER, 9999)
    (found,) = [
        f for f in judged(place, *talks) if f.title.startswith(f"expected, not seen: {pair}")
    ]
    return found.accepted
