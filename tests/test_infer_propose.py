"""What speaks for which role: payload first, then ports, peers and, beside those, names."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from conversations import Talk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inferring import HEADS, inferred, roles, talk

from auditor.records import Seen
from auditor.site.model import Site, SiteHost, SiteName, SiteNetwork

A, B, C, D, E = (f"10.0.0.{number}" for number in range(1, 6))
USER, USER2 = "10.1.0.1", "10.1.0.2"

VDA = talk(USER, B, "tcp/2598", "cgp")
CONTROLLER = talk(B, A, "tcp/80", "registration")
PVS = (
    *(talk(client, A, "udp/6912", "noise") for client in (B, C, D)),
    talk(E, A, "tcp/54321", "noise"),
)


@pytest.mark.parametrize(
    ("talks", "expected"),
    [
        pytest.param([talk(A, B, "tcp/1494", "ica")], {A: {"user-device"}, B: {"vda"}}, id="ica"),
        pytest.param([talk(A, B, "tcp/2598", "cgp")], {A: {"user-device"}, B: {"vda"}}, id="cgp"),
        pytest.param([talk(A, B, "tcp/8090", "cgp")], {A: {"user-device"}, B: {"vda"}}, id="moved"),
        pytest.param([talk(A, B, "udp/2598", "dtls")], {A: {"user-device"}, B: {"vda"}}, id="edt"),
        pytest.param([CONTROLLER], {A: {"ddc"}, B: {"vda"}}, id="registration"),
        pytest.param(
            [talk(A, B, "tcp/80", "xml-service")], {A: {"storefront"}, B: {"ddc"}}, id="xml-service"
        ),
        pytest.param([talk(A, B, "tcp/8080", "sta")], {B: {"ddc"}}, id="sta"),
        pytest.param([talk(A, B, "tcp/27000", "flexnet")], {B: {"license-server"}}, id="flexnet"),
        pytest.param([talk(A, B, "udp/4739", "appflow")], {A: {"adc"}, B: {"adm"}}, id="appflow"),
        pytest.param([talk(A, B, "tcp/3010", "rpc")], {A: {"adc"}, B: {"adc"}}, id="rpc"),
        pytest.param([talk(A, B, "tcp/1433", "tds")], {B: {"sql-server"}}, id="tds"),
        pytest.param([talk(A, B, "udp/53", "dns")], {B: {"dns-server"}}, id="dns"),
        pytest.param([talk(A, B, "tcp/88", "kerberos")], {B: {"domain-controller"}}, id="kerberos"),
        pytest.param([talk(A, B, "udp/123", "ntp")], {B: {"ntp-server"}}, id="ntp"),
        pytest.param([talk(A, B, "udp/1812", "radius")], {B: {"radius-server"}}, id="radius"),
        pytest.param([talk(A, B, "tcp/49", "tacacs")], {B: {"tacacs-server"}}, id="tacacs"),
        pytest.param([talk(A, B, "tcp/3260", "iscsi")], {B: {"san"}}, id="iscsi"),
        pytest.param([talk(A, B, "udp/514", "syslog")], {B: {"syslog-server"}}, id="syslog"),
        pytest.param([talk(A, B, "udp/2055", "netflow")], {B: {"netflow-collector"}}, id="netflow"),
    ],
)
def test_payload_alone(talks: list[Talk], expected: dict[str, set[str]]) -> None:
    """One conversation whose bytes are known tells what its ends are."""
    assert roles(inferred(*talks)) == expected


@pytest.mark.parametrize(
    "talks",
    [
        pytest.param([talk(A, B, "tcp/445", "smb")], id="one client of SMB"),
        pytest.param([talk(A, B, "tcp/389", "ldap")], id="one client of LDAP"),
        pytest.param([talk(A, B, "tcp/2049", "nfs")], id="one client of NFS"),
        pytest.param([talk(A, B, "udp/69", "tftp")], id="one client of TFTP"),
        pytest.param([talk(A, B, "udp/162", "trap")], id="one sender of traps"),
        pytest.param([talk(A, B, "tcp/80", "http")], id="web"),
        pytest.param([talk(A, B, "tcp/443", "tls")], id="TLS"),
        pytest.param([talk(A, B, "tcp/22", "ssh")], id="SSH"),
        pytest.param([talk(A, B, "tcp/1494", "noise")], id="one port"),
        pytest.param([talk(A, B, "udp/6910", "noise")], id="one datagram"),
    ],
)
def test_what_anybody_does_is_no_role(talks: list[Talk]) -> None:
    """What hosts of many roles do makes none of them sure."""
    assert roles(inferred(*talks)) == {}


@pytest.mark.parametrize("service", ["tcp/445", "tcp/389", "tcp/2049", "udp/69", "udp/162"])
def test_many_clients_speak_louder(service: str) -> None:
    """What one client leaves open, two or more settle."""
    spoken = {"tcp/445": "smb", "tcp/389": "ldap", "tcp/2049": "nfs", "udp/69": "tftp"}
    talks = [talk(client, B, service, spoken.get(service, "trap")) for client in (C, D)]
    assert list(roles(inferred(*talks))) == [B]


@pytest.mark.parametrize(
    ("talks", "host", "role"),
    [
        pytest.param(PVS, A, "pvs", id="provisioning"),
        pytest.param(
            [talk(A, B, f"tcp/{port}", "noise") for port in (8284, 8286, 8288)], B, "wem-infra",
            id="wem",
        ),
        pytest.param([talk(A, B, "udp/4980", "noise")], A, "sdwan-se-ee", id="virtual-path"),
    ],
)  # fmt: skip
def test_ports_that_hardly_anybody_else_uses(talks: list[Talk], host: str, role: str) -> None:
    """Answered ports of one product make its role sure, even if their payload is not known."""
    assert role in roles(inferred(*talks))[host]


@pytest.mark.parametrize(
    "tried",
    [
        pytest.param(Talk(A, B, head=b"\x8f\x11", replies=False), id="unanswered"),
        pytest.param(Talk(A, B, sent=Seen.SYN, answered=Seen.RST), id="refused"),
        pytest.param(talk(A, B, "tcp/0", "silence"), id="handshake-only"),
        pytest.param(talk(A, B, "tcp/0", "http"), id="web-server"),
    ],
)
def test_a_port_alone_has_to_be_answered_in_kind(tried: Talk) -> None:
    """Probes, bare handshakes and other protocols on a port prove nothing of its role."""
    ports = (1494, 2598, 7279, 27000, 8284, 8286, 8288, 54321)
    proposals = inferred(*(replace(tried, port=port) for port in ports)).proposals
    assert not [proposal for proposal in proposals if proposal.address == B]


def test_a_name_adds_to_traffic_and_proposes_nothing_itself() -> None:
    """A fitting name lifts a doubtful role over the threshold; alone it is no evidence."""
    talks = talk(E, A, "tcp/54321", "noise"), talk(A, B, "udp/6895", "noise")
    named = inferred(*talks, names={A: "ctx-pvs07.example", C: "vda08.example"})
    assert roles(inferred(*talks)) == {}
    assert roles(named) == {A: {"pvs"}}
    assert named.proposals[0].evidence[-1] == "is called ctx-pvs07.example"
    assert not inferred(talk(C, D, "tcp/9999", "noise"), names={C: "vda08.example"}).proposals


def test_evidence_is_said_in_words() -> None:
    """The strongest clue comes first, with its service and how many hosts it was seen with."""
    talks = [talk(f"10.1.0.{number}", B, "tcp/1494", "ica") for number in range(1, 13)]
    (found,) = [p for p in inferred(*talks, CONTROLLER).proposals if p.address == B]
    assert (found.role, found.confidence) == ("vda", 0.99)
    assert found.evidence == (
        "answered tcp/1494 with the ICA banner to 12 hosts",
        "asked ddc1 to register it",
    )
    assert str(found).startswith("vda 0.99: answered tcp/1494 with the ICA banner to 12 hosts; ")


def test_gateway_is_neither_vda_nor_user_device() -> None:
    """A host that opens sessions and accounts for them is the Gateway, whatever it answers."""
    gateway = "10.0.0.9"
    found = roles(
        inferred(
            talk(gateway, B, "tcp/2598", "cgp"),
            talk(gateway, C, "udp/1812", "radius"),
            talk(gateway, C, "udp/1813", "accounting"),
            talk(USER, gateway, "tcp/2598", "cgp"),
            talk(USER2, gateway, "tcp/443", "tls"),
        )
    )
    assert found[gateway] == {"gateway"}
    assert found[B] == {"vda"}
    assert found[USER2] == {"user-device"}


def test_heartbeats_make_the_partner_of_a_gateway_one() -> None:
    """Both nodes of a pair have one configuration, so both are the Gateway."""
    found = roles(
        inferred(
            VDA,
            talk(A, B, "tcp/2598", "cgp"),
            talk(A, C, "udp/1813", "accounting"),
            talk(A, C, "udp/1812", "radius"),
            talk(A, D, "udp/3003", "heartbeat"),
            talk(A, D, "tcp/3010", "rpc"),
        )
    )
    assert found[A] == found[D] == {"gateway"}


def test_connector_is_told_from_controller_by_the_cloud() -> None:
    """Who is asked what a controller is asked, and calls Citrix Cloud, is a Cloud Connector."""
    cloud = "203.0.113.5"
    found = roles(inferred(CONTROLLER, talk(A, cloud, "tcp/443", "to-the-cloud")))
    assert found[A] == {"cloud-connector"}
    assert found[cloud] == {"citrix-cloud"}


def test_fas_waits_for_storefront_and_vda() -> None:
    """A web server becomes the authentication service once its clients are known."""
    web = [talk(client, E, "tcp/80", "http") for client in (B, C)]
    store = talk(C, A, "tcp/80", "xml-service")
    enrolment = talk(E, D, "tcp/135", "rpc-bind")
    assert E not in roles(inferred(*web))
    found = roles(inferred(*web, store, CONTROLLER, VDA, enrolment, names={E: "fas1.example"}))
    assert found[E] == {"fas"}
    assert found[D] == {"ms-ca"}


def test_target_devices_need_their_server() -> None:
    """Clients on streaming ports are target devices if the server is one of Provisioning."""
    found = roles(inferred(*PVS))
    assert found[B] == {"pvs-target"}
    assert E not in found
    assert B not in roles(inferred(PVS[0]))


def test_two_that_serve_each_other_prove_nothing() -> None:
    """Where each end answers the other alike, neither is the server of the two."""
    turned = talk(B, A, "tcp/1433", "tds", 50001)
    assert roles(inferred(talk(A, B, "tcp/1433", "tds"), turned)) == {}
    found = roles(inferred(talk(A, B, "tcp/1433", "tds"), turned, talk(C, B, "tcp/1433", "tds")))
    assert found == {B: {"sql-server"}}


def test_declared_roles_are_known_and_never_questioned() -> None:
    """What the site file lists is what it says; the others are inferred beside it."""
    site = Site(
        hosts=(SiteHost((ip_address(B),), (), ("gateway",)), SiteHost((ip_address(C),), (), ())),
        networks=(SiteNetwork(ip_network("10.1.0.0/24"), ("admin-workstation",)),),
    )
    talks = (VDA, talk(B, A, "tcp/1494", "ica"), talk(D, C, "tcp/1433", "tds"))
    assert roles(inferred(*talks, site=site)) == {A: {"vda"}}


def test_hosts_known_by_name_are_declared() -> None:
    """A server that the site file knows by its name needs no proposal, and is known to clues."""
    site = Site(names=(SiteName("*.xendesktop.net", ("citrix-cloud",)),))
    talks = CONTROLLER, talk(A, "203.0.113.5", "tcp/443", "to-the-cloud")
    assert roles(inferred(*talks, site=site)) == {A: {"cloud-connector"}, B: {"vda"}}


def test_threshold_decides_what_counts_as_known() -> None:
    """Clues about peers rest only on roles that are sure enough."""
    assert roles(inferred(VDA, threshold=0.85))[B] == {"vda"}
    strict = inferred(VDA, threshold=0.9)
    assert roles(strict) == {}
    assert [p.role for p in strict.proposals] == ["vda"]


def test_broadcasts_and_nobody_get_no_role() -> None:
    """Addresses that are nobody's host are never proposed for anything."""
    talks = [
        talk("0.0.0.0", "255.255.255.255", "udp/514", "syslog"),
        talk(A, "239.1.1.1", "udp/514", "syslog"),
        talk("127.0.0.1", "127.0.0.1", "tcp/1433", "tds"),
    ]
    assert inferred(*talks).proposals == ()


