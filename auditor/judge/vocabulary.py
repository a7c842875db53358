"""The words of a judgement; what each means stands in docs/report.md."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Outcome(StrEnum):
    """What happened on the wire."""

    ESTABLISHED = "established"
    ANSWERED = "answered"
    ONE_WAY = "one-way"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    MIDSTREAM = "midstream"


OUTCOMES = tuple(Outcome)
"""Arrays of outcomes hold indices into this."""

SERVED = frozenset({Outcome.ESTABLISHED, Outcome.ANSWERED, Outcome.MIDSTREAM})
"""Outcomes in which somebody was there; ONE_WAY proves only what was sent."""

ATTEMPTED = frozenset({Outcome.REFUSED, Outcome.UNANSWERED})
"""Outcomes that never count as an observed service."""


class Verification(StrEnum):
    """What the first payload bytes of both sides say of the port."""

    VERIFIED = "verified"
    CONTRADICTED = "contradicted"
    ENCRYPTED = "encrypted"
    UNVERIFIED = "unverified"


class Verdict(StrEnum):
    """Whether the documents cover a flow, in the order in which it is decided."""

    OUT_OF_SCOPE = "out-of-scope"
    PROHIBITED = "prohibited"
    LOCAL_ONLY = "local-only"
    DOCUMENTED = "documented"
    DOCUMENTED_ELSEWHERE = "documented-elsewhere"
    AMBIENT = "ambient"
    NEEDS_HOSTNAME = "needs-hostname"
    UNKNOWN_ROLE = "unknown-role"
    NOT_COVERED = "not-covered"
    WRONG_DIRECTION = "wrong-direction"
    WRONG_TRANSPORT = "wrong-transport"
    WRONG_ROLES = "wrong-roles"
    UNDOCUMENTED = "undocumented"


UNEXPECTED = frozenset(
    {
        Verdict.UNDOCUMENTED,
        Verdict.WRONG_DIRECTION,
        Verdict.WRONG_ROLES,
        Verdict.WRONG_TRANSPORT,
        Verdict.PROHIBITED,
        Verdict.LOCAL_ONLY,
    }
)
"""Verdicts that make a finding of kind `unexpected`."""


class Remark(StrEnum):
    """How the sessions between two hosts are carried."""

    EDT = "UDP tried and answered (EDT)"
    UDP_ONLY = "UDP only"
    TCP_ONLY = "TCP only, UDP never tried"
    FELL_BACK = "UDP tried, no answer; fell back to TCP"
    TCP_APART = "UDP tried, no answer; TCP at another time"
    NEITHER = "neither got through"


class Severity(IntEnum):
    """How loudly a finding speaks; the order counts."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def word(self) -> str:
        """Name the severity as reports do."""
        return self.name.lower()

    def lower(self) -> Severity:
        """Step down once; LOW stays."""
        return Severity(max(self - 1, Severity.LOW))


class Coverage(StrEnum):
    """What became of an expectation."""

    SEEN = "seen"
    BLOCKED = "blocked"
    MISSING = "missing"
    UNOBSERVABLE = "unobservable"
    NOT_EXPECTED = "not-expected"
