"""What a finding says: its title, the reason and what to do, in an engineer's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from auditor.catalog.model import ANY_CITRIX, ANY_HOST
from auditor.judge.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.catalog.model import Rule, Service
    from auditor.judge.verdict import Judgement
    from auditor.judge.vocabulary import Outcome

TITLES = {
    Verdict.UNDOCUMENTED: "not documented",
    Verdict.WRONG_ROLES: "not documented between these roles",
    Verdict.WRONG_DIRECTION: "wrong direction",
    Verdict.WRONG_TRANSPORT: "wrong transport",
    Verdict.PROHIBITED: "forbidden",
    Verdict.LOCAL_ONLY: "local service reached from outside",
}

_ADVICE = {
    Verdict.UNDOCUMENTED: (
        "Find out what runs there. If it belongs, list the host with its role or say so under "
        "`exceptions`; if not, close it."
    ),
    Verdict.WRONG_ROLES: (
        "If an end holds a role that the site file does not give it, add the role; "
        "else close the port between the two."
    ),
    Verdict.WRONG_DIRECTION: (
        "See which side opened it: a firewall rule written the wrong way round, or roles swapped "
        "in the site file."
    ),
    Verdict.WRONG_TRANSPORT: "Allow only the documented transport, or correct the sender.",
    Verdict.PROHIBITED: "Close it; nothing documented needs it.",
    Verdict.LOCAL_ONLY: "Close the port to the network; the service is meant for its own host.",
}


def service_text(transport: str, port: int | None) -> str:
    """Write `tcp/443`, or the transport alone where there is no port."""
    return transport if port is None else f"{transport}/{port}"


def services_text(services: Iterable[Service]) -> str:
    """Write services as `tcp/80,443 udp/53`; a transport without ports alone."""
    ports: dict[str, dict[str, None]] = {}
    for service in services:
        ports.setdefault(service.transport, {})[service.ports()] = None
    return " ".join(f"{name}/{','.join(of)}".rstrip("/") for name, of in ports.items())


def lines_text(rows: Iterable[int]) -> str:
    """Write paper lines as `l.229, 276`; `` without any."""
    numbers = [str(row) for row in rows]
    return f"l.{', '.join(numbers)}" if numbers else ""


def roles_text(roles: Iterable[str]) -> str:
    """Write a set of roles as `ddc, sta`, or `a host without a role`."""
    return ", ".join(sorted(roles)) or "a host without a role"


def rules_text(rules: Iterable[Rule]) -> str:
    """Write who may talk to whom by some rules, with the line of each."""
    return _some(
        f"{_ends(rule.sources)} -> {_ends(rule.destinations)} ({_place(rule)})" for rule in rules
    )


def unexpected_reason(
    judgement: Judgement,
    leaving: Iterable[Rule],
    arriving: Iterable[Rule],
    service: str,
    client_roles: Iterable[str],
    server_roles: Iterable[str],
) -> str:
    """Say why a flow is unexpected; leaving, arriving: cited rules that fit one of its ends."""
    ends = f"{roles_text(client_roles)} -> {roles_text(server_roles)}"
    rules, doubt = judgement.rules, _doubt(judgement.caveats)
    match judgement.verdict:
        case Verdict.WRONG_DIRECTION:
            return f"documented the other way round: {rules_text(rules)}{doubt}"
        case Verdict.WRONG_TRANSPORT:
            others = {str(s) for rule in rules for s in rule.services}
            basis = {rule.transport_basis for rule in rules}
            hedge = "" if basis == {"stated"} else "; the paper names no transport there"
            port = service.partition("/")[2]
            same_port = sorted(o for o in others if o.partition("/")[2] == port) or sorted(others)
            return f"documented on {', '.join(same_port)}: {rules_text(rules)}{hedge}{doubt}"
        case Verdict.WRONG_ROLES:
            near = [
                f"{end} {text}"
                for end, text in (
                    (roles_text(server_roles), _peers("takes it from", arriving, "sources")),
                    (roles_text(client_roles), _peers("uses it towards", leaving, "destinations")),
                )
                if text
            ]
            known = "; ".join(near) or f"it is for {rules_text(rules)}"
            return f"{service} has no row for {ends}; {known}{doubt}"
        case Verdict.PROHIBITED if rules:
            return f"no connection into it is accepted from there: {rules_text(rules)}"
        case Verdict.PROHIBITED:
            return f"the site file denies {ends}"
        case Verdict.LOCAL_ONLY:
            return f"the listener is meant for 127.0.0.1 alone: {rules_text(rules)}"
        case _:
            return f"no row has {service} for {ends}"


def unexpected_advice(judgement: Judgement, *, attempted: bool) -> str:
    """Say what to do about an unexpected flow."""
    if judgement.verdict is Verdict.PROHIBITED and not judgement.rules:
        return "Close it, or take the `deny` out of the site file."
    if attempted:
        return "Nothing got through; find out who tries and why."
    return _ADVICE[judgement.verdict]


def remarks_text(said: Iterable[Rule], left_out: Iterable[Rule]) -> str:
    """Add what the paper says without a port, and where else such a flow is documented.

    left_out: matching rules of packs that the site did not choose.
    """
    notes = [f"{_place(rule)}: {rule.purpose}" for rule in said]
    pages = {rule.pack: rule.page for rule in left_out}
    if "vendor" in pages:
        notes.append(f"a known gap of the paper, see {pages['vendor']}")
    elif "ambient" in pages:
        notes.append(f"ordinary outside of Citrix, see {pages['ambient']}")
    return "".join(f"; {note}" for note in notes)


def blocked_reason(
    outcomes: Iterable[Outcome], rules: Iterable[Rule], others: Sequence[str], *, instead: bool
) -> str:
    """Say how attempts failed, what fails with them, and whether others fare better."""
    purpose = next((rule.purpose for rule in rules), "")
    parts = [f"{' or '.join(sorted(outcomes))} every time; purpose: {purpose}"]
    if others:
        parts.append(f"it works for {_some(sorted(others), most=2)}")
    if instead:
        parts.append("an alternative between the two works")
    return "; ".join(parts)


def blocked_advice(client: str, server: str, service: str, *, refused: bool, others: bool) -> str:
    """Say where to look for what blocks."""
    if others:
        return f"{server} listens: look for a filter on the way from {client}, for {service}."
    if refused:
        return f"Start the service on {server}, or find the filter that rejects {client}."
    return f"Open {service} on the way from {client} to {server}, or see whether {server} is up."


def uncovered_name_reason(name: str, near: Iterable[Rule]) -> str:
    """Say why a server whose name no row covers is unexpected; near: rows that come close."""
    patterns = {f"{pattern} (l.{rule.row})" for rule in near for pattern in rule.destination_names}
    close = f"; {', '.join(sorted(patterns))} comes close" if patterns else ""
    return f"the server goes by {name}, which no row covers{close}"


def secure_twins(rules: Iterable[Rule], every: Iterable[Rule]) -> list[str]:
    """List the services that the paper offers instead of an insecure one."""
    twins = {rule.secure_twin for rule in rules if "insecure-alternative" in rule.caveats}
    return list(dict.fromkeys(str(s) for rule in every if rule.id in twins for s in rule.services))


def _doubt(caveats: Iterable[str]) -> str:
    kinds = sorted(c.removeprefix("doubtful-") for c in caveats if c.startswith("doubtful-"))
    return f"; the paper's own {' and '.join(kinds)} is doubtful there" if kinds else ""


def _peers(verb: str, rules: Iterable[Rule], end: Literal["sources", "destinations"]) -> str:
    """Write `takes it from gateway (l.142), storefront (l.238, 300)`; `` without rules."""
    places: dict[str, dict[str, None]] = {}
    for rule in rules:
        places.setdefault(_ends(getattr(rule, end)), {})[_place(rule)] = None
    peers = _some(f"{e} ({', '.join(of).replace(', l.', ', ')})" for e, of in places.items())
    return f"{verb} {peers}" if peers else ""


def _ends(roles: Iterable[str]) -> str:
    words = {ANY_CITRIX: "any Citrix component", ANY_HOST: "any host"}
    return "/".join(words.get(role, role) for role in roles)


def _place(rule: Rule) -> str:
    return rule.id if rule.row is None else f"l.{rule.row}"


def _some(texts: Iterable[str], most: int = 4) -> str:
    listed = list(dict.fromkeys(texts))
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
