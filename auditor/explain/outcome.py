"""Why a flow has its outcome and its direction: the facts that decide, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.hosts import BROADCAST, MULTICAST
from auditor.judge.vocabulary import OUTCOMES, Outcome
from auditor.records import ECHO_ID, IPPROTO_TCP, Seen
from auditor.report.text import count

if TYPE_CHECKING:
    from auditor.judge.judged import Judged

_FLAGS = {
    Seen.SYN: "SYN",
    Seen.SYN_ACK: "SYN+ACK",
    Seen.ACK: "ACK",
    Seen.DATA: "data",
    Seen.FIN: "FIN",
    Seen.RST: "RST",
}


def flag_words(seen: Seen) -> tuple[str, ...]:
    """List what a side was seen to send."""
    return tuple(word for flag, word in _FLAGS.items() if seen & flag)


def outcome_why(judged: Judged, row: int) -> str:
    """Say which facts make the outcome of a flow."""
    if judged.flows.facts["transport"][row] == IPPROTO_TCP:
        return _tcp_why(judged, row)
    orientation, flows = judged.orientation, judged.flows
    server = judged.hosts.table[int(orientation.server[row])]
    match OUTCOMES[judged.outcome[row]]:
        case Outcome.ANSWERED:
            return "both sides sent"
        case Outcome.REFUSED:
            return "an ICMP unreachable quotes it, and nothing else came back"
        case Outcome.ONE_WAY if orientation.reply_only[row]:
            return "only the server's half was captured"
        case Outcome.ONE_WAY if server.special in {BROADCAST, MULTICAST}:
            return f"sent to a {server.special} address, which answers nobody"
        case Outcome.ONE_WAY:
            return "a cited rule expects no answer"
        case _:
            packets = int(orientation.of_client(flows, "packets")[row])
            return f"{count(packets, 'packet')} and nothing back"


def _tcp_why(judged: Judged, row: int) -> str:
    client, server = sides_seen(judged, row)
    orientation, flows = judged.orientation, judged.flows
    heard = int(orientation.of_server(flows, "packets")[row]) > 0
    match OUTCOMES[judged.outcome[row]]:
        case Outcome.ESTABLISHED if client & Seen.SYN and server & Seen.SYN_ACK:
            return "SYN and SYN+ACK were seen"
        case Outcome.ESTABLISHED:
            half = "SYN" if client & Seen.SYN else "SYN+ACK"
            return f"only the {half} was captured of the handshake, then both sides went on"
        case Outcome.REFUSED if server & Seen.RST:
            return "a reset answered the SYN"
        case Outcome.REFUSED:
            return "an ICMP unreachable quotes it, and nothing else came back"
        case Outcome.UNANSWERED:
            packets = int(orientation.of_client(flows, "packets")[row])
            return f"{count(packets, 'packet')} with SYN and nothing back"
        case _ if (client | server) == Seen.RST:
            return "a lone reset; the connection itself is not in the capture"
        case _ if client & Seen.SYN and not heard:
            return "the client went on after its SYN, but no frame of the server was captured"
        case _:
            return "neither SYN nor SYN+ACK is in the capture"


def direction_why(judged: Judged, row: int) -> str:
    """Say what tells who is the client."""
    orientation = judged.orientation
    facts = judged.flows.facts[row]
    client, server = sides_seen(judged, row)
    if orientation.inferred[row]:
        return "worked out, not seen: by the documented port, the payload or the first sender"
    if facts["transport"] == IPPROTO_TCP:
        if client & Seen.SYN:
            return "the client sent the SYN"
        return "the server sent the SYN+ACK" if server & Seen.SYN_ACK else "the client spoke first"
    if max(facts["a_port"], facts["b_port"]) >= ECHO_ID:
        return "the client sent the echo requests"
    return "the client spoke first"


def sides_seen(judged: Judged, row: int) -> tuple[Seen, Seen]:
    """Give what client and server were seen to send."""
    orientation, flows = judged.orientation, judged.flows
    return (
        Seen(int(orientation.of_client(flows, "seen")[row])),
        Seen(int(orientation.of_server(flows, "seen")[row])),
    )
