"""Reads `rules/inference.yaml`; its fields are described in docs/inference.md."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING

from auditor.catalog.services import parse_service
from auditor.documents import Document
from auditor.errors import RulesError
from auditor.infer.clues import ALONE, SIDES, Clue, ClueBook, Habit, Level

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from auditor.catalog.model import Catalog, Rule, Service
    from auditor.documents import Entry

CLUES_FILE = "inference.yaml"

_LEVELS = {level.name.lower(): level for level in Level}
_BLANKS = frozenset({"peers", "services"})
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MEASURES = ("threshold", "mention", "habit-weight")
_CLUE_KEYS = (
    "id", "role", "side", "rules", "services", "protocols", "names", "peer", "peers", "also",
    "unless", "needs", "mutual", "weight", "says",
)  # fmt: skip


def read_clues(
    path: Path, catalog: Catalog, protocols: Collection[str], rules: Iterable[Rule] = ()
) -> ClueBook:
    """Read the clues and the naming habits.

    protocols: those that can be recognised. rules: as a site uses them, where it moved their ports.
    A clue of a rule that this edition of the catalog lacks is left out. Raises RulesError with
    every mistake and its line.
    """
    document = Document(str(path), RulesError)
    top = document.read(path)
    top.allow((*_MEASURES, "clues", "habits"))
    threshold, mention, habit_weight = (_percent(top, key) for key in _MEASURES)
    known = {**catalog.by_id, **{rule.id: rule for rule in rules}}
    reader = _Reader(catalog, protocols, known)
    clues = [reader.clue(entry) for entry in top.entries("clues")]
    habits = [reader.habit(entry) for entry in top.entries("habits")]
    _expect_different(top.entries("clues"))
    document.finish()
    usable = tuple(clue for clue in clues if clue is not None)
    return ClueBook(usable, tuple(habits), habit_weight, threshold, mention)


class _Reader:
    """Reads entries, held against the words that they may use."""

    def __init__(
        self, catalog: Catalog, protocols: Collection[str], rules: Mapping[str, Rule]
    ) -> None:
        self._roles = catalog.roles
        self._protocols = protocols
        self._rules = rules

    def clue(self, entry: Entry) -> Clue | None:
        """Read a clue; None where this edition has none of its rules."""
        entry.allow(_CLUE_KEYS)
        rules = entry.texts("rules")
        services = (*self._services_of(rules), *_services(entry))
        clue = Clue(
            id=_identifier(entry),
            role=self._role(entry, "role", entry.required("role")),
            side=entry.choice("side", SIDES, ALONE),
            weight=_percent(entry, "weight"),
            says=_says(entry),
            services=services,
            protocols=self._known(entry, "protocols", self._protocols),
            names=entry.texts("names"),
            peer=self._known(entry, "peer", self._roles),
            peers=entry.number("peers") or 1,
            also=self._known(entry, "also", self._roles),
            unless=self._known(entry, "unless", self._roles),
            needs=_LEVELS[entry.choice("needs", _LEVELS, "answer")],
            mutual=entry.flag("mutual", default=False),
        )
        asks = rules or services or clue.protocols or clue.names
        if clue.side != ALONE and not asks:
            entry.report("id", "would fit any flow; expected rules, services, protocols or names")
        if clue.side == ALONE and (asks or not clue.also):
            entry.report("id", "a clue without a side asks for 'also', and for no flow")
        return None if rules and not services else clue

    def habit(self, entry: Entry) -> Habit:
        """Read what hosts of a role are often called."""
        entry.allow(("role", "words"))
        words = entry.texts("words")
        for word in words:
            if not re.fullmatch("[a-z]+", word):
                entry.report("words", f"'words': expected lower-case letters, found {word!r}")
        return Habit(self._role(entry, "role", entry.required("role")), frozenset(words))

    def _services_of(self, rules: Iterable[str]) -> list[Service]:
        known = (self._rules[rule] for rule in rules if rule in self._rules)
        return [service for rule in known for service in rule.services]

    def _known(self, entry: Entry, key: str, known: Collection[str]) -> frozenset[str]:
        words = entry.texts(key)
        for word in words:
            if word not in known:
                entry.report(key, f"{key!r}: {word!r} is not known")
        return frozenset(words)

    def _role(self, entry: Entry, key: str, word: str) -> str:
        if word and word not in self._roles:
            entry.report(key, f"{key!r}: role {word!r} is not known")
        return word


def _services(entry: Entry) -> list[Service]:
    found = []
    for text in entry.texts("services"):
        try:
            found.append(parse_service(text))
        except ValueError as error:
            entry.report("services", f"'services': {error}")
    return found


def _identifier(entry: Entry) -> str:
    word = entry.required("id")
    if word and not _ID.fullmatch(word):
        entry.report("id", f"'id': expected lower-case words joined by hyphens, found {word!r}")
    return word


def _percent(entry: Entry, key: str) -> int:
    entry.required(key)
    number = entry.number(key)
    if number is not None and not 0 < number < 100:
        entry.report(key, f"{key!r}: expected 1 to 99 percent, found {number}")
    return number or 0


def _says(entry: Entry) -> str:
    text = entry.required("says")
    try:
        blanks = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError as error:
        entry.report("says", f"'says': {error}")
        return text
    for blank in sorted(blanks - _BLANKS):
        entry.report("says", f"'says': expected {{peers}} or {{services}}, found {{{blank}}}")
    return text


def _expect_different(entries: Iterable[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        clue = entry.text("id")
        if clue in seen:
            entry.report("id", f"clue {clue!r} stands here twice")
        seen.add(clue)
