"""Who is the client of each flow, and what happened between the two.

A handshake decides; else a rule whose destination is one side; else a documented port; else what
the payloads prescribe; else who spoke first. Flow tables hold facts that merge in any order, so
all of this is derived here, once, when the table is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.hosts import BROADCAST, MULTICAST
from auditor.judge.kinds import kinds_of
from auditor.judge.rulebook import NameClass, authority
from auditor.judge.vocabulary import OUTCOMES, Outcome
from auditor.records import ECHO_ID, IPPROTO_TCP, NO_TIME, TRANSPORT_NUMBERS, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.rulebook import RuleBook


@dataclass(frozen=True)
class Orientation:
    """Which endpoint is the client; all arrays have shape (n flows,)."""

    client_is_a: NDArray[np.bool_]
    inferred: NDArray[np.bool_]
    """The capture itself does not show who opened the flow, or the first sender is the server."""
    reply_only: NDArray[np.bool_]
    """No frame says who opened the flow, and only the server's half was captured."""
    client: NDArray[np.int64]
    """Row of the client in Hosts.table."""
    server: NDArray[np.int64]
    client_port: NDArray[np.uint32]
    server_port: NDArray[np.uint32]

    def of_client(self, flows: Flows, name: str) -> NDArray[np.int64]:
        """Pick the client's value of a per-endpoint field, such as `packets`."""
        return self._pick(flows, name, self.client_is_a)

    def of_server(self, flows: Flows, name: str) -> NDArray[np.int64]:
        """Pick the server's value of a per-endpoint field."""
        return self._pick(flows, name, ~self.client_is_a)

    @staticmethod
    def _pick(flows: Flows, name: str, use_a: NDArray[np.bool_]) -> NDArray[np.int64]:
        pair = flows.facts[f"{name}_a"], flows.facts[f"{name}_b"]
        picked: NDArray[np.int64] = np.where(use_a, *pair).astype(np.int64)
        return picked


def orient(
    flows: Flows,
    hosts: Hosts,
    book: RuleBook,
    servers_by_payload: Callable[[NDArray[np.int64]], NDArray[np.int8]] | None = None,
) -> Orientation:
    """Decide the client of every flow.

    servers_by_payload: tells the servers of some flows, given by their rows, by their payload:
    1 = b, -1 = a, 0 = it does not tell.
    """
    # What is looked at more than once is taken out of the records, which lie far apart.
    names = "first_a_ns", "first_b_ns", "a_port", "b_port", "transport"
    first_a, first_b, a_port, b_port, transport = (
        np.ascontiguousarray(flows.facts[name]) for name in names
    )
    is_tcp = transport == IPPROTO_TCP
    a_first = first_a <= first_b
    shown = _by_handshake(flows, a_first, is_tcp)
    decided = shown != 0
    a_is_client = shown > 0

    echo = (a_port >= ECHO_ID) | (b_port >= ECHO_ID)
    a_is_client = np.where(echo, a_port >= ECHO_ID, a_is_client)
    decided |= echo

    open_rows = np.flatnonzero(~decided)
    preference = _by_rules(flows, hosts, book, open_rows)
    if servers_by_payload is not None:
        silent = preference == 0
        preference[silent] = servers_by_payload(open_rows[silent])
    chosen = np.where(preference != 0, preference > 0, a_first[open_rows])
    a_is_client[open_rows] = chosen

    turned = a_is_client != a_first
    inferred = ~decided & (is_tcp | turned)
    # A flow that is handed out in parts knows from its first times who ever sent.
    server_sent = np.where(a_is_client, first_b, first_a) != NO_TIME
    client_sent = np.where(a_is_client, first_a, first_b) != NO_TIME
    return Orientation(
        a_is_client,
        inferred,
        (~decided | echo) & server_sent & ~client_sent,
        np.where(a_is_client, hosts.a, hosts.b),
        np.where(a_is_client, hosts.b, hosts.a),
        np.where(a_is_client, a_port, b_port),
        np.where(a_is_client, b_port, a_port),
    )


