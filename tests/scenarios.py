"""Worked audits of the paper: their recipes, and the capture and site file made from each.

A recipe says in words what is captured; `write` turns it into bytes as the material's README asks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import payloads
import yaml
from pcap_files import pcapng
from traffic import Host, Tcp, Udp, Wire

if TYPE_CHECKING:
    from pathlib import Path

_APART_MS = 10_000
"""Between the starts of two flows: more than the retries of an unanswered SYN take."""


@dataclass(frozen=True)
class Recipe:
    """One flow to be captured."""

    index: int
    sender: str
    """Who sends the first captured frame; the client only by default."""
    receiver: str
    transport: str
    outcome: str
    port: int
    """Of the receiver; 0 without ports."""
    sender_port: int
    name: str | None
    """By which the sender calls the receiver: SNI or HTTP Host."""


@dataclass(frozen=True)
class Expectation:
    """What a perfect auditor says of the flow of the same index, after orientation."""

    index: int
    client: str
    server: str
    port: int | None
    verdict: str
    outcome: str
    rows: frozenset[int]
    optional_rows: frozenset[int]
    every_row: bool
    """All of `rows` must be cited, and nothing beyond the optional ones; else one of them."""
    caveats: frozenset[str]


@dataclass(frozen=True)
class Absence:
    """Whether something is to be reported as missing."""

    index: int
    source: str
    destination: str
    transport: str
    port: int | None
    missing: bool


@dataclass(frozen=True)
class Scenario:
    """A site, what was captured there, and what is true of it."""

    id: str
    site: str
    """The site file's text."""
    recipes: tuple[Recipe, ...]
    expectations: tuple[Expectation, ...]
    absences: tuple[Absence, ...]


def load_scenarios(directory: Path) -> list[Scenario]:
    """Read every scenario below `directory`, by name."""
    return [_scenario(json.loads(path.read_text())) for path in sorted(directory.glob("*.json"))]


def write(scenario: Scenario, directory: Path) -> tuple[Path, Path]:
    """Make the capture and the site file of a scenario."""
    wire = Wire()
    for recipe in scenario.recipes:
        _perform(wire, recipe)
    capture = directory / f"{scenario.id}.pcapng"
    capture.write_bytes(pcapng(wire.captured()))
    site = directory / f"{scenario.id}.hosts.yaml"
    site.write_text(scenario.site, encoding="utf-8")
    return capture, site


def _scenario(raw: dict[str, Any]) -> Scenario:  # JSON as it comes, typed on the spot
    return Scenario(
        id=raw["id"],
        site=yaml.safe_dump(raw["site"], sort_keys=False),
        recipes=tuple(
            Recipe(
                index=flow["flow"],
                sender=flow["first_sender"],
                receiver=flow["first_receiver"],
                transport=flow["transport"],
                outcome=flow["outcome"],
                port=flow.get("first_receiver_port", 0),
                sender_port=flow.get("first_sender_port", 50_000 + flow["flow"]),
                name=flow.get("receiver_name"),
            )
            for flow in raw["flows"]
        ),
        expectations=tuple(
            Expectation(
                index=expect["flow"],
                client=expect["client"],
                server=expect["server"],
                port=expect.get("server_port"),
                verdict=expect["verdict"],
                outcome=expect["outcome"],
                rows=frozenset(expect["rows"]),
                optional_rows=frozenset(expect.get("rows_optional", ())),
                every_row=expect["rows_match"] == "all",
                caveats=frozenset(expect["caveats"]),
            )
            for expect in raw["expect"]
        ),
        absences=tuple(
            Absence(
                index=index,
                source=absence["source_role"],
                destination=absence["destination_role"],
                transport=absence["transport"],
                port=absence.get("port"),
                missing=absence["status"] == "missing",
            )
            for index, absence in enumerate(raw.get("coverage", ()))
        ),
    )


def _perform(wire: Wire, recipe: Recipe) -> None:
    sender, receiver = Host(recipe.sender), Host(recipe.receiver)
    at_ms = recipe.index * _APART_MS
    if recipe.transport == "icmp":
        wire.ping(sender, receiver, at_ms=at_ms, count=3, answered=recipe.outcome == "answered")
    elif recipe.transport == "udp":
        udp = Udp(wire, sender, receiver, recipe.port, at_ms=at_ms, client_port=recipe.sender_port)
        request, reply = _words(recipe)
        udp.send(request)
        if recipe.outcome == "answered":
            udp.answer(reply)
    else:
        tcp = Tcp(wire, sender, receiver, recipe.port, at_ms=at_ms, client_port=recipe.sender_port)
        _perform_tcp(tcp, recipe)


def _perform_tcp(tcp: Tcp, recipe: Recipe) -> None:
    request, reply = _words(recipe)
    if recipe.outcome == "established":
        tcp.connect().send(request).answer(reply).close()
    elif recipe.outcome == "refused":
        tcp.refuse()
    elif recipe.outcome == "unanswered":
        tcp.knock(3)
    elif recipe.outcome == "midstream":
        tcp.send(request).answer(reply).pause(200).send(request).answer(reply).pause(200)
    else:
        raise ValueError(recipe)


def _words(recipe: Recipe) -> tuple[bytes, bytes]:
    """Give what the first sender says and what it hears: meaningless unless a name is carried."""
    service = f"{recipe.transport}/{recipe.port}"
    if recipe.name and service == "tcp/443":
        return payloads.tls_client_hello(recipe.name), payloads.tls_server_flight()
    if recipe.name and service == "udp/443":
        return payloads.dtls_client_hello(recipe.name), payloads.dtls_hello_verify()
    if recipe.name and service == "tcp/80":
        return payloads.http_request(recipe.name), payloads.http_response(body=b"<p>hello</p>")
    return b"a little data of the sender", b"and a little of the receiver"
