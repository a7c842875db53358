"""Flows become traces: alike ones counted together, others left out, and how far each came."""

from __future__ import annotations

import pytest
from conversations import ACCEPTED, OPENED, Talk
from inferring import HEADS, judged_talks, listener, talk, told

from auditor.catalog.load import load_catalog
from auditor.infer.clues import Clue, ClueBook, Level, Trace, TraceKind
from auditor.infer.stage import load_clues
from auditor.infer.traces import traces_of
from auditor.judge.rulebook import RuleBook
from auditor.records import Seen

A, B = "10.0.0.1", "10.0.0.2"


def traces(*talks: Talk, book: ClueBook | None = None) -> list[Trace]:
    """Gather the traces of conversations, by the shipped clues."""
    judged = judged_talks(*talks)
    signatures = listener().signatures
    clues = book or load_clues(RuleBook(load_catalog()), signatures)
    return list(traces_of(judged, told(judged.flows), clues))


def test_alike_flows_are_one_trace() -> None:
    """Flows of two hosts that differ in nothing a clue asks for are counted together."""
    (trace,) = traces(*(talk(A, B, "tcp/1494", "ica", 50000 + n) for n in range(5)))
    assert trace == Trace(0, 1, TraceKind("tcp", 1494, "ica", True, Level.ANSWER, ""), 5)


def test_what_no_clue_asks_for_is_left_out() -> None:
    """Traffic on other ports in other protocols leaves no trace."""
    assert traces(talk(A, B, "tcp/9999", "noise"), talk(A, B, "tcp/9999", "silence")) == []


def test_only_names_that_a_clue_knows_are_kept() -> None:
    """A name in the payload tells traces apart only if some clue asks for it."""
    known = traces(talk(A, B, "tcp/443", "to-the-cloud"), talk(A, B, "tcp/443", "tls", 50001))
    assert sorted(trace.kind.name for trace in known) == ["", "a.xendesktop.net"]


def test_bytes_that_merely_fit_are_uncertain() -> None:
    """What is recognised weakly, on a service that a clue names, is kept and marked."""
    (trace,) = traces(talk(A, B, "udp/3003", "heartbeat"))
    assert (trace.kind.protocol, trace.kind.certain) == ("netscaler-ha", False)


@pytest.mark.parametrize(
    ("spoken", "level"),
    [
        (Talk(A, B, "tcp", 1494, head=b"a", reply_head=b"b"), Level.ANSWER),
        (Talk(A, B, "tcp", 1494, head=b"a", answered=ACCEPTED & ~Seen.DATA), Level.SENT),
        (Talk(A, B, "tcp", 1494, sent=Seen.SYN, replies=False), Level.ATTEMPT),
        (Talk(A, B, "tcp", 1494, sent=Seen.SYN, answered=Seen.RST), Level.ATTEMPT),
        (
            Talk(
                A,
                B,
                "tcp",
                1494,
                sent=OPENED & ~Seen.SYN,
                answered=ACCEPTED & ~Seen.SYN_ACK,
                head=b"a",
                reply_head=b"b",
            ),
            Level.ANSWER,
        ),
        (Talk(A, B, "udp", 6910, head=b"a", reply_head=b"b"), Level.ANSWER),
        (Talk(A, B, "udp", 6910, head=b"a", replies=False), Level.SENT),
        (Talk(A, B, "udp", 6910, head=b"a", replies=False, unreachable=True), Level.ATTEMPT),
    ],
)
def test_levels(spoken: Talk, level: Level) -> None:
    """A conversation came as far as the payload that was seen says."""
    (trace,) = traces(spoken)
    assert trace.kind.level is level


def test_a_captured_reply_is_an_answer() -> None:
    """The answer alone, its request not captured, proves the server by its payload."""
    reply = Talk(B, A, "udp", 50000, from_port=53, head=HEADS["dns"][1], replies=False)
    (trace,) = traces(reply)
    assert (trace.server, trace.kind.port, trace.kind.level) == (1, 53, Level.ANSWER)


def test_portless_flows_leave_no_trace_on_ports() -> None:
    """An echo identifier is never taken for a port."""
    clue = Clue("a", "vda", "server", 50, "x", protocols=frozenset({"ica"}))
    book = ClueBook((clue,), (), 35, 70, 50)
    assert traces(Talk(A, B, "icmp", echo=1494), book=book) == []
    assert traces(Talk(A, B, "icmp", echo=1494)) == []
