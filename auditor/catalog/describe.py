"""Answers about the catalog as lines of text that fit 100 columns, addresses aside."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from auditor.catalog.lookup import PortQuery, covers, nearest, rules_on, with_role
from auditor.catalog.wording import can_be_missed, ends, place, remarks, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.catalog.model import Catalog, Feature, Role, Rule

_WIDTH = 100
_INDENT = 10
_MOST = 3
_HEADINGS = {
    "paper": "",
    "site": "By this site's own rules:",
    "vendor": "In other Citrix documents:",
    "ambient": "Of the systems around Citrix:",
}


def explain_port(catalog: Catalog, query: PortQuery) -> Iterator[str]:
    """Say who may talk to whom on a port, why, and how sure that is."""
    rules = rules_on(catalog, query)
    telling = [rule for rule in rules if rule.matches and not rule.weak]
    for pack, heading in _HEADINGS.items():
        own = [rule for rule in telling if rule.pack == pack]
        if own and heading:
            yield from (heading, "")
        for members, titles in _by_service(own, query).items():
            yield from _section(", ".join(titles), members, catalog)
    if not telling:
        yield from _unknown(catalog, query)
    yield from _section("Not a service", [r for r in rules if not r.matches], catalog)
    yield from _wide([rule for rule in rules if rule.weak])
    yield from _other_transport(catalog, query)
    yield f"Edition {catalog.edition} of the paper; l. = its lines."


def describe_rules(rules: Iterable[Rule], catalog: Catalog) -> Iterator[str]:
    """Say all of some rules, one after the other."""
    for rule in rules:
        yield _brief(rule)
        yield from _sayings(rule, catalog)
        facts = [rule.product, "never answered"] if rule.one_way else [rule.product]
        if can_be_missed(rule):
            facts += [f"group {rule.group}", f"absence shows after {rule.cadence_s} s"]
        yield wrapped("; ".join(facts), " " * _INDENT)
        yield wrapped(rule.source, " " * _INDENT)
        yield ""


def describe_role(role: Role, catalog: Catalog) -> Iterator[str]:
    """Say what a role is, and list what its hosts do."""
    product = "" if role.product in {"common", "third party"} else f", {role.product}"
    yield wrapped(f"{role.id}: {role.display} ({role.kind}{product})", "")
    if role.implies:
        yield wrapped(f"Implies {', '.join(role.implies)}.", "  ")
    if role.component:
        yield "  One of the paper's Any Citrix Component (lines 192, 193)."
    if role.link_row is not None:
        yield f"  Line {role.link_row} of the paper only links to its ports."
    if role.synonyms:
        yield wrapped(f"Also called: {'; '.join(role.synonyms)}.", "  ")
    if role.note:
        yield wrapped(role.note, "  ")
    for title, rules in zip(("As client", "As server"), with_role(catalog, role.id), strict=True):
        yield from ("", title)
        for rule in rules:
            yield _brief(rule)
        if not rules:
            yield "  (no rule)"
    yield ""


def describe_feature(feature: Feature, catalog: Catalog) -> Iterator[str]:
    """Say what a feature means, and which rules it decides."""
    yield wrapped(f"{feature.id}: {feature.meaning}.", "")
    for title, ids in feature_rules(feature, catalog):
        yield from ("", title)
        for rule_id in ids:
            yield _brief(catalog.by_id[rule_id])
    yield ""


def feature_rules(feature: Feature, catalog: Catalog) -> Iterator[tuple[str, list[str]]]:
    """List what a feature does, each with the ids of the rules that it does it to."""
    decided = [rule.id for rule in catalog.rules if rule.feature == feature.id]
    for title, ids in (
        ("Expected while it is on", decided),
        ("One of these expected while it is on", list(feature.expects)),
        ("Proven by traffic of", list(feature.proven_by)),
    ):
        if ids:
            yield title, ids


def wrapped(text: str, start: str) -> str:
    """Break a text after 100 columns; `start` stands before its first line."""
    return fill(
        text,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _by_service(rules: list[Rule], query: PortQuery) -> dict[tuple[Rule, ...], list[str]]:
    """Map sets of rules to the services that they share, so that nothing is said twice."""
    found: dict[tuple[Rule, ...], list[str]] = {}
    for service in dict.fromkeys(s for r in rules for s in r.services if covers(s, query)):
        members = tuple(rule for rule in rules if service in rule.services)
        found.setdefault(members, []).append(str(service))
    return found


def _section(title: str, rules: Sequence[Rule], catalog: Catalog) -> Iterator[str]:
    if rules:
        yield title
    for rule in rules:
        yield wrapped(f"{ends(rule)}  [{rule.id}]", _start(rule))
        yield from _sayings(rule, catalog)
        yield ""


def _sayings(rule: Rule, catalog: Catalog) -> Iterator[str]:
    yield wrapped(f"{rule.purpose.rstrip('.')}.", " " * _INDENT)
    for remark in remarks(rule, catalog):
        yield wrapped(remark, " " * _INDENT + "- ")


def _brief(rule: Rule) -> str:
    return wrapped(f"{services(rule) or 'no port'}  {ends(rule)}  [{rule.id}]", _start(rule))


def _start(rule: Rule) -> str:
    return f"  {place(rule):<{_INDENT - 2}}"


def _unknown(catalog: Catalog, query: PortQuery) -> Iterator[str]:
    yield f"{query}: no rule names it."
    near = nearest(catalog, query)
    if near:
        yield "Nearest documented:"
    for service in near:
        rules = [rule for rule in catalog.rules if service in rule.services]
        who = "; ".join(f"{place(rule)} {ends(rule)}" for rule in rules[:_MOST])
        more = f"; and {len(rules) - _MOST} more" if len(rules) > _MOST else ""
        yield wrapped(f"{who}{more}", f"  {service!s:<18}")
    yield ""


def _wide(rules: list[Rule]) -> Iterator[str]:
    if rules:
        yield "Inside wide ranges too, which prove little:"
    for rule in rules:
        yield _brief(rule)
    if rules:
        yield ""


def _other_transport(catalog: Catalog, query: PortQuery) -> Iterator[str]:
    """Point at the same port on the transport that was not asked for."""
    if query.port is None or not query.transport:
        return
    for other in sorted({"tcp", "udp"} - {query.transport}):
        asked = PortQuery(query.port, other)
        rules = [rule for rule in rules_on(catalog, asked) if rule.matches and not rule.weak]
        if rules:
            places = ", ".join(dict.fromkeys(map(place, rules)))
            yield wrapped(f"{asked} is another matter: {places}.", "")
            yield ""
