"""What two audits differ in, and whether they can be held against each other at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import EXIT_CLEAN, EXIT_FINDINGS
from auditor.judge.vocabulary import Coverage, Severity
from auditor.report.text import count, duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.compare.audits import Audit, Expected, Finding, Host, Talk

FAIL_ON = ("high", "medium", "low", "never")
"""What `exit_status` takes: the least severity that counts."""

_UNLIKE = 2.0
"""Captures of which one lasts so many times as long as the other show different things."""

_WORSE = (Coverage.BLOCKED, Coverage.MISSING)
_DIGEST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that both audits have, in different words or of different weight."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True)
class Turn:
    """An expectation that fared differently; None where one audit had no such expectation."""

    expected: Expected
    before: str | None
    after: str | None

    @property
    def is_worse(self) -> bool:
        """Say whether something expected is now blocked or missing that was not."""
        return self.after in _WORSE and self.before not in _WORSE


@dataclass(frozen=True)
class Comparison:
    """Two audits side by side."""

    old: Audit
    new: Audit
    doubts: tuple[str, ...]
    """Why a difference may be one of the audits and not of the site."""
    appeared: tuple[Finding, ...]
    """The gravest first, like the other lists of findings."""
    disappeared: tuple[Finding, ...]
    changed: tuple[Change, ...]
    coverage: tuple[Turn, ...]
    """What got worse first."""
    hosts_appeared: tuple[Host, ...]
    hosts_disappeared: tuple[Host, ...]
    talks_appeared: tuple[Talk, ...]
    talks_disappeared: tuple[Talk, ...]

    def alarming(self, fail_on: str = "low") -> list[Finding]:
        """List the findings that count in the new audit and did not in the old one.

        Those are new ones, ones that are no longer accepted, and ones that became graver than the
        threshold.
        """
        if fail_on == "never":
            return []
        least = Severity[fail_on.upper()]
        graver = [
            change.after
            for change in self.changed
            if _counts(change.after, least) and not _counts(change.before, least)
        ]
        return [*(finding for finding in self.appeared if _counts(finding, least)), *graver]

    def exit_status(self, fail_on: str = "low") -> int:
        """Say how the process ends."""
        return EXIT_FINDINGS if self.alarming(fail_on) else EXIT_CLEAN


def compare(old: Audit, new: Audit) -> Comparison:
    """Hold a later audit against an earlier one."""
    appeared: list[Finding] = []
    disappeared: list[Finding] = []
    changed: list[Change] = []
    for identity in dict.fromkeys((*new.findings, *old.findings)):
        befores, afters = old.findings.get(identity, ()), new.findings.get(identity, ())
        pairs = list(_pairs(befores, afters))
        changed += [change for change in pairs if _differs(change)]
        paired = {id(change.before) for change in pairs} | {id(change.after) for change in pairs}
        appeared += [finding for finding in afters if id(finding) not in paired]
        disappeared += [finding for finding in befores if id(finding) not in paired]
    return Comparison(
        old,
        new,
        doubts=tuple(_doubts(old, new)),
        appeared=tuple(sorted(appeared, key=_gravest)),
        disappeared=tuple(sorted(disappeared, key=_gravest)),
        changed=tuple(sorted(changed, key=lambda change: _gravest(change.after))),
        coverage=tuple(sorted(_turns(old, new), key=lambda turn: not turn.is_worse)),
        hosts_appeared=tuple(host for key, host in new.hosts.items() if key not in old.hosts),
        hosts_disappeared=tuple(host for key, host in old.hosts.items() if key not in new.hosts),
        talks_appeared=tuple(sorted(new.talks - old.talks, key=_by_roles)),
        talks_disappeared=tuple(sorted(old.talks - new.talks, key=_by_roles)),
    )


def _counts(finding: Finding, least: Severity) -> bool:
    return not finding.accepted and finding.severity >= least


def _gravest(finding: Finding) -> tuple[bool, int]:
    return finding.accepted, -finding.severity


def _by_roles(talk: Talk) -> tuple[tuple[str, ...], str, int]:
    return (*talk.client_roles, "->", *talk.server_roles), talk.transport, talk.port or 0


def _pairs(befores: Sequence[Finding], afters: Sequence[Finding]) -> Iterator[Change]:
    """Pair findings of one identity: those of one title, then what is left, in order."""
    left = list(befores)
    unpaired = []
    for after in afters:
        same = next((before for before in left if before.title == after.title), None)
        if same is None:
            unpaired.append(after)
        else:
            left.remove(same)
            yield Change(same, after)
    yield from map(Change, left, unpaired)


def _differs(change: Change) -> bool:
    before, after = change.before, change.after
    return (before.severity, before.accepted, before.title) != (
        after.severity,
        after.accepted,
        after.title,
    )


def _turns(old: Audit, new: Audit) -> Iterator[Turn]:
    for expected in dict.fromkeys((*new.coverage, *old.coverage)):
        before, after = old.coverage.get(expected), new.coverage.get(expected)
        if before != after:
            yield Turn(expected, before, after)


def _doubts(old: Audit, new: Audit) -> Iterator[str]:
    if old.edition != new.edition:
        yield f"the editions of the paper differ: {old.edition}, then {new.edition}"
    elif old.digest != new.digest:
        digests = f"{old.digest[:_DIGEST_SHOWN]}, then {new.digest[:_DIGEST_SHOWN]}"
        yield f"the rules differ: catalog digest {digests}"
    if old.hosts_file != new.hosts_file:
        files = f"{old.hosts_file or 'none'}, then {new.hosts_file or 'none'}"
        yield f"the site files differ: {files}"
    if old.version != new.version:
        yield f"the auditors differ: version {old.version}, then {new.version}"
    for which, audit in (("old", old), ("new", new)):
        yield from (f"the {which} audit {blemish}" for blemish in _blemishes(audit))
    if None not in (old.first_ns, new.first_ns) and (old.first_ns or 0) > (new.first_ns or 0):
        yield "the old capture begins later than the new one; are they the wrong way round?"
    shorter, longer = sorted((old.duration_s, new.duration_s))
    if longer > _UNLIKE * shorter:
        times = f"{duration(old.duration_s)}, then {duration(new.duration_s)}"
        yield f"the captures last unequally long: {times}"


def _blemishes(audit: Audit) -> Iterator[str]:
    if audit.filter is not None:
        yield f"shows only the flows for which {audit.filter} holds"
    if audit.interrupted:
        yield "was interrupted"
    if audit.truncated:
        yield "rests on a capture that is cut off"
    if audit.unreadable:
        yield f"could not read {count(len(audit.unreadable), 'source')}"
    if audit.dropped:
        yield f"rests on a capture that lost {count(audit.dropped, 'frame')}"
