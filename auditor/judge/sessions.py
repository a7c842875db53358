"""HDX sessions, by who has them with whom: carried by UDP (EDT) or TCP, and on which path.

Which rules carry sessions, and on which path, stands in rules/sessions.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.conversations import Conversations
from auditor.judge.vocabulary import ATTEMPTED, OUTCOMES, Outcome, Remark, Verdict, Verification

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from auditor.catalog.model import SessionPath
    from auditor.hosts import Host
    from auditor.judge.conversations import Conversation
    from auditor.judge.judged import Judged

FALL_BACK_WITHIN_S = 60
"""TCP that begins later than this after UDP was last tried is another attempt, not a fallback."""

SOME_UNANSWERED = "some attempts over UDP had no answer"

_COVERED = frozenset({Verdict.DOCUMENTED, Verdict.DOCUMENTED_ELSEWHERE})
_ATTEMPTED_CODES = [OUTCOMES.index(outcome) for outcome in ATTEMPTED]

_BEST_FIRST = (
    Outcome.ESTABLISHED,
    Outcome.ANSWERED,
    Outcome.MIDSTREAM,
    Outcome.ONE_WAY,
    Outcome.REFUSED,
    Outcome.UNANSWERED,
)


@dataclass(frozen=True)
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
    pairs: dict[tuple[int, int], list[Conversation]] = {}
    for talk in Conversations(judged).of(_carrying(judged)):
        pairs.setdefault(talk.pair, []).append(talk)
    return [_session(judged, talks) for talks in pairs.values()]


def _carrying(judged: Judged) -> NDArray[np.bool_]:
    """Mark the flows that carry sessions, or were to."""
    marked = np.zeros(len(judged.flows.facts), dtype=bool)
    if len(marked):
        carrying = judged.book.catalog.session_rules
        by_kind = [
            judgement.verdict in _COVERED and not carrying.isdisjoint(judgement.rule_ids)
            for judgement in judged.judgements
        ]
        marked = np.array(by_kind, dtype=bool)[judged.kinds.kind_of]
    for row in np.flatnonzero(marked).tolist():
        if judged.payloads.verification[row] is Verification.CONTRADICTED:
            marked[row] = False
    return marked


def _session(judged: Judged, talks: Sequence[Conversation]) -> Session:
    flows = np.sort(np.concatenate([talk.flows for talk in talks]))
    udp, tcp = (
        np.concatenate([flows[:0], *(talk.flows for talk in talks if talk.transport == name)])
        for name in ("udp", "tcp")
    )
    kinds = np.unique(judged.kinds.kind_of[flows]).tolist()
    catalog = judged.book.catalog
    cited = {rule.id: rule for kind in kinds for rule in judged.judgements[kind].rules}
    rules = [rule for rule in cited.values() if rule.id in catalog.session_rules]
    rules.sort(key=lambda rule: (rule.row or 0, rule.id))
    used = {rule.id for rule in rules}
    path = next(path for path in catalog.session_paths if not used.isdisjoint(path.rules))
    first, last = _spans(judged, flows)
    best_udp, best_tcp = _best(judged, udp), _best(judged, tcp)
    return Session(
        talks[0].client,
        talks[0].server,
        path.id,
        best_udp,
        best_tcp,
        _remark(best_udp, best_tcp, followed=_followed(judged, udp, tcp)),
        tuple(_notes(judged, path, used, udp, best_udp)),
        flows,
        tuple(dict.fromkeys(rule.row for rule in rules if rule.row is not None)),
        tuple(rule.id for rule in rules),
        int(first.min()),
        int(last.max()),
    )


def _remark(udp: Outcome | None, tcp: Outcome | None, *, followed: bool) -> Remark:
    if udp is not None and udp not in ATTEMPTED:
        return Remark.UDP_ONLY if tcp is None else Remark.EDT
    if tcp is None or tcp in ATTEMPTED:
        return Remark.NEITHER
    if udp is None:
        return Remark.TCP_ONLY
    return Remark.FELL_BACK if followed else Remark.TCP_APART


def _followed(judged: Judged, udp: NDArray[np.int64], tcp: NDArray[np.int64]) -> bool:
    """Say whether TCP got through while UDP was tried in vain, or soon after it."""
    tried = udp[_attempted(judged, udp)]
    working = tcp[~_attempted(judged, tcp)]
    if not len(tried) or not len(working):
        return False
    tried_first, tried_last = _spans(judged, tried)
    first, last = _spans(judged, working)
    order = np.argsort(first)
    alive_until = np.maximum.accumulate(last[order])
    begun = np.searchsorted(first[order], tried_last + FALL_BACK_WITHIN_S * 10**9, side="right")
    return bool(np.any((begun > 0) & (alive_until[begun - 1] >= tried_first)))


def _notes(
    judged: Judged,
    path: SessionPath,
    used: set[str],
    udp: NDArray[np.int64],
    best_udp: Outcome | None,
) -> Iterable[str]:
    for note in path.notes:
        if not used.isdisjoint(note.rules):
            yield note.says
    if best_udp not in ATTEMPTED and _attempted(judged, udp).any():
        yield SOME_UNANSWERED


def _best(judged: Judged, rows: NDArray[np.int64]) -> Outcome | None:
    codes = set(np.unique(judged.outcome[rows]).tolist())
    return next((outcome for outcome in _BEST_FIRST if OUTCOMES.index(outcome) in codes), None)


def _attempted(judged: Judged, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.isin(judged.outcome[rows], _ATTEMPTED_CODES)


def _spans(judged: Judged, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the first and the last time of some flows."""
    facts = judged.flows.facts[rows]
    first: NDArray[np.int64] = np.minimum(facts["first_a_ns"], facts["first_b_ns"])
    last: NDArray[np.int64] = np.maximum(facts["last_a_ns"], facts["last_b_ns"])
    return first, last
