"""Transfers that answer a request from another port (TFTP), joined over the ticks of a watch.

auditor.judge.transfers joins what is judged together. In a watch the request may be handed out
before its transfer, the transfer goes on for many ticks, and records forget the port that asked.
So requests are remembered, one without an answer waits for it a while, and a transfer is given
the port that was asked: it then reads as the answer that it is, whoever judges it and when.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.hosts import resolve
from auditor.live.fold import gather_heads
from auditor.live.messages import no_flows
from auditor.records import FLOW, IPPROTO_UDP, NO_TIME, join, opaque, pick

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from auditor.flows import Flows
    from auditor.live.lane import Macs
    from auditor.site.model import Site

    Endpoint = tuple[int, int, int]
    """Address words and port."""

PATIENCE_S = 10.0
"""How long a request waits to be judged, at least: a client gives up after some seconds."""

_MOST_REQUESTS = 10_000
_HEAD_ROOM = 1 << 28
_ENDS = (("a", "b"), ("b", "a"))


@dataclass(slots=True)
class _Request:
    """What is known of a port that asked; of several requests from it the last counts."""

    asked: Endpoint
    asked_ns: int
    since_s: float
    heard_s: float
    answered_ns: int = NO_TIME


class TransferMemory:
    """Requests of the last minutes, by the endpoint that asked."""

    def __init__(self, ports: Collection[int], forget_s: float) -> None:
        """ports: those of UDP on which requests arrive. forget_s: silence that ends a transfer."""
        self.ports = frozenset(ports)
        """As given."""
        self._ports = np.array(sorted(ports), np.uint32)
        self._forget_s = forget_s
        self._requests: dict[Endpoint, _Request] = {}
        self._held = no_flows()
        self._held_begun = np.zeros(0, dtype=bool)

    def join(
        self,
        flows: Flows,
        begun: NDArray[np.bool_],
        now_s: float,
        *,
        site: Site | None,
        macs: Macs,
        last: bool,
    ) -> tuple[Flows, NDArray[np.bool_]]:
        """Give the flows to be judged now, transfers with the port that was asked.

        begun: shape (n,), goes with the flows. now_s: a clock that never goes back. last: nothing
        may wait any longer.
        """
        flows, begun = self._with_held(flows, begun)
        facts = flows.facts
        is_udp = facts["transport"] == IPPROTO_UDP
        askers = [is_udp & self._asks(facts, asker, other) for asker, other in _ENDS]
        for marked, (asker, other) in zip(askers, _ENDS, strict=True):
            self._remember(facts, np.flatnonzero(marked), asker, other, now_s)
        if not self._requests:
            return flows, begun
        facts = opaque(facts).copy().view(FLOW)
        others = np.flatnonzero(is_udp & ~askers[0] & ~askers[1])
        for asker, answerer in _ENDS:
            self._name_answers(facts, others, asker, answerer, now_s, site, macs)
        waits = np.zeros(len(facts), dtype=bool)
        for marked, (asker, other) in zip(askers, _ENDS, strict=True):
            waits |= self._mark_answered(facts, np.flatnonzero(marked), asker, other, now_s)
        self._forget(now_s)
        waits &= not last
        flows = replace(flows, facts=facts)
        self._held, self._held_begun = _chosen(flows, waits), begun[waits]
        return _chosen(flows, ~waits), begun[~waits]

    def _with_held(self, flows: Flows, begun: NDArray[np.bool_]) -> tuple[Flows, NDArray[np.bool_]]:
        held, self._held = self._held, no_flows()
        if not len(held.facts):
            return flows, begun
        rows = np.arange(len(held.facts) + len(flows.facts))
        a = gather_heads([held.heads_a, flows.heads_a], rows, _HEAD_ROOM)
        b = gather_heads([held.heads_b, flows.heads_b], rows, _HEAD_ROOM)
        facts = join([held.facts, flows.facts])
        vlans = [*held.vlans, *flows.vlans]
        joined = replace(flows, facts=facts, heads_a=a, heads_b=b, vlans=vlans)
        return joined, np.concatenate([self._held_begun, begun])

    def _asks(self, facts: NDArray[np.void], asker: str, other: str) -> NDArray[np.bool_]:
        asks: NDArray[np.bool_] = np.isin(facts[f"{other}_port"], self._ports)
        # Between two ports of the kind the one that sent first has asked.
        asks &= facts[f"first_{asker}_ns"] < facts[f"first_{other}_ns"]
        return asks & (facts[f"{asker}_port"] > 0)

    def _remember(
        self, facts: NDArray[np.void], rows: NDArray[np.int64], asker: str, other: str, now_s: float
    ) -> None:
        mine, theirs = _endpoints(facts[rows], asker), _endpoints(facts[rows], other)
        times = facts[f"first_{asker}_ns"][rows].tolist()
        for endpoint, asked, asked_ns in zip(mine, theirs, times, strict=True):
            known = self._requests.pop(endpoint, None)
            if known is None or known.asked != asked:
                known = _Request(asked, asked_ns, now_s, now_s)
            known.heard_s = now_s
            self._requests[endpoint] = known
        while len(self._requests) > _MOST_REQUESTS:
            del self._requests[next(iter(self._requests))]

    def _name_answers(
        self,
        facts: NDArray[np.void],
        rows: NDArray[np.int64],
        asker: str,
        answerer: str,
        now_s: float,
        site: Site | None,
        macs: Macs,
    ) -> None:
        """Give those of some flows that answer a request the port that was asked."""
        ports = np.array([port for _, _, port in self._requests], np.uint32)
        rows = rows[np.isin(facts[f"{asker}_port"][rows], ports)]
        found = [
            (row, request)
            for row, endpoint in zip(rows.tolist(), _endpoints(facts[rows], asker), strict=True)
            if (request := self._requests.get(endpoint)) is not None
        ]
        if not found:
            return
        answering = np.array([row for row, _ in found])
        pairs = _pairs([request for _, request in found], facts[answering], answerer)
        fits = _same_machine(pairs, site, macs)
        for (row, request), one in zip(found, fits.tolist(), strict=True):
            if one:
                facts[f"{answerer}_port"][row] = request.asked[2]
                if facts[f"first_{asker}_ns"][row] == NO_TIME:
                    facts[f"first_{asker}_ns"][row] = request.asked_ns
                answered_ns = int(facts[f"first_{answerer}_ns"][row])
                request.answered_ns = min(request.answered_ns, answered_ns)
                request.heard_s = now_s

    def _mark_answered(
        self, facts: NDArray[np.void], rows: NDArray[np.int64], asker: str, other: str, now_s: float
    ) -> NDArray[np.bool_]:
        """Let requests show that they were answered; mark those that wait for it."""
        waits = np.zeros(len(facts), dtype=bool)
        for row, endpoint in zip(rows.tolist(), _endpoints(facts[rows], asker), strict=True):
            request = self._requests.get(endpoint)
            if request is None:
                continue
            first = facts[f"first_{other}_ns"]
            first[row] = min(int(first[row]), request.answered_ns)
            waits[row] = first[row] == NO_TIME and now_s - request.since_s < PATIENCE_S
        return waits

    def _forget(self, now_s: float) -> None:
        silent = [
            endpoint
            for endpoint, request in self._requests.items()
            if now_s - request.heard_s >= self._forget_s
        ]
        for endpoint in silent:
            del self._requests[endpoint]


def _endpoints(facts: NDArray[np.void], side: str) -> list[Endpoint]:
    columns = (facts[f"{side}_{name}"].tolist() for name in ("hi", "lo", "port"))
    return list(zip(*columns, strict=True))


def _pairs(requests: list[_Request], answers: NDArray[np.void], answerer: str) -> NDArray[np.void]:
    """Put who was asked (a) beside who answers (b)."""
    pairs = np.zeros(len(requests), FLOW)
    pairs["first_a_ns"] = NO_TIME
    pairs["a_hi"] = [request.asked[0] for request in requests]
    pairs["a_lo"] = [request.asked[1] for request in requests]
    for name in ("hi", "lo"):
        pairs[f"b_{name}"] = answers[f"{answerer}_{name}"]
    return pairs


def _same_machine(pairs: NDArray[np.void], site: Site | None, macs: Macs) -> NDArray[np.bool_]:
    hosts = resolve(replace(no_flows(), facts=pairs), site, macs)
    # A request to the broadcast address may be answered by anybody.
    anybody = hosts.where(lambda party: bool(party.special))
    same: NDArray[np.bool_] = hosts.machine[hosts.a] == hosts.machine[hosts.b]
    return same | anybody[hosts.a]


def _chosen(flows: Flows, chosen: NDArray[np.bool_]) -> Flows:
    rows = np.flatnonzero(chosen)
    return replace(
        flows,
        facts=pick(flows.facts, rows),
        heads_a=flows.heads_a.select(rows),
        heads_b=flows.heads_b.select(rows),
        vlans=[flows.vlans[row] for row in rows.tolist()],
    )
