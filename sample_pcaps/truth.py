"""What is known of a sample, as its NAME.truth.yaml says, and the capture made from it.

`flows` are the recipe and the truth at once: who talks to whom on which service, what becomes of
it on the wire, and what an audit has to say. Hosts are called by their names in NAME.hosts.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from talks import default_talk, tell, turns_of
from traffic import Host, Tcp, Udp, Wire

if TYPE_CHECKING:
    from pathlib import Path

ROUTER = Host("10.0.0.254", ttl=255)

_RETRY_MS = 400


@dataclass(frozen=True)
class KnownFlow:
    """One flow: how it is made and what is true of it."""

    client: str
    server: str
    """Addresses."""
    transport: str
    port: int | None
    outcome: str
    verdict: str
    rows: frozenset[int]
    maybe: frozenset[int]
    """May be cited beside `rows`."""
    near: frozenset[int]
    """At least one of these is cited; `rows` and `maybe` are empty then."""
    caveats: frozenset[str]
    """Stand among the flow's caveats."""
    talk: str
    name: str | None
    how: str
    """`icmp`: refused by a router; `reply`: only the server's half was captured."""
    client_port: int | None
    real: str
    """The program that a recording had at one end; empty where `talk` says it all."""


@dataclass(frozen=True)
class KnownFinding:
    """One finding: its identity and its severity."""

    kind: str
    severity: str
    client: str
    server: str
    """Host names, else addresses; role ids where the finding is about roles."""
    transport: str
    port: int | None
    accepted: bool


@dataclass(frozen=True)
class Truth:
    """Everything that is known of a sample."""

    capture: str
    """File name."""
    minutes: int
    flows: tuple[KnownFlow, ...]
    findings: frozenset[KnownFinding]
    """All of them except the `missing` ones."""
    missing: frozenset[KnownFinding]
    """Some of the `missing` ones: those that the sample is about."""
    recorded: bool
    """Of real traffic: record_lab.py makes it, and never the same bytes twice."""


def load_truth(path: Path, *, without: frozenset[str] = frozenset()) -> Truth:
    """Read NAME.truth.yaml, and beside it NAME.hosts.yaml for the addresses.

    What rests on a real program in `without` is left out.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    hosts = path.with_name(path.name.replace(".truth.", ".hosts."))
    addresses = _addresses(yaml.safe_load(hosts.read_text(encoding="utf-8")))
    lines, more = (
        [line for part in parts for line in raw.get(part, ()) if line.get("real") not in without]
        for parts in (("documented", "planted"), ("findings",))
    )
    findings = [_finding(line) for line in [*lines, *more] if "finding" in line]
    return Truth(
        capture=raw["capture"],
        minutes=raw.get("minutes", 6),
        flows=tuple(_flow(line, addresses) for line in lines),
        findings=frozenset(found for found in findings if found.kind != "missing"),
        missing=frozenset(found for found in findings if found.kind == "missing"),
        recorded=raw.get("recorded", False),
    )


def perform(truth: Truth) -> Wire:
    """Put the flows of a truth on a wire, evenly over its minutes."""
    wire = Wire()
    apart_ms = truth.minutes * 60_000 // max(1, len(truth.flows))
    for index, flow in enumerate(truth.flows):
        _perform(wire, flow, index * apart_ms)
    return wire


def _perform(wire: Wire, flow: KnownFlow, at_ms: int) -> None:
    client, server = Host(flow.client), Host(flow.server)
    if flow.port is None:
        wire.ping(client, server, at_ms=at_ms, count=3, answered=flow.outcome == "answered")
        return
    service = f"{flow.transport}/{flow.port}"
    label = f"{flow.client} {flow.server} {service}"
    turns = turns_of(flow.talk or default_talk(service), flow.name, label)
    if flow.transport == "udp":
        udp = Udp(wire, client, server, flow.port, at_ms=at_ms, client_port=flow.client_port)
        if flow.how == "reply":
            tell(udp, [turn for turn in turns if not turn.by_client])
        elif flow.outcome == "refused":
            tell(udp, turns[:1], client_only=True)
            udp.reject(server if flow.how != "icmp" else ROUTER)
        else:
            tell(udp, turns, client_only=flow.outcome != "answered")
        return
    tcp = Tcp(wire, client, server, flow.port, at_ms=at_ms, client_port=flow.client_port)
    if flow.outcome == "unanswered":
        tcp.knock()
    elif flow.outcome == "refused" and flow.how == "icmp":
        tcp.knock(1).reject(ROUTER)
    elif flow.outcome == "refused":
        tcp.refuse().pause(_RETRY_MS)
    else:
        tell(tcp if flow.outcome == "midstream" else tcp.connect(), turns)
        tcp.pause(_RETRY_MS).close()


def _flow(line: dict[str, Any], addresses: dict[str, str]) -> KnownFlow:  # YAML, typed here
    transport, _, port = line["service"].partition("/")
    usual = "established" if transport == "tcp" else "answered"
    return KnownFlow(
        client=addresses.get(line["client"], line["client"]),
        server=addresses.get(line["server"], line["server"]),
        transport=transport,
        port=int(port) if port else None,
        outcome=line.get("outcome", usual),
        verdict=line.get("verdict", "documented"),
        rows=frozenset(line.get("rows", ())),
        maybe=frozenset(line.get("maybe", ())),
        near=frozenset(line.get("near", ())),
        caveats=frozenset(line.get("caveats", ())),
        talk=line.get("talk", ""),
        name=line.get("name"),
        how=line.get("how", ""),
        client_port=line.get("client_port"),
        real=line.get("real", ""),
    )


def _finding(line: dict[str, Any]) -> KnownFinding:
    transport, _, port = line["service"].partition("/")
    kind, severity = line["finding"].split()
    return KnownFinding(
        kind=kind,
        severity=severity,
        client=line["client"],
        server=line["server"],
        transport=transport,
        port=int(port) if port else None,
        accepted=line.get("accepted", False),
    )


def _addresses(site: dict[str, Any]) -> dict[str, str]:
    return {host["name"]: host["addresses"][0] for host in site["hosts"] if "name" in host}
