"""Who is the client, and what happened."""

from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import pytest
from conversations import ACCEPTED, OPENED, Talk, flows_of

from auditor.catalog.model import Catalog, Role, Rule, Service
from auditor.hosts import resolve
from auditor.judge.orient import orient, outcomes
from auditor.judge.rulebook import RuleBook
from auditor.judge.vocabulary import OUTCOMES
from auditor.records import NO_TIME, Seen
from auditor.site.model import Site, SiteHost

DESK, SERVER = "10.0.0.1", "10.0.0.2"
MOVING = Seen.ACK | Seen.DATA


def rule(name: str, source: str, destination: str, *services: Service, **more: object) -> Rule:
    """State a rule of which the roles and services matter."""
    values = {
        "id": name,
        "pack": "paper",
        "origin": "table",
        "row": 1,
        "product": "",
        "sources": (source,),
        "destinations": (destination,),
        "services": services,
        "purpose": "",
        "group": name,
        **more,
    }
    return Rule(**values)  # type: ignore[arg-type]  # the keys are Rule's own


ROLES = {name: Role(name, name, "CVAD", "server", component=True) for name in ("desk", "server")}
CATALOG = Catalog(
    "test",
    (
        rule("stream", "desk", "server", Service("udp", 6910, 6930)),
        rule("ica", "desk", "server", Service("tcp", 1494, 1494)),
        rule("time", "desk", "server", Service("udp", 123, 123)),
        rule("any-time", "@any", "@any", Service("udp", 123, 123), pack="ambient"),
        rule("any-web", "@any", "@any", Service("tcp", 8080, 8080), pack="ambient"),
        rule("peer", "server", "server", Service("udp", 6890, 6909)),
        rule(
            "own",
            "desk",
            "server",
            Service("udp", 6901, 6901),
            matches=False,
            source_ports=True,
        ),
    ),
    ROLES,
    {},
    "",
)
SITE = Site(
    hosts=(
        SiteHost((ip_address(DESK),), (), ("desk",)),
        SiteHost((ip_address(SERVER),), (), ("server",)),
    )
)


def judge(talk: Talk, *, site: Site | None = SITE, payload: str = "") -> tuple[str, str, bool]:
    """Give the client's address, the outcome, and whether the direction was inferred."""
    flows = flows_of(talk)
    hosts = resolve(flows, site)
    server = np.array([{"b": 1, "a": -1}.get(payload, 0)], np.int8)
    found = orient(flows, hosts, RuleBook(CATALOG, site), lambda rows: server[rows])
    outcome = outcomes(flows, hosts, found, np.zeros(1, dtype=bool))
    client = hosts.table[int(found.client[0])].address
    return client, OUTCOMES[outcome[0]].value, bool(found.inferred[0])


@pytest.mark.parametrize(
    ("sent", "answered", "outcome"),
    [
        (OPENED, ACCEPTED, "established"),
        (Seen.SYN, Seen.SYN_ACK, "established"),
        (Seen.SYN | MOVING, MOVING, "established"),
        (MOVING, Seen.SYN_ACK | MOVING, "established"),
        (Seen.SYN | MOVING, Seen(0), "midstream"),
        (Seen(0), Seen.SYN_ACK | MOVING, "midstream"),
        (MOVING, MOVING, "midstream"),
        (Seen.FIN, Seen(0), "midstream"),
        (Seen.RST, Seen(0), "midstream"),
        (Seen.SYN, Seen.RST, "refused"),
        (Seen.SYN | MOVING, Seen.RST, "midstream"),
        (Seen.SYN, Seen(0), "unanswered"),
        (Seen.SYN | Seen.RST, Seen(0), "unanswered"),
    ],
)
def test_flags_of_both_sides_decide_a_tcp_outcome(sent: Seen, answered: Seen, outcome: str) -> None:
    """Each combination of what two sides sent has the outcome that the report documents."""
    talk = Talk(DESK, SERVER, port=1494, sent=sent, answered=answered, replies=bool(answered))
    assert judge(talk)[1] == outcome


def test_unreachable_refuses_only_while_nothing_else_came_back() -> None:
    """An ICMP unreachable refuses a silent flow, and says nothing against one that is answered."""
    silent = Talk(DESK, SERVER, port=1494, sent=Seen.SYN, replies=False, unreachable=True)
    assert judge(silent)[1] == "refused"
    assert judge(Talk(DESK, SERVER, port=1494, unreachable=True))[1] == "established"
    udp = Talk(DESK, SERVER, "udp", 6911, replies=False, unreachable=True)
    assert judge(udp)[1] == "refused"
    assert judge(Talk(DESK, SERVER, "udp", 6911, unreachable=True))[1] == "answered"


