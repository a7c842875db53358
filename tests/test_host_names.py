"""Names that the hosts table shows, and what names count for in a verdict."""

from __future__ import annotations

from ipaddress import ip_address

import payloads
import pytest
from layers import ACK, PSH, SYN, datagram, decoded, flows_of, segment
from name_messages import REQUEST, announcement, dhcp, host_name, netbios_registration

from auditor.catalog.model import Catalog, Role, Rule, Service
from auditor.evidence.names import NameCollector
from auditor.hosts import resolve
from auditor.infer.stage import Inference
from auditor.judge.finding import Findings
from auditor.judge.judged import Judged, judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.vocabulary import Verdict
from auditor.report.assemble import flow_table, host_table
from auditor.site.model import Site, SiteHost

DESK, GATEWAY, RESOLVER = "10.0.0.1", "192.0.2.7", ("10.0.0.53", 53)
NAME = "gw.nssvc.example"
ROLES = {
    "desk": Role("desk", "desk", "CVAD", "server", component=True),
    "cloud": Role("cloud", "cloud", "CVAD", "cloud", component=False),
}
RULE = Rule(
    id="to-cloud",
    pack="paper",
    origin="table",
    row=1,
    product="",
    sources=("desk",),
    destinations=("cloud",),
    services=(Service("tcp", 443, 443),),
    purpose="",
    group="to-cloud",
    destination_names=(NAME,),
)
CATALOG = Catalog("test", (RULE,), ROLES, {}, "")


def site(*named: tuple[str, str]) -> Site:
    """State a site with a desk, and hosts that have no role but a name."""
    hosts = [SiteHost((ip_address(DESK),), (), ("desk",))]
    hosts += [SiteHost((ip_address(address),), (), (), name) for address, name in named]
    return Site("test", hosts=tuple(hosts))


def judged(*frames: bytes, named: tuple[tuple[str, str], ...] = ()) -> Judged:
    """Judge the flows of Ethernet frames, each a microsecond after the one before."""
    collector = NameCollector()
    collector.observe(decoded(*frames))
    flows = flows_of(*frames)
    where = site(*named)
    return judge_flows(
        flows, collector.finish(flows), resolve(flows, where), RuleBook(CATALOG, where)
    )


def named_hosts(result: Judged) -> dict[str, tuple[str, str]]:
    """Map address to name and source, for the hosts that have a name in the table."""
    table = host_table(result, Inference()).frame.dropna(subset=["name"])
    names = zip(table["name"], table["name_source"], strict=True)
    return dict(zip(table["address"], names, strict=True))


def web(address: str = GATEWAY, payload: bytes = b"?", port: int = 50_000) -> bytes:
    """Make a frame from the desk to the HTTPS port of an address."""
    return segment((DESK, port), (address, 443), PSH | ACK, payload)


def answer(name: str, address: str = GATEWAY) -> bytes:
    """Make a frame with a DNS answer to the desk."""
    return datagram(RESOLVER, (DESK, 50_001), payloads.dns_answer(name, address))


LOCAL = {
    "dhcp": datagram((GATEWAY, 68), RESOLVER, dhcp(REQUEST, host_name(b"gw"), used=GATEWAY)),
    "netbios": datagram((GATEWAY, 137), RESOLVER, netbios_registration(b"GW", GATEWAY)),
    "mdns": datagram((GATEWAY, 5353), RESOLVER, announcement(("gw.local", GATEWAY))),
    "llmnr": datagram((GATEWAY, 5355), (DESK, 9), payloads.dns_answer(NAME, GATEWAY)),
}
"""Frames by which the gateway names itself, by kind of name; the best name first."""


@pytest.mark.parametrize("kind", LOCAL)
def test_names_of_local_protocols_are_shown(kind: str) -> None:
    """What a host calls itself is its name in the hosts table, with the source beside it."""
    name = named_hosts(judged(LOCAL[kind], web()))[GATEWAY]
    assert name == ({"mdns": "gw.local", "llmnr": NAME}.get(kind, "gw"), kind)


