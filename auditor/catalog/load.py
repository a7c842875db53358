"""Rule files -> Catalog: the shipped ones, and directories that add to them or replace entries.

A layer is one directory. Within a layer an id stands once; a later layer's entry replaces an
earlier one of the same id. All mistakes of all files are raised together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.catalog.consistency import (
    check_features,
    check_roles,
    check_rules,
    check_session_paths,
)
from auditor.catalog.model import PACKS, Catalog, Feature, Role, Rule, SessionPath
from auditor.catalog.rulefile import Found, RuleFile, T, Vocabulary, read_rule_file
from auditor.catalog.vocabulary import DEFAULT_EDITION, PAPER_ORIGINS
from auditor.catalog.wordfile import read_features, read_roles, read_session_paths
from auditor.documents import Document
from auditor.errors import RulesError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from auditor.documents import Entry

ROLES_FILE = "roles.yaml"
FEATURES_FILE = "features.yaml"
SESSIONS_FILE = "sessions.yaml"
_NOT_RULES = frozenset(
    {
        ROLES_FILE,
        FEATURES_FILE,
        SESSIONS_FILE,
        "signatures.yaml",
        "services.yaml",
        "inference.yaml",
    }
)
"""Files at the top of a directory that hold something other than rules."""


def rules_directory() -> Path:
    """Find the shipped rules: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_rules"
    return installed if installed.is_dir() else package.parent / "rules"


def load_catalog(directories: Sequence[Path] = (), *, edition: str | None = None) -> Catalog:
    """Load the shipped rules, then each of `directories` over them.

    edition: which edition of the paper; None = the shipped one. Raises RulesError with every
    mistake, UsageError where no file belongs to the edition.
    """
    return _Loading((rules_directory(), *directories)).catalog(edition or DEFAULT_EDITION)


def list_editions(directories: Sequence[Path] = ()) -> list[str]:
    """List the editions of the paper that the shipped rules and `directories` hold."""
    return sorted(_Loading((rules_directory(), *directories)).editions)


def rule_paths(directory: Path) -> list[Path]:
    """List the rule files below a directory, in stable order."""
    paths = (path for path in directory.rglob("*.y*ml") if path.suffix in {".yaml", ".yml"})
    return sorted(
        (path for path in paths if path.parent != directory or path.name not in _NOT_RULES),
        key=lambda path: path.relative_to(directory).as_posix(),
    )


def shown_path(path: Path) -> str:
    """Write a path as a person here would: relative where that is shorter."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


@dataclass
class _Layer:
    """What one directory holds, as read."""

    directory: Path
    roles: list[Found[Role]] = field(default_factory=list)
    features: list[Found[Feature]] = field(default_factory=list)
    paths: list[Found[SessionPath]] = field(default_factory=list)
    files: list[RuleFile] = field(default_factory=list)


class _Loading:
    """One pass over all directories: first the words, so that rules can be held against them."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self._documents: list[Document] = []
        self._digest = sha256()
        self._layers = [_Layer(directory) for directory in directories]
        for layer in self._layers:
            self._read_words(layer)
        self._roles = _merged(layer.roles for layer in self._layers)
        self._features = _merged(layer.features for layer in self._layers)
        self._paths = _merged(layer.paths for layer in self._layers)
        for layer in self._layers:
            self._read_rules(layer)
        self._files = [file for layer in self._layers for file in layer.files]
        self.editions = {file.edition for file in self._files} - {""}

    def catalog(self, edition: str) -> Catalog:
        """Put the catalog together, or raise all mistakes."""
        if edition not in self.editions:
            self._finish()
            known = ", ".join(sorted(self.editions))
            raise UsageError(f"edition {edition!r} is not known; the rules hold {known}")
        rules = _merged(
            [found for file in layer.files if file.edition in {"", edition} for found in file.rules]
            for layer in self._layers
        )
        check_roles(self._roles)
        check_rules(rules)
        of_every_edition = [found.value for file in self._files for found in file.rules]
        check_features(self._features, of_every_edition)
        check_session_paths(self._paths, of_every_edition)
        self._finish()
        return Catalog(
            edition=edition,
            rules=tuple(sorted((found.value for found in rules.values()), key=_paper_order)),
            roles={name: found.value for name, found in self._roles.items()},
            features={name: _within(found.value, rules) for name, found in self._features.items()},
            digest=self._digest.hexdigest(),
            session_paths=tuple(found.value for found in self._paths.values()),
        )

    def _read_words(self, layer: _Layer) -> None:
        words = [layer.directory / name for name in (ROLES_FILE, FEATURES_FILE, SESSIONS_FILE)]
        if not layer.directory.is_dir():
            self._document(layer.directory).report(None, "expected a directory of rule files")
        elif not (any(path.is_file() for path in words) or rule_paths(layer.directory)):
            self._document(layer.directory).report(None, "holds no rule files (*.yaml)")
        roles, features, paths = [self._open(path) if path.is_file() else None for path in words]
        layer.roles = read_roles(roles) if roles else []
        layer.features = read_features(features) if features else []
        layer.paths = read_session_paths(paths) if paths else []

    def _read_rules(self, layer: _Layer) -> None:
        words = Vocabulary(self._roles.keys(), self._features.keys())
        for path in rule_paths(layer.directory):
            folder = path.relative_to(layer.directory).parts[0]
            top = self._open(path)
            if top:
                pack = folder if folder in PACKS else "site"
                layer.files.append(read_rule_file(top, pack, words))

    def _open(self, path: Path) -> Entry | None:
        document = self._document(path)
        try:
            top = document.read(path)
        except RulesError:
            return None  # the document keeps its mistake; the other files still get read
        self._digest.update(path.read_bytes())
        return top

    def _document(self, path: Path) -> Document:
        self._documents.append(Document(shown_path(path), RulesError))
        return self._documents[-1]

    def _finish(self) -> None:
        problems = [
            problem
            for document in self._documents
            for problem in sorted(document.problems, key=lambda p: p.line or 0)
        ]
        if problems:
            raise RulesError(problems)


def _merged(layers: Iterable[Iterable[Found[T]]]) -> dict[str, Found[T]]:
    merged: dict[str, Found[T]] = {}
    for layer in layers:
        own: dict[str, Found[T]] = {}
        for found in layer:
            first = own.setdefault(found.value.id, found)
            if first is not found and found.value.id:
                found.entry.report("id", f"{found.value.id!r} stands here and in {first.place}")
        merged.update(own)
    return merged


def _within(feature: Feature, rules: Collection[str]) -> Feature:
    """Leave out the rules that another edition has and this one has not."""
    return replace(
        feature,
        proven_by=tuple(rule for rule in feature.proven_by if rule in rules),
        expects=tuple(rule for rule in feature.expects if rule in rules),
    )


def _paper_order(rule: Rule) -> tuple[int, int, int]:
    origin = PAPER_ORIGINS.index(rule.origin) if rule.origin in PAPER_ORIGINS else 0
    return PACKS.index(rule.pack), rule.row or 0, origin
