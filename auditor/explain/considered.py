"""Every rule on a flow's port, and on the same port of the other transport: does it fit, and why.

Says what auditor.judge.verdict decided, and decides nothing: whether a rule matches is asked of
the same rule book.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.catalog.lookup import PortQuery, covers
from auditor.catalog.model import ANY_CITRIX
from auditor.explain.model import Consideration, Considered
from auditor.judge.rulebook import pattern_names
from auditor.judge.vocabulary import Verdict
from auditor.judge.wording import service_text
from auditor.records import WITH_PORTS, transport_name
from auditor.report.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.catalog.model import Rule
    from auditor.judge.judged import Judged
    from auditor.judge.rulebook import FlowKind, RuleBook
    from auditor.judge.verdict import Judgement

_MOST_ROLES = 6
_OTHER = {"tcp": "udp", "udp": "tcp"}
_DECIDED_BEFORE = frozenset({Verdict.OUT_OF_SCOPE, Verdict.PROHIBITED, Verdict.LOCAL_ONLY})

_NEAR = {
    Verdict.UNDOCUMENTED: "names such hosts, and a seen name comes near them",
    Verdict.NEEDS_HOSTNAME: "would fit if a seen name showed the server to be one",
    Verdict.UNKNOWN_ROLE: "would fit if the end without a role had the right one",
    Verdict.WRONG_DIRECTION: "would fit with client and server exchanged",
    Verdict.WRONG_TRANSPORT: "would fit on this transport",
    Verdict.WRONG_ROLES: "a near miss",
    Verdict.PROHIBITED: "forbids it",
}
"""What it means that a rule is cited which does not cover the flow."""


def consider(judged: Judged, row: int) -> tuple[Consideration, ...]:
    """Hold every rule on the flow's service against it, on either transport."""
    kind_number = int(judged.kinds.kind_of[row])
    consideration = _Considering(
        judged.book, judged.kinds.kinds[kind_number], judged.judgements[kind_number]
    )
    number = int(judged.orientation.server_port[row])
    transport = transport_name(int(judged.flows.facts["transport"][row]))
    port = number if transport in WITH_PORTS else None
    found = [consideration.on(transport, port, own=True)]
    if transport in _OTHER:
        found.append(consideration.on(_OTHER[transport], port, own=False))
    return tuple(part for part in found if part.rules or part is found[0])


class _Considering:
    def __init__(self, book: RuleBook, kind: FlowKind, judgement: Judgement) -> None:
        self._book = book
        self._kind = kind
        self._judgement = judgement
        self._cited = set(judgement.rule_ids)

    def on(self, transport: str, port: int | None, *, own: bool) -> Consideration:
        """Hold the rules of one service against the flow; `own` is the flow's own service."""
        # The paper knows one ICMP; over IPv6 the same rows mean its successor.
        query = PortQuery(port, transport.removesuffix("v6") if port is None else transport)
        # The book has the rules that this site uses, with the ports that it moved.
        used = {rule.id: rule for rule in self._book.rules}
        rules = [used.get(rule.id, rule) for rule in self._book.catalog.rules]
        found = []
        for rule in rules:
            services = tuple(str(s) for s in rule.services if covers(s, query))
            if services or (own and rule.id in self._cited and not rule.services):
                found.append(self._held(rule, services, used=rule.id in used, own=own))
        found.sort(key=_telling, reverse=True)
        title = service_text(transport, port)
        return Consideration(title, tuple(found))

    def _held(self, rule: Rule, services: tuple[str, ...], *, used: bool, own: bool) -> Considered:
        book, kind, verdict = self._book, self._kind, self._judgement.verdict
        held = Considered(
            rule=rule,
            services=services,
            source_fits=book.fits_source(rule, kind),
            destination_fits=book.fits_destination(rule, kind),
            matches=own and used and bool(book.matching(kind, [rule])),
            # A rule of both transports is cited for the flow's own.
            cited=rule.id in self._cited and (own or verdict is Verdict.WRONG_TRANSPORT),
            why="",
        )
        return replace(held, why=self._why(held, used=used, own=own))

    def _why(self, held: Considered, *, used: bool, own: bool) -> str:
        rule = held.rule
        misses = self._misses(rule, held)
        if held.matches:
            return self._why_it_fits(held)
        if held.cited:
            near = _NEAR.get(self._judgement.verdict, "")
            return "; ".join(filter(None, (near, *misses))) or "cited beside the verdict"
        if rule.source_ports:
            return "ports that its hosts send from, not a service"
        if not rule.matches:
            return "for the record; it matches no flow"
        if not used:
            misses.insert(0, f"the site file leaves out the rules of {rule.pack}")
        if not own and not misses:
            return "both ends fit, but the flow is on the other transport"
        return "; ".join(misses) or "does not cover the flow"

    def _why_it_fits(self, held: Considered) -> str:
        match = self._book.matching(self._kind, [held.rule])[0]
        how = {
            "via-implied-role": "through a role that follows from another",
            "hostname-confirmed": "the host name confirms it",
            "broadcast": "by the broadcast address",
        }
        parts = ["covers the flow", *(how[extra] for extra in sorted(match.extra) if extra in how)]
        if held.rule.weak:
            parts.append("but so wide a rule proves little")
        if not held.cited:
            verdict = self._judgement.verdict
            parts.append(
                f"not asked, since {verdict} is decided before"
                if verdict in _DECIDED_BEFORE
                else f"not cited, since {verdict} comes before {held.rule.pack} rules"
            )
        return "; ".join(parts)

    def _misses(self, rule: Rule, held: Considered) -> list[str]:
        """List what keeps the rule from covering the flow."""
        kind, book = self._kind, self._book
        if "loopback" in rule.caveats and not book.is_local(kind):
            return ["holds only for a host talking to itself"]
        if kind.same_machine and rule.same_role:
            return ["both ends are one machine, and the rule is between two"]
        misses = []
        if not held.source_fits:
            misses.append(_lack("client", kind.client.roles, rule.sources))
        if not held.destination_fits:
            miss = _lack("server", kind.server.roles | kind.names.roles, rule.destinations)
            if rule.destination_names:
                miss += f", and {self._name_lack(rule)}"
            misses.append(miss)
        if rule.weak and not misses and not self._holds_very_roles(rule):
            misses.append("so wide a rule is for the very roles written, not for implied ones")
        return misses

    def _name_lack(self, rule: Rule) -> str:
        if not self._kind.names.seen:
            return "no name was seen"
        near = bool(pattern_names(rule) & self._kind.names.supported)
        return "the seen name does not prove it" if near else "the seen name is not covered"

    def _holds_very_roles(self, rule: Rule) -> bool:
        sources, destinations = (
            self._book.sources_of[rule.id],
            self._book.destinations_of[rule.id],
        )
        kind = self._kind
        return (sources is None or bool(kind.client.roles & sources)) and (
            destinations is None or bool(kind.server.roles & destinations)
        )


def _telling(held: Considered) -> tuple[bool, bool, int, bool, int]:
    """Order rules: cited, fitting, fitting at an end; then the paper's before others."""
    ends = held.source_fits + held.destination_fits
    return held.cited, held.matches, ends, held.rule.row is not None, -(held.rule.row or 0)


def _lack(end: str, roles: Iterable[str], wanted: tuple[str, ...]) -> str:
    asked = ["any Citrix component" if role == ANY_CITRIX else role for role in wanted]
    text = " or ".join(asked) if len(asked) < _MOST_ROLES else listed(asked, _MOST_ROLES)
    return f"the {end} is {'no ' if roles else 'not known to be '}{text}"
