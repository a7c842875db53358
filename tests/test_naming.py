"""Which names count for a flow, and what they amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from judging import judge, refused, site, tcp, unanswered

from auditor.judge.rulebook import NameClass
from auditor.site.model import Site, SiteName

if TYPE_CHECKING:
    from conversations import Talk

    from auditor.judge.judged import Judged

CONNECTOR, OTHER, OUTSIDE = "10.0.0.1", "10.0.0.2", "198.51.100.9"
PLACE = site(f"{CONNECTOR} 10.0.0.11 fd00::1 = cloud-connector", f"{OTHER} = cloud-connector")
DIGICERT = ("*.digicert.com", False)


def classes(judged: Judged) -> list[NameClass]:
    """Give each flow's name class."""
    return [judged.naming.classes[number] for number in judged.naming.name_class.tolist()]


def verdicts(judged: Judged) -> list[str]:
    """Give each flow's verdict."""
    return [judged.judgements[kind].verdict.value for kind in judged.kinds.kind_of.tolist()]


def spoken(client: str, server: str, port: int) -> Talk:
    """State a connection with payload of its own."""
    return tcp(client, server, port, head=b"payload")


def test_flow_without_a_name_is_in_the_first_class() -> None:
    """Nothing seen, nothing covered."""
    judged = judge(PLACE, tcp(CONNECTOR, OUTSIDE, 80))
    assert classes(judged) == [NameClass()]
    assert judged.naming.classes[0] == NameClass()


def test_name_in_the_payload_counts_for_its_own_flow_only() -> None:
    """One address serves many names, so a flow that says nothing inherits nothing."""
    talks = spoken(CONNECTOR, OUTSIDE, 443), spoken(CONNECTOR, OUTSIDE, 443)
    judged = judge(PLACE, *talks, own={0: "www.digicert.com"})
    assert verdicts(judged) == ["documented", "needs-hostname"]
    assert classes(judged)[0].covered == {DIGICERT}
    assert classes(judged)[0].own


@pytest.mark.parametrize(
    ("attempt", "verdict"),
    [
        (refused(CONNECTOR, OUTSIDE, 443), "documented"),
        (unanswered(CONNECTOR, OUTSIDE, 443), "documented"),
        (refused(CONNECTOR, OUTSIDE, 80), "needs-hostname"),
        (refused(OTHER, OUTSIDE, 443), "needs-hostname"),
        (refused(CONNECTOR, "198.51.100.10", 443), "needs-hostname"),
    ],
)
def test_attempt_borrows_from_the_same_client_address_and_port(attempt: Talk, verdict: str) -> None:
    """What carried no payload takes the names of its siblings, and of nobody else."""
    talks = spoken(CONNECTOR, OUTSIDE, 443), attempt
    judged = judge(PLACE, *talks, own={0: "www.digicert.com"})
    assert verdicts(judged)[1] == verdict


def test_attempt_borrows_all_the_names() -> None:
    """Of two names at one address an attempt may have meant either."""
    talks = spoken(CONNECTOR, OUTSIDE, 443), spoken(CONNECTOR, OUTSIDE, 443)
    names = {0: "www.digicert.com", 1: "www.example.org"}
    judged = judge(PLACE, *talks, refused(CONNECTOR, OUTSIDE, 443), own=names)
    assert verdicts(judged) == ["documented", "undocumented", "documented"]


@pytest.mark.parametrize(
    ("told", "client", "verdict"),
    [
        ((OUTSIDE, CONNECTOR, 0.5), CONNECTOR, "documented"),
        ((OUTSIDE, CONNECTOR, 1.0), CONNECTOR, "documented"),
        ((OUTSIDE, CONNECTOR, 1.5), CONNECTOR, "needs-hostname"),
        ((OUTSIDE, CONNECTOR, 0.5), "10.0.0.11", "documented"),
        ((OUTSIDE, "fd00::1", 0.5), CONNECTOR, "documented"),
        ((OUTSIDE, OTHER, 0.5), CONNECTOR, "needs-hostname"),
        (("198.51.100.10", CONNECTOR, 0.5), CONNECTOR, "needs-hostname"),
    ],
)
def test_dns_answer_counts_for_its_asker_from_then_on(
    told: tuple[str, str, float], client: str, verdict: str
) -> None:
    """An answer names the address for the host that was given it before the flow began."""
    talks = [tcp(host, "192.0.2.1", 9999) for host in (OTHER, CONNECTOR, "fd00::1")]
    talks[0] = tcp(OTHER, "198.51.100.10", 9999, start_s=9)
    judged = judge(
        PLACE, *talks, tcp(client, OUTSIDE, 80, start_s=1), told={"crl3.digicert.com": told}
    )
    assert verdicts(judged)[-1] == verdict


def test_name_that_the_site_file_gives_is_a_name() -> None:
    """A host entry named as a row wants is that row's server, even without a role."""
    place = site(f"{CONNECTOR} = cloud-connector", f"crl3.digicert.com: {OUTSIDE} =")
    judged = judge(place, tcp(CONNECTOR, OUTSIDE, 80))
    assert verdicts(judged) == ["documented"]
    assert judged.naming.shown[0].kind == "inventory"


@pytest.mark.parametrize(
    ("name", "covered", "supported"),
    [
        ("crl3.digicert.com", True, False),
        ("a.b.digicert.com", False, True),
        ("digicert.com", False, False),
        ("evildigicert.com", False, False),
        ("digicert.com.example.net", False, False),
    ],
)
def test_one_label_is_certain_and_more_are_support(
    name: str, covered: bool, supported: bool
) -> None:
    """A `*.` of the paper stands for one label; apex and look-alikes are nothing."""
    found = classes(judge(PLACE, tcp(CONNECTOR, OUTSIDE, 80), own={0: name}))[0]
    assert (DIGICERT in found.covered, DIGICERT in found.supported) == (covered, supported)
    assert found.seen


@pytest.mark.parametrize(
    ("name", "roles"),
    [
        ("a.nssvc.net", {"gateway-service"}),
        ("a.b.c.nssvc.net", {"gateway-service"}),
        ("nssvc.net", set()),
        ("store.example", {"storefront", "fas"}),
    ],
)
def test_site_file_gives_roles_by_name(name: str, roles: set[str]) -> None:
    """Patterns of a site file cover every depth below, and add up."""
    place: Site = site(
        f"{CONNECTOR} = vda",
        names=(
            SiteName("*.nssvc.net", ("gateway-service",)),
            SiteName("store.example", ("storefront",)),
            SiteName("store.example", ("fas",)),
        ),
    )
    found = classes(judge(place, tcp(CONNECTOR, OUTSIDE, 80), own={0: name}))[0]
    assert found.roles == roles


def test_shown_name_is_the_flows_own_before_what_dns_told() -> None:
    """The report calls a server as the flow itself did."""
    told = {"cdn.example.net": (OUTSIDE, CONNECTOR, 0.1)}
    talk = tcp(CONNECTOR, OUTSIDE, 443, start_s=1)
    judged = judge(PLACE, talk, own={0: "www.digicert.com"}, told=told)
    assert judged.naming.shown[0].name == "www.digicert.com"
    alone = judge(PLACE, talk, told=told)
    assert alone.naming.shown[0].name == "cdn.example.net"