def test_syn_beats_everything() -> None:
    """Who sent the SYN is client, whatever the rules say of the ports."""
    talk = Talk(SERVER, DESK, port=50001, from_port=1494)
    assert judge(talk) == (SERVER, "established", False)


def test_rule_between_the_roles_decides_without_a_handshake() -> None:
    """Without a SYN the side that a rule has as destination is the server, and that is said."""
    talk = Talk(SERVER, DESK, port=50001, from_port=1494, sent=MOVING, answered=MOVING)
    assert judge(talk) == (DESK, "midstream", True)


def test_documented_port_decides_without_roles() -> None:
    """With no roles at all the side on a documented port is the server."""
    talk = Talk(SERVER, DESK, "udp", 40000, from_port=6911)
    assert judge(talk, site=None) == (DESK, "answered", True)


def test_paper_decides_before_rules_for_any_host() -> None:
    """A rule from any host to any host fits both sides; the paper's own row fits one."""
    talk = Talk(SERVER, DESK, "udp", 123, from_port=123)
    assert judge(talk) == (DESK, "answered", True)
    assert judge(talk, site=None)[0] == SERVER


def test_rule_of_another_pack_decides_where_the_paper_is_silent() -> None:
    """A port that only another page documents beats one that nobody does."""
    talk = Talk(SERVER, DESK, "tcp", 50001, from_port=8080, sent=MOVING, answered=MOVING)
    assert judge(talk) == (DESK, "midstream", True)


def test_source_port_of_a_role_is_no_service() -> None:
    """A port that a role sends from counts as no service of it, although a range covers it."""
    talk = Talk(SERVER, DESK, "udp", 6901, from_port=6911)
    assert judge(talk) == (DESK, "answered", True)


def test_reply_half_alone_is_turned_round() -> None:
    """A one-way stream from a service port is the reply half: one-way, and turned round."""
    talk = Talk(SERVER, DESK, "udp", 6901, from_port=6910, replies=False)
    assert judge(talk) == (DESK, "one-way", True)


def test_payload_decides_where_ports_do_not() -> None:
    """Between undocumented ports the payload names the server, else the first sender is client."""
    talk = Talk(SERVER, DESK, port=50001, from_port=40000, sent=MOVING, answered=MOVING)
    assert judge(talk)[0] == SERVER
    # The desk's address is the smaller one, so it is endpoint a.
    assert judge(talk, payload="b")[0] == DESK


def test_echo_belongs_to_its_requester() -> None:
    """The client of a ping is who asked, even where the first frame seen is the answer."""
    talk = Talk(DESK, SERVER, "icmp", echo=7)
    assert judge(talk) == (DESK, "answered", False)


def test_echo_of_which_only_the_answers_were_captured_is_one_way() -> None:
    """Answers alone prove that somebody asked: the requester is client, and not unanswered."""
    flows = flows_of(Talk(DESK, SERVER, "icmp", echo=7))
    facts = flows.facts[0]
    facts["packets_a"], facts["first_a_ns"], facts["last_a_ns"] = 0, NO_TIME, -NO_TIME
    hosts = resolve(flows, SITE)
    found = orient(flows, hosts, RuleBook(CATALOG, SITE))
    outcome = outcomes(flows, hosts, found, np.zeros(1, dtype=bool))
    assert hosts.table[int(found.client[0])].address == DESK
    assert OUTCOMES[outcome[0]].value == "one-way"


def test_silence_after_a_broadcast_is_no_failure() -> None:
    """A datagram to the broadcast address is one-way; nobody there could answer from it."""
    talk = Talk(DESK, "255.255.255.255", "udp", 67, replies=False)
    assert judge(talk)[1] == "one-way"


def test_no_flows_are_judged_without_complaint() -> None:
    """An empty flow table has an empty orientation."""
    flows = flows_of()
    hosts = resolve(flows)
    found = orient(flows, hosts, RuleBook(CATALOG))
    assert len(found.client) == 0
    assert len(outcomes(flows, hosts, found, np.zeros(0, dtype=bool))) == 0
