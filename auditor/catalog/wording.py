"""What a rule says, in sentences: its need, its doubts, its secure twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.catalog.lookup import group_services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.catalog.model import Catalog, Rule

_CAVEATS = {
    "doubtful-direction": "Doubt: the arrow may point the other way.",
    "doubtful-peer": "Doubt: another peer may be meant.",
    "doubtful-transport": "Doubt: another transport may be meant.",
    "doubtful-details": "Doubt: the text beside it does not fit the port.",
    "dynamic-range": "A range from which ports are handed out; a match alone proves little.",
    "random-port": "A port chosen at random; a match alone proves little.",
    "loopback": "On one machine only, never between two.",
    "prose-only": "Stands in the text alone, in no table.",
    "same-role": "Either end may begin.",
    "inferred-transport": "The transport is inferred; the document does not state it.",
}
"""Caveats that one sentence explains; the others depend on what the rule says besides."""

_NEEDS = {
    "optional": "Optional.",
    "planned": "Planned: documented, but not to be seen yet.",
}


def place(rule: Rule) -> str:
    """Say where a rule stands written: `l.143`, or the pack where it has no line."""
    return f"l.{rule.row}" if rule.row is not None else rule.pack


def ends(rule: Rule) -> str:
    """Write `adm -> adc, sdwan-se-ee`; host names stand beside the roles that they name."""
    names = f" ({', '.join(rule.destination_names)})" if rule.destination_names else ""
    return f"{_roles(rule.sources)} -> {_roles(rule.destinations)}{names}"


def services(rule: Rule) -> str:
    """Write `tcp/80, tcp/443`."""
    return ", ".join(map(str, rule.services))


def can_be_missed(rule: Rule) -> bool:
    """Say whether the absence of the rule's traffic can ever mean anything."""
    return rule.pack in {"paper", "site"} and rule.need in {"expected", "conditional"}


def remarks(rule: Rule, catalog: Catalog) -> list[str]:
    """List what a reader has to know beside the purpose, most important first."""
    return [
        *_secure(rule, catalog),
        *_need(rule, catalog),
        *(_CAVEATS[caveat] for caveat in rule.caveats if caveat in _CAVEATS),
        *([rule.note] if rule.note else []),
        *([f"Stated at {rule.page}"] if rule.page else []),
    ]


def _secure(rule: Rule, catalog: Catalog) -> Iterator[str]:
    twin = catalog.by_id.get(rule.secure_twin)
    if twin is not None:
        risk = "Insecure" if "insecure-alternative" in rule.caveats else "Possibly insecure"
        yield f"{risk}; the secure way for the same pair: {services(twin)} ({place(twin)})."
    insecure = [
        f"{services(other)} ({place(other)})"
        for other in catalog.rules
        if other.secure_twin == rule.id
    ]
    if insecure:
        yield f"Less secure for the same pair: {', '.join(insecure)}."


def _need(rule: Rule, catalog: Catalog) -> Iterator[str]:
    if rule.prohibits:
        yield "Forbidden, on every service."
    elif rule.source_ports:
        yield "A source port, never a service."
    elif not rule.matches:
        yield "For the record; it matches no flow."
    if rule.need in _NEEDS:
        yield _NEEDS[rule.need]
    if rule.condition:
        switch = f" (feature {rule.feature})" if rule.feature else ""
        yield f"If {rule.condition}{switch}."
    expecting = [f.id for f in catalog.features.values() if rule.id in f.expects]
    if expecting:
        yield f"Expected with the feature {' or '.join(expecting)}."
    if can_be_missed(rule):
        yield from _group(rule, catalog)


def _group(rule: Rule, catalog: Catalog) -> Iterator[str]:
    together = group_services(catalog, rule)
    if len(together) > 1:
        how = "All are needed" if rule.group_mode == "all" else "One suffices"
        yield f"{how}: {', '.join(map(str, together))}."


def _roles(roles: tuple[str, ...]) -> str:
    return ", ".join(roles) or "(none named)"
