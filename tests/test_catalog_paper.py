"""The shipped catalog, held cell by cell against the paper and against how it is to be read."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pytest
from shared import SHARED, needs_shared

from auditor.catalog.load import load_catalog
from auditor.catalog.services import parse_service
from auditor.catalog.vocabulary import DERIVED_CAVEATS

if TYPE_CHECKING:
    from auditor.catalog.model import Rule, Service

pytestmark = needs_shared

CATALOG = load_catalog()
PAPER = [rule for rule in CATALOG.rules if rule.pack == "paper"]
TABLE = [rule for rule in PAPER if rule.origin == "table"]

TRANSPORTS = {
    "HTTP": "tcp",
    "HTTPS": "tcp",
    "SNMP": "udp",
    "Syslog": "udp",
    "RADIUS": "udp",
    "TACACS": "tcp",
    "ICMP": "icmp",
}
"""How type cells that name an application are read."""

SPECIAL = {
    54: ["icmp"],
    168: ["tcp/53", "udp/53", "tcp/389"],
    212: ["tcp"],
    216: ["icmp"],
    304: ["tcp/1024-65535"],
}
"""Rows whose cells no rule of reading fits."""

SAME_ROLE = {
    *range(18, 26),
    *(55, 56, 166, 175, 176, 202, 212, 220, 233, 234, 235, 275, 304, 305, 317),
}
PROSE_ONLY = {(54, "details"), (67, "details"), (73, "prose"), (75, "prose"), (111, "prose")} | {
    (230, "details"),
    (317, "prose"),
}
OWN_CAVEATS = {
    "icmp": {54, 216},
    "wildcard": {192, 193},
    "inferred-transport": {33, 34, 60, 61, 206, 218},
    "dynamic-range": {247},
    "random-port": {304},
    "loopback": {248},
}
"""Caveats that the rows themselves give, of the table."""


@dataclass(frozen=True)
class Row:
    """One data row of the paper, blank cells carried down."""

    source: str
    destination: str
    kind: str
    ports: str
    details: str


@cache
def paper_rows() -> dict[int, Row]:
    """Read the tables of the paper, by nothing but pipes."""
    text = (SHARED / "paper" / "citrix-communication-ports.md").read_text(encoding="utf-8")
    rows: dict[int, Row] = {}
    source = destination = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == "Source" or set(cells[0]) == {"-"}:
            source = destination = ""
            continue
        source, destination = cells[0] or source, cells[1] or destination
        rows[number] = Row(source, destination, *cells[2:])
    return rows


def read_services(number: int, row: Row) -> list[Service]:
    """Expand the type and port cells, independently of the rules."""
    if number in SPECIAL:
        return [parse_service(text) for text in SPECIAL[number]]
    transports = [TRANSPORTS.get(kind, kind.lower()) for kind in row.kind.split(", ")]
    ports = re.findall(r"\d+(?:\.\.\d+)?", row.ports)
    return [
        parse_service(f"{transport}/{port.replace('..', '-')}")
        for transport in transports
        for port in ports
    ]


@dataclass(frozen=True)
class Annotation:
    """One line of the list of caveats."""

    row: int
    port: str
    transport: str
    key: str
    value: str

    def holds_for(self, rule: Rule, service: Service) -> bool:
        """Say whether it is said of a service of a rule."""
        return (
            self.row == rule.row
            and self.port in {"", service.ports()}
            and self.transport in {"", service.transport}
        )


@cache
def annotated() -> list[Annotation]:
    """Read the list of caveats."""
    path = SHARED / "design" / "row-annotations.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Annotation(int(line["row"]), *(line[key] or "" for key in list(line)[1:]))
            for line in csv.DictReader(file, delimiter="\t")
        ]


def said(rule: Rule, service: Service, keys: set[str]) -> dict[str, str]:
    """Collect what the list of caveats says of a service of a rule."""
    return {a.key: a.value for a in annotated() if a.key in keys and a.holds_for(rule, service)}


def keys_of_caveats() -> set[str]:
    """List the keys that stand for caveats."""
    return {a.key for a in annotated()} - {"one-way", "ports-mode"}


def rules_of(row: int, origin: str = "table") -> list[Rule]:
    """List the rules of a row."""
    return [rule for rule in PAPER if rule.row == row and rule.origin == origin]


def test_counts() -> None:
    """The catalog has as many rows, services and further records as the paper."""
    services = [service for rule in TABLE for service in rule.services]

    assert len(paper_rows()) == len({rule.row for rule in TABLE}) == 170
    assert Counter(s.transport for s in services) == {"tcp": 167, "udp": 56, "icmp": 2}
    assert len([rule for rule in PAPER if rule.origin != "table"]) == 23


@pytest.mark.parametrize("number", paper_rows() if SHARED.is_dir() else [])
def test_services_of_row(number: int) -> None:
    """Every row has the transports and ports of its cells, each once, whichever rules hold them."""
    held = [service for rule in rules_of(number) for service in rule.services]

    assert Counter(held) == Counter(read_services(number, paper_rows()[number]))


@pytest.mark.parametrize("number", paper_rows() if SHARED.is_dir() else [])
def test_order_of_ports(number: int) -> None:
    """A rule lists its services in the order of the row's cells."""
    order = read_services(number, paper_rows()[number])

    for rule in rules_of(number):
        assert list(rule.services) == [service for service in order if service in rule.services]


