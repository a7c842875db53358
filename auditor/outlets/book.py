"""What was told already: which findings of a window are news, kept across restarts."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.outlets.alert import Alert, Before, Event
from auditor.outlets.durable import write_whole
from auditor.outlets.found import Found, found_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auditor.outlets.window import Window

SCHEMA = 1
MOST_KNOWN = 20_000
FORGET_AFTER_NS = 30 * 24 * 3600 * 10**9

_LOUDEST_FIRST = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Known:
    """A finding that was told."""

    found: Found
    """As it was told."""
    last_ns: int
    """End of the last window that had it."""
    absent: int = 0
    """Windows in a row that did not have it."""
    resolved: bool = False


class AlertBook:
    """Tell each finding once until it changes.

    A finding that is not told, for want of a token, is no part of the book: it comes up again in
    the next window that has it. Findings that were not seen for `forget_after_ns` are forgotten,
    and so are the ones longest unseen beyond `most_known`; what is forgotten is told again.
    """

    def __init__(
        self,
        sensor: str,
        *,
        resolved_after: int | None = None,
        forget_after_ns: int = FORGET_AFTER_NS,
        most_known: int = MOST_KNOWN,
    ) -> None:
        """resolved_after: windows without a finding after which it is told as gone; None: never."""
        self._sensor = sensor
        self._resolved_after = resolved_after
        self._forget_after_ns = forget_after_ns
        self._most_known = most_known
        self._known: dict[str, Known] = {}

    def __len__(self) -> int:
        """Count the findings that are known."""
        return len(self._known)

    def window(self, window: Window, may_tell: Callable[[], bool]) -> list[Alert]:
        """List what is news, the loudest first; may_tell: asked once for each."""
        told = []
        held: Counter[str] = Counter()
        for alert in self._news(window):
            if may_tell():
                told.append(alert)
                self._note(alert)
            else:
                held[alert.severity] += 1
        if held:
            summary = Alert(Event.HELD_BACK, self._sensor, window.last_ns, held_back=dict(held))
            told.append(summary)
        self._forget(window.last_ns)
        return told

    def _news(self, window: Window) -> Iterator[Alert]:
        time_ns = window.last_ns
        # Findings of one identity are one; the loudest speaks for them.
        found = {
            one.finding_id: one for one in sorted(found_in(window.report), key=_loudness)[::-1]
        }
        for one in sorted(found.values(), key=_loudness):
            known = self._known.get(one.finding_id)
            if known is None or known.resolved:
                yield Alert(Event.APPEARED, self._sensor, time_ns, one)
                continue
            self._known[one.finding_id] = replace(known, last_ns=time_ns, absent=0)
            before = Before(known.found.severity, known.found.accepted)
            if before != Before(one.severity, one.accepted):
                yield Alert(Event.CHANGED, self._sensor, time_ns, one, before)
        yield from self._gone(sorted(self._known.keys() - found.keys()), time_ns)

    def _gone(self, finding_ids: list[str], time_ns: int) -> Iterator[Alert]:
        for finding_id in finding_ids:
            known = self._known[finding_id]
            if known.resolved:
                continue
            known = self._known[finding_id] = replace(known, absent=known.absent + 1)
            if self._resolved_after is not None and known.absent >= self._resolved_after:
                yield Alert(Event.RESOLVED, self._sensor, time_ns, known.found)

    def _note(self, alert: Alert) -> None:
        assert alert.found is not None
        name = alert.found.finding_id
        if alert.event is Event.RESOLVED:
            self._known[name] = replace(self._known[name], resolved=True)
        else:
            self._known[name] = Known(alert.found, alert.time_ns)

    def _forget(self, now_ns: int) -> None:
        self._known = {
            name: known
            for name, known in self._known.items()
            if now_ns - known.last_ns <= self._forget_after_ns
        }
        surplus = len(self._known) - self._most_known
        if surplus > 0:
            for name in sorted(self._known, key=lambda n: self._known[n].last_ns)[:surplus]:
                del self._known[name]

    def save(self, path: Path) -> None:
        """Write the book whole, or raise OSError and leave what was there."""
        value = {
            "schema": SCHEMA,
            "sensor": self._sensor,
            "known": [
                {
                    "last_ns": known.last_ns,
                    "absent": known.absent,
                    "resolved": known.resolved,
                    "found": known.found.plain(),
                }
                for known in self._known.values()
            ],
        }
        write_whole(path, json.dumps(value, ensure_ascii=True).encode())

    def load(self, path: Path) -> None:
        """Go on from where a book was saved, if there is one.

        Raises OSError if it cannot be read, ValueError if it is no book of this schema.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        value = json.loads(content)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise ValueError(f"expected the alerts told so far, schema {SCHEMA}")
        try:
            known = [
                Known(
                    Found.of(entry["found"]),
                    int(entry["last_ns"]),
                    int(entry["absent"]),
                    bool(entry["resolved"]),
                )
                for entry in value["known"]
            ]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"expected the alerts told so far: {error}") from error
        self._known = {one.found.finding_id: one for one in known}


def _loudness(found: Found) -> tuple[bool, int, str]:
    return found.accepted, _LOUDEST_FIRST.index(found.severity), found.finding_id
