"""What deserves somebody's time: one finding per kind, pair of hosts and talk.

What is said of a conversation depends on few things beside the names of its ends. So conversations
are sorted into cases, and each case is put into words once.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge import wording
from auditor.judge.absences import absences
from auditor.judge.cases import Case, Cases
from auditor.judge.conversations import converse, narrowed
from auditor.judge.finding import Findings, Pattern
from auditor.judge.vocabulary import OUTCOMES, SERVED, UNEXPECTED, Outcome, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule
    from auditor.judge.conversations import Conversations
    from auditor.judge.expect import Expectation
    from auditor.judge.judged import Judged
    from auditor.judge.verdict import Judgement

_ORDER = list(Verdict)


def find(judged: Judged, expectations: list[Expectation]) -> Findings:
    """List all findings, the gravest first; each identity once."""
    finder = _Finder(judged)
    found = Findings.joined(
        [
            finder.unexpected(),
            finder.contradicted(),
            finder.masquerade(),
            finder.blocked(),
            finder.insecure(),
            finder.unknown(),
            absences(expectations, judged.hosts),
        ]
    )
    found = found.select(_gravest_first(found))
    # The first of equals: of several values for one key a dictionary keeps the last.
    once = dict(zip(reversed(found.ids), range(len(found) - 1, -1, -1), strict=True))
    return found if len(once) == len(found) else found.select(np.array(sorted(once.values())))


def _gravest_first(found: Findings) -> NDArray[np.int64]:
    """Order findings by severity, then by their flows; what rests on none comes last, as it was."""
    severity, sizes = found.severity, np.diff(found.starts)
    first = np.full(len(found), np.iinfo(np.int64).max)
    first[sizes > 0] = found.flows[found.starts[:-1][sizes > 0]]
    order = np.lexsort((first, -severity))
    # Findings of different kinds may begin with the same flow; then the next ones decide.
    same = (np.diff(first[order]) == 0) & (np.diff(severity[order]) == 0) & (sizes[order][1:] > 0)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(np.int8)))
    for begin, end in ends.reshape(-1, 2).tolist():
        run = order[begin : end + 1].tolist()
        order[begin : end + 1] = sorted(run, key=lambda row: found.flows_of(row).tolist())
    return order


class _Finder:
    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.book = judged.book
        self.attempted = judged.attempted
        self._in_scope = ~judged.having({Verdict.OUT_OF_SCOPE})

    def unexpected(self) -> Findings:
        judged = self.judged
        talks = converse(judged, judged.having(UNEXPECTED))
        attempted = talks.every(self.attempted)
        served = talks.some(judged.with_outcome(SERVED))
        names, called = self._names_that_count(talks)
        cases = Cases(judged, talks, (attempted, served, called))
        return cases.findings(
            self._unexpected(
                case,
                names[called[talk]],
                attempted=bool(attempted[talk]),
                served=bool(served[talk]),
            )
            for talk, case in cases
        )

    def _unexpected(self, case: Case, name: str, *, attempted: bool, served: bool) -> Pattern:
        judgement = min(case.judgements, key=lambda j: _ORDER.index(j.verdict))
        severity = self._gravity(case, attempted=attempted, served=served)
        if any(caveat.startswith("doubtful-") for caveat in judgement.caveats):
            severity = severity.lower()
        return case.pattern(
            "unexpected",
            severity,
            f"{wording.TITLES[judgement.verdict]}: {case.talk}",
            self._why_unexpected(case, judgement, name),
            wording.unexpected_advice(judgement, attempted=attempted),
        )

    def contradicted(self) -> Findings:
        payloads = self.judged.payloads
        talks = converse(self.judged, payloads.contradicted & self._in_scope)
        promises = [payloads.promised[row] for row in talks.first.tolist()]
        cases = Cases(self.judged, talks, (self._spoken(talks), _numbers(promises)))

        def pattern(talk: int, case: Case) -> Pattern:
            speaks = payloads.title(int(talks.first[talk]))
            promised = " or ".join(payloads.titles[p] for p in promises[talk])
            return case.pattern(
                "contradicted",
                Severity.HIGH,
                f"wrong protocol: {case.talk} speaks {speaks}",
                f"the port promises {promised}; the first bytes are {speaks}",
                "Find the program behind it: what a firewall lets through for one protocol "
                "carries another.",
            )

        return cases.findings(pattern(talk, case) for talk, case in cases)

    def masquerade(self) -> Findings:
        payloads = self.judged.payloads
        talks = converse(self.judged, payloads.masquerade & self._in_scope)
        cases = Cases(self.judged, talks, (self._spoken(talks),))

        def pattern(talk: int, case: Case) -> Pattern:
            speaks = payloads.title(int(talks.first[talk]))
            return case.pattern(
                "masquerade",
                Severity.HIGH,
                f"off its ports: {case.talk} speaks {speaks}",
                f"no row has {speaks} on {case.talk.service}; by port alone it would pass for "
                "something else",
                "If this site moved the port, say so under `overrides`; else find out why.",
            )

        return cases.findings(pattern(talk, case) for talk, case in cases)

    def blocked(self) -> Findings:
        judged = self.judged
        documented = judged.having({Verdict.DOCUMENTED, Verdict.DOCUMENTED_ELSEWHERE})
        every = converse(judged, documented)
        failed = every.select(every.every(self.attempted))
        if not len(failed):
            return Findings.none(judged.hosts)
        working = narrowed(judged, every, ~self.attempted)
        groups = self._working_groups(working, failed)
        heard = _services(working)
        service = _services(failed)
        wanted = np.flatnonzero(np.isin(heard, service))
        fellows = self._clients_by_service(heard[wanted], working.client[wanted])
        outcomes = failed.bits(np.uint8(1) << judged.outcome)
        listens = np.where(np.isin(service, heard), service, 0)
        cases = Cases(judged, failed, (outcomes, _numbers(groups), listens))

        def pattern(talk: int, case: Case) -> Pattern:
            rules = case.judgement.rules
            instead = any(groups[talk].intersection(rule.groups) for rule in rules)
            others = fellows(int(service[talk]), case.talk.client.roles)
            seen = {o for code, o in enumerate(OUTCOMES) if int(outcomes[talk]) >> code & 1}
            return case.pattern(
                "blocked",
                Severity.LOW if instead else Severity.HIGH,
                f"blocked: {case.talk}",
                wording.blocked_reason(seen, rules, others, instead=instead),
                wording.blocked_advice(
                    case.talk.client.label,
                    case.talk.server.label,
                    case.talk.service,
                    refused=Outcome.UNANSWERED not in seen,
                    others=bool(others),
                ),
            )

        return cases.findings(pattern(talk, case) for talk, case in cases)

    def insecure(self) -> Findings:
        judged = self.judged
        flagged = judged.kinds.per_flow(
            "insecure-alternative" in j.caveats and j.verdict is Verdict.DOCUMENTED
            for j in judged.judgements
        )
        cases = Cases(judged, converse(judged, flagged & ~self.attempted))

        def pattern(case: Case) -> Pattern:
            rules = case.judgement.rules
            twins = ", ".join(wording.secure_twins(rules, self.book.rules))
            return case.pattern(
                "insecure",
                Severity.MEDIUM,
                f"insecure: {case.talk}",
                f"in the clear, where the paper offers {twins or 'another port'} for the same "
                f"purpose ({wording.lines_text(sorted({r.row for r in rules if r.row}))})",
                f"Move the client to {twins or 'the encrypted port'}, then close "
                f"{case.talk.service}.",
            )

        return cases.findings(pattern(case) for _, case in cases)

    def unknown(self) -> Findings:
        wanted = {Verdict.NEEDS_HOSTNAME, Verdict.UNKNOWN_ROLE}
        cases = Cases(self.judged, converse(self.judged, self.judged.having(wanted)))

        def pattern(case: Case) -> Pattern:
            rules, talk = case.judgement.rules, case.talk
            if case.judgement.verdict is Verdict.NEEDS_HOSTNAME:
                names = sorted({n for rule in rules for n in rule.destination_names})
                those = f" ({', '.join(names)})" if names else ""
                reason = f"only a host name could tell whether this is {_roles(rules)}{those}"
                advice = "Capture the DNS answers or TLS handshakes, or list the server."
            else:
                ends = (talk.client, talk.server)
                unknown = " and ".join(host.label for host in ends if not host.roles)
                reason = f"{unknown} without a role; {talk.service} is for "
                reason += wording.rules_text(rules)
                advice = "List the host with its roles in the site file."
            title = f"cannot be judged: {talk}"
            return case.pattern("unknown", Severity.LOW, title, reason, advice)

        return cases.findings(pattern(case) for _, case in cases)

    def _gravity(self, case: Case, *, attempted: bool, served: bool) -> Severity:
        if attempted:
            return Severity.LOW
        client_citrix = self._is_citrix(case.talk.client.roles)
        server_citrix = self._is_citrix(case.server_roles)
        stranger = self.book.site is not None and not case.talk.client.listed
        if served and server_citrix and (client_citrix or stranger):
            return Severity.HIGH
        return Severity.MEDIUM

    def _why_unexpected(self, case: Case, judgement: Judgement, name: str) -> str:
        talk, kind = case.talk, case.kind
        if judgement.verdict is Verdict.UNDOCUMENTED and kind.server_unknown and kind.names.seen:
            reason = wording.uncovered_name_reason(name, judgement.rules)
        else:
            reason = wording.unexpected_reason(
                judgement,
                [rule for rule in judgement.rules if self.book.fits_source(rule, kind)],
                [rule for rule in judgement.rules if self.book.fits_destination(rule, kind)],
                talk.service,
                talk.client.roles,
                case.server_roles,
            )
        if judgement.verdict in {Verdict.PROHIBITED, Verdict.LOCAL_ONLY}:
            return reason
        return reason + wording.remarks_text(*self.book.remarks(kind, talk.transport, talk.port))

    def _names_that_count(self, talks: Conversations) -> tuple[list[str], NDArray[np.int64]]:
        """Give numbers to the names of servers that nothing but a name tells, by the first flow."""
        shown, kind_of = self.judged.naming.shown, self.judged.kinds.kind_of
        counts = np.array(
            [kind.server_unknown and kind.names.seen for kind in self.judged.kinds.kinds], bool
        )
        numbers = np.zeros(len(talks), dtype=np.int64)
        among = np.flatnonzero(counts[kind_of[talks.first]])
        texts = shown.texts(talks.first[among])
        codes, numbers[among] = np.unique(texts.code, return_inverse=True)
        numbers[among] += 1
        return ["", *(texts.words[code] or "" for code in codes.tolist())], numbers

    def _is_citrix(self, roles: Iterable[str]) -> bool:
        return any(self.book.catalog.roles[role].is_citrix for role in roles)

    def _clients_by_service(
        self, services: NDArray[np.int64], clients: NDArray[np.int64]
    ) -> Callable[[int, frozenset[str]], list[str]]:
        """Prepare to list the clients of a service that share a role with somebody."""
        hosts = self.judged.hosts
        columns = services, hosts.party[clients], hosts.labels[clients]
        labels: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
        for service, party, label in zip(*(c.tolist() for c in columns), strict=True):
            labels[service].append((party, label))

        @cache
        def of(service: int, roles: frozenset[str]) -> list[str]:
            shares = [not roles.isdisjoint(party.roles) for party in hosts.parties]
            return [label for party, label in labels.get(service, ()) if shares[party]]

        return of

    def _working_groups(
        self, working: Conversations, failed: Conversations
    ) -> list[frozenset[str]]:
        """List by failed conversation which groups of rules work between the same two hosts."""
        between = working.select(np.isin(_pairs(working), _pairs(failed)))
        talks, values = between.values(self.judged.kinds.kind_of)
        found: defaultdict[int, set[str]] = defaultdict(set)
        for pair, kind in zip(_pairs(between)[talks].tolist(), values.tolist(), strict=True):
            found[pair].update(
                g for rule in self.judged.judgements[kind].rules for g in rule.groups
            )
        nothing: frozenset[str] = frozenset()
        groups = {pair: frozenset(several) for pair, several in found.items()}
        return [groups.get(pair, nothing) for pair in _pairs(failed).tolist()]

    def _spoken(self, talks: Conversations) -> NDArray[np.int64]:
        payloads = self.judged.payloads
        return _numbers(payloads.application[row] for row in talks.first.tolist())


def _pairs(talks: Conversations) -> NDArray[np.int64]:
    """Give equal numbers to equal pairs of labels."""
    pairs: NDArray[np.int64] = talks.client_label * len(talks.hosts.machine) + talks.server_label
    return pairs


def _services(talks: Conversations) -> NDArray[np.int64]:
    """Give equal numbers, from 1, to equal services of servers."""
    services: NDArray[np.int64] = (
        (talks.server_label * 256 + talks.transport) * 0x10000 + talks.port + 1
    )
    return services


def _numbers(values: Iterable[object]) -> NDArray[np.int64]:
    """Give equal numbers to equal values."""
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)


def _roles(rules: Iterable[Rule]) -> str:
    return " or ".join(dict.fromkeys(role for rule in rules for role in rule.destinations))