def test_roles_of_rows() -> None:
    """Every row, of tables and prose, joins exactly the roles for which its cells stand."""
    wanted: dict[int, tuple[set[str], set[str]]] = {}
    document = json.loads((SHARED / "design" / "roles.json").read_text(encoding="utf-8"))
    for cell in document["cells"].values():
        for end, key in enumerate(("as_source", "as_destination")):
            for row in cell[key]:
                wanted.setdefault(row, (set(), set()))[end].update(cell["roles"])
    found: dict[int, tuple[set[str], set[str]]] = {}
    for rule in PAPER:
        ends = found.setdefault(rule.row or 0, (set(), set()))
        ends[0].update(rule.sources)
        ends[1].update(rule.destinations)

    assert found == wanted


def test_roles() -> None:
    """The roles are the 71 of the vocabulary, with their kinds, products and implications."""
    document = json.loads((SHARED / "design" / "roles.json").read_text(encoding="utf-8"))

    assert [
        (r.id, r.display, r.product, r.kind, r.component, list(r.implies))
        for r in CATALOG.roles.values()
    ] == [
        (r["id"], r["display"], r["product"], r["class"], r["component"], r["implies"])
        for r in document["roles"]
    ]
    assert len(CATALOG.roles) == 71
    for raw in document["roles"]:
        cells = {cell["cell"] for cell in raw["cells"]}
        assert cells <= set(CATALOG.roles[raw["id"]].synonyms)
    links = {role.id: role.link_row for role in CATALOG.roles.values() if role.link_row}
    assert links == {"xenmobile": 130, "app-layering": 254}


@pytest.mark.parametrize("rule", PAPER, ids=lambda rule: rule.id)
def test_caveats(rule: Rule) -> None:
    """A rule carries the caveats listed for its row, port and transport, and no other of them."""
    if rule.source_ports:
        assert set(rule.caveats) == {"inferred-transport"}
        return
    for service in rule.services:
        assert (
            set(rule.caveats) & keys_of_caveats() == said(rule, service, keys_of_caveats()).keys()
        )
        assert rule.one_way == ("one-way" in said(rule, service, {"one-way"}))


def test_every_annotation_is_met() -> None:
    """No line of the list of caveats speaks of a service that the catalog lacks."""
    for annotation in annotated():
        assert any(annotation.holds_for(r, s) for r in PAPER for s in r.services), annotation


def test_caveats_that_follow_from_the_row() -> None:
    """Peers of one role, wildcards, guessed transports, prose: each marked where it is so."""
    own = {"same-role": SAME_ROLE, **OWN_CAVEATS}
    for caveat, rows in own.items():
        carrying = {rule.row for rule in PAPER if caveat in rule.caveats and not rule.source_ports}
        assert carrying == rows | ({54} if caveat == "same-role" else set()), caveat
    peers = [rule for rule in rules_of(54, "details") if "same-role" in rule.caveats]
    assert len(peers) == 1
    assert not any("same-role" in rule.caveats for rule in rules_of(54))
    prose = {(r.row, r.origin) for r in PAPER if "prose-only" in r.caveats}
    assert prose == PROSE_ONLY


