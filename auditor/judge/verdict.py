"""The one verdict of a kind of flow: a decision list that reads as docs/report.md does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.hosts import LOOPBACK
from auditor.judge.rulebook import OWN_PACKS, Match, NameClass, pattern_names
from auditor.judge.vocabulary import Verdict

if TYPE_CHECKING:
    from auditor.catalog.model import Rule
    from auditor.judge.rulebook import FlowKind, RuleBook


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it rests on."""

    verdict: Verdict
    rules: tuple[Rule, ...] = ()
    rows: tuple[int, ...] = ()
    rule_ids: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def one_way(self) -> bool:
        """Say whether a matching rule expects no answer."""
        return self.verdict in _MATCHED and any(rule.one_way for rule in self.rules)


_MATCHED = frozenset({Verdict.DOCUMENTED, Verdict.DOCUMENTED_ELSEWHERE, Verdict.AMBIENT})


class Judge:
    """Decides by one rule book."""

    def __init__(self, book: RuleBook) -> None:
        """Take the rules to decide by."""
        self.book = book

    def judge(self, kind: FlowKind) -> Judgement:
        """Decide the verdict, in the order of the Verdict list."""
        judgement = self._decide(kind)
        known = replace(kind, client=kind.client.declared, server=kind.server.declared)
        if known != kind and self._decide(known) != judgement:
            caveats = {*judgement.caveats, "role-inferred"}
            judgement = replace(judgement, caveats=tuple(sorted(caveats)))
        return judgement

    def _decide(self, kind: FlowKind) -> Judgement:
        for decide in (self._without_matching, self._by_matching, self._by_ignorance):
            judgement = decide(kind)
            if judgement is not None:
                return judgement
        return self._by_nearness(kind)

    def _without_matching(self, kind: FlowKind) -> Judgement | None:
        rules = self.book.index.intervals[kind.interval].rules
        loopback = [rule for rule in rules if "loopback" in rule.caveats]
        # A host with an inferred role is in scope: the site file asked for inference.
        ends = (kind.client, kind.server)
        listed = kind.names.roles or any(end.listed or end.inferred for end in ends)
        # No site file lists 127.0.0.1, and yet the row that is about it holds there.
        local = loopback and kind.server.special == LOOPBACK
        if self.book.site is not None and not listed and not local:
            return Judgement(Verdict.OUT_OF_SCOPE)
        forbidden = [m.rule for m in self.book.matching(kind, self.book.prohibitions)]
        if forbidden:
            return _cite(Verdict.PROHIBITED, [Match(rule) for rule in forbidden])
        client = self.book.closure(kind.client.roles)
        server = self.book.closure(kind.server.roles | kind.names.roles)
        for denial in self.book.site.denials if self.book.site else ():
            if denial.client_role in client and denial.server_role in server:
                place = f"deny:{denial.client_role}->{denial.server_role}"
                return Judgement(Verdict.PROHIBITED, rule_ids=(place,))
        if not self.book.is_local(kind):
            reached = [Match(rule) for rule in loopback if server & set(rule.destinations)]
            if reached:
                return _cite(Verdict.LOCAL_ONLY, reached)
        return None

    def _by_matching(self, kind: FlowKind) -> Judgement | None:
        found = self.book.matching(kind, self.book.index.intervals[kind.interval].rules)
        for verdict, packs in (
            (Verdict.DOCUMENTED, OWN_PACKS),
            (Verdict.DOCUMENTED_ELSEWHERE, {"vendor"}),
            (Verdict.AMBIENT, {"ambient"}),
        ):
            cited = [match for match in found if match.rule.pack in packs]
            if cited:
                return _cite(verdict, cited)
        return None

    def _by_ignorance(self, kind: FlowKind) -> Judgement | None:
        rules = self._own_rules(kind)
        # A broadcast address is client only where a reply to it was turned round.
        client_unknown = not kind.client.roles and kind.client.special != LOOPBACK
        names = kind.names
        # Of a name one can say that no row covers it only where the client's rows are known.
        if kind.server_unknown and not client_unknown and not self.book.is_told(kind):
            by_name = [
                rule
                for rule in rules
                if self.book.is_outside(rule) and self.book.fits_source(rule, kind)
            ]
            if names.own or (names.seen and by_name and not kind.server.listed):
                near = [rule for rule in by_name if pattern_names(rule) & names.supported]
                return _cite(Verdict.UNDOCUMENTED, [Match(rule) for rule in near])
            if by_name and not kind.server.listed:
                return _cite(Verdict.NEEDS_HOSTNAME, [Match(rule) for rule in by_name])
        if client_unknown or kind.server_unknown:
            possible = [
                Match(rule)
                for rule in rules
                if "loopback" not in rule.caveats
                and (client_unknown or self.book.fits_source(rule, kind))
                and (self.book.fits_destination(rule, kind) or self.book.may_be(rule, kind))
            ]
            if possible:
                return _cite(Verdict.UNKNOWN_ROLE, possible)
        return None

    def _by_nearness(self, kind: FlowKind) -> Judgement:
        server = kind.server.roles | kind.names.roles
        for role in sorted(kind.client.roles | server):
            row = self.book.catalog.roles[role].link_row
            if row is not None:
                return Judgement(Verdict.NOT_COVERED, rows=(row,))
        interval = self.book.index.intervals[kind.interval]
        rules = self._own_rules(kind)
        # What names say of the server, they say of the client of the exchanged flow.
        exchanged = replace(
            kind, client=replace(kind.server, roles=server), server=kind.client, names=NameClass()
        )
        turned = self.book.matching(exchanged, rules)
        if turned:
            return _cite(Verdict.WRONG_DIRECTION, turned)
        twins = [r for r in interval.twin if r.pack in OWN_PACKS and not r.weak]
        other = self.book.matching(kind, twins)
        if other:
            return _cite(Verdict.WRONG_TRANSPORT, other)
        if rules:
            near = [
                rule
                for rule in rules
                if self.book.fits_source(rule, kind) or self.book.fits_destination(rule, kind)
            ]
            return _cite(Verdict.WRONG_ROLES, [Match(rule) for rule in near or rules])
        return Judgement(Verdict.UNDOCUMENTED)

    def _own_rules(self, kind: FlowKind) -> list[Rule]:
        return [
            rule
            for rule in self.book.index.intervals[kind.interval].rules
            if rule.pack in OWN_PACKS and not rule.weak
        ]


def _cite(verdict: Verdict, matches: list[Match]) -> Judgement:
    """Cite matches in the paper's order; a caveat stands only if every cited row carries it."""
    ordered = sorted(matches, key=lambda m: (m.rule.row or 0, m.rule.id))
    own: dict[int | str, set[str]] = {}
    extra: dict[int | str, set[str]] = {}
    for match in ordered:
        place = match.rule.row or match.rule.id
        own.setdefault(place, set(match.rule.caveats)).intersection_update(match.rule.caveats)
        extra.setdefault(place, set()).update(match.extra)
    carried = [own[place] | extra[place] for place in own]
    caveats = set.intersection(*carried) if carried else set()
    return Judgement(
        verdict,
        tuple(match.rule for match in ordered),
        tuple(dict.fromkeys(m.rule.row for m in ordered if m.rule.row is not None)),
        tuple(match.rule.id for match in ordered),
        tuple(sorted(caveats)),
    )
