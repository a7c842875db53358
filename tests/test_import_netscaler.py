"""auditor.site.importers.netscaler: what an ns.conf says of the hosts around an appliance."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.catalog.load import load_catalog
from auditor.site.importers.netscaler import read_netscaler
from auditor.site.importers.netscaler.balancing import role_in_name, role_of_port
from auditor.site.importers.netscaler.reader import _HANDLERS
from auditor.site.importers.netscaler.tables import MONITORS, NAME_WORDS, PEERS, SERVICE_TYPES

if TYPE_CHECKING:
    from auditor.site.importers.claims import Claim, Imported

CATALOG = load_catalog()


def read(text: str) -> Imported:
    """Read the lines of a configuration."""
    return read_netscaler(dedent(text), "ns.conf", CATALOG)


def told(text: str) -> dict[str, set[str]]:
    """Give address or name -> roles."""
    found: dict[str, set[str]] = {}
    for claim in read(text).claims:
        found.setdefault(str(claim.address or claim.name), set()).update(claim.roles)
    return found


def claims_of(text: str, address: str) -> list[Claim]:
    """Give the claims on one address."""
    return [claim for claim in read(text).claims if str(claim.address) == address]


def test_every_role_and_feature_is_in_the_catalog() -> None:
    """The importer's tables name no role that rules do not know."""
    roles = {peer.role for peers in PEERS.values() for peer in peers}
    roles |= {*MONITORS.values(), *SERVICE_TYPES.values(), *NAME_WORDS.values(), "adc", "gateway"}
    assert roles <= set(CATALOG.roles)
    assert {"adc-ha", "adc-cluster"} <= set(CATALOG.features)


def test_the_appliance_is_one_machine() -> None:
    """NSIP, SNIPs and its other addresses are claimed together, under its host name."""
    text = """
        set ns config -IPAddress 10.0.0.5 -netmask 255.255.255.0
        set ns hostName ns1.corp.example
        add ns ip 10.0.0.6 255.255.255.0 -vServer DISABLED
        add ns ip 10.0.0.7 255.255.255.255 -type VIP
        add ns ip6 2001:db8::5/64 -type SNIP
        add ns ip6 fe80::5/64 -scope link-local -type NSIP
    """
    claims = read(text).claims
    assert [(str(claim.address), claim.says) for claim in claims] == [
        ("10.0.0.5", "NSIP"),
        ("10.0.0.6", "SNIP"),
        ("10.0.0.7", "VIP"),
        ("2001:db8::5", "SNIP"),
    ]
    assert {claim.machine for claim in claims} == {"ns.conf"}
    assert {claim.name for claim in claims} == {"ns1.corp.example"}
    assert {claim.roles for claim in claims} == {("adc",)}


def test_a_gateway_makes_every_address_of_the_appliance_one() -> None:
    """Any of its own addresses may be the source of what the paper says of the Gateway (row 42)."""
    text = """
        set ns config -IPAddress 10.0.0.5 -netmask 255.255.255.0
        add HA node 1 10.0.0.4
        add vpn vserver gw SSL 10.0.0.7 443 -icaOnly ON
        add gslb site far REMOTE 192.0.2.1 -publicIP 192.0.2.1
    """
    assert told(text) == {
        "10.0.0.5": {"adc", "gateway"},
        "10.0.0.4": {"adc", "gateway"},
        "10.0.0.7": {"adc", "gateway"},
        "192.0.2.1": {"adc"},
    }
    assert read(text).features == {"adc-ha": "ns.conf:3"}
    assert claims_of(text, "10.0.0.7")[0].machine == "ns.conf"


