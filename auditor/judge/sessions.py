"""HDX sessions, by who has them with whom: carried by UDP (EDT) or TCP, and on which path.

Which rules carry sessions, and on which path, stands in rules/sessions.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

_BEST_FIRST = (
    Outcome.ESTABLISHED,
    Outcome.ANSWERED,
    Outcome.MIDSTREAM,
    Outcome.ONE_WAY,
    Outcome.REFUSED,
    Outcome.UNANSWERED,
)


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


def find_sessions(judged: Judged) -> list[Session]:
    """Gather the sessions of every pair of hosts, in the order of their first flows.

    What is known not to be a session, by its payload, is none, whatever its port.
    """
    talks = converse(judged, _carrying(judged), by_service=False)
    if not len(talks):
        return []
    carriers = _Carriers(judged, talks)
    udp, tcp = carriers.best("udp"), carriers.best("tcp")
    in_vain, followed = carriers.in_vain(), carriers.followed()
    first, last = carriers.spans()
    sets, set_of = kind_sets(talks, judged.kinds)
    table = judged.hosts.table
    host = {row: table[row] for row in np.unique([talks.client, talks.server]).tolist()}
    known: dict[int, _Cited] = {}
    sessions = []
    columns = set_of.tolist(), talks.client.tolist(), talks.server.tolist()
    for number, (each, client, server) in enumerate(zip(*columns, strict=True)):
        cited = known.get(each) or known.setdefault(each, _cited(judged, sets[each]))
        best_udp, best_tcp = udp[number], tcp[number]
        failed = in_vain[number] and best_udp not in ATTEMPTED
        sessions.append(
            Session(
                host[client],
                host[server],
                cited.path,
                best_udp,
                best_tcp,
                _remark(best_udp, best_tcp, followed=followed[number]),
                (*cited.notes, SOME_UNANSWERED) if failed else cited.notes,
                talks.flows_of(number),
                cited.rows,
                cited.rule_ids,
                first[number],
                last[number],
            )
        )
    return sessions


def _carrying(judged: Judged) -> NDArray[np.bool_]:
    """Mark the flows that carry sessions, or were to."""
    carrying = judged.book.catalog.session_rules
    marked = judged.kinds.per_flow(
        judgement.verdict in _COVERED and not carrying.isdisjoint(judgement.rule_ids)
        for judgement in judged.judgements
    )
    return marked & ~judged.payloads.contradicted if marked.any() else marked


@dataclass(frozen=True)
class _Cited:
    """What the rules behind a session say of it."""

    path: str
    notes: tuple[str, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]


def _cited(judged: Judged, kinds: Iterable[int]) -> _Cited:
    catalog = judged.book.catalog
    cited = {rule.id: rule for kind in kinds for rule in judged.judgements[kind].rules}
    rules = [rule for rule in cited.values() if rule.id in catalog.session_rules]
    rules.sort(key=lambda rule: (rule.row or 0, rule.id))
    used = {rule.id for rule in rules}
    path = next(path for path in catalog.session_paths if not used.isdisjoint(path.rules))
    return _Cited(
        path.id,
        tuple(note.says for note in path.notes if not used.isdisjoint(note.rules)),
        tuple(dict.fromkeys(rule.row for rule in rules if rule.row is not None)),
        tuple(rule.id for rule in rules),
    )


def _remark(udp: Outcome | None, tcp: Outcome | None, *, followed: bool) -> Remark:
    if udp is not None and udp not in ATTEMPTED:
        return Remark.UDP_ONLY if tcp is None else Remark.EDT
    if tcp is None or tcp in ATTEMPTED:
        return Remark.NEITHER
    if udp is None:
        return Remark.TCP_ONLY
    return Remark.FELL_BACK if followed else Remark.TCP_APART


class _Carriers:
    """The flows of all sessions, session by session; answers are lists with an item for each."""

    def __init__(self, judged: Judged, talks: Conversations) -> None:
        facts = judged.flows.facts[talks.flows]
        self._starts = talks.starts[:-1]
        self._owner = talks.owner
        self._outcome = judged.outcome[talks.flows]
        self._attempted = judged.attempted[talks.flows]
        self._of = {name: facts["transport"] == TRANSPORT_NUMBERS[name] for name in ("udp", "tcp")}
        self._first = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
        self._last = np.maximum(facts["last_a_ns"], facts["last_b_ns"])

    def best(self, transport: str) -> list[Outcome | None]:
        """Give the best that became of the flows over a transport; None where there are none."""
        ranks = np.array([_BEST_FIRST.index(outcome) for outcome in OUTCOMES])
        none = len(_BEST_FIRST)
        rank = np.where(self._of[transport], ranks[self._outcome], none)
        best = np.minimum.reduceat(rank, self._starts)
        return [(*_BEST_FIRST, None)[each] for each in best.tolist()]

    def in_vain(self) -> list[bool]:
        """Say whether some attempt over UDP reached nobody."""
        failed = self._of["udp"] & self._attempted
        some: list[bool] = np.logical_or.reduceat(failed, self._starts).tolist()
        return some

    def spans(self) -> tuple[list[int], list[int]]:
        """Give the first and the last time."""
        return (
            np.minimum.reduceat(self._first, self._starts).tolist(),
            np.maximum.reduceat(self._last, self._starts).tolist(),
        )

    def followed(self) -> list[bool]:
        """Say whether TCP got through while UDP was tried in vain, or soon after it."""
        found = np.zeros(len(self._starts), dtype=bool)
        tried = np.flatnonzero(self._of["udp"] & self._attempted)
        working = np.flatnonzero(self._of["tcp"] & ~self._attempted)
        if not len(tried) or not len(working):
            return found.tolist()
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
        return found.tolist()
