"""Host-name patterns of rules and site files, and how far they cover a name."""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Key = tuple[str, bool]
    """A pattern, and whether it covers any depth."""


class Coverage(IntEnum):
    """How far a pattern covers a name."""

    NONE = 0
    SUPPORTS = 1
    """Deeper below the pattern than its text says for certain: evidence, no proof."""
    COVERS = 2


def coverage(pattern: str, name: str, *, any_depth: bool = False) -> Coverage:
    """Say how far `pattern` covers `name`.

    pattern: a host name, or `*.` and a host name that stands for what lies below it: one label
    for certain and deeper ones as support, or every depth where `any_depth`. What the `*.` stands
    before is itself never covered.
    """
    pattern, name = pattern.lower(), name.lower()
    if not pattern.startswith("*."):
        return Coverage.COVERS if name == pattern else Coverage.NONE
    below = name.removesuffix(pattern[1:])
    if below == name or not below:
        return Coverage.NONE
    return Coverage.COVERS if any_depth or "." not in below else Coverage.SUPPORTS


class Patterns:
    """Many patterns, of which those that cover or support a name are found by its labels."""

    def __init__(self, patterns: Iterable[Key]) -> None:
        """Sort the patterns, each with whether it covers any depth, by what they end in."""
        self._whole: defaultdict[str, list[Key]] = defaultdict(list)
        self._below: defaultdict[str, list[Key]] = defaultdict(list)
        for key in patterns:
            text = key[0].lower()
            if text.startswith("*."):
                self._below[text[2:]].append(key)
            else:
                self._whole[text].append(key)

    def holding(self, name: str) -> Iterator[tuple[Key, Coverage]]:
        """Give the patterns that cover or support a name, each with what `coverage` says of it."""
        text = name.lower()
        for key in self._whole.get(text, ()):
            yield key, Coverage.COVERS
        if not self._below:
            return
        before, dot, end = text.partition(".")
        deep = False
        while dot:
            for key in self._below.get(end, ()) if before or deep else ():
                yield key, Coverage.SUPPORTS if deep and not key[1] else Coverage.COVERS
            deep = True
            _, dot, end = end.partition(".")
