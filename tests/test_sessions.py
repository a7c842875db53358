"""auditor.judge.sessions: how HDX sessions are carried, and what a report tells of it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import build
import numpy as np
import pytest
import reports
from hypothesis import given
from hypothesis import strategies as st
from judging import catalog, judge, refused, site, tcp, udp, unanswered

import auditor
from auditor.catalog.model import Service
from auditor.evidence.coded import Coded
from auditor.judge.sessions import FALL_BACK_WITHIN_S, SOME_UNANSWERED, Session, find_sessions
from auditor.judge.verify import VERIFICATIONS
from auditor.judge.vocabulary import Outcome, Remark, Verification
from auditor.report.digest import digest
from auditor.report.writers import FORMATS, show
from auditor.site.model import Override

if TYPE_CHECKING:
    from conversations import Talk

PC, VDA, GATEWAY, SERVICE, CONNECTOR = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"

SITE = site(
    f"pc: {PC} 2001:db8::1 = user-device",
    f"vda: {VDA} 2001:db8::2 = vda",
    f"gw: {GATEWAY} = gateway",
    f"cloud: {SERVICE} = gateway-service",
    f"connector: {CONNECTOR} = cloud-connector",
    packs=("paper", "vendor"),
)


def at(start_s: float, talk: Talk) -> Talk:
    """Move a talk to a second."""
    return replace(talk, start_s=start_s)


def silent(client: str, server: str, port: int) -> Talk:
    """State datagrams that nothing answers."""
    return udp(client, server, port, replies=False)


def sessions(*talks: Talk) -> list[Session]:
    """Find the sessions of talks at the site."""
    return list(find_sessions(judge(SITE, *talks)))


@pytest.mark.parametrize(
    ("talks", "remark"),
    [
        ([udp(PC, VDA, 2598)], Remark.UDP_ONLY),
        ([udp(PC, VDA, 2598), tcp(PC, VDA, 2598)], Remark.EDT),
        ([udp(PC, VDA, 1494), unanswered(PC, VDA, 1494)], Remark.EDT),
        ([tcp(PC, VDA, 2598)], Remark.TCP_ONLY),
        ([silent(PC, VDA, 2598), tcp(PC, VDA, 2598)], Remark.FELL_BACK),
        ([silent(PC, VDA, 2598), tcp(PC, VDA, 1494)], Remark.FELL_BACK),
        ([silent(PC, VDA, 2598), unanswered(PC, VDA, 2598)], Remark.NEITHER),
        ([silent(PC, VDA, 2598)], Remark.NEITHER),
        ([refused(PC, VDA, 2598)], Remark.NEITHER),
        ([silent(PC, VDA, 2598), refused(PC, VDA, 2598), tcp(PC, VDA, 443)], Remark.FELL_BACK),
    ],
)
def test_remark(talks: list[Talk], remark: Remark) -> None:
    """What became of UDP and TCP between two hosts makes one remark."""
    (session,) = sessions(*talks)
    assert session.remark is remark
    assert session.flows.tolist() == list(range(len(talks)))


@pytest.mark.parametrize(
    ("udp_s", "tcp_s", "remark"),
    [
        (100, 101 + FALL_BACK_WITHIN_S, Remark.FELL_BACK),
        (100, 102 + FALL_BACK_WITHIN_S, Remark.TCP_APART),
        (100, 99, Remark.FELL_BACK),
        (100, 98, Remark.TCP_APART),
    ],
)
def test_fallback_is_a_matter_of_time(udp_s: int, tcp_s: int, remark: Remark) -> None:
    """TCP has to be open while UDP is tried, or to follow soon; talks last a second."""
    (session,) = sessions(at(udp_s, silent(PC, VDA, 2598)), at(tcp_s, tcp(PC, VDA, 2598)))
    assert session.remark is remark


moments = st.lists(st.integers(1, 400), max_size=6)


@given(moments, moments, moments)
def test_fallback_is_what_comparing_every_pair_finds(
    tried: list[int], worked: list[int], failed: list[int]
) -> None:
    """However attempts and connections lie, one pair close enough makes a fallback."""
    found = sessions(
        *(at(moment, silent(PC, VDA, 2598)) for moment in tried),
        *(at(moment, tcp(PC, VDA, 2598)) for moment in worked),
        *(at(moment, unanswered(PC, VDA, 2598)) for moment in failed),
    )
    close = any(u <= t + 1 and t <= u + 1 + FALL_BACK_WITHIN_S for u in tried for t in worked)
    assert [s.remark is Remark.FELL_BACK for s in found] == [close] * bool(tried + worked + failed)


@pytest.mark.parametrize(
    ("talk", "path"),
    [
        (tcp(PC, VDA, 8008), "direct"),
        (udp(PC, VDA, 443), "direct"),
        (udp(GATEWAY, VDA, 2598), "gateway"),
        (tcp(GATEWAY, VDA, 443), "gateway"),
        (udp(VDA, SERVICE, 443), "rendezvous"),
        (tcp(VDA, SERVICE, 443), "rendezvous"),
        (tcp(CONNECTOR, VDA, 2598), "connector"),
    ],
)
def test_path(talk: Talk, path: str) -> None:
    """The rules that cover a session say on which way it goes."""
    assert [session.path for session in sessions(talk)] == [path]


@pytest.mark.parametrize(
    "talk",
    [
        udp(PC, VDA, 16500),
        tcp(PC, GATEWAY, 443),
        tcp(VDA, PC, 2598),
        tcp(PC, "10.9.9.9", 2598),
        replace(tcp(PC, VDA, 9999), head=b"\x1aCGP/01"),
    ],
)
def test_no_session(talk: Talk) -> None:
    """Sound beside a session, the store's port, and what no rule covers are none."""
    assert sessions(talk) == []


