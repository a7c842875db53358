"""HDX sessions, by who has them with whom: carried by UDP (EDT) or TCP, and on which path.

Which rules carry sessions, and on which path, stands in rules/sessions.yaml.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from auditor.judge.cases import kind_sets
from auditor.judge.conversations import converse
from auditor.judge.vocabulary import ATTEMPTED, OUTCOMES, Outcome, Remark, Verdict
from auditor.records import TRANSPORT_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.hosts import Host
    from auditor.judge.conversations import Conversations
    from auditor.judge.judged import Judged

FALL_BACK_WITHIN_S = 60
"""TCP that begins later than this after UDP was last tried is another attempt, not a fallback."""

SOME_UNANSWERED = "some attempts over UDP had no answer"

_COVERED = frozenset({Verdict.DOCUMENTED, Verdict.DOCUMENTED_ELSEWHERE})

BEST_FIRST = (
    Outcome.ESTABLISHED,
    Outcome.ANSWERED,
    Outcome.MIDSTREAM,
    Outcome.ONE_WAY,
    Outcome.REFUSED,
    Outcome.UNANSWERED,
    None,
)
"""What may become of flows over a transport; None where there are none."""

REMARKS = tuple(Remark)


@dataclass(frozen=True, slots=True)
class Session:
    """All that carried sessions between one client and one server."""

    client: Host
    server: Host
    path: str
    """Id of a path of rules/sessions.yaml."""
    udp: Outcome | None
    """The best that became of its flows over UDP; None where there are none."""
    tcp: Outcome | None
    remark: Remark
    notes: tuple[str, ...]
    flows: NDArray[np.int64]
    """Rows of the flow table, ascending, never empty."""
    rows: tuple[int, ...]
    """Lines of the paper."""
    rule_ids: tuple[str, ...]
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Cited:
    """What the rules behind a session say of it."""

    path: str
    notes: tuple[str, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Sessions(Sequence[Session]):
    """Sessions as columns of shape (n,); an item is made when it is asked for."""

    talks: Conversations
    """Who has each with whom, and by which flows."""
    udp: NDArray[np.int64]
    """Index into BEST_FIRST."""
    tcp: NDArray[np.int64]
    remark: NDArray[np.int64]
    """Index into REMARKS."""
    cited: tuple[Cited, ...]
    """Each once, with the notes that the rules have, and again with SOME_UNANSWERED behind them."""
    cited_of: NDArray[np.int64]
    """Index into cited."""
    first_ns: NDArray[np.int64]
    last_ns: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the sessions."""
        return len(self.talks)

    @overload
    def __getitem__(self, row: int) -> Session: ...
    @overload
    def __getitem__(self, row: slice) -> list[Session]: ...
    def __getitem__(self, row: int | slice) -> Session | list[Session]:
        """Make a session, or some."""
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row %= len(self)
        table, cited = self.talks.hosts.table, self.cited[self.cited_of[row]]
        return Session(
            table[int(self.talks.client[row])],
            table[int(self.talks.server[row])],
            cited.path,
            BEST_FIRST[self.udp[row]],
            BEST_FIRST[self.tcp[row]],
            REMARKS[self.remark[row]],
            cited.notes,
            self.talks.flows_of(row),
            cited.rows,
            cited.rule_ids,
            int(self.first_ns[row]),
            int(self.last_ns[row]),
        )


def find_sessions(judged: Judged) -> Sessions:
    """Gather the sessions of every pair of hosts, in the order of their first flows.

    What is known not to be a session, by its payload, is none, whatever its port.
    """
    talks = converse(judged, _carrying(judged), by_service=False)
    carriers = _Carriers(judged, talks)
    udp, tcp = carriers.best("udp"), carriers.best("tcp")
    in_vain = carriers.in_vain() & _works(udp)
    sets, set_of = kind_sets(talks, judged.kinds)
    used, number = np.unique(set_of, return_inverse=True)
    cited = [_cited(judged, sets[each]) for each in used.tolist()]
    cited += [replace(each, notes=(*each.notes, SOME_UNANSWERED)) for each in cited]
    return Sessions(
        talks,
        udp,
        tcp,
        _remarks(udp, tcp, carriers.followed()),
        tuple(cited),
        number + in_vain * len(used),
        *carriers.spans(),
    )


def _carrying(judged: Judged) -> NDArray[np.bool_]:
    """Mark the flows that carry sessions, or were to."""
    carrying = judged.book.catalog.session_rules
    marked = judged.kinds.per_flow(
        judgement.verdict in _COVERED and not carrying.isdisjoint(judgement.rule_ids)
        for judgement in judged.judgements
    )
    return marked & ~judged.payloads.contradicted if marked.any() else marked


