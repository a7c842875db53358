"""What could be expected of a site, and what became of it."""

from __future__ import annotations

import pytest
from conversations import Talk
from judging import WATCHED, expectations, judge, refused, site, tcp, udp, unanswered

from auditor.catalog.model import Service
from auditor.judge.expect import Expectation, Watch, expect
from auditor.judge.vocabulary import Coverage
from auditor.site.model import Override, Site, SiteName

REGISTER = "vda-registration vda ddc"
DDC, VDA, SQL, STRANGER = "10.0.0.1", "10.0.0.2", "10.0.0.3", "198.51.100.9"
SMALL = site("ddc1: 10.0.0.1 = ddc", "vda1: 10.0.0.2 = vda", "sql1: 10.0.0.3 = sql-server")


def one(place: Site, key: str, *talks: Talk, watch: Watch = WATCHED) -> Expectation:
    """Give the expectation called `group source destination`."""
    group, source, destination = key.split()
    return expectations(place, *talks, watch=watch)[group, source, destination]


def status(place: Site, key: str, *talks: Talk) -> str:
    """Give the status of the expectation called `group source destination`."""
    return one(place, key, *talks).status.value


# What is judged at all.


def test_without_a_site_nothing_is_expected() -> None:
    """Only declared roles are expected to do anything."""
    assert not expect(judge(None, tcp(VDA, DDC, 80)), WATCHED)
    assert not expectations(site(), tcp(VDA, DDC, 80))


def test_pairs_are_those_of_declared_roles() -> None:
    """A role that is only implied, or only in the paper, expects nothing."""
    found = expectations(site("10.0.0.1 = gateway", "10.0.0.2 = domain-controller"))
    assert not found
    both = expectations(site("10.0.0.1 = gateway", "10.0.0.2 = domain-controller ldap-server"))
    assert {key[1:] for key in both} == {("gateway", "ldap-server")}


def test_roles_of_networks_and_names_are_declared_too() -> None:
    """A role that only a network or a name pattern gives takes part."""
    place = site(
        "10.0.0.0/24 = vda",
        "203.0.113.1 = citrix-cloud",
        names=(SiteName("*.example.net", ("gateway-service",)),),
    )
    assert status(place, "vda-rendezvous vda gateway-service") == "unobservable"


def test_broadcast_and_loopback_are_nobodys_pair() -> None:
    """Pseudo roles are never the end of an expectation, even where a file declares them."""
    place = site("10.0.0.1 = pvs-target", "255.255.255.255 = broadcast", "127.0.0.1 = loopback")
    assert not expectations(place)


def test_only_paper_and_site_decide_what_is_missing() -> None:
    """Rules of other packs form no expectation."""
    place = site("10.0.0.1 = vda", "10.0.0.2 = cloud-connector", packs=("paper", "vendor"))
    assert not expectations(place)


# The five statuses.


@pytest.mark.parametrize(
    ("talks", "expected"),
    [
        ((tcp(VDA, DDC, 80),), "seen"),
        ((Talk(VDA, DDC, "tcp", 80, replies=False),), "seen"),
        ((refused(VDA, DDC, 80),), "blocked"),
        ((unanswered(VDA, DDC, 80), refused(VDA, DDC, 80)), "blocked"),
        ((refused(VDA, DDC, 80), tcp(VDA, DDC, 80)), "seen"),
        ((tcp(VDA, STRANGER, 9999),), "missing"),
        ((tcp(STRANGER, DDC, 9999),), "missing"),
        ((tcp(SQL, STRANGER, 9999),), "unobservable"),
        ((), "unobservable"),
    ],
)
def test_status_follows_from_flows_and_presence(talks: tuple[Talk, ...], expected: str) -> None:
    """A served flow is seen, attempts alone are blocked, absence needs a host that appears."""
    assert status(SMALL, REGISTER, *talks) == expected


def test_one_way_traffic_by_nature_is_seen() -> None:
    """A record that expects no answer is seen when it is sent; one that expects one is not."""
    place = site("10.0.0.1 = adc", "10.0.0.2 = adm")
    sent = [udp("10.0.0.1", "10.0.0.2", port, replies=False) for port in (4739, 161)]
    assert status(place, "adc-appflow adc adm", *sent) == "seen"
    assert status(place, "adc-snmp-polling adc adm", *sent) == "blocked"


