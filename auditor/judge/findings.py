"""What deserves somebody's time: one finding per kind, pair of hosts and talk."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge import wording
from auditor.judge.conversations import Conversation, Conversations
from auditor.judge.vocabulary import OUTCOMES, SERVED, UNEXPECTED, Coverage, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule
    from auditor.hosts import Host
    from auditor.judge.expect import Expectation
    from auditor.judge.judged import Judged
    from auditor.judge.verdict import Judgement

_ORDER = list(Verdict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; its identity excludes counts and times, so that audits compare."""

    kind: str
    """unexpected, contradicted, masquerade, blocked, missing, insecure or unknown."""
    severity: Severity
    title: str
    client: str
    """Host name, else address; a role where no host is meant."""
    client_roles: tuple[str, ...]
    server: str
    server_roles: tuple[str, ...]
    transport: str
    port: int | None
    flows: tuple[int, ...]
    """Rows of the flow table, in order; empty for what is missing."""
    rules: tuple[Rule, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]
    caveats: tuple[str, ...]
    reason: str
    advice: str
    hosts: tuple[Host | None, Host | None] = field(default=(None, None), compare=False)

    @property
    def id(self) -> str:
        """Name the finding the same in every audit: twelve hexadecimal digits."""
        identity = (self.kind, self.client, self.server, self.transport, str(self.port))
        return hashlib.sha256("\x1f".join(identity).encode()).hexdigest()[:12]


def find(judged: Judged, expectations: list[Expectation]) -> list[Finding]:
    """List all findings, the gravest first; each identity once."""
    finder = _Finder(judged, expectations)
    found = [
        *finder.unexpected(),
        *finder.contradicted(),
        *finder.masquerade(),
        *finder.blocked(),
        *finder.insecure(),
        *finder.unknown(),
        *finder.missing(),
    ]
    found.sort(key=lambda f: (-f.severity, f.flows or (1 << 62,), f.title))
    once: dict[str, Finding] = {}
    for finding in found:
        once.setdefault(finding.id, finding)
    return list(once.values())


