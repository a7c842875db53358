"""What a person is told of two audits, section by section; the writers for people lay it out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.judge.vocabulary import Coverage
from auditor.report.text import count, duration
from auditor.times import minute_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.compare.audits import Audit, Finding, Host, Talk
    from auditor.compare.difference import Change, Comparison, Turn

_NO_ROLE = "(no role)"
_UNASKED = "not asked"
"""Status of an expectation that one of the audits does not have."""


@dataclass(frozen=True, slots=True)
class Line:
    """One difference; texts are not escaped."""

    id: str
    before: str
    """What it was: a severity, `accepted`, a status; `` where it was not there."""
    after: str
    text: str
    detail: str = ""
    tone: str = ""
    """A tone of report.writers.Style, `` for none."""

    @property
    def change(self) -> str:
        """Name what happened to it."""
        if not self.before:
            return "appeared"
        return "changed" if self.after else "disappeared"

    @property
    def mark(self) -> str:
        """Write `high`, or `low -> high` where that changed."""
        states = dict.fromkeys(filter(None, (self.before, self.after)))
        return " -> ".join(states)


@dataclass(frozen=True, slots=True)
class Section:
    """Differences of one sort."""

    title: str
    what: str
    """finding, expectation, traffic or host."""
    lines: tuple[Line, ...]
    marked: bool = True
    """What the lines were and are says more than the section's title does."""


@dataclass(frozen=True)
class Story:
    """A comparison told in order."""

    audits: tuple[tuple[str, str], ...]
    """`old` and `new` -> which file, when, how much."""
    doubts: tuple[str, ...]
    summary: str
    sections: tuple[Section, ...]
    """Those that have something to say."""


def tell(comparison: Comparison) -> Story:
    """Tell a comparison."""
    it = comparison
    sections = (
        Section("New findings", "finding", tuple(map(_appeared, it.appeared))),
        Section("Changed findings", "finding", tuple(map(_changed, it.changed))),
        Section("Findings that are gone", "finding", tuple(map(_gone, it.disappeared))),
        Section("Expected traffic", "expectation", tuple(map(_turn, it.coverage))),
        _unmarked("New traffic, by role", "traffic", map(_talk, it.talks_appeared)),
        _unmarked(
            "Traffic that is gone, by role",
            "traffic",
            (_turned(_talk(talk)) for talk in it.talks_disappeared),
        ),
        _unmarked("New hosts", "host", map(_host, it.hosts_appeared)),
        _unmarked(
            "Hosts that are gone", "host", (_turned(_host(host)) for host in it.hosts_disappeared)
        ),
    )
    return Story(
        audits=(("old", _audit(it.old)), ("new", _audit(it.new))),
        doubts=it.doubts,
        summary=_summary(it),
        sections=tuple(section for section in sections if section.lines),
    )


def _unmarked(title: str, what: str, lines: Iterable[Line]) -> Section:
    return Section(title, what, tuple(lines), marked=False)


def _turned(line: Line) -> Line:
    return replace(line, before=line.after, after=line.before)


def _audit(audit: Audit) -> str:
    when = "no frames" if audit.first_ns is None else minute_text(audit.first_ns)
    findings = sum(len(several) for several in audit.findings.values())
    facts = (duration(audit.duration_s), count(audit.flows, "flow"), count(findings, "finding"))
    return f"{audit.path}: {when}, {', '.join(facts)}"


def _summary(comparison: Comparison) -> str:
    counts = (
        (len(comparison.appeared), "new"),
        (len(comparison.changed), "changed"),
        (len(comparison.disappeared), "gone"),
    )
    told = [f"{number:,} {word}" for number, word in counts if number]
    if not told:
        return "The findings are the same."
    worse = sum(turn.is_worse for turn in comparison.coverage)
    ending = f"; {count(worse, 'expectation')} no longer met" if worse else ""
    return f"Findings: {', '.join(told)}{ending}."


def _appeared(finding: Finding) -> Line:
    mark = _mark(finding)
    return Line(finding.id, "", mark, finding.title, finding.reason, mark)


def _gone(finding: Finding) -> Line:
    return Line(finding.id, _mark(finding), "", finding.title, tone="good")


def _changed(change: Change) -> Line:
    before, after = change.before, change.after
    detail = f"was: {before.title}" if before.title != after.title else ""
    return Line(after.id, _mark(before), _mark(after), after.title, detail, _mark(after))


def _turn(turn: Turn) -> Line:
    expected = turn.expected
    ends = f"{_roles(expected.sources)} -> {_roles(expected.destinations)}"
    tone = "medium" if turn.is_worse else "good" if turn.after == Coverage.SEEN else "quiet"
    return Line(
        expected.group,
        turn.before or _UNASKED,
        turn.after or _UNASKED,
        f"{ends} {expected.service}".rstrip(),
        tone=tone,
    )


def _talk(talk: Talk) -> Line:
    service = talk.transport if talk.port is None else f"{talk.transport}/{talk.port}"
    ends = f"{_roles(talk.client_roles)} -> {_roles(talk.server_roles)}"
    return Line("", "", "seen", f"{ends} {service}")


def _host(host: Host) -> Line:
    name = f"{host.name}, " if host.name else ""
    return Line(host.address, "", "seen", f"{host.address}: {name}{_roles(host.roles)}")


def _mark(finding: Finding) -> str:
    return "accepted" if finding.accepted else finding.severity.word


def _roles(roles: Iterable[str]) -> str:
    return ", ".join(roles) or _NO_ROLE