def test_an_empty_capture_has_no_proposals() -> None:
    """Without flows there is nothing to infer, and nothing to fail on."""
    assert inferred().proposals == ()


@given(
    st.lists(
        st.builds(
            talk,
            st.sampled_from([A, B, C, USER, "0.0.0.0", "2001:db8::1"]),
            st.sampled_from([A, B, D, "255.255.255.255", "224.0.0.1", "127.0.0.1"]),
            st.sampled_from(["tcp", "udp"]).flatmap(
                lambda transport: st.integers(0, 65535).map(lambda port: f"{transport}/{port}")
            )
            | st.sampled_from(["tcp/80", "tcp/443", "udp/6910", "tcp/27000", "udp/3003", "udp/53"]),
            st.sampled_from(sorted(HEADS)),
            st.integers(1, 65535),
        ),
        max_size=12,
    ),
    st.sampled_from([None, 0.01, 0.5, 1.0]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_traffic_gives_sound_proposals(talks: list[Talk], threshold: float | None) -> None:
    """Whatever was captured, each host and role is proposed once, between 0 and 1, with reasons."""
    proposals = inferred(*talks, threshold=threshold).proposals
    assert len({(p.host, p.role) for p in proposals}) == len(proposals)
    assert all(0 < p.confidence < 1 and p.evidence and all(p.evidence) for p in proposals)
