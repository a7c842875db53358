"""Invented reports: an empty one, a realistic one, and one whose names attack the reader."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.judge.vocabulary import Remark
from auditor.report.layouts import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS, SESSIONS
from auditor.report.model import AuditInfo, CaptureInfo, FlowReport, Report
from auditor.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.report.layouts import Kind, Layout

START_NS = 1_769_853_600_123_456_789
"""2026-01-31 10:00:00.123456789 UTC."""

SECOND_NS = 1_000_000_000

AUDIT = AuditInfo(
    version="0.1.0",
    edition="citrix-adc",
    catalog_digest="9f2c" * 16,
    sources=("branch-office.pcapng",),
    started_ns=START_NS,
    finished_ns=START_NS + 412_000_000,
    hosts_file="branch-office.hosts.yaml",
    stage_s={"rules": 0.061, "read": 0.214, "judge": 0.037},
)

NO_FRAMES = dict.fromkeys(
    (
        "ok",
        "truncated",
        "not-ip",
        "fragment",
        "unsupported",
        "malformed",
        "icmp-error",
        "duplicate",
    ),
    0,
)

CAPTURE = CaptureInfo(
    files=("branch-office.pcapng",),
    frames=2318,
    bytes=1_942_133,
    first_ns=START_NS,
    last_ns=START_NS + 723 * SECOND_NS,
    frames_by_status=NO_FRAMES | {"ok": 2290, "not-ip": 21, "icmp-error": 7},
)

HOSTILE = "=cmd|'/c calc'!A1\x1b[2J\u202e<script>alert(1)</script>|[x](http://evil.example)\r\n@all"

_DEFAULTS: Mapping[Kind, object] = {
    "text": None,
    "count": 0,
    "number": None,
    "port": None,
    "id": None,
    "flag": False,
    "time": None,
    "list": [],
}


def table(layout: Layout, *rows: Mapping[str, object]) -> Table:
    """Build a table from rows that name only what matters."""
    return Table.of(
        layout,
        {name: [row.get(name, _DEFAULTS[kind]) for row in rows] for name, kind in layout.items()},
    )


def tables(
    flows: Table,
    findings: Table,
    coverage: Table | None = None,
    hosts: Table | None = None,
    sessions: Table | None = None,
) -> dict[str, Table]:
    """Name the tables of a report; those that are left out are empty."""
    return {
        "findings": findings,
        "flows": flows,
        "coverage": coverage or Table.empty(COVERAGE),
        "hosts": hosts or Table.empty(HOSTS),
        "sessions": sessions or Table.empty(SESSIONS),
    }


def flow(number: int, **given: object) -> dict[str, object]:
    """Describe an unremarkable flow, but for what is given."""
    begin = START_NS + number * SECOND_NS
    return {
        "flow_id": number,
        "capture": "branch-office.pcapng",
        "first_seen": begin,
        "last_seen": begin + 2 * SECOND_NS,
        "duration_s": 2.0,
        "transport": "tcp",
        "client_ip": "10.1.7.11",
        "client_port": 49_000 + number,
        "server_ip": "10.0.0.10",
        "server_port": 80,
        "client_name": "vda01",
        "server_name": "ddc1",
        "client_roles": ["vda"],
        "server_roles": ["ddc", "sta"],
        "packets_out": 7,
        "packets_in": 6,
        "bytes_out": 1200,
        "bytes_in": 3400,
        "outcome": "established",
        "application": "http",
        "verification": "verified",
        "verdict": "documented",
        "rows": [244],
        "rule_ids": ["cvad-registration"],
        "first_frame": 10 * number,
    } | given


def finding(name: str, kind: str, severity: str, **given: object) -> dict[str, object]:
    """Describe a finding with one flow, but for what is given."""
    return {
        "finding_id": name,
        "kind": kind,
        "severity": severity,
        "title": f"{kind}: vda01 -> ddc1 tcp/80",
        "client": "vda01",
        "client_roles": ["vda"],
        "server": "ddc1",
        "server_roles": ["ddc"],
        "transport": "tcp",
        "port": 80,
        "flows": 1,
        "packets": 13,
        "bytes": 4600,
        "first_seen": START_NS,
        "last_seen": START_NS + SECOND_NS,
        "rows": [244],
        "rule_ids": ["cvad-registration"],
        "reason": "a reason",
        "advice": "Some advice.",
        "evidence": ["branch-office.pcapng:10"],
    } | given


def session(client: str, server: str, remark: Remark, **given: object) -> dict[str, object]:
    """Describe the sessions between two hosts, over TCP but for what is given."""
    return {
        "client": client,
        "server": server,
        "path": "direct",
        "remark": remark.value,
        "tcp": "established",
        "flows": 1,
        "bytes": 48_000,
        "first_seen": START_NS,
        "last_seen": START_NS + SECOND_NS,
        "rows": [239],
        "rule_ids": ["workspace-cgp"],
        "flow_ids": [1],
    } | given


def empty_report() -> Report:
    """Make the report of a capture that has a header and no frames."""
    return Report(
        tables(Table.empty(FLOWS), Table.empty(FINDINGS)),
        capture=CaptureInfo(files=("empty.pcap",), frames_by_status=NO_FRAMES),
        audit=replace(AUDIT, sources=("empty.pcap",), hosts_file=None),
    )


def small_report(*findings: Mapping[str, object], flows: Sequence[int] = (1,)) -> Report:
    """Make a report of three flows, and of findings that rest on the given ones of them."""
    return Report(
        tables(
            table(
                FLOWS,
                flow(1),
                flow(2, server_port=443, verdict="wrong-roles", bytes_out=100, bytes_in=0),
                flow(3, transport="icmp", client_port=None, server_port=None, outcome="answered"),
            ),
            table(FINDINGS, *findings),
        ),
        capture=CAPTURE,
        audit=AUDIT,
        finding_flows={
            str(found["finding_id"]): () if found["kind"] == "missing" else tuple(flows)
            for found in findings
        },
    )


def flow_report(*flows: Mapping[str, object]) -> FlowReport:
    """Make the report of `auditor flows`."""
    rows = flows or (flow(1), flow(2, client_ip="2001:db8::7:11", outcome="refused"))
    facts = [{name: row.get(name) for name in FLOW_FACTS} | {"vlan": []} for row in rows]
    return FlowReport(
        {"flows": table(FLOW_FACTS, *facts)}, CAPTURE, replace(AUDIT, hosts_file=None)
    )


def hostile_report() -> Report:
    """Make a report in which every text that comes from outside attacks its reader."""
    names = {"client_name": HOSTILE, "server_name": HOSTILE, "capture": HOSTILE}
    return Report(
        tables(
            table(FLOWS, flow(1, **names, application=HOSTILE, tunnel=HOSTILE)),
            table(
                FINDINGS,
                finding(
                    "f1",
                    "unexpected",
                    "high",
                    title=f"not documented: {HOSTILE} -> {HOSTILE}",
                    client=HOSTILE,
                    server=HOSTILE,
                    reason=HOSTILE,
                    advice=f"Allow {HOSTILE}",
                    evidence=[f"{HOSTILE}:10", "a;b"],
                ),
            ),
            table(
                COVERAGE,
                {
                    "group": HOSTILE,
                    "status": "unobservable",
                    "why": HOSTILE,
                    "transport": "tcp",
                    "source_roles": [HOSTILE],
                    "destination_roles": ["ddc"],
                    "ports": [80],
                },
            ),
            table(
                HOSTS,
                {"address": "10.1.7.11", "name": HOSTILE, "roles": [HOSTILE], "confidence": 0.7}
                | {"roles_source": "inferred"},
            ),
            table(
                SESSIONS,
                session(
                    HOSTILE,
                    HOSTILE,
                    Remark.FELL_BACK,
                    path=HOSTILE,
                    notes=[HOSTILE],
                    rule_ids=[HOSTILE],
                ),
                session(HOSTILE, HOSTILE, Remark.TCP_ONLY),
            ),
        ),
        capture=replace(
            CAPTURE,
            files=(HOSTILE,),
            warnings=(f"{HOSTILE}: record 7",),
            unreadable=(f"{HOSTILE}: no capture",),
        ),
        audit=replace(AUDIT, sources=(HOSTILE,), hosts_file=HOSTILE),
        finding_flows={"f1": (1,)},
    )


def rich_report() -> Report:
    """Make the report of a branch office with a dozen findings among 150 flows."""
    flows, links = _rich_flows()
    return Report(
        tables(
            table(FLOWS, *flows),
            table(FINDINGS, *_RICH_FINDINGS),
            table(COVERAGE, *_rich_coverage()),
            table(HOSTS, *_rich_hosts()),
            table(SESSIONS, *_RICH_SESSIONS),
        ),
        capture=CAPTURE,
        audit=AUDIT,
        finding_flows=links,
    )


_RICH_SESSIONS = (
    *(session(f"pc{number:02}", "vda02", Remark.TCP_ONLY) for number in range(1, 6)),
    session("pc07", "vda02", Remark.UDP_ONLY, udp="answered", tcp=None),
    session("pc08", "vda07", Remark.EDT, udp="answered"),
    session("pc06", "vda06", Remark.FELL_BACK, udp="unanswered"),
    session("gw1", "vda07", Remark.EDT, udp="answered", path="gateway", notes=["odd here"]),
)

_RICH_FINDINGS = (
    finding(
        "blocked-vda07",
        "blocked",
        "high",
        title="blocked: vda07 -> ddc1 tcp/80",
        client="vda07",
        flows=12,
        bytes=12 * 198,
        reason="unanswered, never let through: registration with a controller",
        advice="Allow 10.1.7.17 -> 10.0.0.10 tcp/80 on the way between them, or start the service; "
        "others of the role show whether it listens.",
    ),
    finding(
        "sql",
        "unexpected",
        "high",
        title="not documented between these roles: vda02 -> sql1 tcp/1433",
        client="vda02",
        server="sql1",
        port=1433,
        flows=3,
        bytes=1_203_311,
        rows=[229, 276, 332, 334],
        reason="vda -> sql-server has no row; tcp/1433 is for ddc -> sql-server (l.229), "
        "pvs-server -> sql-server (l.276), wem-server -> sql-server (l.332)",
        advice="If an end holds a role that the site file does not give it, add the role; else "
        "close the port between the two.",
    ),
    finding(
        "ica-http",
        "contradicted",
        "high",
        title="wrong protocol: laptop-4431.branch.corp.example -> vda03.branch.corp.example "
        "tcp/1494 speaks HTTP",
        client="laptop-4431.branch.corp.example",
        server="vda03.branch.corp.example",
        port=1494,
        bytes=48_211,
        rows=[240],
        reason="ICA was expected; the first bytes are an HTTP request",
        advice="Find out what listens there.",
    ),
    finding(
        "pvs",
        "unexpected",
        "medium",
        title="wrong direction: pvs1 -> target05 udp/6911",
        client="pvs1",
        server="target05",
        transport="udp",
        port=6911,
        flows=2,
        bytes=77_120,
        rows=[281],
        reason="documented the other way round: pvs-target -> pvs-server (l.281)",
        advice="See which side opened it: a firewall rule written the wrong way round, or roles "
        "swapped in the site file.",
    ),
    finding(
        "insecure",
        "insecure",
        "medium",
        title="insecure: director1 -> storefront1 tcp/80",
        client="director1",
        server="storefront1",
        flows=9,
        bytes=338_000,
        rows=[238, 300],
        reason="the paper offers tcp/443 for the same purpose",
        advice="Move the client to tcp/443.",
    ),
    finding(
        "silent",
        "missing",
        "medium",
        title="silent: vda07 -> ddc tcp/80",
        client="vda07",
        server="ddc",
        flows=0,
        reason="registration with a controller: its attempts failed, though other hosts of the "
        "role vda do",
        advice="If this site needs it, look at the sender's configuration and the way between; if "
        "not, nothing is wrong.",
    ),
    finding(
        "license",
        "missing",
        "medium",
        title="expected, not seen: ddc -> license-server tcp/7279",
        client="ddc",
        server="license-server",
        port=7279,
        flows=0,
        rows=[193],
        rule_ids=["license-vendor-daemon"],
        reason="license check-out: tcp/27000 seen, tcp/7279 not; both roles were talking",
        advice="If this site needs it, look at the sender's configuration and the way between; if "
        "not, nothing is wrong.",
    ),
    finding(
        "fas",
        "missing",
        "low",
        title="expected, not seen: storefront -> fas tcp/80",
        client="storefront",
        server="fas",
        flows=0,
        rows=[260],
        rule_ids=["fas-assertion"],
        reason="identity assertion of a user: no fas was talking; 12 min watched, 24 h needed",
        advice="If this site needs it, look at the sender's configuration and the way between; if "
        "not, nothing is wrong.",
    ),
    finding(
        "digicert",
        "unknown",
        "low",
        title="cannot be judged: connector1 -> 198.51.100.20 tcp/443",
        client="connector1",
        server="198.51.100.20",
        port=443,
        flows=4,
        bytes=18_100,
        rows=[82, 83, 84],
        reason="only a host name could tell whether this is digicert (*.digicert.com, "
        "dl.cacerts.digicert.com)",
        advice="Capture the DNS answers or TLS handshakes, or list the server.",
    ),
    finding(
        "scan",
        "unexpected",
        "low",
        title="not documented: 10.9.9.9 -> ddc1 tcp/8443",
        client="10.9.9.9",
        server="ddc1",
        port=8443,
        flows=6,
        bytes=360,
        rows=[],
        reason="no row has tcp/8443 for no known role -> ddc",
        advice="Nothing got through; find out who tries and why.",
    ),
    finding(
        "rdp",
        "unexpected",
        "medium",
        accepted=True,
        title="not documented between these roles: jump1 -> adc1 tcp/3389",
        client="jump1",
        server="adc1",
        port=3389,
        flows=2,
        bytes=920_000,
        rows=[180, 236],
        reason="break-glass RDP, accepted by ops until 2027-01-31",
        advice=None,
    ),
)

_UNEXPECTED = {"verdict": "wrong-roles", "outcome": "established", "rows": [229, 276, 332]}


def _rich_flows() -> tuple[list[dict[str, object]], dict[str, Sequence[int]]]:
    given: list[tuple[str, int, dict[str, object]]] = [
        ("blocked-vda07", 12, {"outcome": "unanswered", "verification": "unverified"}),
        ("sql", 3, _UNEXPECTED | {"severity": "high", "server_port": 1433}),
        ("ica-http", 1, {"verification": "contradicted", "server_port": 1494}),
        ("pvs", 2, {"verdict": "wrong-direction", "transport": "udp", "outcome": "answered"}),
        ("insecure", 9, {"caveats": ["insecure-alternative"]}),
        ("digicert", 4, {"verdict": "needs-hostname", "verification": "encrypted"}),
        ("scan", 6, {"verdict": "undocumented", "outcome": "refused", "severity": "low"}),
        ("rdp", 2, _UNEXPECTED | {"server_port": 3389}),
        ("", 31, {"verdict": "ambient", "transport": "udp", "outcome": "answered"}),
        ("", 4, {"verdict": "documented-elsewhere"}),
        ("", 8, {"transport": "icmp", "client_port": None, "server_port": None}),
        ("", 68, {"verification": "encrypted"}),
    ]
    flows: list[dict[str, object]] = []
    links: dict[str, Sequence[int]] = {}
    for name, number, what in given:
        first = len(flows) + 1
        flows.extend(flow(first + more, **what) for more in range(number))
        if name:
            links[name] = range(first, first + number)
    return flows, links


def _rich_coverage() -> list[dict[str, object]]:
    def row(status: str, source: str, to: str, ports: list[int], why: str) -> dict[str, object]:
        return {
            "group": f"{source}-{to}",
            "source_roles": [source],
            "destination_roles": [to],
            "transport": "tcp",
            "ports": ports,
            "status": status,
            "why": why,
        }

    absent = "no host of either role in the capture"
    return [
        *(row("seen", "vda", "ddc", [80 + n], "31 flows") for n in range(17)),
        row("blocked", "vda", "wem-server", [8286], "4 attempts, none got through"),
        row("missing", "ddc", "license-server", [27000, 7279], "tcp/27000 seen, tcp/7279 not"),
        row("missing", "storefront", "fas", [80], "no fas was talking"),
        row("unobservable", "user-device", "gateway-service", [443], absent),
        row("unobservable", "session-recording-agent", "session-recording-server", [443], absent),
        row("unobservable", "pvs-server", "pvs-server", list(range(6890, 6910)), absent),
        row("unobservable", "sdwan", "sdwan", [2156], absent),
        row("unobservable", "sdwan", "sdwan", [4980], absent),
        row("not-expected", "vda", "adc", [22], "optional"),
    ]


def _rich_hosts() -> list[dict[str, object]]:
    named = {
        "vda02": "10.1.7.12",
        "vda07": "10.1.7.17",
        "ddc1": "10.0.0.10",
        "sql1": "10.0.0.30",
        "pvs1": "10.0.0.40",
        "target05": "10.1.8.5",
        "vda03.branch.corp.example": "10.1.7.13",
        "laptop-4431.branch.corp.example": "10.20.4.31",
        "director1": "10.0.0.12",
        "storefront1": "2001:db8::20",
        "jump1": "10.0.9.9",
        "adc1": "10.0.0.2",
        "connector1": "10.0.0.80",
    }
    hosts: list[dict[str, object]] = [
        {"address": address, "name": name, "roles": ["vda"], "roles_source": "inventory"}
        for name, address in named.items()
    ]
    hosts.append(
        {"address": "10.1.7.40", "roles": ["vda"], "roles_source": "inferred", "confidence": 0.95}
    )
    hosts.append({"address": "10.9.9.9"})
    hosts.append({"address": "198.51.100.20"})
    return hosts
