"""auditor.explain.outcome: the facts behind an outcome and a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pcap_files import pcapng
from small_office import CLOUD, DDC, LICENSES, ROUTER, VDA
from traffic import ACK, SYN, Host, Tcp, Udp, Wire

from auditor.explain.outcome import direction_why, flag_words, outcome_why
from auditor.judge.vocabulary import OUTCOMES
from auditor.pipeline import examine
from auditor.records import Seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVERYBODY = Host("10.0.0.255")


def whole(wire: Wire) -> None:
    """Let a connection be seen from end to end."""
    Tcp(wire, VDA, DDC, 80).connect().send(b"x").close()


def half(wire: Wire) -> None:
    """Let the SYN get lost before the capture."""
    tcp = Tcp(wire, VDA, DDC, 80)
    tcp._segment(tcp.server, SYN | ACK)
    tcp.send(b"x").answer(b"y")


def one_sided(wire: Wire) -> None:
    """Let the mirror show the client alone."""
    tcp = Tcp(wire, VDA, DDC, 80)
    tcp._segment(tcp.client, SYN)
    tcp._segment(tcp.client, ACK)


def middle(wire: Wire) -> None:
    """Begin in the middle."""
    Tcp(wire, VDA, DDC, 80).send(b"x").answer(b"y")


def reset(wire: Wire) -> None:
    """Leave a reset alone."""
    Tcp(wire, VDA, DDC, 80).reset()


def trap(wire: Wire) -> None:
    """Send what nobody answers."""
    Udp(wire, Host("10.0.0.20"), Host("10.0.0.21"), 162).send(b"x")


def shout(wire: Wire) -> None:
    """Send to everybody."""
    Udp(wire, VDA, EVERYBODY, 9999).send(b"x")


def answer_alone(wire: Wire) -> None:
    """Show only the reply from a documented port."""
    Udp(wire, VDA, DDC, 53).answer(b"x")


@pytest.mark.parametrize(
    ("speak", "outcome", "why", "direction"),
    [
        (whole, "established", "SYN and SYN+ACK were seen", "the client sent the SYN"),
        (half, "established", "only the SYN+ACK was captured", "the server sent the SYN+ACK"),
        (one_sided, "midstream", "no frame of the server", "the client sent the SYN"),
        (middle, "midstream", "neither SYN nor SYN+ACK", "worked out, not seen"),
        (reset, "midstream", "a lone reset", "worked out, not seen"),
        (lambda wire: Tcp(wire, VDA, DDC, 80).refuse(), "refused", "a reset answered", "the SYN"),
        (
            lambda wire: Tcp(wire, VDA, DDC, 80).knock(1).reject(ROUTER),
            "refused",
            "an ICMP unreachable quotes it",
            "the client sent the SYN",
        ),
        (
            lambda wire: Tcp(wire, VDA, DDC, 80).knock(3),
            "unanswered",
            "3 packets with SYN and nothing back",
            "the client sent the SYN",
        ),
        (
            lambda wire: Udp(wire, VDA, DDC, 9999).send(b"x").answer(b"y"),
            "answered",
            "both sides sent",
            "the client spoke first",
        ),
        (
            lambda wire: Udp(wire, VDA, DDC, 9999).send(b"x", b"y"),
            "unanswered",
            "2 packets and nothing back",
            "the client spoke first",
        ),
        (
            lambda wire: Udp(wire, VDA, LICENSES, 9999).send(b"x").reject(ROUTER),
            "refused",
            "an ICMP unreachable quotes it",
            "the client spoke first",
        ),
        (shout, "one-way", "sent to a broadcast address", "the client spoke first"),
        (answer_alone, "one-way", "only the server's half was captured", "worked out, not seen"),
        (
            lambda wire: wire.ping(VDA, CLOUD, at_ms=0),
            "answered",
            "both sides sent",
            "the client sent the echo requests",
        ),
    ],
)
def test_the_deciding_facts_are_named(
    speak: Callable[[Wire], object], outcome: str, why: str, direction: str, tmp_path: Path
) -> None:
    """Each outcome and each direction says what it rests on."""
    wire = Wire()
    speak(wire)
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    judged = examine(path).judged
    assert OUTCOMES[judged.outcome[0]] == outcome
    assert why in outcome_why(judged, 0)
    assert direction in direction_why(judged, 0)


def test_a_rule_that_expects_no_answer_is_named(tmp_path: Path) -> None:
    """A trap that a rule covers is no failure."""
    wire = Wire()
    trap(wire)
    path, site = tmp_path / "x.pcapng", tmp_path / "site.yaml"
    path.write_bytes(pcapng(wire.captured()))
    site.write_text(
        "hosts:\n"
        "  - {addresses: [10.0.0.20], roles: [adc]}\n"
        "  - {addresses: [10.0.0.21], roles: [adm]}\n"
    )
    judged = examine(path, hosts=site).judged
    assert outcome_why(judged, 0) == "a cited rule expects no answer"


def test_flags_are_named_in_the_order_of_a_connection() -> None:
    """Everything a side was seen to send has a word."""
    assert flag_words(Seen(63)) == ("SYN", "SYN+ACK", "ACK", "data", "FIN", "RST")
    assert flag_words(Seen(0)) == ()
