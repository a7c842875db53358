"""YAML documents that people write: every value keeps its line, every mistake is collected.

A reader walks a document through `Entry`, asks for typed values, and adds its own findings with
`Document.report`; `Document.finish` raises them all at once. Shared by the catalog and the site
file. Duplicate keys, aliases to oneself and unknown keys are mistakes like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

import yaml

from auditor.errors import DocumentError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_MOST_DIGITS = 18
_DEEPEST = 100
_SURELY_SHALLOW = 1000
_MOST_REPEATED = 100_000


class Scalar(NamedTuple):
    """A plain value as written, and its line."""

    text: str
    line: int


@dataclass
class Document:
    """A file being read: its name for messages and the mistakes found so far."""

    path: str
    error: type[DocumentError] = DocumentError
    problems: list[Problem] = field(default_factory=list)

    def report(self, line: int | None, message: str) -> None:
        """Record a mistake and go on."""
        self.problems.append(Problem(self.path, line, message))

    def finish(self) -> None:
        """Raise all recorded mistakes, in line order, if there are any."""
        if self.problems:
            raise self.error(sorted(self.problems, key=lambda p: (p.path, p.line or 0)))

    def parse(self, text: str) -> Entry:
        """Compose `text` into its top mapping.

        Raises the document's error class where the text is no YAML or no mapping.
        """
        try:
            refuse_bombs(text)
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.report(mark.line + 1 if mark else None, _yaml_mistake(error, text))
        except yaml.YAMLError as error:
            self.report(None, f"not YAML: {' '.join(str(error).split())}")
        else:
            if isinstance(node, yaml.MappingNode):
                return Entry(self, node)
            self.report(1, "expected a mapping (key: value) at the top")
        self.finish()
        raise AssertionError  # finish() always raises here

    def read(self, path: Path) -> Entry:
        """Read and compose a file; an unreadable one is a mistake without a line."""
        return self.parse(self.text_of(path))

    def text_of(self, path: Path) -> str:
        """Read a file as text; an unreadable one is a mistake without a line."""
        try:
            return path.read_text(encoding="utf-8-sig")
        except OSError as error:
            self.report(None, f"cannot be read: {error.strerror or error}")
        except UnicodeDecodeError as error:
            self.report(
                None,
                f"expected UTF-8 text, found byte 0x{error.object[error.start]:02x} "
                f"at offset {error.start}",
            )
        self.finish()
        raise AssertionError  # finish() always raises here


class Entry:
    """A mapping of the document, asked key by key."""

    def __init__(self, document: Document, node: yaml.MappingNode) -> None:
        """Index the mapping, reporting duplicate keys."""
        self.document = document
        self.line: int = node.start_mark.line + 1
        self._values: dict[str, yaml.Node] = {}
        self._key_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                document.report(line, "expected a plain word as key")
                continue
            key = key_node.value
            if key in self._values:
                document.report(line, f"key {key!r} stands here and in line {self._key_lines[key]}")
                continue
            self._values[key] = value_node
            self._key_lines[key] = line

    def __contains__(self, key: str) -> bool:
        """Say whether the key is there with a value other than null."""
        node = self._values.get(key)
        return node is not None and not _is_null(node)

    def keys(self) -> tuple[str, ...]:
        """List the keys in order."""
        return tuple(self._values)

    def line_of(self, key: str) -> int:
        """Give the line of a key, or of the mapping where the key is absent."""
        return self._key_lines.get(key, self.line)

    def report(self, key: str, message: str) -> None:
        """Record a mistake at a key."""
        self.document.report(self.line_of(key), message)

    def allow(self, keys: Iterable[str]) -> None:
        """Report every key that is not among `keys`, with the nearest one as a hint."""
        allowed = list(keys)
        for key in self._values:
            if key not in allowed:
                near = get_close_matches(key, allowed, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"expected {', '.join(allowed)}"
                self.report(key, f"unknown key {key!r}; {hint}")

    def scalar(self, key: str) -> Scalar | None:
        """Give a plain value as written, None where absent."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return None
        return self._as_scalar(node, key)

    def text(self, key: str, default: str = "") -> str:
        """Give a plain value as text."""
        found = self.scalar(key)
        return default if found is None else found.text

    def required(self, key: str) -> str:
        """Give a plain value as text; its absence is a mistake."""
        found = self.scalar(key)
        if found is None:
            self.report(key, f"{key!r} is missing")
            return ""
        return found.text

    def number(self, key: str) -> int | None:
        """Give a whole number."""
        found = self.scalar(key)
        if found is None:
            return None
        if not found.text.isdecimal() or len(found.text) > _MOST_DIGITS:
            self.report(key, f"{key!r}: expected a whole number, found {found.text[:40]!r}")
            return None
        return int(found.text)

    def flag(self, key: str, *, default: bool) -> bool:
        """Give a truth value."""
        found = self.scalar(key)
        if found is None:
            return default
        word = found.text.lower()
        if word not in _TRUE | _FALSE:
            self.report(key, f"{key!r}: expected true or false, found {found.text!r}")
            return default
        return word in _TRUE

    def day(self, key: str) -> date | None:
        """Give a calendar date written YYYY-MM-DD."""
        found = self.scalar(key)
        if found is None:
            return None
        try:
            return date.fromisoformat(found.text)
        except ValueError:
            self.report(key, f"{key!r}: expected a date as 2027-01-31, found {found.text!r}")
            return None

    def choice(self, key: str, options: Iterable[str], default: str) -> str:
        """Give one word of a closed list."""
        allowed = list(options)
        word = self.text(key, default)
        if word not in allowed:
            near = get_close_matches(word, allowed, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(allowed)}"
            self.report(key, f"{key!r}: {word!r} is not known; {hint}")
            return default
        return word

    def scalars(self, key: str) -> list[Scalar]:
        """Give a list of plain values; one value alone stands for a list of one."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return []
        items = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found = (self._as_scalar(item, key) for item in items)
        return [scalar for scalar in found if scalar is not None]

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of plain values as text."""
        return tuple(scalar.text for scalar in self.scalars(key))

    def entry(self, key: str) -> Entry | None:
        """Give a nested mapping."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return None
        return self._as_entry(node, key)

    def entries(self, key: str) -> list[Entry]:
        """Give a list of mappings."""
        node = self._values.get(key)
        if node is None or _is_null(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(key, f"{key!r}: expected a list of entries, each begun with '- '")
            return []
        found = (self._as_entry(item, key) for item in node.value)
        return [entry for entry in found if entry is not None]

    def _as_scalar(self, node: yaml.Node, key: str) -> Scalar | None:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            return Scalar(node.value.strip(), line)
        # `- 2001:db8::` is a key without a value to YAML.
        hint = "; one that ends in ':' wants quotes" if isinstance(node, yaml.MappingNode) else ""
        self.document.report(line, f"{key!r}: expected a plain value{hint}")
        return None

    def _as_entry(self, node: yaml.Node, key: str) -> Entry | None:
        if isinstance(node, yaml.MappingNode):
            return Entry(self.document, node)
        self.document.report(node.start_mark.line + 1, f"{key!r}: expected key: value pairs")
        return None


def refuse_bombs(text: str) -> None:
    """Raise yaml.YAMLError where reading `text` would take the whole stack or all memory."""
    _check_depth(text)
    _check_aliases(text)


def _check_depth(text: str) -> None:
    """Raise yaml.MarkedYAMLError where composing would exhaust the stack of the C parser."""
    # Each level costs an opening bracket, or in block style a column of some line.
    columns = max(map(len, text.splitlines()), default=0)
    if max(text.count("[") + text.count("{"), columns) < _SURELY_SHALLOW:
        return
    too_deep = yaml.MarkedYAMLError(problem=f"nested more than {_DEEPEST} levels deep")
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > _DEEPEST:
                raise too_deep
    except yaml.MarkedYAMLError as error:
        # Newer versions of libyaml have a bound of their own, and meet it while they look ahead.
        if "nesting depth" in (error.problem or ""):
            raise too_deep from None
        raise


def _check_aliases(text: str) -> None:
    """Raise yaml.MarkedYAMLError where a small text stands for endless values by aliases."""
    if "*" not in text or "&" not in text:
        return
    sizes: dict[str | None, int] = {}
    open_: list[tuple[str | None, int]] = []
    written = total = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor, 1)
        elif isinstance(event, yaml.NodeEvent):
            written += 1
            total += 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, total))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = total - before
        if total - written > _MOST_REPEATED:
            problem = f"its references repeat more than {_MOST_REPEATED:,} values"
            raise yaml.MarkedYAMLError(problem=problem)


def _yaml_mistake(error: yaml.MarkedYAMLError, text: str) -> str:
    """Put the usual slips into words that name the remedy; libyaml's own do not."""
    mark, lines = error.problem_mark, text.splitlines()
    found = lines[mark.line][mark.column :][:1] if mark and mark.line < len(lines) else ""
    what = error.problem or error.context or "not YAML"
    if found == "\t":
        return "a tab where YAML wants spaces"
    if "alias" in f"{error.context} {what}":
        return "a value that begins with '*' wants quotes"
    if what.startswith("mapping values are not allowed"):
        return "a second ': ' in a line, or one indented by mistake; a value with ': ' wants quotes"
    if found == ":":
        return "a value that begins or ends with ':' wants quotes"
    if found and found in "@`%":
        return f"a value that begins with {found!r} wants quotes"
    return what


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
