"""Every mistake of the rule files: what the loader finds, and what the JSON Schemas say besides.

The loader decides whether rules can be used; the schemas, which editors read too, also hold how
they are to be written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from auditor.catalog.load import (
    FEATURES_FILE,
    ROLES_FILE,
    SESSIONS_FILE,
    list_editions,
    load_catalog,
    rule_paths,
    rules_directory,
    shown_path,
)
from auditor.catalog.vocabulary import DEFAULT_EDITION
from auditor.documents import refuse_bombs
from auditor.errors import AuditError, Problem, RulesError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from jsonschema import Draft202012Validator, ValidationError

    from auditor.catalog.model import Catalog

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found free of mistakes."""

    catalog: Catalog
    """Of the shipped edition."""
    editions: tuple[str, ...]
    files: int


def check_catalog(directories: Sequence[Path] = ()) -> Checked:
    """Check the shipped rules with `directories` over them, in every edition.

    Raises RulesError with every mistake, AuditError where the package `jsonschema` is missing.
    """
    problems = _loading_problems(directories)
    paths = [path for layer in (rules_directory(), *directories) for path in _schema_of(layer)]
    said = {(problem.path, problem.line) for problem in problems}
    problems += [
        problem
        for path, schema in paths
        for problem in _schema_problems(path, schema)
        if (problem.path, problem.line) not in said
    ]
    if problems:
        raise RulesError(problems)
    return Checked(load_catalog(directories), tuple(list_editions(directories)), len(paths))


def _loading_problems(directories: Sequence[Path]) -> list[Problem]:
    problems: dict[Problem, None] = {}
    for edition in dict.fromkeys((DEFAULT_EDITION, *list_editions(directories))):
        try:
            load_catalog(directories, edition=edition)
        except RulesError as error:
            problems.update(dict.fromkeys(error.problems))
    return list(problems)


def _schema_of(directory: Path) -> Iterator[tuple[Path, str]]:
    """List the files of a layer, each with the schema that it follows."""
    of_words = ((ROLES_FILE, "roles"), (FEATURES_FILE, "features"), (SESSIONS_FILE, "sessions"))
    for name, schema in of_words:
        if (directory / name).is_file():
            yield directory / name, schema
    for path in rule_paths(directory):
        yield path, "rules"


def _schema_problems(path: Path, schema: str) -> Iterator[Problem]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        refuse_bombs(text)
        node = yaml.compose(text, Loader=_Loader)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 -- it is a safe loader
    except (OSError, ValueError, yaml.YAMLError):
        return  # the loader has said so
    if node is None:
        return
    try:
        errors = list(_validator(schema).iter_errors(value))
    except RecursionError:
        yield Problem(shown_path(path), None, "nested too deep to be held against its schema")
        return
    for error in errors:
        best = _deepest(error)
        yield Problem(shown_path(path), _line(node, best.absolute_path), _message(best))


def _validator(schema: str) -> Draft202012Validator:
    try:
        from jsonschema import Draft202012Validator  # noqa: PLC0415 -- an extra; see the message
    except ImportError:
        raise AuditError(
            "catalog check: expected the package jsonschema, found none; "
            "install citrix-traffic-auditor[check]"
        ) from None
    path = rules_directory() / "schema" / f"{schema}.json"
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))


def _deepest(error: ValidationError) -> ValidationError:
    """Descend into alternatives, to the one that came nearest to holding."""
    from jsonschema.exceptions import best_match  # noqa: PLC0415 -- as above

    return best_match([error]) or error


def _message(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path if isinstance(part, str))
    message = error.message
    if len(message) > _LONGEST:
        message = f"{message[:_LONGEST]}..."
    return f"{where}: {message}" if where else message


def _line(node: yaml.Node, path: Sequence[str | int]) -> int:
    """Find the line of the value that a path of keys and indices leads to."""
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            key, node = next(pair for pair in node.value if pair[0].value == str(part))
            line = key.start_mark.line
    return int(line) + 1
