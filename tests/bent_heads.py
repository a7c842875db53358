"""Flows whose heads are openings of all protocols, bent: bytes changed, cut, put in, joined."""

from __future__ import annotations

import random

import numpy as np
import openings_citrix
import openings_network
import openings_web
import openings_windows
import payloads

from auditor.flows import Flows
from auditor.flows.headlist import MOST_HEADS, HeadList
from auditor.records import (
    FLOW,
    IPPROTO_ICMP,
    IPPROTO_SCTP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    NO_TIME,
)

Heads = tuple[bytes, ...]

OPENINGS = (
    openings_citrix.OPENINGS
    | openings_network.OPENINGS
    | openings_web.OPENINGS
    | openings_windows.OPENINGS
)
TRANSPORTS = (IPPROTO_TCP, IPPROTO_UDP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP)


def _heads(payload: bytes | Heads) -> Heads:
    return (payload,) if isinstance(payload, bytes) else payload


WHOLE: dict[int, list[Heads]] = {
    number: [
        _heads(payload)
        for opening in OPENINGS.values()
        if opening.transport == name
        for payload in (opening.payload, *opening.misses)
    ]
    for name, number in (("tcp", IPPROTO_TCP), ("udp", IPPROTO_UDP))
}
NAMES = ("gateway.example", "A.b.example.", "no name", "10.0.0.1", None)
TARGETS = (b"/", b"http://abs.example/x", b"hello", b"*", b"a.example:443")
LINES = (
    b"Host: www.example.com", b"host:www.example.com:80 ", b"HOST:\twww.example.com",
    b"Host: other.example:123456", b"Host: ", b"Hos\x1a: a.example", b"Host: a b", b"",
    b"Host: [::1]:80", b" Host: x.example", b"Host: h.example\r", b"Host: " + b"a" * 300,
    b"Host: " + b"a" * 301, b"Accept: *",
)  # fmt: skip


def bent(dice: random.Random, payload: bytes) -> bytes:
    """Bend a payload in up to three places, mostly near its beginning, where fields are."""
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        place = min(int(dice.expovariate(1 / 12)), max(len(payload) - 1, 0))
        byte = payload[place] if payload else 0
        near = dice.choice((dice.randrange(256), byte ^ 1 << dice.randrange(8), byte + 1, 0, 255))
        new = bytes([near & 0xFF])
        ways = (
            payload[:place] + new + payload[place + 1 :],
            payload[:place] + new + payload[place:],
            payload[:place] + payload[place + 1 :],
            payload[: dice.randrange(len(payload) + 1)],
            payload + dice.choice(WHOLE[IPPROTO_TCP])[0],
        )
        payload = dice.choice((ways[0], *ways))
    return payload


def hello(dice: random.Random) -> bytes:
    """Make a hello of TLS, in one record or in two."""
    whole = payloads.tls_client_hello(dice.choice(NAMES))
    if dice.random() < 0.7:
        return whole
    cut = dice.randrange(1, len(whole) - 5)
    parts = whole[5 : 5 + cut], whole[5 + cut :]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


def request(dice: random.Random) -> bytes:
    """Make a request of HTTP/1 whose fields may name hosts."""
    method = dice.choice((b"GET", b"POST", b"CONNECT", b"H", b"M-SEARCH"))
    version = dice.choice((b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2"))
    lines = [b" ".join((method, dice.choice(TARGETS), version))]
    lines += dice.choices(LINES, k=dice.randrange(4))
    lines += dice.choice(((b"", b""), (b"",), (), (b"", b"", b"Host: body.example", b"")))
    return dice.choice((b"\r\n", b"\r\n", b"\n")).join(lines)


def datagrams(dice: random.Random) -> list[bytes]:
    """Make a hello of DTLS, in one datagram or two fragments, maybe with another number."""
    whole = payloads.dtls_client_hello(dice.choice(NAMES))
    record, message, body = whole[:11], bytearray(whole[13:19]), whole[25:]
    message[5] = dice.randrange(3)

    def fragment(start: int, stop: int) -> bytes:
        piece = body[start:stop]
        place = start.to_bytes(3, "big") + len(piece).to_bytes(3, "big")
        return record + (12 + len(piece)).to_bytes(2, "big") + bytes(message) + place + piece

    if dice.random() < 0.7:
        return [fragment(0, len(body))]
    cut = dice.randrange(len(body))
    return dice.sample([fragment(0, cut), fragment(cut, len(body))], 2)


def side(dice: random.Random, transport: int) -> Heads:
    """Make what one side sends first; nothing in one case of seven."""
    if dice.random() < 1 / 7:
        return ()
    if transport == IPPROTO_UDP:
        several: list[bytes] = []
        while len(several) < MOST_HEADS and (not several or dice.random() < 0.5):
            several += datagrams(dice) if dice.random() < 0.2 else dice.choice(WHOLE[transport])
    else:
        first = dice.choice(WHOLE[IPPROTO_TCP])[0]
        several = [dice.choice((first, first, first, hello(dice), request(dice)))]
    made = (each if dice.random() < 0.3 else bent(dice, each) for each in several[:MOST_HEADS])
    return tuple(each for each in made if each)


def bent_flows(seed: int, count: int = 40) -> Flows:
    """Make flows with such heads on both sides."""
    dice = random.Random(seed)
    facts = np.zeros(count, FLOW)
    facts["transport"] = dice.choices(TRANSPORTS, k=count)
    facts["b_port"] = dice.choices((53, 80, 443, 1494, 3003), k=count)
    heads = [(side(dice, each), side(dice, each)) for each in facts["transport"].tolist()]
    for place, letter in enumerate("ab"):
        spoke = [bool(each[place]) for each in heads]
        facts[f"data_{letter}_ns"] = np.where(spoke, 1000 + np.arange(count), NO_TIME)
    a, b = (HeadList.of(each[place] for each in heads) for place in (0, 1))
    return Flows(facts, a, b, [()] * count, 0)