def test_nothing_but_known_caveats() -> None:
    """Every caveat of a rule has one of the reasons that the tests above hold it to."""
    explained = keys_of_caveats() | {"prose-only", *DERIVED_CAVEATS, *OWN_CAVEATS}

    assert {caveat for rule in PAPER for caveat in rule.caveats} == explained


def test_secure_twins() -> None:
    """An insecure rule names the rule of the row and port that is the secure way."""
    for rule in PAPER:
        for service in rule.services:
            values = said(rule, service, {"insecure-alternative", "possibly-insecure"}).values()
            assert bool(values) == bool(rule.secure_twin)
            for value in values:
                found = re.match(r"row (\d+) port (\d+)", value)
                assert found is not None
                twin = CATALOG.by_id[rule.secure_twin]
                assert twin.row == int(found[1])
                assert found[2] in {service.ports() for service in twin.services}


def test_ports_modes() -> None:
    """Ports of a row that are alternatives share a group; ports that stand alone do not."""
    for annotation in annotated():
        if annotation.key != "ports-mode":
            continue
        rules = rules_of(annotation.row)
        groups = [rule.group for rule in rules]
        if annotation.value in {"each", "unclear"}:
            assert len(set(groups)) == len(rules), annotation
            assert len({service.ports() for rule in rules for service in rule.services}) == len(
                rules
            ), annotation
        elif annotation.value == "any-in-range":
            assert all((s.low or 0) < (s.high or 0) for rule in rules for s in rule.services)
        else:
            mode = "all" if annotation.value == "all-of" else "any"
            assert len(set(groups)) == 1, annotation
            assert {rule.group_mode for rule in rules} == {mode}, annotation


@pytest.mark.parametrize(
    "rows",
    [
        {20, 22},
        {21, 23},
        {27, 44},
        {28, 46},
        {32, 68},
        {34, 67},
        {35, 65},
        {83, 84},
        {92, 111},
        {136, 137, 138, 139},
        {143, 144, 145},
        {168, 169},
        {192, 333},
        {193, 334},
        {238, 300},
        {239, 240, 241},
        {246, 285},
        {329, 330},
    ],
    ids=str,
)
def test_rows_of_one_function(rows: set[int]) -> None:
    """Rows that are alternatives, or that state one fact twice, are one group."""
    by_group: dict[str, set[int]] = {}
    for rule in PAPER:
        by_group.setdefault(rule.group, set()).add(rule.row or 0)

    assert rows in by_group.values()


def test_traps_are_one_function() -> None:
    """Of row 33 the traps share a group with row 66, and the polling stands alone."""
    (polling,) = [rule for rule in rules_of(33) if rule.services[0].low == 161]
    (traps,) = [rule for rule in rules_of(33) if rule.services[0].low == 162]

    assert traps.group == rules_of(66)[0].group
    assert [rule for rule in PAPER if rule.group == polling.group] == [polling]


def test_needs() -> None:
    """What can never be missing is exactly what has no definite port, peer or wire."""
    never = {rule.row for rule in TABLE if rule.need == "never"}

    assert never == {54, 192, 193, 212, 216, 247, 248, 304}
    assert {rule.row for rule in TABLE if rule.need == "optional"} == {278}
    assert {rule.row for rule in TABLE if rule.need == "planned"} == {331}
    conditional = {rule.row for rule in TABLE if "conditional" in rule.caveats}
    assert {rule.row for rule in TABLE if rule.need == "conditional"} == (
        conditional - {247, 278, 329, 330} | set(range(18, 26))
    )


def test_features() -> None:
    """Every condition has its switch, and heartbeats and cluster ports prove theirs."""
    gates: dict[str, set[int | None]] = {}
    for rule in PAPER:
        if rule.need == "conditional":
            assert rule.feature, rule.id
            gates.setdefault(rule.feature, set()).add(rule.row)
    assert gates["adc-ha"] == set(range(19, 26))
    assert gates["adc-cluster"] == {18}
    assert gates["hypervisor-clustering"] == {175, 176}
    proofs = {
        feature.id: {str(s) for rule in feature.proven_by for s in CATALOG.by_id[rule].services}
        for feature in CATALOG.features.values()
        if feature.proven_by
    }
    assert proofs == {
        "adc-ha": {"udp/3003"},
        "adc-cluster": {"udp/7000"},
        "hypervisor-clustering": {"tcp/8892", "tcp/21064"},
    }


