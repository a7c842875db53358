"""Flows stated as facts, for tests of what is concluded from them: no frames, no files."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from auditor.flows import Flows
from auditor.flows.headlist import HeadList
from auditor.records import (
    ECHO_ID,
    FLOW,
    IPPROTO_ICMP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    NO_TIME,
    Seen,
    address_words,
)

PROTOCOLS = {"tcp": IPPROTO_TCP, "udp": IPPROTO_UDP, "icmp": IPPROTO_ICMP}
SECOND = 1_000_000_000
OPENED = Seen.SYN | Seen.ACK | Seen.DATA | Seen.FIN
ACCEPTED = Seen.SYN_ACK | Seen.ACK | Seen.DATA | Seen.FIN


@dataclass
class Talk:
    """One conversation: `first` sent the first frame."""

    first: str
    second: str
    transport: str = "tcp"
    port: int = 0
    """Port of `second`."""
    from_port: int = 50000
    sent: Seen = OPENED
    """What `first` was seen to send; `answered` what `second` was."""
    answered: Seen = ACCEPTED
    replies: bool = True
    unreachable: bool = False
    """An ICMP unreachable quotes a packet of `first`."""
    start_s: float = 0.0
    head: bytes = b""
    reply_head: bytes = b""
    echo: int | None = field(default=None)


def flows_of(*talks: Talk) -> Flows:
    """State a finished flow table."""
    facts = np.zeros(len(talks), dtype=FLOW)
    heads_a: list[tuple[bytes, ...]] = []
    heads_b: list[tuple[bytes, ...]] = []
    for row, talk in enumerate(talks):
        port, from_port = talk.port, talk.from_port
        if talk.transport not in ("tcp", "udp"):
            port, from_port = 0, 0 if talk.echo is None else ECHO_ID + talk.echo
        ends = [(address_words(talk.first), from_port), (address_words(talk.second), port)]
        first_is_a = ends[0] <= ends[1]
        a, b = sorted(ends)
        me, you = ("a", "b") if first_is_a else ("b", "a")
        start = int(talk.start_s * SECOND)
        fact = facts[row]
        (fact["a_hi"], fact["a_lo"]), fact["a_port"] = a
        (fact["b_hi"], fact["b_lo"]), fact["b_port"] = b
        fact["transport"] = PROTOCOLS[talk.transport]
        fact["first_frame"] = row + 1
        fact[f"data_{me}_ns"] = start if talk.head else NO_TIME
        fact[f"data_{you}_ns"] = start if talk.reply_head else NO_TIME
        fact[f"packets_{me}"], fact[f"bytes_{me}"] = 3, 300
        fact[f"first_{me}_ns"], fact[f"last_{me}_ns"] = start, start + SECOND
        fact[f"first_{you}_ns"], fact[f"last_{you}_ns"] = NO_TIME, -NO_TIME
        if talk.replies:
            fact[f"packets_{you}"], fact[f"bytes_{you}"] = 2, 200
            fact[f"first_{you}_ns"], fact[f"last_{you}_ns"] = start + 1000, start + SECOND
        if talk.transport == "tcp":
            fact[f"seen_{me}"] = talk.sent
            fact[f"seen_{you}"] = talk.answered if talk.replies else 0
        fact[f"unreachable_{me}"] = talk.unreachable
        mine = (talk.head,) if talk.head else ()
        yours = (talk.reply_head,) if talk.reply_head else ()
        heads_a.append(mine if first_is_a else yours)
        heads_b.append(yours if first_is_a else mine)
    return Flows(facts, HeadList.of(heads_a), HeadList.of(heads_b), [() for _ in talks], 0)
