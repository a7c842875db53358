"""Conversations sorted into cases: those of which the same can be said, but for who is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.hosts import Host
from auditor.judge.conversations import conversation
from auditor.judge.finding import CLIENT, SERVER, Findings, Pattern
from auditor.judge.groups import group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.judge.conversations import Conversation, Conversations
    from auditor.judge.groups import Column
    from auditor.judge.judged import Judged
    from auditor.judge.kinds import Kinds
    from auditor.judge.rulebook import FlowKind
    from auditor.judge.verdict import Judgement
    from auditor.judge.vocabulary import Severity


@dataclass(frozen=True)
class Case:
    """What a pattern of findings may speak of."""

    talk: Conversation
    """What its conversations share: of the ends, called CLIENT and SERVER, no more than parties."""
    kind: FlowKind
    """Of its first flow."""
    judgement: Judgement
    """Of its first flow."""
    judgements: tuple[Judgement, ...]
    """One per kind of its flows."""
    server_roles: frozenset[str]
    """The server's, and those that the site file gives to its names."""

    def pattern(
        self, kind: str, severity: Severity, title: str, reason: str, advice: str
    ) -> Pattern:
        """Put the case into words, with all that its judgements cite."""
        carried = [set(judgement.caveats) for judgement in self.judgements]
        return Pattern(
            kind,
            severity,
            title,
            tuple(sorted(self.talk.client.roles)),
            tuple(sorted(self.server_roles)),
            self.talk.transport,
            self.talk.port,
            tuple(dict.fromkeys(rule for j in self.judgements for rule in j.rules)),
            tuple(sorted({row for j in self.judgements for row in j.rows})),
            tuple(dict.fromkeys(rule_id for j in self.judgements for rule_id in j.rule_ids)),
            tuple(sorted(set.intersection(*carried))),
            reason,
            advice,
        )


class Cases:
    """The cases of some conversations."""

    def __init__(self, judged: Judged, talks: Conversations, also: Iterable[Column] = ()) -> None:
        """Sort conversations by the kinds of their flows, their service, and what else counts.

        also: columns of shape (n conversations,).
        """
        self._judged = judged
        self._talks = talks
        kind_of = judged.kinds.kind_of
        self._ends: dict[tuple[int, str], Host] = {}
        self._sets, self._set_of = kind_sets(talks, judged.kinds)
        self._cases = group(
            (self._set_of, kind_of[talks.first], talks.transport, talks.port, *also)
        )

    def __iter__(self) -> Iterator[tuple[int, Case]]:
        """Give of each case its first conversation, by number, and what can be said of all."""
        talks, firsts = self._talks, self._cases.first
        party = talks.hosts.party
        columns = (
            firsts,
            self._judged.kinds.kind_of[talks.first[firsts]],
            self._set_of[firsts],
            party[talks.client[firsts]],
            party[talks.server[firsts]],
            talks.transport[firsts],
            talks.port[firsts],
        )
        for talk, kind, kinds, client, server, transport, port in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            ends = self._end(client, CLIENT), self._end(server, SERVER)
            yield talk, self._case(conversation(*ends, transport, port), kind, self._sets[kinds])

    def findings(self, patterns: Iterable[Pattern]) -> Findings:
        """Make a finding of every conversation; patterns: one per case, in order."""
        talks = self._talks
        labels = talks.hosts.labels
        return Findings(
            talks.hosts,
            tuple(patterns),
            self._cases.group_of,
            labels[talks.client],
            labels[talks.server],
            talks.client,
            talks.server,
            talks.flows,
            talks.starts,
        )

    def _case(self, talk: Conversation, kind: int, kinds: tuple[int, ...]) -> Case:
        judged = self._judged
        by_name = (judged.kinds.kinds[number].names.roles for number in kinds)
        return Case(
            talk,
            judged.kinds.kinds[kind],
            judged.judgements[kind],
            tuple(judged.judgements[number] for number in kinds),
            talk.server.roles.union(*by_name),
        )

    def _end(self, number: int, name: str) -> Host:
        """Stand for all hosts of a party."""
        host = self._ends.get((number, name))
        if host is None:
            party = self._talks.hosts.parties[number]
            host = Host("", 0, party.roles, party.listed, name, party.special)
            self._ends[number, name] = host
        return host


def kind_sets(
    talks: Conversations, kinds: Kinds
) -> tuple[list[tuple[int, ...]], NDArray[np.int64]]:
    """List the sets of kinds that conversations consist of, ascending, and number each one's."""
    owner, kind = talks.values(kinds.kind_of)
    sizes = np.bincount(owner, minlength=len(talks))
    begins = np.cumsum(sizes) - sizes
    set_of = kind[begins]
    several: dict[tuple[int, ...], int] = {}
    alone = len(kinds.kinds)
    for talk in np.flatnonzero(sizes > 1).tolist():
        found = tuple(kind[begins[talk] : begins[talk] + sizes[talk]].tolist())
        set_of[talk] = several.setdefault(found, alone + len(several))
    return [*((number,) for number in range(alone)), *several], set_of
