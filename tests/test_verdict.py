"""The decision list, on the shipped catalog: one line of the list per test."""

from __future__ import annotations

import pytest

from auditor.catalog.load import load_catalog
from auditor.hosts import Party
from auditor.judge.rulebook import FlowKind, NameClass, RuleBook
from auditor.judge.verdict import Judge, Judgement
from auditor.records import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP
from auditor.site.model import Denial, Site

CATALOG = load_catalog()
PROTOCOLS = {
    "tcp": IPPROTO_TCP,
    "udp": IPPROTO_UDP,
    "icmp": IPPROTO_ICMP,
    "icmpv6": IPPROTO_ICMPV6,
}
PAPER = Site(packs=("paper",))


def judge(
    client: str,
    server: str,
    service: str,
    *,
    site: Site | None = PAPER,
    names: NameClass | None = None,
    same_machine: bool = False,
) -> Judgement:
    """Judge a flow between roles.

    `+` joins several, `@x` is a special kind, `` is nobody, `?` somebody listed without a role.
    """
    transport, _, port = service.partition("/")
    book = RuleBook(CATALOG, site)
    index = book.index
    interval = index.one(PROTOCOLS[transport], int(port or 0))
    kind = FlowKind(
        party(client),
        party(server),
        index.intervals.index(interval),
        names or NameClass(),
        same_machine,
    )
    return Judge(book).judge(kind)


def party(text: str) -> Party:
    """Read one end of a flow."""
    if text.startswith("@"):
        return Party(frozenset(), listed=False, special=text[1:])
    roles = frozenset(text.split("+")) - {"", "?"}
    return Party(roles, listed=bool(text), special="")


def covered(*patterns: str, own: bool = True) -> NameClass:
    """State that a name was seen which some patterns cover."""
    return NameClass(frozenset((p, False) for p in patterns), own=own, seen=True)


UNCOVERED = NameClass(own=True, seen=True)
FROM_DNS = NameClass(seen=True)


@pytest.mark.parametrize(
    ("client", "server", "service", "verdict", "rows"),
    [
        # documented, by role, by an implied role, by wildcard, towards the broadcast address
        ("vda", "ddc", "tcp/80", "documented", (244,)),
        ("storefront", "ddc", "tcp/443", "documented", (306,)),
        ("gateway", "domain-controller", "tcp/3269", "documented", (138,)),
        ("fas", "license-server", "tcp/27000", "documented", (192,)),
        ("wem-infra", "license-server", "tcp/27000", "documented", (192, 333)),
        ("pvs-target", "@broadcast", "udp/67", "documented", (278,)),
        ("adm", "adc", "icmp", "documented", (54,)),
        ("adm", "adc", "icmpv6", "documented", (54,)),
        # a wildcard means Citrix components, and not the license server itself
        ("sql-server", "license-server", "tcp/27000", "wrong-roles", (192, 333)),
        ("license-server", "license-server", "tcp/27000", "wrong-roles", (192, 333)),
        # random and dynamic ports match only the very roles
        ("storefront", "storefront", "tcp/50001", "documented", (304,)),
        ("storefront", "storefront", "tcp/445", "wrong-roles", (171,)),
        ("storefront", "storefront", "tcp/808", "documented", (305,)),
        ("storefront", "storefront", "tcp/93", "documented", (317,)),
        ("director", "vda", "tcp/50123", "undocumented", ()),
        # nothing matches row 212
        ("sdwan-wanop", "sdwan-wanop", "tcp/8080", "wrong-roles", (142,)),
        # sections that only link elsewhere
        ("app-layering", "hypervisor", "tcp/443", "not-covered", (254,)),
        ("user-device", "xenmobile", "tcp/8443", "not-covered", (130,)),
        # the other way round, the other transport, other roles, no row at all
        ("sql-server", "ddc", "tcp/1433", "wrong-direction", (229,)),
        ("gateway", "radius-server", "tcp/1812", "wrong-transport", (141,)),
        ("vda", "sql-server", "tcp/1433", "wrong-roles", (229, 276, 332)),
        ("vda", "sql-server", "tcp/4444", "undocumented", ()),
        # an endpoint without role
        ("", "sql-server", "tcp/1433", "unknown-role", (229, 276, 332)),
        ("ddc", "", "tcp/1433", "unknown-role", (229,)),
        ("user-device", "", "tcp/1433", "wrong-roles", (229, 276, 332)),
        ("", "ddc", "tcp/4444", "undocumented", ()),
        # a server outside whose name was not seen
        ("cloud-connector", "", "tcp/80", "needs-hostname", (81,)),
        ("cloud-connector", "", "tcp/443", "needs-hostname", (73, 82, 83, 84)),
        # the cloud side opens nothing towards a Connector
        ("citrix-cloud", "cloud-connector", "tcp/443", "prohibited", (73,)),
        ("wem-service", "cloud-connector", "tcp/4444", "prohibited", (73,)),
        # the range of row 247 is for the very roles written, and is cited beside a better row
        ("pvs-console", "vda", "tcp/50123", "undocumented", ()),
        ("admin-workstation", "vda+wem-agent", "tcp/49752", "documented", (247,)),
        ("admin-workstation+wem-infra", "vda+wem-agent", "tcp/49752", "documented", (247, 326)),
        # a listener for the local host alone
        ("user-device", "vda", "tcp/9001", "local-only", (248,)),
    ],
)
def test_verdict_and_rows_follow_from_roles_and_service(
    client: str, server: str, service: str, verdict: str, rows: tuple[int, ...]
) -> None:
    """Each line of the decision list decides where it should, and cites the paper's lines."""
    judgement = judge(client, server, service)
    assert judgement.verdict == verdict
    assert set(rows) <= set(judgement.rows)
    if verdict != "wrong-roles":
        assert judgement.rows in (rows, tuple(sorted({*rows, 248})))