def test_what_speaks_something_else_is_no_session() -> None:
    """A web page on the port of ICA leaves the session beside it as it is."""
    judged = judge(SITE, tcp(PC, VDA, 1494), udp(PC, VDA, 2598))
    heard = [Verification.CONTRADICTED, Verification.ENCRYPTED]
    verification = Coded(np.array([VERIFICATIONS.index(each) for each in heard]), VERIFICATIONS)
    (session,) = find_sessions(
        replace(judged, payloads=replace(judged.payloads, verification=verification))
    )
    assert session.flows.tolist() == [1]
    assert session.remark is Remark.UDP_ONLY


def test_hosts_are_told_apart_by_name() -> None:
    """Sessions over IPv4 and IPv6 between the same two hosts are theirs together."""
    (session,) = sessions(silent("2001:db8::1", "2001:db8::2", 2598), tcp(PC, VDA, 2598))
    assert (session.client.label, session.server.label) == ("pc", "vda")
    assert session.remark is Remark.FELL_BACK


def test_each_pair_of_hosts_has_its_own() -> None:
    """Sessions stand in the order of their first flows, with their times and what covers them."""
    first, second = sessions(
        at(5, udp(GATEWAY, VDA, 2598)), at(7, tcp(PC, VDA, 1494)), at(9, tcp(GATEWAY, VDA, 443))
    )
    assert (first.client.label, first.flows.tolist()) == ("gw", [0, 2])
    assert (first.udp, first.tcp) == (Outcome.ANSWERED, Outcome.ESTABLISHED)
    assert (first.rows, first.rule_ids) == ((144, 145), ("gateway-cgp-udp", "gateway-hdx-tls"))
    assert (first.first_ns, first.last_ns) == (5 * 10**9, 10 * 10**9)
    assert (second.rows, second.udp) == ((240,), None)


def test_notes() -> None:
    """What is unusual about a session is said, once."""
    odd = [note.says for path in catalog().session_paths for note in path.notes]
    assert len(odd) == 1
    assert sessions(udp(GATEWAY, VDA, 1494))[0].notes == (odd[0],)
    assert sessions(udp(GATEWAY, VDA, 2598), tcp(GATEWAY, VDA, 1494))[0].notes == ()
    assert sessions(udp(PC, VDA, 1494))[0].notes == ()
    assert sessions(udp(PC, VDA, 2598), silent(PC, VDA, 2598))[0].notes == (SOME_UNANSWERED,)
    assert sessions(silent(PC, VDA, 2598), silent(PC, VDA, 2598))[0].notes == ()


def test_a_moved_port_stays_a_session() -> None:
    """Sessions go by rules, so that a site's own ports count and the paper's no longer do."""
    services = (Service("tcp", 3598, 3598),)
    moved = replace(SITE, packs=("paper",), overrides=(Override("workspace-cgp", services),))
    found = find_sessions(judge(moved, tcp(PC, VDA, 3598), tcp(PC, VDA, 2598)))
    assert [session.flows.tolist() for session in found] == [[0]]


def test_without_roles_there_are_none() -> None:
    """A port alone does not make a session."""
    assert not find_sessions(judge(None, tcp(PC, VDA, 2598)))
    assert not find_sessions(judge(SITE))


def test_branch_office() -> None:
    """The sample's sessions: one falls back, EDT inside and through Gateway, no web page."""
    report = auditor.audit(
        str(build.HERE / "branch-office.pcapng"),
        hosts=str(build.HERE / "branch-office.hosts.yaml"),
    )
    found = report.sessions
    assert len(found) == 15
    edt = found[found["udp"] == "answered"]
    assert list(zip(edt["client"], edt["server"], edt["path"], edt["tcp"], strict=True)) == [
        ("10.20.40.25", "vda05", "direct", None),
        ("10.20.40.30", "vda04", "direct", None),
        ("gw1", "vda10", "gateway", None),
    ]
    (fallen,) = found[found["remark"] == Remark.FELL_BACK.value].to_dict("records")
    assert (fallen["client"], fallen["server"], fallen["rows"]) == ("pc06", "vda06", [239])
    flows = report.flows[report.flows["flow_id"].isin(fallen["flow_ids"])]
    assert sorted(flows["transport"]) == ["tcp", "udp"]
    assert fallen["bytes"] == flows["bytes_in"].sum() + flows["bytes_out"].sum()
    kept = {flow_id for flow_ids in found["flow_ids"] for flow_id in flow_ids}
    wrong = report.flows[report.flows["verification"] == "contradicted"]
    assert len(wrong) == 1
    assert kept.isdisjoint(wrong["flow_id"])
    told = dict(digest(report).summary)
    assert told["Sessions"] == "15: 11 TCP only, 3 EDT, 1 fell back to TCP (pc06 -> vda06)"
    assert told["By path"] == "12 direct, 3 gateway"


def test_summary_names_what_is_worth_a_look() -> None:
    """Sessions that did not go as tried are named, and so are the unusual ones."""
    told = dict(digest(reports.rich_report()).summary)
    assert told["Sessions"] == "9: 5 TCP only, 3 EDT, 1 fell back to TCP (pc06 -> vda06)"
    assert told["Of note"] == "gw1 -> vda07: odd here"
    assert "Sessions" not in dict(digest(reports.small_report()).summary)


@pytest.mark.parametrize("name", sorted(FORMATS.keys() & {"table", "markdown"}))
def test_every_story_tells_of_sessions(name: str) -> None:
    """The terminal and Markdown both have the line."""
    out = StringIO()
    show(reports.rich_report(), out, name)
    assert "1 fell back to TCP" in out.getvalue()