class _Finder:
    def __init__(self, judged: Judged, expectations: list[Expectation]) -> None:
        self.judged = judged
        self.book = judged.book
        self.expectations = expectations
        self.served = judged.with_outcome(SERVED)
        self.conversations = Conversations(judged).of

    def unexpected(self) -> Iterator[Finding]:
        for talk in self.conversations(self.judged.having(UNEXPECTED)):
            judgement = min(self._judgements(talk), key=lambda j: _ORDER.index(j.verdict))
            attempted = bool(self.judged.attempted[talk.flows].all())
            severity = self._gravity(talk, attempted=attempted)
            if any(caveat.startswith("doubtful-") for caveat in judgement.caveats):
                severity = severity.lower()
            yield self._finding(
                "unexpected",
                severity,
                f"{wording.TITLES[judgement.verdict]}: {talk}",
                talk,
                self._why_unexpected(talk, judgement),
                wording.unexpected_advice(judgement.verdict, attempted=attempted),
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
        working = self._working_groups(documented & ~attempted, {talk.pair for talk in failed})
        for talk in failed:
            judgement = self._judgement(int(talk.flows[0]))
            groups = {group for rule in judgement.rules for group in rule.groups}
            instead = any(group in working[talk.pair] for group in groups)
            purpose = next((rule.purpose for rule in judgement.rules), "").rstrip(".")
            refused = self.judged.outcome[talk.flows]
            how = sorted({str(word) for word in self._outcome_words(refused)})
            yield self._finding(
                "blocked",
                Severity.LOW if instead else Severity.HIGH,
                f"blocked: {talk}",
                talk,
                f"{' and '.join(how)}, never let through: {purpose}"
                + ("; an alternative between the two works" if instead else ""),
                f"Allow {talk.client.address} -> {talk.server.address} "
                f"{talk.service} on the way between "
                "them, or start the service; others of the role show whether it listens.",
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
                unknown = [host.label for host in ends if not host.roles]
                reason = f"{' and '.join(unknown)}: role unknown; the port is one of "
                reason += wording.rules_text(rules)
                advice = "List the host with its roles in the site file."
            yield self._finding(
                "unknown", Severity.LOW, f"cannot be judged: {talk}", talk, reason, advice
            )

    def missing(self) -> Iterator[Finding]:
        for expectation in self.expectations:
            if expectation.status is Coverage.MISSING:
                strong = expectation.strength == "strong"
                yield self._absence(
                    expectation,
                    expectation.source,
                    Severity.MEDIUM if strong else Severity.LOW,
                    f"expected, not seen: {expectation.source} -> {expectation.destination}",
                    expectation.why,
                )
            elif expectation.status is Coverage.SEEN and expectation.silent_stands_out:
                for row in expectation.silent:
                    host = self.judged.hosts.table[row]
                    failed = row in expectation.silent_failed
                    what = "its attempts failed" if failed else "it never tried"
                    yield self._absence(
                        expectation,
                        host.label,
                        Severity.MEDIUM if failed else Severity.LOW,
                        f"silent: {host.label} -> {expectation.destination}",
                        f"{what}, though other hosts of the role {expectation.source} do",
                        host,
                    )

    def _absence(
        self,
        expectation: Expectation,
        client: str,
        severity: Severity,
        title: str,
        why: str,
        host: Host | None = None,
    ) -> Finding:
        services = list(
            expectation.unseen
            or dict.fromkeys(s for rule in expectation.rules for s in rule.services)
        )
        purpose = expectation.rules[0].purpose.rstrip(".")
        return Finding(
            "missing",
            severity,
            f"{title} {wording.services_text(services)}",
            client,
            tuple(sorted(host.roles)) if host else (expectation.source,),
            expectation.destination,
            (expectation.destination,),
            services[0].transport,
            services[0].low,
            (),
            expectation.rules,
            tuple(dict.fromkeys(r.row for r in expectation.rules if r.row is not None)),
            tuple(rule.id for rule in expectation.rules),
            _shared_caveats(expectation.rules),
            f"{purpose}: {why}",
            "If this site needs it, look at the sender's configuration and the way between; "
            "if not, nothing is wrong.",
            (host, None),
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
        if served and server_citrix and (client_citrix or not talk.client.listed):
            return Severity.HIGH
        return Severity.MEDIUM

    def _why_unexpected(self, talk: Conversation, judgement: Judgement) -> str:
        name = self.judged.naming.shown.get(int(talk.flows[0]))
        kind = self.judged.kinds.kinds[self.judged.kinds.kind_of[talk.flows[0]]]
        if judgement.verdict is Verdict.UNDOCUMENTED and name is not None and kind.server_unknown:
            return wording.uncovered_name_reason(name.name, judgement.rules)
        return wording.unexpected_reason(
            judgement.verdict,
            judgement.rules,
            talk.service,
            talk.client.roles,
            self._server_roles(talk),
        )

    def _server_roles(self, talk: Conversation) -> frozenset[str]:
        """Add the roles that the site file gives to the server's names."""
        by_name = (self.judged.kinds.kinds[number].names.roles for number in self._kinds(talk))
        return talk.server.roles.union(*by_name)

    def _is_citrix(self, roles: Iterable[str]) -> bool:
        return any(self.book.catalog.roles[role].is_citrix for role in roles)

    def _working_groups(
        self, mask: NDArray[np.bool_], pairs: Collection[tuple[int, int]]
    ) -> defaultdict[tuple[int, int], set[str]]:
        found: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
        for talk in self.conversations(mask) if pairs else ():
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

    def _outcome_words(self, codes: Iterable[int]) -> list[str]:
        return [OUTCOMES[int(code)].value for code in codes]


def _shared_caveats(rules: Iterable[Rule]) -> tuple[str, ...]:
    sets = [set(rule.caveats) for rule in rules]
    return tuple(sorted(set.intersection(*sets))) if sets else ()


def _roles(rules: Iterable[Rule]) -> str:
    return " or ".join(dict.fromkeys(role for rule in rules for role in rule.destinations))