def test_neither_end_listed_is_out_of_scope_only_with_a_site_file() -> None:
    """Without a site file every flow is in scope."""
    assert judge("", "", "tcp/1494").verdict == "out-of-scope"
    assert judge("", "", "tcp/1494", site=None).verdict == "unknown-role"


def test_loopback_row_is_in_scope_without_being_listed() -> None:
    """No site file lists 127.0.0.1; only the row that is about it brings it into scope."""
    assert judge("@loopback", "@loopback", "tcp/9001").rows == (248,)
    assert judge("@loopback", "@loopback", "tcp/9002").verdict == "out-of-scope"


def test_site_denial_comes_before_what_is_documented() -> None:
    """A `deny` of the site file prohibits even documented traffic, for implied roles too."""
    site = Site(packs=("paper",), denials=(Denial("user-device", "storefront"),))
    judgement = judge("gateway-plugin", "storefront", "tcp/443", site=site)
    assert judgement.verdict == "prohibited"
    assert judgement.rule_ids == ("deny:user-device->storefront",)


def test_name_confirms_or_refutes_a_row_that_goes_by_name() -> None:
    """A covering name documents the flow; a name that no row covers makes it undocumented."""
    right = judge("cloud-connector", "", "tcp/80", names=covered("*.digicert.com"))
    assert (right.verdict, right.rows) == ("documented", (81,))
    assert "hostname-confirmed" in right.caveats
    assert judge("cloud-connector", "", "tcp/80", names=UNCOVERED).verdict == "undocumented"
    assert judge("cloud-connector", "", "tcp/80", names=FROM_DNS).verdict == "undocumented"