def test_broadcast_stands_for_the_rows_peer() -> None:
    """A broadcast satisfies what is expected towards the other half of the cell."""
    place = site("10.0.0.1 = pvs-target", "10.0.0.2 = pxe-service")
    boot = udp("10.0.0.1", "255.255.255.255", 69, replies=False)
    assert status(place, "pvs-bootstrap pvs-target pxe-service", boot) == "seen"


def test_traffic_with_the_wrong_roles_satisfies_nothing() -> None:
    """Only flows that match a row of the group count."""
    assert status(SMALL, "ddc-database ddc sql-server", tcp(VDA, SQL, 1433)) == "missing"


def test_counts_are_of_all_matching_flows() -> None:
    """Flows, clients and servers include attempts."""
    place = site("10.0.0.1 = ddc", "10.0.0.2 10.0.0.4 = vda")
    found = one(
        place,
        REGISTER,
        tcp("10.0.0.2", DDC, 80),
        tcp("10.0.0.2", DDC, 80),
        refused("10.0.0.4", DDC, 80),
    )
    assert (found.flows, found.clients, found.servers) == (3, 2, 1)
    assert found.why == "2 flows"


# Groups.


@pytest.mark.parametrize("port", [80, 443])
def test_any_member_of_an_any_group_suffices(port: int) -> None:
    """Alternatives are one expectation."""
    place = site("10.0.0.1 = storefront", "10.0.0.2 = ddc")
    seen = tcp("10.0.0.1", "10.0.0.2", port)
    assert status(place, "storefront-resources storefront ddc", seen) == "seen"


def test_any_group_spans_rows() -> None:
    """LDAP by any of four rows satisfies them all."""
    place = site("10.0.0.1 = gateway", "10.0.0.2 = ldap-server")
    for port in (636, 3268, 3269, 389):
        seen = tcp("10.0.0.1", "10.0.0.2", port)
        assert status(place, "gateway-directory gateway ldap-server", seen) == "seen"


def test_all_group_partly_seen_is_missing_and_names_the_rest() -> None:
    """A function that needs each of its ports is missing while one of them is unseen."""
    place = site("10.0.0.1 = director", "10.0.0.2 = vda")
    key = "vda-remote-assistance director vda"
    half = one(place, key, tcp("10.0.0.1", "10.0.0.2", 135))
    assert half.status is Coverage.MISSING
    assert [str(service) for service in half.unseen] == ["tcp/3389"]
    assert half.why.startswith("tcp/135 seen, tcp/3389 not")
    whole = [tcp("10.0.0.1", "10.0.0.2", port) for port in (135, 3389)]
    assert status(place, key, *whole) == "seen"


def test_moved_ports_are_the_ones_expected() -> None:
    """An override moves what is expected, not only what matches."""
    place = site(
        "10.0.0.1 = pvs-target",
        "10.0.0.2 = pvs",
        overrides=(Override("pvs-imaging", _tcp(5555)),),
    )
    assert status(place, "pvs-imaging pvs-target pvs", tcp(DDC, VDA, 5555)) == "seen"
    assert status(place, "pvs-imaging pvs-target pvs", tcp(DDC, VDA, 54321)) == "missing"


# What is never expected, and what turns an expectation on.


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("license-contact ddc license-server", "the document requires it of nobody"),
        ("pvs-boot-dhcp pvs-target dhcp-server", "optional: DHCP options"),
        ("wem-monitoring wem-monitor wem-infra", "planned, not yet in use"),
        ("vda-remote-assistance-dynamic admin-workstation vda", "conditional: Remote Assistance"),
        ("storefront-peers storefront storefront", "the document requires it of nobody"),
        ("adm-reachability adm adc", "the document requires it of nobody"),
        ("video-redirection hdxvideo-js vda", "the document requires it of nobody"),
        ("hypervisor-directory hypervisor domain-controller", "only with ad-integration, which is"),
    ],
)
def test_some_rows_are_never_expected(key: str, why: str) -> None:
    """Wildcard, optional, planned, dynamic, portless, loopback, conditional: never missing."""
    _, source, destination = key.split()
    place = site(f"10.0.0.1 = {source}", f"10.0.0.2 = {destination}")
    found = one(place, key, tcp(DDC, STRANGER, 9999), tcp(VDA, STRANGER, 9999))
    assert (found.status, found.silent) == (Coverage.NOT_EXPECTED, ())
    assert found.why.startswith(why)


