"""What deserves somebody's time: kinds, gravity, identity, words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conversations import Talk
from judging import WATCHED, findings, refused, site, tcp, udp, unanswered, unmissed

from auditor.judge.expect import Watch
from auditor.judge.vocabulary import Severity
from auditor.site.model import Denial, Site, SiteName

if TYPE_CHECKING:
    from auditor.judge.finding import Finding

DDC, VDA, SF, SQL, GW = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"
USER, STRANGER = "10.0.8.1", "198.51.100.9"
HOSTS = (
    f"ddc1: {DDC} = ddc",
    f"vda1: {VDA} = vda",
    f"sf1: {SF} = storefront",
    f"sql1: {SQL} = sql-server",
    f"gw1: {GW} = gateway",
    f"{USER} = user-device",
    "10.0.9.0/24 =",
)
SMALL = site(*HOSTS)


def only(place: Site | None, *talks: Talk, own: dict[int, str] | None = None) -> Finding:
    """Give the one finding that is about flows."""
    (found,) = unmissed(findings(place, *talks, own=own))
    return found


def kinds(place: Site, *talks: Talk) -> list[tuple[str, str]]:
    """List kind and severity of what is not missing."""
    return [(f.kind, f.severity.word) for f in unmissed(findings(place, *talks))]


# Gravity of what is unexpected.


@pytest.mark.parametrize(
    ("talk", "severity"),
    [
        (tcp(VDA, DDC, 443), "high"),
        (Talk(VDA, DDC, "tcp", 443, sent=Talk.sent & ~2, replies=False), "high"),
        (udp(DDC, VDA, 4444), "high"),
        (tcp(STRANGER, DDC, 4444), "high"),
        (tcp("10.0.9.1", DDC, 4444), "medium"),
        (tcp(DDC, SQL, 4444), "medium"),
        (tcp(VDA, SQL, 1433), "medium"),
        (tcp(SQL, DDC, 4444), "medium"),
        (tcp(SQL, STRANGER, 4444), "medium"),
        (refused(VDA, DDC, 443), "low"),
        (unanswered(STRANGER, DDC, 4444), "low"),
        (udp(DDC, VDA, 4444, replies=False), "low"),
        (udp(VDA, "224.0.0.252", 5355, replies=False), "medium"),
    ],
)
def test_gravity_of_the_unexpected(talk: Talk, severity: str) -> None:
    """High between Citrix hosts or from outside into one, low if only tried, else medium."""
    assert kinds(SMALL, talk) == [("unexpected", severity)]


@pytest.mark.parametrize(
    ("roles", "talk", "severity"),
    [
        (("adc", "adm"), udp(VDA, DDC, 161), "medium"),
        (("sdwan-se-ee", "radius-server"), udp(DDC, VDA, 1812), "low"),
        (("adm", "radius-server"), tcp(DDC, VDA, 1812), "medium"),
        (("storefront", "adc"), unanswered(VDA, DDC, 8000), "low"),
    ],
)
def test_doubt_of_the_paper_lowers_gravity_by_one_step(
    roles: tuple[str, str], talk: Talk, severity: str
) -> None:
    """Where every cited row is doubtful the finding speaks less loudly, and never below low."""
    place = site(f"{DDC} = {roles[0]}", f"{VDA} = {roles[1]}")
    found = only(place, talk)
    assert (found.kind, found.severity.word) == ("unexpected", severity)


def test_admin_workstation_counts_as_a_citrix_host() -> None:
    """An admin workstation that calls a Citrix host where no row lets it is high."""
    place = site(f"{DDC} = ddc", f"{USER} = admin-workstation")
    assert only(place, tcp(USER, DDC, 4444)).severity is Severity.HIGH


def test_role_given_by_a_name_counts() -> None:
    """A server that the site file knows by name is what the name says."""
    place = site(*HOSTS, names=(SiteName("*.nssvc.net", ("gateway-service",)),))
    found = only(place, tcp(DDC, STRANGER, 443), own={0: "a.nssvc.net"})
    assert found.server_roles == ("gateway-service",)
    assert found.severity is Severity.HIGH


@pytest.mark.parametrize(
    ("talk", "title", "reason"),
    [
        (
            tcp(SQL, DDC, 1433),
            "wrong direction: sql1 -> ddc1 tcp/1433",
            "documented the other way round: ddc -> sql-server (l.229)",
        ),
        (
            udp(DDC, SQL, 1433),
            "wrong transport: ddc1 -> sql1 udp/1433",
            "documented on tcp/1433: ddc -> sql-server (l.229)",
        ),
        (
            tcp(VDA, SQL, 1433),
            "not documented between these roles: vda1 -> sql1 tcp/1433",
            (
                "tcp/1433 has no row for vda -> sql-server; sql-server takes it from ddc (l.229),"
                " pvs (l.276), wem-infra (l.332)"
            ),
        ),
        (
            tcp(USER, VDA, 389),
            f"not documented between these roles: {USER} -> vda1 tcp/389",
            (
                "tcp/389 has no row for user-device -> vda; vda takes it from"
                " director/admin-workstation (l.237); the paper's own peer is doubtful there"
            ),
        ),
        (
            tcp(VDA, "10.0.9.1", 8082),
            "not documented between these roles: vda1 -> 10.0.9.1 tcp/8082",
            (
                "tcp/8082 has no row for vda -> a host without a role; it is for"
                " admin-workstation -> license-server (l.194)"
            ),
        ),
        (
            tcp(USER, DDC, 443),
            f"not documented between these roles: {USER} -> ddc1 tcp/443",
            (
                "tcp/443 has no row for user-device -> ddc; ddc takes it from gateway (l.142),"
                " admin-workstation (l.246), storefront (l.306); user-device uses it towards"
                " storefront (l.238, 300), vda (l.241)"
            ),
        ),
        (
            tcp(DDC, SQL, 4444),
            "not documented: ddc1 -> sql1 tcp/4444",
            "no row has tcp/4444 for ddc -> sql-server",
        ),
        (
            tcp(STRANGER, VDA, 9001),
            f"local service reached from outside: {STRANGER} -> vda1 tcp/9001",
            "the listener is meant for 127.0.0.1 alone: hdxvideo-js -> vda (l.248)",
        ),
    ],
)
def test_unexpected_is_told_in_words(talk: Talk, title: str, reason: str) -> None:
    """Each verdict has its words, with the lines that nearly fit."""
    found = only(SMALL, talk)
    assert (found.title, found.reason) == (title, reason)
    assert found.advice


def test_doubt_and_inference_are_said() -> None:
    """A doubtful row says so, and so does one whose transport the paper does not name."""
    place = site(f"{DDC} = adc", f"{VDA} = adm", f"{SQL} = radius-server")
    assert only(place, udp(VDA, DDC, 161)).reason.endswith("direction is doubtful there")
    assert only(place, tcp(VDA, SQL, 1812)).reason.endswith("names no transport there")


def test_name_that_no_row_covers_is_told() -> None:
    """A server judged by its name is called by it, with the pattern that comes close."""
    place = site(f"{DDC} = cloud-connector")
    found = only(place, tcp(DDC, STRANGER, 80), own={0: "a.b.digicert.com"})
    assert found.reason == (
        "the server goes by a.b.digicert.com, which no row covers; "
        "*.digicert.com (l.81) comes close"
    )
    other = only(place, tcp(DDC, STRANGER, 80), own={0: "example.org"})
    assert other.reason == "the server goes by example.org, which no row covers"


def test_what_the_paper_says_without_a_port_is_told() -> None:
    """A high port towards the certificate authority points at the line that leaves it open."""
    place = site(f"{DDC} = fas", f"{VDA} = ms-ca")
    assert (
        "; l.269: The authority can be given a fixed port"
        in only(place, tcp(DDC, VDA, 50123)).reason
    )


def test_known_gap_of_the_paper_is_told_in_a_strict_audit() -> None:
    """A rule of a pack that the site left out is no verdict, but worth a remark."""
    reason = only(SMALL, tcp(USER, GW, 443)).reason
    assert "; a known gap of the paper, see https://" in reason
    assert kinds(site(*HOSTS, packs=("paper", "vendor")), tcp(USER, GW, 443)) == []
    place = site(*HOSTS, "10.0.0.6 = domain-controller")
    assert (
        "; ordinary outside of Citrix, see https://" in only(place, tcp(DDC, "10.0.0.6", 88)).reason
    )


def test_denied_traffic_is_told_from_what_the_paper_forbids() -> None:
    """A `deny` names the roles, row 73 its line; each has its own advice."""
    place = site(
        *HOSTS,
        f"{STRANGER} = citrix-cloud",
        "10.0.0.7 = cloud-connector",
        denials=(Denial("vda", "ddc"),),
    )
    denied, forbidden = only(place, tcp(VDA, DDC, 80)), only(place, tcp(STRANGER, "10.0.0.7", 80))
    assert denied.reason == "the site file denies vda -> ddc"
    assert denied.rule_ids == ("deny:vda->ddc",)
    assert forbidden.rows == (73,)
    assert (denied.severity, forbidden.severity) == (Severity.HIGH, Severity.HIGH)
    assert denied.advice != forbidden.advice


# Blocked.


def test_blocked_is_high_unless_an_alternative_works() -> None:
    """Attempts at 80 are grave where 443 fails too, and not where it works between the same two."""
    assert kinds(SMALL, refused(SF, DDC, 80)) == [("blocked", "high")]
    both = refused(SF, DDC, 80), unanswered(SF, DDC, 443)
    assert kinds(SMALL, *both) == [("blocked", "high")] * 2
    assert kinds(SMALL, refused(SF, DDC, 80), tcp(SF, DDC, 443)) == [("blocked", "low")]


def test_alternative_of_another_pair_does_not_help() -> None:
    """What works between other hosts says nothing of these two."""
    place = site(*HOSTS, "ddc2: 10.0.0.11 = ddc")
    talks = refused(SF, DDC, 443), tcp(SF, "10.0.0.11", 443)
    assert kinds(place, *talks) == [("blocked", "high")]


def test_one_success_among_attempts_is_not_blocked() -> None:
    """Only what fails every time is blocked."""
    assert not unmissed(findings(SMALL, refused(SF, DDC, 443), tcp(SF, DDC, 443)))


def test_blocked_says_how_for_what_and_for_whom_it_works() -> None:
    """The words tell a refusal from silence, and whether hosts of the same role get through."""
    place = site(*HOSTS, *(f"vda{n}: 10.0.0.2{n} = vda" for n in range(2, 6)))
    others = [tcp(f"10.0.0.2{n}", DDC, 80) for n in range(2, 6)]
    alone, among = (
        only(place, refused(VDA, DDC, 80)),
        only(place, unanswered(VDA, DDC, 80), *others),
    )
    assert alone.reason.startswith("refused every time; purpose: A VDA's agent registers")
    assert alone.advice == "Start the service on ddc1, or find the filter that rejects vda1."
    assert among.reason.startswith("unanswered every time; ")
    assert among.reason.endswith("; it works for vda2, vda3 and 2 more")
    assert among.advice == "ddc1 listens: look for a filter on the way from vda1, for tcp/80."
    assert only(place, unanswered(VDA, DDC, 80)).advice == (
        "Open tcp/80 on the way from vda1 to ddc1, or see whether ddc1 is up."
    )


# Insecure.


def test_insecure_names_the_secure_twin() -> None:
    """Plain traffic with a documented secure twin is medium and says where to move."""
    found = only(SMALL, tcp(SF, DDC, 80))
    assert (found.kind, found.severity) == ("insecure", Severity.MEDIUM)
    assert "the paper offers tcp/443" in found.reason
    assert found.advice == "Move the client to tcp/443, then close tcp/80."


@pytest.mark.parametrize(
    ("roles", "port", "twin"),
    [
        ("adc adc", 3010, "tcp/3008"),
        ("adc adc", 3011, "tcp/3009"),
        ("gateway sta", 8080, "tcp/443"),
        ("gateway ldap-server", 3268, "tcp/3269"),
        ("adm ldap-server", 389, "tcp/636"),
        ("hypervisor domain-controller", 389, "tcp/636"),
        ("user-device storefront", 80, "tcp/443"),
    ],
)
def test_secure_twin_is_the_rows_own(roles: str, port: int, twin: str) -> None:
    """Of all ports of a group only the twin that the paper offers is named."""
    client, server = roles.split()
    found = only(site(f"{DDC} = {client}", f"{VDA} = {server}"), tcp(DDC, VDA, port))
    assert found.kind == "insecure"
    assert f"the paper offers {twin} for" in found.reason


@pytest.mark.parametrize(
    "talk", [refused(SF, DDC, 80), tcp(USER, VDA, 2598), tcp(VDA, DDC, 80), tcp(GW, VDA, 1494)]
)
def test_not_insecure_are_attempts_and_rows_without_a_twin(talk: Talk) -> None:
    """Nothing was sent in an attempt, ICA may be encrypted by itself, 80 may be all there is."""
    assert "insecure" not in [finding.kind for finding in findings(SMALL, talk)]


# Unknown.


def test_unknown_says_what_would_tell() -> None:
    """A missing name asks for names, a missing role for the site file."""
    place = site(f"{DDC} = cloud-connector", f"{VDA} = ddc")
    nameless, roleless = only(place, tcp(DDC, STRANGER, 80)), only(place, tcp(VDA, STRANGER, 1433))
    assert (nameless.kind, nameless.severity) == ("unknown", Severity.LOW)
    assert "digicert (*.digicert.com)" in nameless.reason
    assert (roleless.kind, roleless.severity) == ("unknown", Severity.LOW)
    assert roleless.reason == (
        f"{STRANGER} without a role; tcp/1433 is for ddc -> sql-server (l.229)"
    )
    assert nameless.advice != roleless.advice


def test_wildcard_is_written_in_words() -> None:
    """No internal mark of the catalog reaches a reader."""
    place = site(f"{DDC} = license-server")
    reason = only(place, tcp(STRANGER, DDC, 7279)).reason
    assert "any Citrix component -> license-server (l.193)" in reason
    assert "@" not in reason


# Missing.


def missing(place: Site, *talks: Talk, watch: Watch = WATCHED) -> dict[str, Finding]:
    """Map titles to what is missing."""
    found = findings(place, *talks, watch=watch)
    return {finding.title: finding for finding in found if finding.kind == "missing"}


def test_missing_is_medium_if_strong_and_low_if_weak() -> None:
    """The weight of an absence is its gravity."""
    place = site(f"{DDC} = storefront", f"{VDA} = ddc")
    talks = tcp(DDC, STRANGER, 9999), tcp(VDA, STRANGER, 9999)
    title = "expected, not seen: storefront -> ddc tcp/80,443"
    strong = missing(place, *talks)[title]
    weak = missing(place, *talks, watch=Watch(10, lossless=True))[title]
    assert (strong.severity, weak.severity) == (Severity.MEDIUM, Severity.LOW)
    assert strong.id == weak.id
    assert strong.reason == (
        "Ask which applications and desktops a user has: both roles were talking"
    )
    assert (strong.client, strong.server, strong.rows) == ("storefront", "ddc", (306,))
    assert (strong.transport, strong.port, strong.flows) == ("tcp", 80, ())


def test_missing_part_of_a_whole_is_named() -> None:
    """Of a function that needs two ports the title names the one that was not seen."""
    place = site(f"{DDC} = director", f"{VDA} = vda")
    found = missing(place, tcp(DDC, VDA, 135))
    assert found["expected, not seen: director -> vda tcp/3389"].port == 3389


def test_silent_host_is_low_and_medium_if_its_attempts_failed() -> None:
    """One host that stands out is a finding of its own, graver where it tried."""
    place = site(f"ddc1: {DDC} = ddc", *(f"vda{n}: 10.0.7.{n} = vda" for n in range(1, 6)))
    talks = [tcp(f"10.0.7.{n}", DDC, 80) for n in (1, 2, 3)]
    talks += [tcp("10.0.7.4", STRANGER, 9999), unanswered("10.0.7.5", DDC, 80)]
    found = missing(place, *talks)
    mute, failed = found["silent: vda4 -> ddc tcp/80"], found["silent: vda5 -> ddc tcp/80"]
    assert (mute.severity, failed.severity) == (Severity.LOW, Severity.MEDIUM)
    assert mute.reason.endswith("it never tried, though most hosts of the role vda do")
    assert failed.reason.endswith("its attempts failed, though most hosts of the role vda do")
    assert (mute.client, mute.client_roles, mute.server) == ("vda4", ("vda",), "ddc")
    assert ("blocked", "high") in kinds(place, *talks)


def test_silent_hosts_are_no_findings_where_most_are() -> None:
    """Where fewer than half of a role do something, the others do not stand out."""
    place = site(f"{DDC} = ddc", *(f"vda{n}: 10.0.7.{n} = vda" for n in range(1, 4)))
    talks = [tcp("10.0.7.1", DDC, 80), *(tcp(f"10.0.7.{n}", STRANGER, 9999) for n in (2, 3))]
    assert not [title for title in missing(place, *talks) if title.startswith("silent")]


# Identity.


def test_identity_is_the_same_over_counts_times_and_outcomes() -> None:
    """More flows, later flows, another gravity: the same finding."""
    once = only(SMALL, tcp(VDA, SQL, 1433))
    often = only(SMALL, *(tcp(VDA, SQL, 1433, start_s=90.0 + n) for n in range(5)))
    tried = only(SMALL, refused(VDA, SQL, 1433))
    assert once.id == often.id == tried.id
    assert (len(once.flows), len(often.flows)) == (1, 5)
    assert len(once.id) == 12


@pytest.mark.parametrize(
    "other", [tcp(USER, SQL, 1433), tcp(VDA, DDC, 1433), udp(VDA, SQL, 1433), tcp(VDA, SQL, 1434)]
)
def test_identity_differs_by_ends_transport_and_port(other: Talk) -> None:
    """Another client, server, transport or port is another finding."""
    assert only(SMALL, tcp(VDA, SQL, 1433)).id != only(SMALL, other).id


def test_addresses_of_one_name_are_one_finding() -> None:
    """A host with two addresses is one host to a reader."""
    place = site(f"vda1: {VDA} fd00::2 = vda", f"sql1: {SQL} fd00::4 = sql-server")
    found = only(place, tcp(VDA, SQL, 1433), tcp("fd00::2", "fd00::4", 1433))
    assert found.flows == (0, 1)


def test_flows_of_one_service_with_two_verdicts_are_one_finding() -> None:
    """A server that two names make undocumented and forbidden is told once, by the graver."""
    place = site(
        f"{DDC} = cloud-connector",
        names=(SiteName("*.cloud.example", ("citrix-cloud",)),),
        denials=(Denial("cloud-connector", "citrix-cloud"),),
    )
    talks = tcp(DDC, STRANGER, 443), tcp(DDC, STRANGER, 443)
    found = only(place, *talks, own={0: "example.org", 1: "a.cloud.example"})
    assert found.title.startswith("forbidden: ")
    assert found.flows == (0, 1)


def test_unjudged_flows_of_one_service_are_one_finding() -> None:
    """A server that lacks a name in one flow and a role in another is told once."""
    place = site(f"{DDC} = cloud-connector", f"{VDA} = license-server", "10.0.9.1 =")
    talks = tcp(VDA, STRANGER, 443), tcp(DDC, STRANGER, 443), tcp(VDA, STRANGER, 443)
    found = unmissed(findings(place, *talks))
    assert [finding.flows for finding in found] == [(0, 2), (1,)]


def test_every_identity_is_told_once_and_the_gravest_come_first() -> None:
    """Groups that begin with the same port do not repeat each other."""
    place = site(
        f"{USER} = user-device",
        f"{VDA} = vda",
        f"{DDC} = ddc",
        features={"session-reliability": True, "edt": True},
    )
    talks = tcp(USER, STRANGER, 9999), tcp(VDA, STRANGER, 9999), tcp(USER, DDC, 4444)
    found = findings(place, *talks)
    assert len({finding.id for finding in found}) == len(found)
    gravity = [finding.severity for finding in found]
    assert gravity == sorted(gravity, reverse=True)


def test_out_of_scope_and_documented_traffic_is_no_finding() -> None:
    """What the site file does not concern, and what is as documented, stays out."""
    talks = tcp(STRANGER, "198.51.100.10", 445), tcp(VDA, DDC, 80), tcp(USER, VDA, 1494)
    assert not unmissed(findings(SMALL, *talks))


def test_nothing_at_all_is_no_finding() -> None:
    """An empty capture finds nothing, not even absences."""
    assert not findings(SMALL)
    assert not findings(None)