@pytest.mark.parametrize(
    ("line", "where", "role"),
    [
        ("add authentication ldapAction a -serverIP 10.0.1.1 -serverPort 636", "10.0.1.1", "ldap"),
        ("add authentication ldapAction a -serverName dc1.example", "dc1.example", "ldap"),
        ("add authentication radiusAction a -serverIP 10.0.1.1", "10.0.1.1", "radius"),
        ("add authentication tacacsAction a -serverIP 10.0.1.1", "10.0.1.1", "tacacs"),
        ("add audit syslogAction a 10.0.1.1 -logLevel ALL", "10.0.1.1", "syslog"),
        ("add audit syslogAction a log.example -logLevel ALL", "log.example", "syslog"),
        ("add ntp server 10.0.1.1 -minpoll 6", "10.0.1.1", "ntp"),
        ("add dns nameServer 10.0.1.1 -type UDP", "10.0.1.1", "dns"),
    ],
)
def test_servers_that_the_appliance_asks(line: str, where: str, role: str) -> None:
    """Servers named by address or by name, in an option or in a place of the line."""
    assert told(line) == {where: {f"{role}-server"}}


@pytest.mark.parametrize(
    ("line", "where", "role"),
    [
        ("add appflow collector a -IPAddress 10.0.1.1 -port 4739", "10.0.1.1", "adm"),
        ("add snmp manager 10.0.1.1 -netmask 255.255.255.255", "10.0.1.1", "snmp-manager"),
        ("add snmp trap specific 10.0.1.1 -version V2", "10.0.1.1", "snmp-manager"),
        ("bind vpn vserver g -staServer http://ddc1.example", "ddc1.example", "ddc"),
        ('bind vpn global -staServer "https://[2001:db8::1]:443/x"', "2001:db8::1", "ddc"),
        ("bind vpn global -staServer q|http://10.0.1.1:8080|", "10.0.1.1", "ddc"),
        ("add vpn sessionAction a -SSO ON -wihome https://sf.example/Citrix", "sf.example", "sf"),
        ("add vpn sessionAction a -storefronturl https://sf.example", "sf.example", "sf"),
        ("set vpn parameter -wihome https://sf.example", "sf.example", "sf"),
        ("add ns licenseserver 10.0.1.1 -port 27000", "10.0.1.1", "adm-license-server"),
    ],
)
def test_citrix_hosts_around_the_appliance(line: str, where: str, role: str) -> None:
    """STA, StoreFront, ADM and managers are told by the commands that name them."""
    assert told(line) == {where: {"storefront" if role == "sf" else role}}


def test_what_is_local_is_no_peer() -> None:
    """A syslog server on the appliance itself and addresses of nobody are passed over."""
    text = """
        add audit syslogAction a 127.0.0.1 -logLevel ALL
        add audit syslogAction b 0.0.0.0 -logLevel ALL
        add service dns 10.0.0.5 ADNS 53
    """
    assert told(text) == {}
    assert read(text).notes == []


BALANCED = """
    add server SF01 10.0.1.21
    add server "DDC 1" 10.0.1.11
    add server ddc2 ddc2.corp.example
    add serviceGroup sg-web SSL
    add serviceGroup sg-xml HTTP
    add lb vserver vs-web SSL 10.0.2.1 443
    add lb vserver vs-xml HTTP 10.0.2.2 80
    bind lb vserver vs-web sg-web
    bind lb vserver vs-xml sg-xml
    add lb monitor m-sf STOREFRONT -storename Store
    add lb monitor m-xml CITRIX-XML-SERVICE
    bind serviceGroup sg-web SF01 443
    bind serviceGroup sg-web -monitorName m-sf
    bind serviceGroup sg-xml "DDC 1" 80
    bind serviceGroup sg-xml ddc2 80
    bind serviceGroup sg-xml -monitorName m-xml
"""


def test_back_ends_are_what_watches_them() -> None:
    """The type of a monitor tells; a virtual server is to its clients what stands behind it."""
    assert told(BALANCED) == {
        "10.0.1.21": {"storefront"},
        "10.0.1.11": {"ddc"},
        "ddc2.corp.example": {"ddc"},
        "10.0.2.1": {"adc", "storefront"},
        "10.0.2.2": {"adc", "ddc"},
    }
    (claim,) = claims_of(BALANCED, "10.0.2.1")
    assert (claim.machine, claim.called) == ("", "vs-web")
    (claim,) = claims_of(BALANCED, "10.0.1.21")
    assert (claim.called, claim.says) == ("sf01", "sg-web, monitor STOREFRONT")


