"""A site file being read: values with their lines, mistakes collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from auditor.site.words import RoleWords

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.catalog.model import Catalog
    from auditor.documents import Document, Entry

T = TypeVar("T")


@dataclass
class Reading:
    """The file, and the catalog that its words must fit."""

    document: Document
    catalog: Catalog
    roles: RoleWords = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the catalog's words."""
        self.roles = RoleWords(self.catalog.roles)

    def place(self, line: int) -> str:
        """Give `path:line`."""
        return f"{self.document.path}:{line}"

    def line(self, entry: Entry, key: str) -> str | None:
        """Give a text in one line, None where absent or empty; people see it in reports."""
        text = " ".join(entry.text(key).split())
        if not text.isprintable():
            entry.report(key, f"{key!r}: expected printable text, found {text!r}")
        return text or None

    def one(self, entry: Entry, key: str, read: Callable[[str], T]) -> T | None:
        """Read a plain value that must be there; None, with its mistake noted, if it is not."""
        if key not in entry:
            entry.report(key, f"{key!r} is missing")
        return self.optional(entry, key, read)

    def optional(self, entry: Entry, key: str, read: Callable[[str], T]) -> T | None:
        """Read a plain value that may be absent."""
        found = entry.scalar(key)
        if found is None:
            return None
        try:
            return read(found.text)
        except ValueError as error:
            self.document.report(found.line, f"{key!r}: {error}")
            return None

    def each(self, entry: Entry, key: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """Read a list of plain values, every one of them once."""
        values: dict[T, None] = {}
        for scalar in entry.scalars(key):
            try:
                values[read(scalar.text)] = None
            except ValueError as error:
                self.document.report(scalar.line, f"{key!r}: {error}")
        return tuple(values)

    def some(self, entry: Entry, key: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """Read a list of plain values that must hold at least one."""
        before = len(self.document.problems)
        values = self.each(entry, key, read)
        if not values and len(self.document.problems) == before:
            entry.report(key, f"{key!r} is {'empty' if key in entry else 'missing'}")
        return values

    def role_list(self, entry: Entry) -> tuple[str, ...]:
        """Read the roles of an entry; none at all must be said."""
        if "roles" not in entry:
            entry.report("roles", "'roles' is missing; without any write roles: []")
        return self.each(entry, "roles", self.roles.read)