def test_wildcard_row_counts_for_the_row_that_asks_for_it() -> None:
    """What WEM has to have is satisfied by its own flow, which the wildcard row matches too."""
    place = site("10.0.0.1 = wem-infra", "10.0.0.2 = license-server", "10.0.0.3 = ddc")
    other = tcp("10.0.0.3", "10.0.0.2", 7279)
    found = expectations(place, other, tcp("10.0.0.1", "10.0.0.2", 27000))
    by_source = {
        source: e.status.value for (group, source, _), e in found.items() if "out" in group
    }
    assert by_source == {"wem-infra": "missing", "ddc": "seen"}


@pytest.mark.parametrize(
    ("features", "talks", "expected"),
    [
        ({}, (), "not-expected"),
        ({"adc-ha": True}, (), "missing"),
        ({}, (udp(DDC, VDA, 3003, replies=False),), "missing"),
        ({"adc-ha": False}, (udp(DDC, VDA, 3003, replies=False),), "not-expected"),
        ({"adc-cluster": True}, (), "not-expected"),
    ],
)
def test_feature_is_declared_or_evident(
    features: dict[str, bool], talks: tuple[Talk, ...], expected: str
) -> None:
    """A conditional row is expected if its switch is on, or the traffic proves it; off is off."""
    place = site("10.0.0.1 = adc", "10.0.0.2 = adc", features=features)
    busy = tcp(DDC, STRANGER, 9999)
    assert status(place, "adc-ha-sync adc adc", busy, *talks) == expected


def test_failed_attempt_proves_no_feature() -> None:
    """A clustering port that is refused does not prove a clustered pool."""
    place = site("10.0.0.1 = hypervisor", "10.0.0.2 = hypervisor")
    key = "hypervisor-cluster-udp hypervisor hypervisor"
    assert status(place, key, refused(DDC, VDA, 8892)) == "not-expected"
    assert status(place, key, tcp(DDC, VDA, 8892)) == "missing"


def test_declared_feature_forms_a_group_of_its_own() -> None:
    """EDT needs UDP, so a session over TCP does not satisfy it."""
    lines = "10.0.0.1 = user-device", "10.0.0.2 = vda"
    session = tcp(DDC, VDA, 2598)
    assert not [key for key in expectations(site(*lines), session) if key[0].startswith("feature")]
    place = site(*lines, features={"edt": True})
    assert status(place, "feature:edt user-device vda", session) == "missing"
    assert status(place, "feature:edt user-device vda", udp(DDC, VDA, 2598)) == "seen"
    assert status(place, "workspace-hdx user-device vda", session) == "seen"


def test_conditional_traffic_that_is_seen_is_not_held_against_anybody() -> None:
    """A row that nobody has to use is seen all the same, and names no silent host."""
    place = site("10.0.0.1 = admin-workstation", "10.0.0.4 = admin-workstation", "10.0.0.2 = ddc")
    found = one(
        place,
        "ddc-administration admin-workstation ddc",
        tcp(DDC, VDA, 443),
        tcp("10.0.0.4", VDA, 9999),
    )
    assert (found.status, found.silent) == (Coverage.SEEN, ())


def test_version_exclusive_rows_are_one_group_that_is_expected() -> None:
    """One of the two WEM ports is expected, although each carries a condition."""
    place = site("10.0.0.1 = wem-agent", "10.0.0.2 = wem-infra")
    key = "wem-cache-sync wem-agent wem-infra"
    assert status(place, key, tcp(DDC, VDA, 8285)) == "seen"
    assert status(place, key, tcp(DDC, VDA, 9999)) == "missing"


def test_single_host_of_a_role_has_no_peer() -> None:
    """Rows between hosts of one role need a second machine, not a second address."""
    key = "ddc-orchestration ddc ddc"
    busy = tcp(DDC, STRANGER, 9999)
    assert status(site("10.0.0.1 = ddc"), key, busy) == "not-expected"
    assert status(site("10.0.0.1 10.0.0.2 = ddc"), key, busy) == "not-expected"
    assert status(site("10.0.0.1 = ddc", "10.0.0.2 = ddc"), key, busy) == "missing"
    assert status(site("10.0.0.0/24 = ddc"), key, busy) == "not-expected"
    assert status(site("10.0.0.0/24 = ddc"), key, tcp(DDC, VDA, 9999)) == "missing"


