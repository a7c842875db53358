"""Errors that arrive before the flow that they quote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.flows import quotes
from auditor.flows.quotes import Early, EarlyQuotes

if TYPE_CHECKING:
    import pytest


def test_hands_over_what_waited() -> None:
    """The errors of a key come together, once, and are no longer unmatched."""
    early = EarlyQuotes()
    early.add(b"flow", from_b=True, unreachable=True)
    early.add(b"flow", from_b=False, unreachable=False)
    early.add(b"other", from_b=False, unreachable=True)
    assert early.unmatched == 3
    assert early.take(b"flow") == Early(2, unreachable_a=False, unreachable_b=True)
    assert early.take(b"flow") is None
    assert early.unmatched == 1


def test_bounds_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many keys an error is counted but waits no longer."""
    monkeypatch.setattr(quotes, "_MOST_KEYS", 1)
    early = EarlyQuotes()
    for key in (b"one", b"two", b"one"):
        early.add(key, from_b=False, unreachable=True)
    assert early.take(b"two") is None
    assert early.take(b"one") == Early(2, unreachable_a=True)
    assert early.unmatched == 1
