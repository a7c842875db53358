"""What a finding says: its title, the reason and what to do, in an engineer's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.judge.vocabulary import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.catalog.model import Rule, Service

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
        "Find out what runs there. If it belongs, say so under `exceptions`; if not, close it."
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

_MOST_RULES = 4


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
    """Write a set of roles as `ddc, sta`, or `no known role`."""
    return ", ".join(sorted(roles)) or "no known role"


def rules_text(rules: Iterable[Rule]) -> str:
    """Write who may talk to whom by some rules, with the line of each."""
    texts = []
    for rule in rules:
        place = f"l.{rule.row}" if rule.row is not None else rule.id
        texts.append(f"{'/'.join(rule.sources)} -> {'/'.join(rule.destinations)} ({place})")
    texts = list(dict.fromkeys(texts))
    more = len(texts) - _MOST_RULES
    return ", ".join(texts[:_MOST_RULES]) + (f" and {more} more" if more > 0 else "")


def unexpected_reason(
    verdict: Verdict,
    rules: tuple[Rule, ...],
    service: str,
    client_roles: Iterable[str],
    server_roles: Iterable[str],
) -> str:
    """Say why a flow is unexpected."""
    ends = f"{roles_text(client_roles)} -> {roles_text(server_roles)}"
    doubt = _doubt(rules)
    match verdict:
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
            return f"{ends} has no row; {service} is for {rules_text(rules)}{doubt}"
        case Verdict.PROHIBITED if rules:
            return f"no connection into it is accepted from there: {rules_text(rules)}"
        case Verdict.PROHIBITED:
            return f"the site file denies {ends}"
        case Verdict.LOCAL_ONLY:
            return f"the listener is meant for 127.0.0.1 alone: {rules_text(rules)}"
        case _:
            return f"no row has {service} for {ends}"


def unexpected_advice(verdict: Verdict, *, attempted: bool) -> str:
    """Say what to do about an unexpected flow."""
    if attempted and verdict is not Verdict.PROHIBITED:
        return "Nothing got through; find out who tries and why."
    return _ADVICE[verdict]


def uncovered_name_reason(name: str, near: Iterable[Rule]) -> str:
    """Say why a server whose name no row covers is unexpected; near: rows that come close."""
    patterns = {f"{pattern} (l.{rule.row})" for rule in near for pattern in rule.destination_names}
    close = f"; {', '.join(sorted(patterns))} comes close" if patterns else ""
    return f"the server goes by {name}, which no row covers{close}"


def secure_twins(rules: Iterable[Rule], every: Iterable[Rule]) -> list[str]:
    """List the services that the paper offers instead of an insecure one."""
    twins = {rule.secure_twin for rule in rules if "insecure-alternative" in rule.caveats}
    return list(dict.fromkeys(str(s) for rule in every if rule.id in twins for s in rule.services))


def _doubt(rules: Iterable[Rule]) -> str:
    kinds = sorted(
        {c.removeprefix("doubtful-") for rule in rules for c in rule.caveats if "doubtful-" in c}
    )
    return f"; the paper's own {' and '.join(kinds)} is doubtful there" if kinds else ""