def test_roles_of_one_host_expect_nothing_of_each_other() -> None:
    """What a host says to itself is in no capture; a second host of a role changes that."""
    alone = "10.0.0.1 = storefront ddc"
    key = "storefront-resources storefront ddc"
    assert status(site(alone), key, tcp(DDC, STRANGER, 9999)) == "not-expected"
    assert status(site(alone, "10.0.0.2 = ddc"), key, tcp(DDC, STRANGER, 9999)) == "missing"


# How much a missing one weighs.


def strength(place: Site, key: str, *talks: Talk, watch: Watch = WATCHED) -> tuple[str, str]:
    """Give strength and reason of what is missing."""
    found = one(place, key, *talks, watch=watch)
    assert found.status is Coverage.MISSING
    return found.strength or "", found.why


BUSY = (tcp(VDA, STRANGER, 9999), tcp(DDC, STRANGER, 9999), tcp(SQL, STRANGER, 9999))


def test_missing_is_strong_if_nothing_speaks_against_it() -> None:
    """Both roles talk, nothing was lost, the capture is long enough."""
    assert strength(SMALL, REGISTER, *BUSY)[0] == "strong"


@pytest.mark.parametrize(
    ("key", "talks", "watch", "reason"),
    [
        (REGISTER, BUSY[:1], WATCHED, "no ddc was talking"),
        (REGISTER, (tcp(VDA, STRANGER, 9), unanswered(SQL, DDC, 9)), WATCHED,
         "no ddc was talking"),
        (REGISTER, BUSY, Watch(299, lossless=True), "4 min watched, 5 min needed"),
        (REGISTER, BUSY, Watch(300, lossless=False), "frames were lost"),
        ("ddc-database-1434 ddc sql-server", BUSY, WATCHED, "the row itself is doubtful"),
        ("ddc-database ddc sql-server", (*BUSY, tcp(DDC, STRANGER, 1433)), WATCHED,
         "a flow with an unknown end may be it"),
        (REGISTER, (*BUSY, tcp(STRANGER, DDC, 80)), WATCHED,
         "a flow with an unknown end may be it"),
    ],
)  # fmt: skip
def test_every_doubt_makes_it_weak_and_is_said(
    key: str, talks: tuple[Talk, ...], watch: Watch, reason: str
) -> None:
    """Silence of a role, a short or lossy capture, a doubtful row, an unknown end: weak."""
    assert strength(SMALL, key, *talks, watch=watch) == ("weak", reason)


def test_cadence_decides_how_long_is_long_enough() -> None:
    """Five minutes by default, a minute for heartbeats, a day for licensing."""
    pair = site("10.0.0.1 = adc", "10.0.0.2 = adc", features={"adc-ha": True})
    talks = tcp(DDC, STRANGER, 9999), tcp(VDA, STRANGER, 9999)
    for key, seconds in (("adc-ha-heartbeat adc adc", 60), ("adc-ha-sync adc adc", 86400)):
        just = strength(pair, key, *talks, watch=Watch(seconds, lossless=True))
        short = strength(pair, key, *talks, watch=Watch(seconds - 1, lossless=True))
        assert (just[0], short[0]) == ("strong", "weak")


def test_hidden_flow_between_other_roles_weakens_nothing() -> None:
    """An unknown end that can only be another role does not excuse."""
    talks = (*BUSY, tcp(STRANGER, SQL, 1433))
    assert strength(SMALL, REGISTER, *talks)[0] == "strong"


def test_needs_hostname_may_be_the_missing_flow() -> None:
    """A server outside that lacks a name may be the cloud service that is missed."""
    place = site("10.0.0.1 = license-server", "203.0.113.1 = citrix-cloud")
    talks = tcp(DDC, STRANGER, 443), tcp("203.0.113.1", STRANGER, 9999)
    found = strength(place, "license-server-cloud license-server citrix-cloud", *talks)
    assert found == ("weak", "a flow with an unknown end may be it")