def _cited(judged: Judged, kinds: Iterable[int]) -> Cited:
    catalog = judged.book.catalog
    cited = {rule.id: rule for kind in kinds for rule in judged.judgements[kind].rules}
    rules = [rule for rule in cited.values() if rule.id in catalog.session_rules]
    rules.sort(key=lambda rule: (rule.row or 0, rule.id))
    used = {rule.id for rule in rules}
    path = next(path for path in catalog.session_paths if not used.isdisjoint(path.rules))
    return Cited(
        path.id,
        tuple(note.says for note in path.notes if not used.isdisjoint(note.rules)),
        tuple(dict.fromkeys(rule.row for rule in rules if rule.row is not None)),
        tuple(rule.id for rule in rules),
    )


def _works(best: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark where a transport is used and reached somebody."""
    works = [outcome is not None and outcome not in ATTEMPTED for outcome in BEST_FIRST]
    return np.array(works, dtype=bool)[best]


def _remarks(
    udp: NDArray[np.int64], tcp: NDArray[np.int64], followed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    nothing = BEST_FIRST.index(None)
    cases = {
        Remark.UDP_ONLY: _works(udp) & (tcp == nothing),
        Remark.EDT: _works(udp),
        Remark.NEITHER: ~_works(tcp),
        Remark.TCP_ONLY: udp == nothing,
        Remark.FELL_BACK: followed,
    }
    numbers = [REMARKS.index(remark) for remark in cases]
    return np.select(list(cases.values()), numbers, REMARKS.index(Remark.TCP_APART))


class _Carriers:
    """The flows of all sessions, session by session; answers have shape (n sessions,)."""

    def __init__(self, judged: Judged, talks: Conversations) -> None:
        facts, flows = judged.flows.facts, talks.flows
        transport = facts["transport"][flows]
        self._starts = talks.starts[:-1]
        self._owner = talks.owner
        self._outcome = judged.outcome[flows]
        self._attempted = judged.attempted[flows]
        self._of = {name: transport == TRANSPORT_NUMBERS[name] for name in ("udp", "tcp")}
        self._first = np.minimum(facts["first_a_ns"][flows], facts["first_b_ns"][flows])
        self._last = np.maximum(facts["last_a_ns"][flows], facts["last_b_ns"][flows])

    def best(self, transport: str) -> NDArray[np.int64]:
        """Give the best that became of the flows over a transport, as indices into BEST_FIRST."""
        ranks = np.array([BEST_FIRST.index(outcome) for outcome in OUTCOMES])
        nothing = BEST_FIRST.index(None)
        rank = np.where(self._of[transport], ranks[self._outcome], nothing)
        return self._joined(np.minimum, rank)

    def in_vain(self) -> NDArray[np.bool_]:
        """Say whether some attempt over UDP reached nobody."""
        return self._joined(np.logical_or, self._of["udp"] & self._attempted)

    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the first and the last time."""
        return self._joined(np.minimum, self._first), self._joined(np.maximum, self._last)

    def followed(self) -> NDArray[np.bool_]:
        """Say whether TCP got through while UDP was tried in vain, or soon after it."""
        found = np.zeros(len(self._starts), dtype=bool)
        tried = np.flatnonzero(self._of["udp"] & self._attempted)
        working = np.flatnonzero(self._of["tcp"] & ~self._attempted)
        if not len(tried) or not len(working):
            return found
        working = working[np.lexsort((self._first[working], self._owner[working]))]
        owner = self._owner[working]
        # Times as ranks, so that a session and a time fit into one integer.
        ends, end = np.unique(self._last[working], return_inverse=True)
        alive_until = ends[np.maximum.accumulate(owner * len(ends) + end) % len(ends)]
        begins, begin = np.unique(self._first[working], return_inverse=True)
        width = len(begins) + 1
        until = self._last[tried] + FALL_BACK_WITHIN_S * 10**9
        begun = self._owner[tried] * width + np.searchsorted(begins, until, side="right")
        latest = np.searchsorted(owner * width + begin, begun) - 1
        fits = (
            (latest >= 0)
            & (owner[latest] == self._owner[tried])
            & (alive_until[latest] >= self._first[tried])
        )
        found[self._owner[tried[fits]]] = True
        return found

    def _joined(self, join: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """Join the values of the flows of each session."""
        # numpy has no reduceat of nothing.
        return join.reduceat(values, self._starts) if len(self._starts) else values
