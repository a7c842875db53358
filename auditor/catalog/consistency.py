"""What only shows when all entries lie side by side: references, groups, circles of roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from auditor.catalog.model import Feature, Role, Rule, SessionPath
    from auditor.catalog.rulefile import Found


def check_roles(roles: Mapping[str, Found[Role]]) -> None:
    """Report implied roles that do not exist, and roles that imply themselves."""
    for role, entry in roles.values():
        for implied in role.implies:
            if implied not in roles:
                entry.report("implies", f"'implies': no such role: {implied!r}")
    in_circles: set[str] = set()
    for start in roles:
        circle = [] if start in in_circles else _circle(start, roles)
        if circle:
            in_circles.update(circle)
            path = " -> ".join((*circle, circle[0]))
            roles[circle[0]].entry.report("implies", f"'implies' runs in a circle: {path}")


def check_rules(rules: Mapping[str, Found[Rule]]) -> None:
    """Report what contradicts or misses another rule."""
    rows = {rule.row for rule, _ in rules.values()}
    for rule, entry in rules.values():
        if rule.secure_twin:
            _check_twin(rule, entry.report, rules)
        if rule.inherited_from is not None and rule.inherited_from not in rows:
            entry.report(
                "inherited-from", f"'inherited-from': no rule has row {rule.inherited_from}"
            )
    _check_groups(rules)


def check_features(features: Mapping[str, Found[Feature]], rules: Collection[Rule]) -> None:
    """Report features that refer to unknown rules, and features that decide nothing.

    rules: those of every edition, since the features are common to all.
    """
    known = {rule.id for rule in rules}
    deciding = {rule.feature for rule in rules}
    for feature, entry in features.values():
        for key, ids in (("proven-by", feature.proven_by), ("expects", feature.expects)):
            for rule_id in ids:
                if rule_id not in known:
                    entry.report(key, f"{key!r}: no such rule: {rule_id!r}")
        if feature.id not in deciding and not feature.expects:
            entry.report("id", f"the feature {feature.id!r} decides nothing: no rule names it")


def check_session_paths(paths: Mapping[str, Found[SessionPath]], rules: Collection[Rule]) -> None:
    """Report unknown rules, and rules that stand in two paths; rules: as for check_features."""
    known = {rule.id for rule in rules}
    path_of: dict[str, str] = {}
    for path, entry in paths.values():
        for scalar in entry.scalars("rules"):
            other = path_of.setdefault(scalar.text, path.id)
            if scalar.text not in known:
                entry.document.report(scalar.line, f"'rules': no such rule: {scalar.text!r}")
            elif other != path.id:
                message = f"'rules': {scalar.text!r} stands in the path {other!r} too"
                entry.document.report(scalar.line, message)


def _circle(start: str, roles: Mapping[str, Found[Role]]) -> list[str]:
    """Give the roles of a circle through `start`, in order; empty without one."""
    trail = [(start, [start])]
    seen = set()
    while trail:
        role, path = trail.pop()
        for implied in roles[role].value.implies if role in roles else ():
            if implied == start:
                return path
            if implied not in seen:
                seen.add(implied)
                trail.append((implied, [*path, implied]))
    return []


def _check_groups(rules: Mapping[str, Found[Rule]]) -> None:
    first: dict[str, Found[Rule]] = {}
    for found in rules.values():
        earlier = first.setdefault(found.value.group, found)
        mode, other = found.value.group_mode, earlier.value.group_mode
        if mode != other:
            found.entry.report(
                "group-mode",
                f"group {found.value.group!r} is {mode!r} here and {other!r} in {earlier.place}",
            )
    for rule, entry in rules.values():
        for group in rule.also_in:
            if group not in first:
                entry.report("also-in", f"'also-in': no rule forms the group {group!r}")


def _check_twin(
    rule: Rule, report: Callable[[str, str], None], rules: Mapping[str, Found[Rule]]
) -> None:
    if rule.secure_twin not in rules:
        report("secure-twin", f"'secure-twin': no such rule: {rule.secure_twin!r}")
        return
    twin = rules[rule.secure_twin].value
    if not (
        set(rule.sources) & set(twin.sources) and set(rule.destinations) & set(twin.destinations)
    ):
        report("secure-twin", f"'secure-twin': {twin.id!r} is for other roles than this rule")