def test_service_known_by_name_appears_with_its_flows() -> None:
    """A cloud service of the site file's names is present where its names were called."""
    place = site("10.0.0.1 = vda", names=(SiteName("*.nssvc.net", ("gateway-service",)),))
    found = expectations(place, tcp(DDC, STRANGER, 443))
    assert found["vda-rendezvous", "vda", "gateway-service"].strength == "weak"


# Hosts that are silent among others that are not.

FARM = site("10.0.0.1 = ddc", *(f"vda{n}: 10.0.7.{n} fd00::{n} = vda" for n in range(1, 6)))


def registered(*numbers: int) -> list[Talk]:
    """Let some VDAs register, by IPv4 or, the even ones, by IPv6."""
    return [tcp(f"10.0.7.{n}" if n % 2 else f"fd00::{n}", DDC, 80) for n in numbers]


def labels(found: Expectation, place: Site, *talks: Talk) -> set[str]:
    """Name the silent hosts."""
    table = judge(place, *talks).hosts.table
    return {table[row].label for row in found.silent}


def test_silent_hosts_are_those_with_other_traffic() -> None:
    """A host that is heard, but not in this group, is silent; one that is not heard is not."""
    talks = [*registered(1, 2, 3), tcp("10.0.7.4", STRANGER, 9999), tcp("fd00::4", STRANGER, 9999)]
    found = one(FARM, REGISTER, *talks)
    assert labels(found, FARM, *talks) == {"vda4"}
    assert len(found.silent) == 1
    assert found.silent_stands_out


def test_host_is_heard_by_any_of_its_addresses() -> None:
    """A host that registers by one address is not silent at another."""
    talks = [*registered(1, 2), tcp("10.0.7.2", STRANGER, 9999), tcp("fd00::1", STRANGER, 9999)]
    assert one(FARM, REGISTER, *talks).silent == ()


def test_silent_hosts_stand_out_from_half_of_the_role() -> None:
    """Two of four stand out, three of four do not; addresses are not counted."""
    quiet = [tcp(f"10.0.7.{n}", STRANGER, 9999) for n in (3, 4)]
    assert one(FARM, REGISTER, *registered(1, 2), *quiet).silent_stands_out
    most = one(FARM, REGISTER, *registered(1), tcp("fd00::2", STRANGER, 9), *quiet)
    assert not most.silent_stands_out
    assert len(most.silent) == 3


def test_failed_attempts_of_a_silent_host_are_known() -> None:
    """A silent host whose attempts failed, from whatever address, is told from one that is mute."""
    talks = [*registered(1, 2), tcp("10.0.7.3", STRANGER, 9), unanswered("fd00::3", DDC, 80)]
    talks.append(tcp("10.0.7.4", STRANGER, 9))
    found = one(FARM, REGISTER, *talks)
    assert len(found.silent) == 2
    assert len(found.silent_failed) == 1
    assert found.silent_failed < set(found.silent)


def test_silent_hosts_are_named_where_nobody_is_heard_too() -> None:
    """A group that is blocked or missing names the hosts, and none of them stands out."""
    for talk, word in ((refused("10.0.7.1", DDC, 80), "blocked"), (tcp(*_busy(1)), "missing")):
        found = one(FARM, REGISTER, talk)
        assert found.status.value == word
        assert len(found.silent) == 1


def test_either_end_of_a_peer_flow_is_heard() -> None:
    """Between hosts of one role the one that is called is not silent."""
    place = site(*(f"10.0.0.{n} = ddc" for n in (1, 2, 3)))
    found = one(place, "ddc-peers ddc ddc", tcp(DDC, VDA, 80), tcp(SQL, STRANGER, 9999))
    assert len(found.silent) == 1


def test_host_that_is_its_own_peer_is_not_silent() -> None:
    """A host that holds the destination's role as well says it to itself."""
    place = site("10.0.0.1 = storefront ddc", "10.0.0.2 = storefront", "10.0.0.3 = ddc")
    found = one(
        place,
        "storefront-resources storefront ddc",
        tcp(VDA, SQL, 443),
        tcp(DDC, STRANGER, 9999),
    )
    assert found.silent == ()


def _busy(number: int) -> tuple[str, str, int]:
    return f"10.0.7.{number}", STRANGER, 9999


def _tcp(port: int) -> tuple[Service, ...]:
    return (Service("tcp", port, port),)
