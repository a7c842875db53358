"""Flows condensed: what is remembered of months.

Flows of one client to one service of one server that ended alike, spoke alike and had the same
names become one record: sums, extremes, sets of bits, first payloads. A record reads like a flow
whose client has no port; what is judged of it is what would be judged of each of its flows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.evidence.names import SeenName
from auditor.evidence.own_names import OWN_KINDS, OwnNames
from auditor.flows import Flows
from auditor.flows.headlist import HeadList
from auditor.judge.vocabulary import ATTEMPTED, OUTCOMES
from auditor.kernel.folding import fold_records
from auditor.live import fold
from auditor.records import ECHO_ID, FLOW, NO_TIME, Seen, join, opaque, pick

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.judge.judged import Judged

    Words = tuple[int, int]
    Heads = tuple[HeadList, HeadList]

_ROW = np.dtype(
    [
        ("facts", FLOW),
        ("outcome", "u1"),
        ("marks", "u4"),
        ("speaks", "i8"),
        ("names", "i8"),
        ("vlans", "i8"),
        ("flows", "i8"),
    ]
)
"""One record. marks: what of the facts decides who is client and what happened. speaks, names,
vlans: numbers in the ledger's lists. flows: how many began that the record stands for."""

_MOVING = np.uint8(Seen.ACK | Seen.DATA | Seen.FIN)
_OPENING = np.uint8(Seen.SYN | Seen.SYN_ACK | Seen.RST)

_ATTEMPTED = [OUTCOMES.index(outcome) for outcome in ATTEMPTED]
_TOLD = frozenset({"dns", "dhcp"})
"""Kinds of name that are told of an address, and count for flows that begin afterwards."""


class _Numbers:
    """Numbers for values, 0 for the first; what is beyond `most` shares the number 0."""

    def __init__(self, empty: Hashable, most: int) -> None:
        self.values: list[Any] = [empty]
        self.left_out = 0
        self._number: dict[Hashable, int] = {empty: 0}
        self._most = most

    def of(self, value: Hashable) -> int:
        number = self._number.get(value)
        if number is None:
            if len(self.values) >= self._most:
                self.left_out += 1
                return 0
            number = self._number[value] = len(self.values)
            self.values.append(value)
        return number


