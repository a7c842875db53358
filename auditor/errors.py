"""Everything that this package raises.

AuditError                  the root: an input cannot be used (exit status 3)
├── CaptureError            a capture: not one, damaged at its head, unreadable
├── DocumentError           a file that a person wrote: holds one Problem per mistake
│   ├── RulesError          the port catalog
│   └── SiteError           the site file
└── UsageError              the call itself contradicts itself (exit status 2)

A damaged packet or the torn end of a capture is no error: it is counted and reported.
"""

from __future__ import annotations

from dataclasses import dataclass

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_INTERRUPTED = 130


class AuditError(Exception):
    """An input that cannot be used; its text is `PLACE: what was expected, what was found`."""

    exit_status = EXIT_INPUT


class UsageError(AuditError):
    """A call whose arguments contradict each other or cannot be understood."""

    exit_status = EXIT_USAGE


class CaptureError(AuditError):
    """A capture of which nothing can be read."""

    def __init__(self, source: str, reason: str) -> None:
        """Name the `source` as the user gave it and the `reason` in one line."""
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a document: where it stands and what is wrong."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        """Render as `path:line: message`, as compilers do, so that editors can jump to it."""
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.message}"


class DocumentError(AuditError):
    """A document with mistakes, every one of them listed."""

    def __init__(self, problems: list[Problem]) -> None:
        """Hold at least one problem."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class RulesError(DocumentError):
    """The port catalog has mistakes."""


class SiteError(DocumentError):
    """The site file has mistakes."""