@pytest.mark.parametrize(
    ("service", "role"),
    [
        ("add service a 10.0.1.1 RADIUS 1812", "radius-server"),
        ("add service a 10.0.1.1 TFTP 69", "tftp-server"),
        ("add service svc-StoreFront-1 10.0.1.1 SSL 443", "storefront"),
        ("add service Delivery-Controller_2 10.0.1.1 HTTP 80", "ddc"),
        ("add service a 10.0.1.1 SSL_TCP 636", "ldap-server"),
        ("add service a 10.0.1.1 UDP 1812", "radius-server"),
    ],
)
def test_back_ends_without_a_monitor(service: str, role: str) -> None:
    """Type, name and port tell as well, where only one third party can be meant by the port."""
    assert told(service) == {"10.0.1.1": {role}}


def test_monitors_may_be_bound_the_old_way() -> None:
    """Old releases bind the monitor to the service."""
    text = """
        add service a 10.0.1.1 HTTP 80
        add lb monitor m CITRIX-XD-DDC
        bind lb monitor m a
    """
    assert told(text) == {"10.0.1.1": {"ddc"}}


def test_back_ends_that_nothing_is_known_of_are_named() -> None:
    """A web server is no part of the paper; it is left out, and that is said once."""
    lines = [f"add service web{n} 10.0.1.{n} HTTP 80" for n in range(1, 13)]
    found = read("\n".join(lines))
    assert found.claims == []
    (note,) = found.notes
    assert str(note).startswith("ns.conf:1: left out, since nothing tells what they are: 10.0.1.1 ")
    assert str(note).endswith("+4 more")


def test_what_a_virtual_server_is_used_for_its_back_ends_are() -> None:
    """An LDAP action that points to a virtual server tells what stands behind that port."""
    text = """
        set ns config -IPAddress 10.0.0.5 -netmask 255.255.255.0
        add service dc1 10.0.1.1 SSL_TCP 50636
        add service web 10.0.1.2 SSL 443
        add lb vserver ad SSL_TCP 10.0.2.1 50636
        add lb vserver www SSL 10.0.2.1 443
        bind lb vserver ad dc1
        bind lb vserver www web
        add authentication ldapAction a -serverIP 10.0.2.1 -serverPort 50636
    """
    assert told(text) == {
        "10.0.0.5": {"adc"},
        "10.0.2.1": {"adc", "ldap-server"},
        "10.0.1.1": {"ldap-server"},
    }
    assert {claim.machine for claim in claims_of(text, "10.0.2.1")} == {""}


def test_a_server_may_be_named_by_its_virtual_server() -> None:
    """A name server that is a virtual server means the hosts behind it."""
    text = """
        add dns nameServer vs-dns
        add service d1 10.0.1.53 TCP 5353
        add lb vserver vs-dns DNS 0.0.0.0 0
        bind lb vserver vs-dns d1
    """
    assert told(text) == {"10.0.1.53": {"dns-server"}}


def test_a_gateway_behind_content_switching_is_found() -> None:
    """A Unified Gateway has its address on the content switch in front."""
    text = """
        add vpn vserver inner SSL 0.0.0.0
        add cs vserver front SSL 10.0.2.1 443
        add cs action go -targetVserver inner
        add cs policy rule -rule "HTTP.REQ.URL.EQ(\\"a\\")" -action go
        bind cs vserver front -policyName rule -priority 10
    """
    assert told(text) == {"10.0.2.1": {"adc", "gateway"}}


def test_content_switching_in_a_circle_ends() -> None:
    """Virtual servers that lead to each other are no reason to hang."""
    text = """
        add cs vserver a SSL 10.0.2.1 443
        add cs vserver b SSL 10.0.2.2 443
        bind cs vserver a -vServer b
        bind cs vserver b -vServer a
        add cs action p -targetVserver q
        add cs action q -targetVserver p
        bind cs vserver a -policyName p
    """
    assert told(text) == {"10.0.2.1": {"adc"}, "10.0.2.2": {"adc"}}