class Ledger:
    """Condensed flows, of which there are never more than `most`."""

    def __init__(self, most: int = 200_000, head_bytes: int = 1 << 26) -> None:
        """Keep whole first payloads while all take less than `head_bytes`."""
        self.forgotten = 0
        """Records dropped for want of room: attempts first, those longest unseen first."""
        self._most = most
        self._head_bytes = head_bytes
        self._rows = np.empty(0, _ROW)
        self._heads: Heads = (HeadList.of(()), HeadList.of(()))
        self._speaks = _Numbers(None, 1 << 16)
        self._names = _Numbers((), most)
        self._vlans = _Numbers((), 1 << 16)

    def __len__(self) -> int:
        """Count the records."""
        return len(self._rows)

    def add(self, judged: Judged, names: Names, begun: NDArray[np.bool_]) -> None:
        """Take in judged flows; begun: shape (n,), those that no ledger was told of before."""
        flows = judged.flows
        rows = np.zeros(len(flows.facts), _ROW)
        opaque(rows["facts"])[:] = opaque(_without_client_ports(judged))
        rows["outcome"] = judged.outcome
        rows["marks"] = _marks(judged)
        rows["flows"] = begun
        spoken = judged.payloads.application
        rows["speaks"] = np.array([self._speaks.of(word) for word in spoken.words])[spoken.code]
        if any(flows.vlans):
            rows["vlans"] = [self._vlans.of(vlans) for vlans in flows.vlans]
        for some, seen in _names_of(judged, names):
            rows["names"][some] = self._names.of(seen)
        self._merge(rows, (flows.heads_a, flows.heads_b))

    def absorb(self, other: Ledger) -> None:
        """Take in the records of another ledger."""
        rows = opaque(other._rows).copy().view(_ROW)
        for field in ("speaks", "names", "vlans"):
            mine: _Numbers = getattr(self, f"_{field}")
            theirs: _Numbers = getattr(other, f"_{field}")
            used = np.unique(rows[field])
            numbers = np.zeros(len(theirs.values), np.int64)
            numbers[used] = [mine.of(theirs.values[number]) for number in used.tolist()]
            rows[field] = numbers[rows[field]]
        self.forgotten += other.forgotten
        self._merge(rows, other._heads)

    def copy(self) -> Ledger:
        """Give a ledger of its own with the same records."""
        copied = Ledger(self._most, self._head_bytes)
        copied.absorb(self)
        return copied

    def flows(self, *, at_least: int = 1) -> Flows:
        """Give the records as flows, in the order of time.

        at_least: what a record counts if none of its flows began here: 0 where their begin is
        another record's, 1 where it was before.
        """
        order = self._order()
        vlans = self._vlans.values
        return Flows(
            facts=pick(self._rows["facts"], order),
            heads_a=self._heads[0].select(order),
            heads_b=self._heads[1].select(order),
            vlans=[vlans[number] for number in self._rows["vlans"][order].tolist()],
            unmatched_errors=0,
            weights=np.maximum(self._rows["flows"][order], at_least),
        )

    def own_names(self) -> OwnNames:
        """Give the names in the payload of the flows that `flows` gives."""
        own = [
            tuple(name for name in seen if name.kind not in _TOLD) for seen in self._names.values
        ]
        return OwnNames.of([own[number] for number in self._rows["names"][self._order()].tolist()])

    def told_names(self) -> dict[Words, tuple[SeenName, ...]]:
        """Give the names that were told of servers, by address words and in order of time.

        They are told when the first flow that had the name began, to whoever opened it.
        """
        told: dict[Words, list[SeenName]] = {}
        order = np.flatnonzero(self._rows["names"])
        facts = pick(self._rows["facts"], order)
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"]).tolist()
        for (fact, seen), time_ns in zip(self._named(order), first_ns, strict=True):
            ends = [(int(fact[f"{end}_hi"]), int(fact[f"{end}_lo"])) for end in "ab"]
            for name in seen:
                if name.kind in _TOLD:
                    # The name says who is the server: the other one has asked.
                    server, client = ends if name.asker == (0, 0) else ends[::-1]
                    asker = None if name.kind == "dhcp" else client
                    told.setdefault(server, []).append(name._replace(time_ns=time_ns, asker=asker))
        return {
            address: tuple(sorted(names, key=lambda name: name.time_ns))
            for address, names in told.items()
        }

    def _named(self, order: NDArray[np.int64]) -> list[tuple[np.void, tuple[SeenName, ...]]]:
        numbers = self._rows["names"][order].tolist()
        facts = pick(self._rows["facts"], order)
        return [
            (fact, self._names.values[number]) for fact, number in zip(facts, numbers, strict=True)
        ]

    def _order(self) -> NDArray[np.int64]:
        facts = self._rows["facts"]
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
        names = "transport", "b_port", "a_port", "b_lo", "b_hi", "a_lo", "a_hi"
        return np.lexsort((*(facts[name] for name in names), first_ns))

    def _merge(self, news: NDArray[np.void], heads: Heads) -> None:
        rows = join([self._rows, news])
        facts = rows["facts"]
        first_ns = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
        order, starts = fold.group(_keys(rows), first_ns)
        merged = pick(rows, order[starts])  # the earliest of each group describes it
        fold_records(rows, order, starts, merged)
        self._unite_vlans(rows["vlans"], order, starts, merged)
        parts = list(zip(self._heads, heads, strict=True))
        has = [np.concatenate([part.length[:, 0] for part in pair]) > 0 for pair in parts]
        chosen = fold.first_marked(has[0] | has[1], order, starts)
        kept = self._kept(merged)
        room = self._head_bytes // 2
        a, b = (fold.gather_heads(pair, chosen[kept], room) for pair in parts)
        self._rows, self._heads = pick(merged, kept), (a, b)

    def _kept(self, rows: NDArray[np.void]) -> NDArray[np.int64]:
        """Choose the records for which there is room."""
        surplus = len(rows) - self._most
        if surplus <= 0:
            return np.arange(len(rows))
        self.forgotten += surplus
        facts = rows["facts"]
        last_ns = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
        attempted = np.isin(rows["outcome"], _ATTEMPTED)
        return np.sort(np.lexsort((last_ns, ~attempted))[surplus:])

    def _unite_vlans(
        self,
        vlans: NDArray[np.int64],
        order: NDArray[np.int64],
        starts: NDArray[np.int64],
        merged: NDArray[np.void],
    ) -> None:
        low, high = (fold.reduce(f, vlans, order, starts) for f in (np.minimum, np.maximum))
        ends = np.append(starts[1:], len(order))
        for place in np.flatnonzero(low != high).tolist():
            numbers = np.unique(vlans[order[starts[place] : ends[place]]]).tolist()
            united = {vlan: None for number in numbers for vlan in self._vlans.values[number]}
            merged["vlans"][place] = self._vlans.of(tuple(united))


