"""One rule file: its entries become rules, its mistakes are reported at their lines.

What can be said of an entry by itself is said here; what only shows beside other entries (an id
twice, a group of two minds) is auditor.catalog.consistency's.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from auditor.catalog.model import (
    ANY_CITRIX,
    ANY_HOST,
    PACKS,
    Feature,
    Role,
    Rule,
    SessionPath,
)
from auditor.catalog.services import WITH_PORTS, parse_service
from auditor.catalog.vocabulary import (
    BASES,
    DEFAULT_EDITION,
    DERIVED_CAVEATS,
    FLOW_CAVEATS,
    GROUP_MODES,
    INSECURE_CAVEATS,
    NEEDS,
    ORIGIN_OF_PACK,
    PAPER_ORIGINS,
    RULE_CAVEATS,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from auditor.catalog.model import Service
    from auditor.documents import Entry

T = TypeVar("T", Role, Feature, Rule, SessionPath)

_FILE_KEYS = ("product", "pack", "edition", "rules")
_RULE_KEYS = (
    "id",
    "row",
    "origin",
    "from",
    "to",
    "services",
    "names",
    "names-any-depth",
    "basis",
    "purpose",
    "need",
    "condition",
    "feature",
    "group",
    "group-mode",
    "also-in",
    "caveats",
    "secure-twin",
    "one-way",
    "matches",
    "prohibits",
    "source-ports",
    "cadence",
    "inherited-from",
    "page",
    "part",
    "note",
)
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_NAME = re.compile(r"(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
_DEFAULT_CADENCE_S = 300


class Found(NamedTuple, Generic[T]):
    """A value and the entry that it was read from, where further mistakes can be reported."""

    value: T
    entry: Entry

    @property
    def place(self) -> str:
        """Give `path:line`."""
        return f"{self.entry.document.path}:{self.entry.line}"


class Vocabulary(NamedTuple):
    """The words of the whole catalog that a rule may refer to."""

    roles: Collection[str]
    features: Collection[str]


class RuleFile(NamedTuple):
    """The rules of one file."""

    edition: str
    """The edition of the paper that the file belongs to; `` outside the paper pack."""
    rules: list[Found[Rule]]


def read_rule_file(top: Entry, directory_pack: str, words: Vocabulary) -> RuleFile:
    """Read a rule file; `directory_pack` counts where the file names no pack itself."""
    top.allow(_FILE_KEYS)
    pack = top.choice("pack", PACKS, directory_pack)
    edition = top.text("edition", DEFAULT_EDITION) if pack == "paper" else ""
    if "edition" in top and pack != "paper":
        top.report("edition", f"only the paper has editions, and this file is of pack {pack!r}")
    product = top.required("product")
    if "rules" not in top:
        top.report("rules", "'rules' is missing")
    readers = [_RuleReader(entry, pack, product, words) for entry in top.entries("rules")]
    return RuleFile(edition, [Found(reader.rule(), reader.entry) for reader in readers])


def read_word(entry: Entry, key: str) -> str:
    """Read an id: lower-case words joined by hyphens."""
    word = entry.required(key)
    if word and not _WORD.fullmatch(word):
        entry.report(key, f"{key!r}: expected lower-case words joined by hyphens, found {word!r}")
    return word


class _RuleReader:
    """Reads one entry; each method asks for what belongs together."""

    def __init__(self, entry: Entry, pack: str, product: str, words: Vocabulary) -> None:
        self.entry = entry
        self.pack = pack
        self.product = product
        self.words = words

    def rule(self) -> Rule:
        entry = self.entry
        entry.allow(_RULE_KEYS)
        name = read_word(entry, "id")
        origin = self._origin()
        matches = entry.flag("matches", default=True)
        sources, destinations = self._roles("from", matches), self._roles("to", matches)
        services = self._services(matches)
        basis = entry.choice("basis", BASES, "stated")
        need, condition, feature = self._need()
        return Rule(
            id=name,
            pack=self.pack,
            origin=origin,
            row=self._row(),
            product=self.product,
            sources=sources,
            destinations=destinations,
            services=services,
            purpose=entry.required("purpose"),
            group=read_word(entry, "group") if "group" in entry else name,
            group_mode=entry.choice("group-mode", GROUP_MODES, "any"),
            also_in=entry.texts("also-in"),
            destination_names=self._names(),
            transport_basis=basis,
            need=need,
            condition=condition,
            feature=feature,
            caveats=self._caveats(sources, destinations, services, basis),
            secure_twin=entry.text("secure-twin"),
            one_way=entry.flag("one-way", default=False),
            matches=matches,
            cadence_s=self._cadence(),
            names_any_depth=entry.flag("names-any-depth", default=False),
            prohibits=entry.flag("prohibits", default=False),
            source_ports=entry.flag("source-ports", default=False),
            inherited_from=entry.number("inherited-from"),
            note=entry.text("note"),
            part=self._part(),
            page=self._page(),
            source=f"{entry.document.path}:{entry.line}",
        )

    def _origin(self) -> str:
        if self.pack == "paper":
            return self.entry.choice("origin", PAPER_ORIGINS, "table")
        only = ORIGIN_OF_PACK[self.pack]
        return self.entry.choice("origin", (only,), only)

    def _row(self) -> int | None:
        row = self.entry.number("row")
        if self.pack == "paper" and "row" not in self.entry:
            self.entry.report("row", "'row' is missing: a rule of the paper names its line")
        elif self.pack != "paper" and row is not None:
            self.entry.report("row", f"only the paper has rows, and this is pack {self.pack!r}")
        elif row == 0:
            self.entry.report("row", "'row': lines are counted from 1, found 0")
        return row

    def _page(self) -> str:
        page = self.entry.text("page")
        if page and not page.startswith("https://"):
            self.entry.report("page", f"'page': expected an https:// address, found {page!r}")
        if self.pack in {"vendor", "ambient"} and not page:
            self.entry.report("page", "'page' is missing: the address that states the rule")
        return page

    def _part(self) -> str:
        return read_word(self.entry, "part") if "part" in self.entry else ""

    def _roles(self, key: str, matches: bool) -> tuple[str, ...]:
        roles = self.entry.texts(key)
        if matches and not roles:
            self.entry.report(key, f"{key!r} is missing: a role, or a list of roles")
        for scalar in self.entry.scalars(key):
            if scalar.text == ANY_HOST and self.pack == "paper":
                self.entry.document.report(scalar.line, f"{ANY_HOST} has no place in the paper")
            elif scalar.text not in self.words.roles and scalar.text not in {ANY_CITRIX, ANY_HOST}:
                self.entry.document.report(
                    scalar.line,
                    f"{key!r}: no such role: {scalar.text!r}{_near(scalar.text, self.words.roles)}",
                )
        return roles

    def _services(self, matches: bool) -> tuple[Service, ...]:
        services: dict[Service, None] = {}
        for scalar in self.entry.scalars("services"):
            try:
                service = parse_service(scalar.text)
            except ValueError as error:
                self.entry.document.report(scalar.line, f"'services': {error}")
                continue
            if matches and service.low is None and service.transport in WITH_PORTS:
                self.entry.document.report(
                    scalar.line,
                    f"'services': {service} without a port would match every port; "
                    "say `matches: false` if it is only to be recorded",
                )
            if service in services:
                self.entry.document.report(scalar.line, f"'services': {service} stands here twice")
            services[service] = None
        if matches and "services" not in self.entry:
            self.entry.report("services", "'services' is missing, such as [tcp/443]")
        return tuple(services)

    def _names(self) -> tuple[str, ...]:
        names = self.entry.texts("names")
        for scalar in self.entry.scalars("names"):
            if not _NAME.fullmatch(scalar.text):
                self.entry.document.report(
                    scalar.line,
                    "'names': expected a lower-case host name, or *. and one, "
                    f"found {scalar.text!r}",
                )
        if "names-any-depth" in self.entry and not names:
            self.entry.report("names-any-depth", "'names-any-depth' says nothing without 'names'")
        return names

    def _need(self) -> tuple[str, str, str]:
        entry = self.entry
        need = entry.choice("need", NEEDS, "expected")
        condition, feature = entry.text("condition"), entry.text("feature")
        if need == "conditional" and not condition:
            entry.report("need", "a conditional need has to say on what: 'condition' is missing")
        if feature and feature not in self.words.features:
            entry.report(
                "feature", f"no such feature: {feature!r}{_near(feature, self.words.features)}"
            )
        if feature and need != "conditional":
            entry.report("feature", f"a feature decides a conditional need; here it is {need!r}")
        return need, condition, feature

    def _cadence(self) -> int:
        seconds = self.entry.number("cadence")
        if seconds == 0:
            self.entry.report("cadence", "'cadence': expected seconds above 0")
        return _DEFAULT_CADENCE_S if seconds is None else seconds

    def _caveats(
        self,
        sources: tuple[str, ...],
        destinations: tuple[str, ...],
        services: tuple[Service, ...],
        basis: str,
    ) -> tuple[str, ...]:
        derived = {
            "icmp": any(service.transport == "icmp" for service in services),
            "same-role": sources == destinations != () and sources != (ANY_HOST,),
            "wildcard": ANY_CITRIX in sources,
            "inferred-transport": basis == "inferred",
        }
        written = self.entry.scalars("caveats")
        for caveat, line in written:
            if caveat in FLOW_CAVEATS:
                message = f"'caveats': {caveat!r} is said of a flow, never of a rule"
            elif caveat not in RULE_CAVEATS:
                message = f"'caveats': no such caveat: {caveat!r}{_near(caveat, RULE_CAVEATS)}"
            elif caveat in DERIVED_CAVEATS and not derived[caveat]:
                message = (
                    f"'caveats': {caveat!r} follows from the rule by itself, and here it does not"
                )
            else:
                continue
            self.entry.document.report(line, message)
        words = {caveat for caveat, _ in written} | {c for c, follows in derived.items() if follows}
        if words & INSECURE_CAVEATS and "secure-twin" not in self.entry:
            self.entry.report(
                "caveats", "'secure-twin' is missing: the rule that is the secure way"
            )
        return tuple(caveat for caveat in RULE_CAVEATS if caveat in words)


def _near(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
