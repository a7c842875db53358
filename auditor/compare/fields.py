"""JSON objects asked field by field, so that a wrong file is told by the place that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from auditor.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST = 2**63 - 1

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


class Fields:
    """One object of a JSON file, and where in the file it stands."""

    def __init__(self, value: object, path: str, place: str) -> None:
        """Raise AuditError where the value is no object."""
        self._path = path
        self._place = place
        if not isinstance(value, dict):
            raise self._wrong("", "an object", value)
        self._values: dict[object, object] = value

    def __contains__(self, key: str) -> bool:
        """Say whether a field is there, be it null."""
        return key in self._values

    def fields(self, key: str) -> Fields:
        """Give a nested object."""
        return Fields(self._values.get(key), self._path, self._at(key))

    def rows(self, key: str) -> Iterator[Fields]:
        """Give the objects of a list."""
        for number, value in enumerate(self._list(key)):
            yield Fields(value, self._path, f"{self._at(key)}[{number}]")

    def text(self, key: str) -> str:
        """Give a text."""
        value = self._values.get(key)
        if isinstance(value, str):
            return value
        raise self._wrong(key, "text", value)

    def maybe_text(self, key: str) -> str | None:
        """Give a text, None where it is null or absent."""
        return None if self._values.get(key) is None else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Give a list of texts."""
        texts = []
        for value in self._list(key):
            if not isinstance(value, str):
                raise self._wrong(key, "a list of texts", value)
            texts.append(value)
        return tuple(texts)

    def counts(self, key: str) -> tuple[int, ...]:
        """Give a list of whole numbers."""
        counts = []
        for value in self._list(key):
            if not _is_count(value):
                raise self._wrong(key, "a list of whole numbers", value)
            counts.append(value)
        return tuple(counts)

    def flag(self, key: str) -> bool:
        """Give a truth value; false where it is null or absent."""
        value = self._values.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(key, "true or false", value)

    def number(self, key: str) -> float:
        """Give a number that is not negative."""
        value = self._values.get(key)
        # JSON may hold `1e999`, which is infinite.
        if _is_count(value) or (isinstance(value, float) and 0 <= value <= _LARGEST):
            return value
        raise self._wrong(key, f"a number from 0 to {_LARGEST}", value)

    def maybe_count(self, key: str) -> int | None:
        """Give a whole number, None where it is null or absent."""
        value = self._values.get(key)
        if value is None:
            return None
        if _is_count(value):
            return value
        raise self._wrong(key, f"a whole number from 0 to {_LARGEST}", value)

    def _list(self, key: str) -> list[object]:
        value = self._values.get(key)
        if isinstance(value, list):
            return value
        raise self._wrong(key, "a list", value)

    def _at(self, key: str) -> str:
        return ".".join(filter(None, (self._place, key)))

    def _wrong(self, key: str, expected: str, value: object) -> AuditError:
        place = self._at(key)
        found = "nothing" if value is None else _KINDS.get(type(value), "something else")
        return AuditError(
            f"{self._path}: {place + ': ' if place else ''}expected {expected}, found {found}"
        )


def _is_count(value: object) -> TypeGuard[int]:
    # True is an int, but no count.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST
