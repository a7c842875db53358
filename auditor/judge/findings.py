"""What deserves somebody's time: one finding per kind, pair of hosts and talk."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge import wording
from auditor.judge.absences import absences
from auditor.judge.conversations import Conversation, Conversations
from auditor.judge.finding import Finding
from auditor.judge.vocabulary import OUTCOMES, SERVED, UNEXPECTED, Outcome, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule
    from auditor.hosts import Host
    from auditor.judge.expect import Expectation
    from auditor.judge.judged import Judged
    from auditor.judge.verdict import Judgement

_ORDER = list(Verdict)


def find(judged: Judged, expectations: list[Expectation]) -> list[Finding]:
    """List all findings, the gravest first; each identity once."""
    finder = _Finder(judged)
    found = [
        *finder.unexpected(),
        *finder.contradicted(),
        *finder.masquerade(),
        *finder.blocked(),
        *finder.insecure(),
        *finder.unknown(),
        *absences(expectations, judged.hosts),
    ]
    # What is missing rests on no flow; it keeps its order behind the rest.
    found.sort(key=lambda f: (-f.severity, f.flows or (1 << 62,)))
    once: dict[str, Finding] = {}
    for finding in found:
        once.setdefault(finding.id, finding)
    return list(once.values())


class _Finder:
    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.book = judged.book
        self.served = judged.with_outcome(SERVED)
        self.conversations = Conversations(judged).of

    def unexpected(self) -> Iterator[Finding]:
        every_attempt = self.judged.attempted
        for talk in self.conversations(self.judged.having(UNEXPECTED)):
            judgement = min(self._judgements(talk), key=lambda j: _ORDER.index(j.verdict))
            attempted = bool(every_attempt[talk.flows].all())
            severity = self._gravity(talk, attempted=attempted)
            if any(caveat.startswith("doubtful-") for caveat in judgement.caveats):
                severity = severity.lower()
            yield self._finding(
                "unexpected",
                severity,
                f"{wording.TITLES[judgement.verdict]}: {talk}",
                talk,
                self._why_unexpected(talk, judgement),
                wording.unexpected_advice(judgement, attempted=attempted),
            )

    def contradicted(self) -> Iterator[Finding]:
        payloads = self.judged.payloads
        in_scope = ~self.judged.having({Verdict.OUT_OF_SCOPE})
        for talk in self.conversations(payloads.contradicted & in_scope):
            row = int(talk.flows[0])
            promised = " or ".join(payloads.titles[p] for p in payloads.promised[row])
            yield self._finding(
                "contradicted",
                Severity.HIGH,
                f"wrong protocol: {talk} speaks {payloads.title(row)}",
                talk,
                f"the port promises {promised}; the first bytes are {payloads.title(row)}",
                "Find the program behind it: what a firewall lets through for one protocol "
                "carries another.",
            )

    def masquerade(self) -> Iterator[Finding]:
        payloads = self.judged.payloads
        in_scope = ~self.judged.having({Verdict.OUT_OF_SCOPE})
        for talk in self.conversations(payloads.masquerade & in_scope):
            speaks = payloads.title(int(talk.flows[0]))
            yield self._finding(
                "masquerade",
                Severity.HIGH,
                f"off its ports: {talk} speaks {speaks}",
                talk,
                f"no row has {speaks} on {talk.service}; by port alone it would pass for "
                "something else",
                "If this site moved the port, say so under `overrides`; else find out why.",
            )

    def blocked(self) -> Iterator[Finding]:
        documented = self.judged.having({Verdict.DOCUMENTED, Verdict.DOCUMENTED_ELSEWHERE})
        attempted = self.judged.attempted
        failed = [talk for talk in self.conversations(documented) if attempted[talk.flows].all()]
        working = list(self.conversations(documented & ~attempted)) if failed else []
        groups = self._working_groups(working, {talk.pair for talk in failed})
        heard: defaultdict[tuple[int, str], list[Host]] = defaultdict(list)
        for talk in working:
            heard[talk.pair[1], talk.service].append(talk.client)
        for talk in failed:
            rules = self._judgement(int(talk.flows[0])).rules
            instead = any(groups[talk.pair].intersection(rule.groups) for rule in rules)
            others = [
                host.label
                for host in heard[talk.pair[1], talk.service]
                if host.roles & talk.client.roles
            ]
            outcomes = {OUTCOMES[code] for code in self.judged.outcome[talk.flows].tolist()}
            yield self._finding(
                "blocked",
                Severity.LOW if instead else Severity.HIGH,
                f"blocked: {talk}",
                talk,
                wording.blocked_reason(outcomes, rules, others, instead=instead),
                wording.blocked_advice(
                    talk.client.label,
                    talk.server.label,
                    talk.service,
                    refused=Outcome.UNANSWERED not in outcomes,
                    others=bool(others),
                ),
            )

    def insecure(self) -> Iterator[Finding]:
        flagged = np.array(
            ["insecure-alternative" in j.caveats for j in self.judged.judgements], dtype=bool
        )
        mask = self.judged.having({Verdict.DOCUMENTED}) & ~self.judged.attempted
        for talk in self.conversations(mask & self._per_flow(flagged)):
            rules = self._judgement(int(talk.flows[0])).rules
            twins = ", ".join(wording.secure_twins(rules, self.book.rules))
            yield self._finding(
                "insecure",
                Severity.MEDIUM,
                f"insecure: {talk}",
                talk,
                f"in the clear, where the paper offers {twins or 'another port'} for the same "
                f"purpose ({wording.lines_text(sorted({r.row for r in rules if r.row}))})",
                f"Move the client to {twins or 'the encrypted port'}, then close {talk.service}.",
            )

    def unknown(self) -> Iterator[Finding]:
        for talk in self.conversations(
            self.judged.having({Verdict.NEEDS_HOSTNAME, Verdict.UNKNOWN_ROLE})
        ):
            judgement = self._judgement(int(talk.flows[0]))
            rules = judgement.rules
            if judgement.verdict is Verdict.NEEDS_HOSTNAME:
                names = sorted({n for rule in rules for n in rule.destination_names})
                wanted = f" ({', '.join(names)})" if names else ""
                reason = f"only a host name could tell whether this is {_roles(rules)}{wanted}"
                advice = "Capture the DNS answers or TLS handshakes, or list the server."
            else:
                ends = (talk.client, talk.server)
                unknown = " and ".join(host.label for host in ends if not host.roles)
                reason = f"{unknown} without a role; {talk.service} is for "
                reason += wording.rules_text(rules)
                advice = "List the host with its roles in the site file."
            yield self._finding(
                "unknown", Severity.LOW, f"cannot be judged: {talk}", talk, reason, advice
            )

    def _finding(
        self,
        kind: str,
        severity: Severity,
        title: str,
        talk: Conversation,
        reason: str,
        advice: str,
    ) -> Finding:
        judgements = self._judgements(talk)
        carried = [set(judgement.caveats) for judgement in judgements]
        return Finding(
            kind,
            severity,
            title,
            talk.client.label,
            tuple(sorted(talk.client.roles)),
            talk.server.label,
            tuple(sorted(self._server_roles(talk))),
            talk.transport,
            talk.port,
            tuple(talk.flows.tolist()),
            tuple(dict.fromkeys(rule for j in judgements for rule in j.rules)),
            tuple(sorted({row for j in judgements for row in j.rows})),
            tuple(dict.fromkeys(rule_id for j in judgements for rule_id in j.rule_ids)),
            tuple(sorted(set.intersection(*carried))) if carried else (),
            reason,
            advice,
            (talk.client, talk.server),
        )

    def _gravity(self, talk: Conversation, *, attempted: bool) -> Severity:
        if attempted:
            return Severity.LOW
        client_citrix = self._is_citrix(talk.client.roles)
        server_citrix = self._is_citrix(self._server_roles(talk))
        served = bool(self.served[talk.flows].any())
        stranger = self.book.site is not None and not talk.client.listed
        if served and server_citrix and (client_citrix or stranger):
            return Severity.HIGH
        return Severity.MEDIUM

    def _why_unexpected(self, talk: Conversation, judgement: Judgement) -> str:
        row = int(talk.flows[0])
        kind = self.judged.kinds.kinds[self.judged.kinds.kind_of[row]]
        name = self.judged.naming.shown.get(row)
        if judgement.verdict is Verdict.UNDOCUMENTED and kind.server_unknown and kind.names.seen:
            reason = wording.uncovered_name_reason(name.name if name else "", judgement.rules)
        else:
            reason = wording.unexpected_reason(
                judgement,
                [rule for rule in judgement.rules if self.book.fits_source(rule, kind)],
                [rule for rule in judgement.rules if self.book.fits_destination(rule, kind)],
                talk.service,
                talk.client.roles,
                self._server_roles(talk),
            )
        if judgement.verdict in {Verdict.PROHIBITED, Verdict.LOCAL_ONLY}:
            return reason
        return reason + wording.remarks_text(*self.book.remarks(kind, talk.transport, talk.port))

    def _server_roles(self, talk: Conversation) -> frozenset[str]:
        """Add the roles that the site file gives to the server's names."""
        by_name = (self.judged.kinds.kinds[number].names.roles for number in self._kinds(talk))
        return talk.server.roles.union(*by_name)

    def _is_citrix(self, roles: Iterable[str]) -> bool:
        return any(self.book.catalog.roles[role].is_citrix for role in roles)

    def _working_groups(
        self, working: Iterable[Conversation], pairs: Collection[tuple[int, int]]
    ) -> defaultdict[tuple[int, int], set[str]]:
        found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        for talk in working:
            if talk.pair in pairs:
                for judgement in self._judgements(talk):
                    found[talk.pair].update(g for rule in judgement.rules for g in rule.groups)
        return found

    def _kinds(self, talk: Conversation) -> list[int]:
        kinds: list[int] = np.unique(self.judged.kinds.kind_of[talk.flows]).tolist()
        return kinds

    def _judgements(self, talk: Conversation) -> list[Judgement]:
        return [self.judged.judgements[number] for number in self._kinds(talk)]

    def _judgement(self, row: int) -> Judgement:
        return self.judged.judgements[int(self.judged.kinds.kind_of[row])]

    def _per_flow(self, per_kind: NDArray[np.bool_]) -> NDArray[np.bool_]:
        kind_of = self.judged.kinds.kind_of
        return per_kind[kind_of] if len(kind_of) else np.zeros(0, dtype=bool)


def _roles(rules: Iterable[Rule]) -> str:
    return " or ".join(dict.fromkeys(role for rule in rules for role in rule.destinations))