def test_names_that_the_appliance_resolves_itself_have_an_address() -> None:
    """Records of its own DNS and its server objects give addresses for names."""
    text = """
        add dns addRec sf.example 10.0.1.1 -TTL 3600
        add server ddc.example 10.0.1.2
        set vpn parameter -wihome https://SF.example/Citrix
        bind vpn global -staServer http://ddc.example
    """
    assert told(text) == {"10.0.1.1": {"storefront"}, "10.0.1.2": {"ddc"}}
    assert {claim.name for claim in read(text).claims} == {"sf.example", "ddc.example"}


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("add HA node 1", "add ha node: expected an address, found the end of the words"),
        ("add ns ip ten 255.0.0.0", "add ns ip: expected an address, found 'ten'"),
        ("add server a !!", "add server: expected an address or a host name, found '!!'"),
        (
            "add snmp manager 10.0.0.0 -netmask 255.255.0.0",
            "add snmp manager: a whole network may ask; list its managers by hand",
        ),
        (
            "bind vpn global -staServer http://[x]",
            "STA (a Cloud Connector can be one too): expected a URL, found 'http://[x]'",
        ),
        (
            "bind vpn global -staServer http://a:99999/",
            "STA (a Cloud Connector can be one too): expected a URL, found 'http://a:99999/'",
        ),
    ],
)
def test_lines_that_make_no_sense_are_noted(line: str, note: str) -> None:
    """A command of interest that cannot be understood is named, and the others count."""
    found = read(f"{line}\nadd ntp server 10.0.1.1")
    assert [str(each) for each in found.notes] == [f"ns.conf:1: {note}"]
    assert [str(claim.address) for claim in found.claims] == ["10.0.1.1"]


def test_notes_repeat_no_secret() -> None:
    """A configuration holds keys; no note quotes more of a line than the peer in it."""
    found = read("add authentication radiusAction a -serverIP !! -radKey 5ecret")
    assert found.notes
    assert "5ecret" not in "".join(map(str, found.notes))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("svcgrp-StoreFront-SSL", "storefront"),
        ("ddc01", "ddc"),
        ("delivery controllers", "ddc"),
        ("directory", ""),
        ("storefront-and-ddc", ""),
        ("web", ""),
        ("", ""),
    ],
)
def test_words_in_names(name: str, role: str) -> None:
    """A whole word counts, digits aside; two contradicting ones count for nothing."""
    assert role_in_name(name) == role


@pytest.mark.parametrize(
    ("service_type", "port", "role"),
    [
        ("TCP", "389", "ldap-server"),
        ("UDP", "389", ""),
        ("SSL", "443", ""),
        ("HTTP", "8080", ""),
        ("TCP", "*", ""),
        ("TCP", "9" * 5000, ""),
        ("TCP", "٣٨٩", ""),
    ],
)
def test_ports_tell_only_of_third_parties(service_type: str, port: str, role: str) -> None:
    """Where the paper knows one third party alone the port tells; ports of the web never do."""
    assert role_of_port(CATALOG, service_type, port) == role


WORDS = st.one_of(
    st.sampled_from(["10.0.0.1", "a", "b", "http://a", "-type", "-policyName", "80", "SSL", '"']),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(_HANDLERS)), st.lists(WORDS, max_size=6))))
def test_no_configuration_is_too_odd(lines: list[tuple[str, list[str]]]) -> None:
    """Any words after any command are claims or notes, never an exception."""
    text = "\n".join(" ".join((head, *words)) for head, words in lines)
    found = read_netscaler(text, "ns.conf", CATALOG)
    assert all(claim.address or claim.name for claim in found.claims)
    assert all(role in CATALOG.roles for claim in found.claims for role in claim.roles)