@pytest.mark.parametrize(
    ("feature", "services"),
    [
        ("edt", {"udp/1494", "udp/2598"}),
        ("session-reliability", {"tcp/2598", "udp/2598"}),
    ],
)
def test_session_features(feature: str, services: set[str]) -> None:
    """The two features of sessions expect exactly the session ports that depend on them."""
    rules = [CATALOG.by_id[rule] for rule in CATALOG.features[feature].expects]

    assert {rule.row for rule in rules} <= {143, 144, 239, 240}
    assert {str(service) for rule in rules for service in rule.services} == services
    assert {rule.sources for rule in rules} == {("gateway",), ("user-device",)}


def test_cadences() -> None:
    """Heartbeats show their absence in a minute, licensing and the like in a day."""
    cadences: dict[int, set[int | None]] = {}
    for rule in TABLE:
        cadences.setdefault(rule.cadence_s, set()).add(rule.row)

    assert cadences.pop(60) == {18, 19}
    assert cadences.pop(86400) == (
        {20, 22, 25, 55, 56, 62, 63, 81, 82, 83, 84, 94, 192, 193, 195, 333, 334}
    )
    assert set(cadences) == {300}


def test_destination_names() -> None:
    """The host names of the paper stand with the rows that they belong to."""
    names = {
        rule.row: sorted({n for r in PAPER if r.row == rule.row for n in r.destination_names})
        for rule in PAPER
        if rule.destination_names
    }

    assert names == {
        27: ["s3.amazonaws.com"],
        28: ["nsbotsignatures.s3.amazonaws.com"],
        44: ["s3.amazonaws.com"],
        46: ["nsbotsignatures.s3.amazonaws.com"],
        81: ["*.digicert.com"],
        82: ["*.digicert.com"],
        83: ["dl.cacerts.digicert.com"],
        84: ["dl.cacerts.digicert.com"],
        92: ["*.nssvc.net"],
        109: ["*.nssvc.net"],
        111: ["*.c.nssvc.net", "*.g.nssvc.net", "*.nssvc.net"],
    }
    assert {rule.row for rule in PAPER if rule.names_any_depth} == {92, 109, 111}


def test_records_outside_the_tables() -> None:
    """Prose, notes and details give 23 records, of which some match flows and some only tell."""
    records = [rule for rule in PAPER if rule.origin != "table"]
    told = sorted(
        (rule.row or 0, ", ".join(map(str, rule.services)), rule.matches) for rule in records
    )

    assert told == [
        (42, "", False),
        (44, "tcp/443", True),
        (46, "tcp/443", True),
        (54, "icmp", True),
        (67, "udp/514", True),
        (73, "", False),
        (73, "tcp/443", True),
        (75, "tcp/9350-9354", True),
        (77, "", False),
        (103, "", False),
        (111, "tcp/443", True),
        (111, "tcp/443", True),
        (111, "tcp/443", True),
        (115, "", False),
        (186, "", False),
        (230, "udp/1434", True),
        (248, "tcp/9001", True),
        (269, "", False),
        (278, "udp/6901", False),
        (278, "udp/6902", False),
        (278, "udp/6905", False),
        (317, "tcp/93", True),
        (317, "tcp/93", True),
    ]
    assert [rule.row for rule in PAPER if rule.prohibits] == [73]
    assert {rule.row for rule in PAPER if rule.source_ports} == {278}
    assert [rule.row for rule in TABLE if not rule.matches] == [212]


def test_blank_details() -> None:
    """Rows whose text cell is blank say from which row theirs seems to come."""
    blank = {number for number, row in paper_rows().items() if not row.details}

    assert {r.row: r.inherited_from for r in TABLE if r.inherited_from} == {
        82: 81,
        83: 81,
        84: 81,
        176: 175,
    }
    assert blank == {82, 83, 84, 176}


def test_purposes_are_our_own_words() -> None:
    """No purpose, condition or note repeats a run of six words of the paper."""
    paper = (SHARED / "paper" / "citrix-communication-ports.md").read_text(encoding="utf-8")
    theirs = runs(paper)

    for rule in PAPER:
        for text in (rule.purpose, rule.condition, rule.note):
            assert not runs(text) & theirs, (rule.id, runs(text) & theirs)


def runs(text: str) -> set[tuple[str, ...]]:
    """Give every six words that follow each other."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return set(zip(*(words[start:] for start in range(6)), strict=False))
