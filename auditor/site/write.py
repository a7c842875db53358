"""Site -> the text of a site file, laid out for a person to correct; load_site reads it back."""

from __future__ import annotations

import re
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, TypeAlias

import yaml

from auditor.catalog.model import PACKS
from auditor.site.model import SiteHost, SiteName, SiteNetwork

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.site.model import Acceptance, Denial, Override, Site

    Value: TypeAlias = str | Sequence[str] | None
    """A plain value, a list of them, or None where the key is left out."""

Commented: TypeAlias = SiteHost | SiteNetwork | SiteName | str
"""What can carry a comment: an entry, or a feature by its id."""

_WIDEST = 100
_PLAIN = re.compile(
    r"[A-Za-z](?:[A-Za-z0-9_./ -]*[A-Za-z0-9_./-])?|[0-9]+(?:\.[0-9]+){3}(?:/[0-9]+)?"
)
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What other readers of YAML take for something else than text."""


def site_text(
    site: Site,
    *,
    comments: Mapping[Commented, str] | None = None,
    heading: Sequence[str] = (),
) -> str:
    """Write a site file.

    comments: what to say beside an entry. heading: lines of comment at the top. Control characters
    in either do no harm. Order is kept; hosts that follow each other with the same first role
    stand together under its name.
    """
    said = comments or {}
    sections = [
        list(_comment(heading)),
        [f"site: {_scalar(site.name)}"] if site.name else [],
        _section("hosts", _hosts(site.hosts, said)),
        _section("networks", _entries(((each, _network(each)) for each in site.networks), said)),
        _section("names", _entries(((each, _name(each)) for each in site.names), said)),
        _section("features", _features(site.features, said)),
        _section("overrides", _plain_entries(map(_override, site.overrides))),
        _section("exceptions", _plain_entries(map(_exception, site.acceptances))),
        _section("deny", _plain_entries(map(_denial, site.denials))),
        ["infer: true"] if site.infer else [],
        [f"packs: {_value(site.packs)}"] if site.packs != PACKS else [],
    ]
    if not any(sections[1:]):
        sections.append(["hosts: []"])
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _section(key: str, content: Iterable[str]) -> list[str]:
    lines = list(content)
    return [f"{key}:", *lines] if lines else []


def _hosts(hosts: Iterable[SiteHost], said: Mapping[Commented, str]) -> Iterator[str]:
    first = True
    for role, group in groupby(hosts, key=lambda host: host.roles[:1]):
        if not first:
            yield ""
        first = False
        yield from _comment([*role] or ["no role yet"], "  ")
        yield from _entries(((each, _host(each)) for each in group), said)


def _host(host: SiteHost) -> dict[str, Value]:
    return {
        "name": host.name,
        "addresses": [str(address) for address in host.addresses] or None,
        "macs": host.macs or None,
        "roles": host.roles,
    }


def _network(entry: SiteNetwork) -> dict[str, Value]:
    return {"name": entry.name, "cidr": str(entry.network), "roles": entry.roles}


def _name(entry: SiteName) -> dict[str, Value]:
    return {"pattern": entry.pattern, "roles": entry.roles}


def _override(entry: Override) -> dict[str, Value]:
    return {"rule": entry.rule, "ports": [str(service) for service in entry.services]}


def _exception(entry: Acceptance) -> dict[str, Value]:
    return {
        "client": entry.client,
        "server": entry.server,
        "port": None if entry.service is None else str(entry.service),
        "reason": entry.reason,
        "owner": entry.owner,
        "until": None if entry.until is None else entry.until.isoformat(),
    }


def _denial(entry: Denial) -> dict[str, Value]:
    return {"from": entry.client_role, "to": entry.server_role}


def _features(features: Mapping[str, bool], said: Mapping[Commented, str]) -> Iterator[str]:
    for name, on in features.items():
        yield from _beside(f"  {_scalar(name)}: {'true' if on else 'false'}", said.get(name, ""))


def _entries(
    entries: Iterable[tuple[SiteHost | SiteNetwork | SiteName, dict[str, Value]]],
    said: Mapping[Commented, str],
) -> Iterator[str]:
    for entry, pairs in entries:
        yield from _item(pairs, said.get(entry, ""))


def _plain_entries(entries: Iterable[dict[str, Value]]) -> Iterator[str]:
    for pairs in entries:
        yield from _item(pairs, "")


def _item(pairs: Mapping[str, Value], comment: str) -> Iterator[str]:
    """Lay out an entry in one line if it fits, else one line or more a key."""
    given = {key: value for key, value in pairs.items() if value is not None}
    written = ", ".join(f"{key}: {_value(value)}" for key, value in given.items())
    line = f"  - {{{written}}}"
    if len(line) <= _WIDEST:
        yield from _beside(line, comment)
        return
    yield from _comment([comment] if comment else [], "  ")
    for number, (key, value) in enumerate(given.items()):
        lead = f"    {key}: " if number else f"  - {key}: "
        yield from [lead + _scalar(value)] if isinstance(value, str) else _wrapped(lead, value)


def _wrapped(lead: str, values: Sequence[str]) -> Iterator[str]:
    """Break a list between its values where it would be too wide."""
    line = f"{lead}["
    indent = " " * len(line)
    for number, value in enumerate(map(_scalar, values), 1):
        piece = value + ("," if number < len(values) else "]")
        if len(line) + len(piece) > _WIDEST and line != indent:
            yield line.rstrip()
            line = indent
        line += f"{piece} "
    yield line.rstrip() if values else f"{line}]"


def _beside(line: str, comment: str) -> Iterator[str]:
    """Put a comment behind a line where there is room, else above it."""
    (*above, last) = _comment([comment]) if comment else [""]
    together = f"{line}  {last}".rstrip()
    if not above and len(together) <= _WIDEST:
        yield together
    else:
        yield from _comment([comment], "  ")
        yield line


def _comment(lines: Iterable[str], indent: str = "") -> Iterator[str]:
    for line in lines:
        text = "".join(char if char.isprintable() else _escape(char) for char in line)
        for part in wrap(text, _WIDEST - len(indent) - 2, break_on_hyphens=False) or [""]:
            yield f"{indent}# {part}".rstrip()


def _escape(char: str) -> str:
    return " " if char in "\r\n\t" else f"\\u{ord(char):04x}"


def _value(value: Value) -> str:
    if value is None:
        return "null"
    return _scalar(value) if isinstance(value, str) else f"[{', '.join(map(_scalar, value))}]"


def _scalar(text: str) -> str:
    """Write a text so that every reader of YAML takes it for that text, in one line."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True)
    return str(quoted).rstrip("\n")