@pytest.mark.parametrize(
    ("client", "server", "service", "names", "verdict"),
    [
        # rows that go by name are refuted by any name that they do not cover
        ("vda", "", "tcp/443", FROM_DNS, "undocumented"),
        ("cloud-connector", "", "tcp/443", FROM_DNS, "undocumented"),
        # where no row goes by name, a name from DNS says nothing of the role
        ("ddc", "", "tcp/1433", FROM_DNS, "unknown-role"),
        ("ddc", "", "tcp/1433", UNCOVERED, "undocumented"),
        # a host that the site file names without a role may be anything
        ("cloud-connector", "?", "tcp/443", FROM_DNS, "unknown-role"),
        ("cloud-connector", "?", "tcp/443", NameClass(), "unknown-role"),
        # of a client without a role nobody knows which rows are its own
        ("?", "", "tcp/443", UNCOVERED, "unknown-role"),
    ],
)
def test_name_refutes_what_goes_by_name(
    client: str, server: str, service: str, names: NameClass, verdict: str
) -> None:
    """A name is held against rows that go by name, for a server that is otherwise unknown."""
    assert judge(client, server, service, names=names).verdict == verdict


def test_name_in_a_vendors_rule_is_covered_by_no_row() -> None:
    """Another page's pattern, for another client, leaves the server as unknown to the paper."""
    names = covered("*.xendesktop.net")
    site = Site(packs=("paper", "vendor"))
    assert judge("user-device", "", "tcp/443", site=site, names=names).verdict == "undocumented"
    assert judge("vda", "", "tcp/443", site=site, names=names).verdict == "documented-elsewhere"


def test_role_by_name_belongs_to_the_server_alone() -> None:
    """With ends exchanged, what the names say of the server goes with it."""
    controller = NameClass(roles=frozenset({"ddc"}), own=True, seen=True)
    turned = judge("sql-server", "", "tcp/1433", names=controller)
    assert (turned.verdict, turned.rows) == ("wrong-direction", (229,))
    plain = judge("sql-server", "vda", "tcp/1433", names=controller)
    assert plain.rows == (229,)
    link = NameClass(roles=frozenset({"app-layering"}), own=True, seen=True)
    assert judge("vda", "", "tcp/8443", names=link).rows == (254,)


def test_name_of_another_rows_server_tells_its_role() -> None:
    """A host that goes by a known name is near that row for a client which has none."""
    judgement = judge("storefront", "", "tcp/80", names=covered("*.digicert.com"))
    assert judgement.verdict == "wrong-roles"
    assert 81 in judgement.rows


def test_supporting_name_is_cited_but_does_not_document() -> None:
    """A name two labels deep supports a one-label pattern without proving it."""
    deep = NameClass(supported=frozenset({("*.digicert.com", False)}), own=True, seen=True)
    judgement = judge("cloud-connector", "", "tcp/80", names=deep)
    assert (judgement.verdict, judgement.rows) == ("undocumented", (81,))


def test_loopback_row_matches_on_the_host_itself() -> None:
    """Row 248 matches towards loopback, and nowhere else."""
    assert judge("", "@loopback", "tcp/9001", site=None).rows == (248,)
    assert judge("vda", "vda", "tcp/9001", same_machine=True).verdict == "documented"
    assert judge("ddc", "ddc", "tcp/9001", same_machine=True).verdict == "wrong-roles"


def test_host_is_no_peer_of_itself() -> None:
    """A row between peers of one role does not match a host that talks to itself."""
    assert judge("ddc", "ddc", "tcp/9095").verdict == "documented"
    assert judge("ddc", "ddc", "tcp/9095", same_machine=True).verdict == "wrong-roles"


def test_caveat_stands_only_if_every_cited_row_carries_it() -> None:
    """Where a row without the doubt matches too, the doubt falls."""
    assert "wildcard" in judge("fas", "license-server", "tcp/7279").caveats
    assert "wildcard" not in judge("wem-infra", "license-server", "tcp/7279").caveats
    console = judge("admin-workstation", "ddc", "tcp/80")
    assert console.rows == (246, 285)
    assert "insecure-alternative" not in console.caveats
    assert "via-implied-role" in judge("gateway", "domain-controller", "tcp/636").caveats
    assert "broadcast" in judge("pvs-target", "@broadcast", "udp/4011").caveats