def _keys(rows: NDArray[np.void]) -> list[NDArray[np.uint64]]:
    """Give the columns in which the flows of a record agree."""
    facts, one = rows["facts"], np.uint64
    return [
        *(facts[name] for name in ("a_hi", "a_lo", "b_hi", "b_lo")),
        facts["a_port"].astype(one) << one(32) | facts["b_port"],
        rows["marks"].astype(one) << one(16)
        | facts["transport"].astype(one) << one(8)
        | rows["outcome"],
        rows["speaks"].astype(one) << one(32) | rows["names"].astype(one),
    ]


def _marks(judged: Judged) -> NDArray[np.uint32]:
    facts = judged.flows.facts
    marks = judged.orientation.inferred.astype(np.uint32)
    for side in "ab":
        seen = facts[f"seen_{side}"]
        parts = (seen & _MOVING > 0, facts[f"unreachable_{side}"] > 0)
        marks = marks * 256 + (seen & _OPENING)
        for part in (*parts, facts[f"first_{side}_ns"] != NO_TIME):
            marks = marks * 2 + part
    return marks


def _without_client_ports(judged: Judged) -> NDArray[np.void]:
    """Give the facts as of any other flow of that client to that service."""
    facts = opaque(judged.flows.facts).copy().view(FLOW)
    is_a = judged.orientation.client_is_a
    for client, server, mine in (("a_port", "b_port", is_a), ("b_port", "a_port", ~is_a)):
        port = facts[client]
        # What shows that the client has sent an echo request must go on showing it.
        facts[client] = np.where(mine, np.where(port >= ECHO_ID, ECHO_ID, 0), port)
        facts[server] = np.where(mine, judged.service_port, facts[server])
    return facts


def _names_of(
    judged: Judged, names: Names
) -> Iterator[tuple[NDArray[np.int64], tuple[SeenName, ...]]]:
    """Yield rows of flows with the names that count for them: own ones, and one that was told.

    The names are without times. In place of the asker stands which side a told name belongs to:
    (0, 0) for endpoint a, (0, 1) for b.
    """
    own, shown = names.own, judged.naming.shown
    count = len(judged.flows.facts)
    held = np.bincount(own.flow, minlength=count)
    several = {row: seen for row, seen in own.items() if held[row] > 1} if (held > 1).any() else {}
    single = held[own.flow] == 1
    mine = np.full(count, -1)
    mine[own.flow[single]] = own.name[single] * len(OWN_KINDS) + own.kind[single]
    mine[list(several)] = -2 - np.arange(len(several))
    is_told = np.array([name.kind in _TOLD for name in shown.told], dtype=bool)
    told = shown.entry - len(shown.own.flow)
    told[told >= 0] = np.where(is_told[told[told >= 0]], told[told >= 0], -1)
    told = np.maximum(told, -1)
    rows = np.flatnonzero((mine != -1) | (told >= 0))
    client_is_b = ~judged.orientation.client_is_a[rows]
    # One number for the three: columns side by side take ten times as long to tell apart.
    keys = (mine[rows] * (len(shown.told) + 1) + told[rows] + 1) * 2 + client_is_b
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(number, kind="stable")
    parts = np.split(rows[order], np.cumsum(np.bincount(number))[:-1]) if len(rows) else []
    for place, those in zip(first.tolist(), parts, strict=True):
        row, from_b = int(rows[place]), bool(client_is_b[place])
        seen, other = own[row] if mine[row] != -1 else (), told[row]
        found = [name._replace(time_ns=0) for name in seen]
        if other >= 0:
            name = shown.told[other]
            found.append(SeenName(name.name, name.kind, 0, (0, 0 if from_b else 1)))
        yield those, tuple(found)
