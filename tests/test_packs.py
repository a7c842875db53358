"""The packs beside the paper: what they cover, what they must never cover, how a site chooses."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from auditor.catalog.load import load_catalog
from auditor.catalog.model import ANY_HOST, PACKS, Rule, Service
from auditor.hosts import Party
from auditor.judge.rulebook import FlowKind, NameClass, RuleBook
from auditor.judge.verdict import Judge, Judgement
from auditor.records import TRANSPORT_NAMES
from auditor.site.model import Site

CATALOG = load_catalog()
VENDOR = [rule for rule in CATALOG.rules if rule.pack == "vendor"]
AMBIENT = [rule for rule in CATALOG.rules if rule.pack == "ambient"]
PAPER = [rule for rule in CATALOG.rules if rule.pack == "paper" and rule.matches]
MANUAL = Path(__file__).resolve().parents[1] / "docs" / "packs.md"

PUBLISHERS = {
    "vendor": {"docs.citrix.com", "docs.netscaler.com"},
    "ambient": {"learn.microsoft.com", "support.microsoft.com", "www.rfc-editor.org"},
}

OVERLAPS = {
    "icmp": "pings of ADM and WANOP; ambient only towards domain controllers",
    "tcp/53": "name resolution of ADC, Gateway and hypervisor",
    "udp/53": "as tcp/53",
    "udp/67": "address of a PVS target",
    "tcp/88": "StoreFront's Kerberos; ambient only towards domain controllers",
    "udp/88": "as tcp/88",
    "udp/123": "time of ADM and hypervisor",
    "tcp/135": "FAS, certificate authority, Director; ambient only towards domain controllers",
    "tcp/139": "ISO store of the hypervisor; ambient only where files are served",
    "tcp/389": "directory look-ups; ambient only towards domain controllers",
    "udp/389": "as tcp/389",
    "tcp/445": "ISO store of the hypervisor; ambient only where files are served",
    "tcp/464": "StoreFront's password change; ambient only towards domain controllers",
    "udp/464": "as tcp/464",
    "tcp/636": "directory look-ups over TLS; ambient only towards domain controllers",
    "tcp/3268": "global catalog; ambient only towards domain controllers",
    "tcp/3269": "as tcp/3268",
    "tcp/3389": "Director, XenCenter; ambient only from an admin workstation",
}
"""Services that the paper documents and that the ambient pack covers too, and why it may."""

CHATTER = {
    "icmpv6", "tcp/53", "tcp/8530", "tcp/8531", "udp/53", "udp/67", "udp/123", "udp/137",
    "udp/138", "udp/547", "udp/1900", "udp/3702", "udp/5353", "udp/5355",
}  # fmt: skip
"""All that is ambient between any two hosts."""


def judge(
    client: str,
    server: str,
    service: str,
    *,
    packs: tuple[str, ...] = PACKS,
    names: NameClass | None = None,
) -> Judgement:
    """Judge a flow between hosts of these roles (`` = a host of the site's networks, no role)."""
    transport, _, port = service.partition("/")
    number = next(number for number, name in TRANSPORT_NAMES.items() if name == transport)
    book = RuleBook(CATALOG, Site(packs=packs))
    interval = book.index.intervals.index(book.index.one(number, int(port or 0)))
    kind = FlowKind(host(client), host(server), interval, names or NameClass(), same_machine=False)
    return Judge(book).judge(kind)


def host(role: str) -> Party:
    """Make one end of a flow; `@multicast` and `@broadcast` are addresses of that kind."""
    if role.startswith("@"):
        return Party(frozenset(), listed=False, special=role[1:])
    return Party(frozenset({role} - {""}), listed=True, special="")


def seen(pattern: str, *, any_depth: bool = False) -> NameClass:
    """State that the flow carried a name which a pattern covers."""
    return NameClass(covered=frozenset({(pattern, any_depth)}), own=True, seen=True)


def covers(rule: Rule, service: Service) -> bool:
    """Say whether a rule has a whole service among its own."""
    return any(
        own.transport == service.transport
        and (own.low or 0) <= (service.low or 0)
        and (service.high or 0) <= (own.high or 0)
        for own in rule.services
    )


@pytest.mark.parametrize("rule", VENDOR + AMBIENT, ids=lambda rule: rule.id)
def test_every_rule_names_its_source_its_part_and_its_purpose(rule: Rule) -> None:
    """A rule cites a page of its pack's publishers, belongs to a part, and says what it is for."""
    page = urlsplit(rule.page)
    assert (page.scheme, page.query) == ("https", "")
    assert page.hostname in PUBLISHERS[rule.pack]
    assert rule.part
    assert rule.purpose
    assert rule.id.startswith(f"{rule.pack}-")


def test_manual_lists_every_rule_with_its_part_and_page() -> None:
    """docs/packs.md has one table line per rule, with the very page that the rule cites."""
    lines = MANUAL.read_text(encoding="utf-8").splitlines()
    for rule in VENDOR + AMBIENT:
        (line,) = [line for line in lines if line.startswith(f"| `{rule.id}` |")]
        assert f"| {rule.part} |" in line
        assert f"| {', '.join(map(str, rule.services))} |" in line
        (link,) = [line for line in lines if line.endswith(f"]: {rule.page}")]
        assert line.endswith(f"| {link.split(':')[0]} |")


def test_no_part_has_one_name_in_two_packs() -> None:
    """`vendor/x` and `ambient/x` never mean different things by x."""
    assert not {rule.part for rule in VENDOR} & {rule.part for rule in AMBIENT}


def test_ambient_covers_documented_services_only_where_a_reason_is_given() -> None:
    """What the paper documents is Citrix traffic, unless Windows is known to use the same port."""
    plain = [rule for rule in AMBIENT if not rule.weak]
    documented = {service for rule in PAPER if not rule.weak for service in rule.services}
    overlapping = {
        str(service) for service in documented if any(covers(rule, service) for rule in plain)
    }
    assert overlapping == set(OVERLAPS)


def test_half_the_port_space_is_ambient_towards_domain_controllers_alone() -> None:
    """The dynamic range is marked weak and ends at domain controllers."""
    wide = [r for r in AMBIENT if any((s.high or 0) - (s.low or 0) > 1 for s in r.services)]
    assert [(rule.id, rule.weak) for rule in wide] == [("ambient-rpc-dynamic", True)]
    assert wide[0].destinations == ("domain-controller",)


def test_only_chatter_is_ambient_between_any_two_hosts() -> None:
    """Everything else needs a role at one end at least."""
    found = {
        str(service)
        for rule in AMBIENT
        if (rule.sources, rule.destinations) == ((ANY_HOST,), (ANY_HOST,))
        for service in rule.services
    }
    assert found == CHATTER


def test_no_citrix_host_is_the_named_end_of_an_ambient_rule() -> None:
    """What Citrix components serve is for Citrix documents to say."""
    for rule in AMBIENT:
        for role in {*rule.sources, *rule.destinations} - {ANY_HOST, "admin-workstation"}:
            assert not CATALOG.roles[role].is_citrix


def test_vendor_rules_start_at_named_roles() -> None:
    """No page of a product speaks for hosts that are not of it; only STUN servers have no role."""
    assert not [rule.id for rule in VENDOR if ANY_HOST in rule.sources]
    open_end = [rule.id for rule in VENDOR if ANY_HOST in rule.destinations]
    assert open_end == ["vendor-hdx-direct-stun"]


@pytest.mark.parametrize(
    ("client", "server", "service", "strict"),
    [
        ("user-device", "gateway", "tcp/443", "wrong-roles"),
        ("gateway-plugin", "gateway", "udp/443", "wrong-roles"),
        ("user-device", "vda", "udp/443", "wrong-transport"),
        ("vda", "", "udp/3478", "undocumented"),
        ("user-device", "", "udp/19302", "undocumented"),
        ("vda", "ddc", "tcp/443", "wrong-roles"),
        ("vda", "cvad-service", "tcp/443", "wrong-roles"),
        ("vda", "cloud-connector", "tcp/80", "wrong-roles"),
        ("vda", "cloud-connector", "tcp/443", "wrong-roles"),
        ("cloud-connector", "vda", "tcp/80", "wrong-roles"),
        ("cloud-connector", "vda", "tcp/1494", "wrong-roles"),
        ("cloud-connector", "vda", "tcp/2598", "wrong-roles"),
        ("cloud-connector", "cloud-connector", "tcp/80", "wrong-roles"),
        ("cloud-connector", "domain-controller", "tcp/389", "wrong-roles"),
        ("cloud-connector", "dns-server", "udp/53", "wrong-roles"),
        ("vda", "session-recording-server", "tcp/1801", "undocumented"),
        ("session-recording-server", "citrix-cloud", "tcp/9092", "undocumented"),
        ("user-device", "citrix-cloud", "tcp/9191", "undocumented"),
    ],
)
def test_known_gaps_of_the_paper_are_documented_elsewhere(
    client: str, server: str, service: str, strict: str
) -> None:
    """A flow that only another Citrix page has is told from one that none has."""
    judgement = judge(client, server, service)
    assert judgement.verdict == "documented-elsewhere"
    assert {rule.pack for rule in judgement.rules} == {"vendor"}
    assert judgement.rows == ()
    assert judge(client, server, service, packs=("paper",)).verdict == strict


@pytest.mark.parametrize(
    ("client", "name", "service"),
    [
        ("vda", seen("*.xendesktop.net"), "tcp/443"),
        ("user-device", seen("gacs-config.cloud.com"), "tcp/443"),
        ("session-recording-server", seen("*.servicebus.windows.net"), "tcp/443"),
    ],
)
def test_cloud_services_are_known_by_their_names(
    client: str, name: NameClass, service: str
) -> None:
    """A server that the site file does not list is recognised by the name that the flow carried."""
    judgement = judge(client, "", service, names=name)
    assert judgement.verdict == "documented-elsewhere"
    assert judgement.caveats == ("hostname-confirmed",)


@pytest.mark.parametrize(
    ("client", "server", "service", "packs"),
    [
        ("vda", "gateway-service", "udp/443", ("vendor/rendezvous-v2",)),
        ("license-server", "citrix-cloud", "tcp/443", ("vendor/licensing",)),
        ("user-device", "vda", "tcp/8008", ("vendor/linux-vda",)),
        ("ddc", "vda", "tcp/80", ("vendor/linux-vda",)),
    ],
)
def test_paper_goes_before_a_page_that_says_the_same(
    client: str, server: str, service: str, packs: tuple[str, ...]
) -> None:
    """A flow that both have is documented; the page speaks where the paper was left out."""
    assert judge(client, server, service).verdict == "documented"
    assert judge(client, server, service, packs=packs).verdict == "documented-elsewhere"


@pytest.mark.parametrize(
    ("client", "server", "service"),
    [
        ("vda", "domain-controller", "tcp/88"),
        ("ddc", "domain-controller", "udp/88"),
        ("user-device", "domain-controller", "tcp/464"),
        ("director", "domain-controller", "tcp/389"),
        ("pvs", "domain-controller", "udp/389"),
        ("storefront", "domain-controller", "tcp/636"),
        ("wem-agent", "domain-controller", "tcp/3268"),
        ("vda", "domain-controller", "icmp"),
        ("vda", "domain-controller", "tcp/135"),
        ("vda", "domain-controller", "tcp/49668"),
        ("domain-controller", "domain-controller", "tcp/49152"),
        ("vda", "domain-controller", "tcp/445"),
        ("vda", "file-server", "tcp/445"),
        ("", "domain-controller", "tcp/445"),
        ("admin-workstation", "domain-controller", "tcp/9389"),
        ("vda", "domain-controller", "udp/500"),
        ("domain-controller", "vda", "esp"),
        ("vda", "dns-server", "udp/53"),
        ("vda", "domain-controller", "tcp/53"),
        ("vda", "", "udp/53"),
        ("domain-controller", "ntp-server", "udp/123"),
        ("vda", "domain-controller", "udp/123"),
        ("vda", "@broadcast", "udp/67"),
        ("vda", "@multicast", "udp/547"),
        ("vda", "@broadcast", "udp/137"),
        ("vda", "@broadcast", "udp/138"),
        ("vda", "@multicast", "udp/5355"),
        ("vda", "@multicast", "udp/5353"),
        ("vda", "@multicast", "udp/1900"),
        ("vda", "@multicast", "udp/3702"),
        ("vda", "@multicast", "icmpv6"),
        ("vda", "", "icmpv6"),
        ("vda", "", "tcp/8530"),
        ("admin-workstation", "ddc", "tcp/3389"),
        ("admin-workstation", "storefront", "tcp/5985"),
    ],
)
def test_ordinary_traffic_of_a_windows_domain_is_ambient(
    client: str, server: str, service: str
) -> None:
    """What members of a domain say to its servers and to the link is told from the unknown."""
    judgement = judge(client, server, service)
    assert judgement.verdict == "ambient"
    assert {rule.pack for rule in judgement.rules} == {"ambient"}


@pytest.mark.parametrize(
    ("client", "server", "service", "verdict"),
    [
        ("storefront", "domain-controller", "tcp/88", "documented"),
        ("fas", "domain-controller", "udp/389", "documented"),
        ("pvs-target", "@broadcast", "udp/67", "documented"),
        ("adc", "dns-server", "udp/53", "documented"),
        ("admin-workstation", "vda", "tcp/3389", "documented"),
        ("hypervisor", "file-server", "tcp/445", "documented"),
        ("cloud-connector", "domain-controller", "tcp/88", "documented-elsewhere"),
    ],
)
def test_citrix_documents_go_before_the_ambient_pack(
    client: str, server: str, service: str, verdict: str
) -> None:
    """A flow that a Citrix document has is never called ambient."""
    assert judge(client, server, service).verdict == verdict


@pytest.mark.parametrize(
    ("client", "server", "service", "verdict"),
    [
        # files, desktops and shells between hosts that are no servers of them
        ("vda", "vda", "tcp/445", "wrong-roles"),
        ("vda", "vda", "tcp/139", "wrong-roles"),
        ("user-device", "vda", "tcp/445", "wrong-roles"),
        ("domain-controller", "vda", "tcp/445", "wrong-roles"),
        ("user-device", "vda", "tcp/3389", "wrong-roles"),
        ("vda", "ddc", "tcp/3389", "wrong-roles"),
        ("vda", "domain-controller", "tcp/3389", "wrong-roles"),
        ("user-device", "ddc", "tcp/5985", "undocumented"),
        # directory services of hosts that are no domain controllers
        ("vda", "vda", "tcp/88", "wrong-roles"),
        ("vda", "ldap-server", "tcp/389", "wrong-roles"),
        ("vda", "ddc", "tcp/135", "wrong-roles"),
        ("vda", "ddc", "tcp/49668", "undocumented"),
        ("fas", "ms-ca", "tcp/49668", "undocumented"),
        ("vda", "vda", "tcp/9389", "undocumented"),
        ("vda", "ddc", "esp", "undocumented"),
        ("vda", "ddc", "icmp", "wrong-roles"),
        # databases, queues, boot services
        ("vda", "sql-server", "tcp/1433", "wrong-roles"),
        ("director", "sql-server", "tcp/1433", "wrong-roles"),
        ("vda", "sql-server", "udp/1434", "wrong-roles"),
        ("user-device", "session-recording-server", "tcp/1801", "undocumented"),
        ("vda", "tftp-server", "udp/69", "wrong-roles"),
        ("pvs-target", "pxe-service", "udp/4011", "wrong-roles"),
        # gaps of the paper for which no page was found
        ("director", "ddc", "tcp/80", "wrong-roles"),
        ("cloud-connector", "hypervisor", "tcp/443", "wrong-roles"),
        # a page is about its own ends, and about its own direction
        ("user-device", "cloud-connector", "tcp/80", "wrong-roles"),
        ("vda", "cloud-connector", "tcp/2598", "wrong-roles"),
        ("gateway", "user-device", "tcp/443", "wrong-roles"),
        ("session-recording-server", "vda", "tcp/1801", "undocumented"),
        ("ddc", "", "udp/3478", "undocumented"),
        ("citrix-cloud", "cloud-connector", "tcp/443", "prohibited"),
    ],
)
def test_packs_hide_nothing_that_deserves_a_look(
    client: str, server: str, service: str, verdict: str
) -> None:
    """With every pack on, traffic that no document covers between these ends stays a finding."""
    assert judge(client, server, service).verdict == verdict


@pytest.mark.parametrize(
    ("packs", "gateway", "direct", "dns", "netbios"),
    [
        (("paper",), "wrong-roles", "wrong-transport", "wrong-roles", "undocumented"),
        (
            ("paper", "vendor/hdx-direct", "ambient/netbios"),
            "wrong-roles", "documented-elsewhere", "wrong-roles", "ambient",
        ),
        (
            ("paper", "vendor", "ambient/dns"),
            "documented-elsewhere", "documented-elsewhere", "ambient", "undocumented",
        ),
        (PACKS, "documented-elsewhere", "documented-elsewhere", "ambient", "ambient"),
    ],
)  # fmt: skip
def test_site_chooses_packs_and_parts(
    packs: tuple[str, ...], gateway: str, direct: str, dns: str, netbios: str
) -> None:
    """A pack can be named whole, or some of its parts alone."""
    assert judge("user-device", "gateway", "tcp/443", packs=packs).verdict == gateway
    assert judge("user-device", "vda", "udp/443", packs=packs).verdict == direct
    assert judge("vda", "dns-server", "udp/53", packs=packs).verdict == dns
    assert judge("vda", "@broadcast", "udp/137", packs=packs).verdict == netbios