def test_names_of_local_protocols_prove_nothing() -> None:
    """A host that calls itself by a name of a rule is not taken for what has that name."""
    claims = dhcp(REQUEST, host_name(NAME.encode()), used=GATEWAY)
    result = judged(LOCAL["llmnr"], datagram((GATEWAY, 68), RESOLVER, claims), web())
    assert named_hosts(result)[GATEWAY] == (NAME, "dhcp")
    assert not result.having([Verdict.DOCUMENTED]).any()
    flows = flow_table(result, ["x"], Findings.none(result.hosts))
    assert flows.values("server_name")[:2] == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("frames", "named"),
    [
        ((answer(NAME), web()), ()),
        ((web(payload=payloads.tls_client_hello(NAME)),), ()),
        ((web(payload=payloads.http_request(NAME)),), ()),
        ((web(),), ((GATEWAY, NAME),)),
    ],
    ids=["dns", "sni", "http-host", "inventory"],
)
def test_names_that_count(frames: tuple[bytes, ...], named: tuple[tuple[str, str], ...]) -> None:
    """DNS answers, names in the flow itself and the site file make a row match."""
    result = judged(*frames, named=named)
    assert named_hosts(result)[GATEWAY][0] == NAME
    assert result.having([Verdict.DOCUMENTED]).any()


def test_answer_counts_from_its_arrival_on() -> None:
    """A DNS answer that comes after a flow has begun does not name that flow's server."""
    result = judged(web(port=50_000), answer(NAME), web(port=50_001))
    assert result.having([Verdict.DOCUMENTED]).tolist() == [False, False, True]


def test_latest_answer_is_shown() -> None:
    """Of the names that the client was given for an address the latest before the flow shows."""
    frames = []
    for port, name in enumerate(["a.example", "b.example", "a.example", "b.example"], 50_000):
        frames += [answer(name), web(port=port)]
    result = judged(*frames)
    flows = flow_table(result, ["x"], Findings.none(result.hosts)).frame
    shown = flows.loc[flows["server_ip"] == GATEWAY, "server_name"]
    assert shown.tolist() == ["a.example", "b.example", "a.example", "b.example"]
    assert named_hosts(result)[GATEWAY] == ("b.example", "dns")


def test_host_that_is_only_ever_a_client() -> None:
    """A client is named as a server is: by DNS, by itself, by the site file."""
    syn = segment((DESK, 50_000), (GATEWAY, 443), SYN)
    itself = netbios_registration(b"DESK-07", DESK)
    beside = datagram((DESK, 137), ("10.0.0.255", 137), itself)
    by_dns = datagram(RESOLVER, (GATEWAY, 9), payloads.dns_answer("desk.corp.example", DESK))
    assert DESK not in named_hosts(judged(syn))
    assert named_hosts(judged(syn, beside))[DESK] == ("desk-07", "netbios")
    assert named_hosts(judged(syn, beside, by_dns))[DESK] == ("desk.corp.example", "dns")


def test_better_kind_of_name_wins() -> None:
    """The site file beats DNS, DNS what clients asked for, that what the host calls itself."""
    frames = list(LOCAL.values())[::-1]
    for number, kind in enumerate(reversed(LOCAL)):
        assert named_hosts(judged(*frames[: number + 1]))[GATEWAY][1] == kind
    frames.append(web(payload=payloads.tls_client_hello("asked.example")))
    assert named_hosts(judged(*frames))[GATEWAY] == ("asked.example", "sni")
    frames.append(answer("a.example"))
    assert named_hosts(judged(*frames))[GATEWAY] == ("a.example", "dns")
    listed = ((GATEWAY, "listed.example"),)
    assert named_hosts(judged(*frames, named=listed))[GATEWAY] == ("listed.example", "inventory")


def test_first_of_the_names_that_flows_carry() -> None:
    """Of several names that clients asked one address for, the first is shown."""
    hellos = [payloads.tls_client_hello(name) for name in ("a.example", "b.example")]
    frames = [web(payload=hello, port=50_000 + n) for n, hello in enumerate(hellos)]
    assert named_hosts(judged(*frames))[GATEWAY] == ("a.example", "sni")