def outcomes(
    flows: Flows, hosts: Hosts, orientation: Orientation, one_way: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Say what happened, as indices into OUTCOMES.

    one_way: shape (n,), a rule that matches the flow expects no answer.
    """
    facts = flows.facts
    use_a = orientation.client_is_a
    seen_a, seen_b = facts["seen_a"], facts["seen_b"]
    client, server = np.where(use_a, seen_a, seen_b), np.where(use_a, seen_b, seen_a)
    refused = np.where(use_a, facts["unreachable_a"], facts["unreachable_b"]) > 0
    a_sent, b_sent = facts["first_a_ns"] != NO_TIME, facts["first_b_ns"] != NO_TIME
    client_sent, server_sent = np.where(use_a, a_sent, b_sent), np.where(use_a, b_sent, a_sent)

    moving = np.uint8(Seen.ACK | Seen.DATA | Seen.FIN)
    opened = (client & Seen.SYN) > 0
    accepted = (server & Seen.SYN_ACK) > 0
    both_move = ((client & moving) > 0) & ((server & moving) > 0)
    tcp = np.select(
        [
            (opened & accepted) | ((opened | accepted) & both_move),
            opened & ((server & Seen.RST) > 0) & ((client & moving) == 0),
            refused & ~server_sent,
            opened & ~server_sent & ((client & moving) == 0),
        ],
        [_code(Outcome.ESTABLISHED), *[_code(Outcome.REFUSED)] * 2, _code(Outcome.UNANSWERED)],
        _code(Outcome.MIDSTREAM),
    )

    nobody = hosts.where(lambda party: party.special in {BROADCAST, MULTICAST})
    silent_by_nature = one_way | orientation.reply_only | nobody[orientation.server]
    other = np.select(
        [client_sent & server_sent, refused, silent_by_nature],
        [_code(Outcome.ANSWERED), _code(Outcome.REFUSED), _code(Outcome.ONE_WAY)],
        _code(Outcome.UNANSWERED),
    )
    return np.where(facts["transport"] == IPPROTO_TCP, tcp, other).astype(np.uint8)


def _code(outcome: Outcome) -> int:
    return OUTCOMES.index(outcome)


def _by_handshake(
    flows: Flows, a_first: NDArray[np.bool_], is_tcp: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Read who opened the connection off its flags: 1 = a, -1 = b, 0 = not shown."""
    a, b = (np.ascontiguousarray(flows.facts[name]) for name in ("seen_a", "seen_b"))
    opens, accepts = np.uint8(Seen.SYN), np.uint8(Seen.SYN_ACK)
    says_a = is_tcp & (((a & opens) | (b & accepts)) > 0)
    says_b = is_tcp & (((b & opens) | (a & accepts)) > 0)
    side = says_a.astype(np.int8) - says_b.astype(np.int8)
    both = says_a & says_b
    side[both] = np.where(a_first[both], 1, -1)
    return side


def _by_rules(
    flows: Flows, hosts: Hosts, book: RuleBook, rows: NDArray[np.int64]
) -> NDArray[np.int8]:
    """Ask the rules which side serves: 1 = b serves (a is client), -1 = a serves, 0 = no answer."""
    facts = flows.facts
    transport = facts["transport"][rows]
    a, b = hosts.a[rows], hosts.b[rows]
    no_name = np.zeros(len(rows), dtype=np.int64)
    by_port = np.array([authority(interval.rules) for interval in book.index.intervals])
    fits, documented = [], []
    for client, server, ports in ((a, b, facts["b_port"]), (b, a, facts["a_port"])):
        port = ports[rows]
        interval = book.index.lookup(transport, port)
        serving = ~_own_port(hosts, book, server, transport, port)
        kinds = kinds_of(hosts, client, server, interval, no_name, [NameClass()])
        by_role = np.array([book.serves(kind) for kind in kinds.kinds], dtype=np.int64)
        fits.append(by_role[kinds.kind_of] * serving)
        documented.append(by_port[interval] * serving)
    sides = [np.sign(one - other).astype(np.int8) for one, other in (fits, documented)]
    return np.where(sides[0] != 0, *sides)


def _own_port(
    hosts: Hosts,
    book: RuleBook,
    server: NDArray[np.int64],
    transport: NDArray[np.uint8],
    port: NDArray[np.uint32],
) -> NDArray[np.bool_]:
    """Mark ports that the host itself sends from, so that they are no service of it (row 278)."""
    result = np.zeros(len(server), dtype=bool)
    for role, name, number in book.own_ports:
        own = (port == number) & (transport == TRANSPORT_NUMBERS[name])
        if own.any():
            holders = np.array([role in party.roles for party in hosts.parties], dtype=bool)
            result[own] |= holders[hosts.party[server[own]]]
    return result
