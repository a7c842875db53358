"""Host-name patterns of rules and site files, and how far they cover a name."""

from __future__ import annotations

from enum import IntEnum


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
