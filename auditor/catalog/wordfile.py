"""roles.yaml, features.yaml, sessions.yaml: the words of rules, site files and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.catalog.model import Feature, Role, SessionNote, SessionPath
from auditor.catalog.rulefile import Found, read_word
from auditor.catalog.vocabulary import ROLE_KINDS

if TYPE_CHECKING:
    from auditor.documents import Entry

_ROLE_KEYS = (
    "id",
    "display",
    "product",
    "kind",
    "component",
    "implies",
    "synonyms",
    "link-row",
    "note",
)
_FEATURE_KEYS = ("id", "meaning", "proven-by", "expects")
_PATH_KEYS = ("id", "rules", "notes")


def read_roles(top: Entry) -> list[Found[Role]]:
    """Read the roles of a roles.yaml."""
    top.allow(("roles",))
    return [Found(_role(entry), entry) for entry in top.entries("roles")]


def read_features(top: Entry) -> list[Found[Feature]]:
    """Read the features of a features.yaml."""
    top.allow(("features",))
    return [Found(_feature(entry), entry) for entry in top.entries("features")]


def read_session_paths(top: Entry) -> list[Found[SessionPath]]:
    """Read the paths of a sessions.yaml."""
    top.allow(("paths",))
    return [Found(_path(entry), entry) for entry in top.entries("paths")]


def _role(entry: Entry) -> Role:
    entry.allow(_ROLE_KEYS)
    return Role(
        id=read_word(entry, "id"),
        display=entry.required("display"),
        product=entry.required("product"),
        kind=entry.choice("kind", ROLE_KINDS, "") if "kind" in entry else entry.required("kind"),
        component=entry.flag("component", default=False),
        implies=entry.texts("implies"),
        synonyms=entry.texts("synonyms"),
        note=entry.text("note"),
        link_row=entry.number("link-row"),
    )


def _feature(entry: Entry) -> Feature:
    entry.allow(_FEATURE_KEYS)
    return Feature(
        id=read_word(entry, "id"),
        meaning=entry.required("meaning"),
        proven_by=entry.texts("proven-by"),
        expects=entry.texts("expects"),
    )


def _path(entry: Entry) -> SessionPath:
    entry.allow(_PATH_KEYS)
    rules = _some_texts(entry, "rules")
    return SessionPath(
        id=read_word(entry, "id"),
        rules=rules,
        notes=tuple(_note(note, rules) for note in entry.entries("notes")),
    )


def _note(entry: Entry, of_path: tuple[str, ...]) -> SessionNote:
    entry.allow(("rules", "says"))
    for scalar in entry.scalars("rules"):
        if scalar.text not in of_path:
            message = f"'rules': {scalar.text!r} is no rule of the path"
            entry.document.report(scalar.line, message)
    return SessionNote(rules=_some_texts(entry, "rules"), says=entry.required("says"))


def _some_texts(entry: Entry, key: str) -> tuple[str, ...]:
    found = entry.texts(key)
    if not found:
        entry.report(key, f"{key!r} is missing")
    return found
