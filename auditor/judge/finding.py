"""Findings: what each is, what it rests on, and by what it is known again.

A flood makes a finding of every flow, and all of them say the same but for who is meant. So what is
said is kept once, as a pattern, and the findings are columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule
    from auditor.hosts import Host, Hosts
    from auditor.judge.vocabulary import Severity

CLIENT = "\0client\0"
SERVER = "\0server\0"
"""Stand in a pattern for the labels of the two ends; no name holds such characters."""

NOBODY = -1
"""Stands for the row of an end that is no host of the capture."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """What findings share that differ in their hosts and flows alone."""

    kind: str
    """unexpected, contradicted, masquerade, blocked, missing, insecure or unknown."""
    severity: Severity
    title: str
    client_roles: tuple[str, ...]
    server_roles: tuple[str, ...]
    transport: str
    port: int | None
    rules: tuple[Rule, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]
    caveats: tuple[str, ...]
    reason: str
    advice: str
    accepted: bool = False
    """By an exception of the site; the advice says on what terms."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at; its identity excludes counts and times, so that audits compare."""

    id: str
    """Twelve hexadecimal digits, the same in every audit."""
    kind: str
    severity: Severity
    accepted: bool
    title: str
    client: str
    """Host name, else address; a role where no host is meant."""
    client_roles: tuple[str, ...]
    server: str
    server_roles: tuple[str, ...]
    transport: str
    port: int | None
    flows: tuple[int, ...]
    """Rows of the flow table, in order; empty for what is missing."""
    rules: tuple[Rule, ...]
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]
    caveats: tuple[str, ...]
    reason: str
    advice: str
    hosts: tuple[Host | None, Host | None]


@dataclass(frozen=True, eq=False)
class Findings(Sequence[Finding]):
    """Findings as columns; arrays have shape (n,). An item is made when it is asked for."""

    hosts: Hosts
    patterns: tuple[Pattern, ...]
    pattern_of: NDArray[np.int64]
    """Index into patterns."""
    client: NDArray[np.object_]
    """As Finding.client."""
    server: NDArray[np.object_]
    client_row: NDArray[np.int64]
    """Row of the hosts, or NOBODY."""
    server_row: NDArray[np.int64]
    flows: NDArray[np.int64]
    """Rows of the flow table, finding by finding, ascending within each."""
    starts: NDArray[np.int64]
    """Shape (n + 1,): where each finding begins in `flows`."""

    @classmethod
    def none(cls, hosts: Hosts) -> Findings:
        """Give no findings."""
        nothing, nobody = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
        return cls(
            hosts, (), nothing, nobody, nobody, nothing, nothing, nothing, np.zeros(1, np.int64)
        )

    @classmethod
    def joined(cls, parts: Sequence[Findings]) -> Findings:
        """Put findings of one capture behind each other; at least one part."""
        before = np.cumsum([0, *(len(part.patterns) for part in parts)])
        sizes = np.concatenate([np.diff(part.starts) for part in parts])
        return cls(
            parts[0].hosts,
            tuple(pattern for part in parts for pattern in part.patterns),
            np.concatenate(
                [part.pattern_of + shift for part, shift in zip(parts, before, strict=False)]
            ),
            np.concatenate([part.client for part in parts]),
            np.concatenate([part.server for part in parts]),
            np.concatenate([part.client_row for part in parts]),
            np.concatenate([part.server_row for part in parts]),
            np.concatenate([part.flows for part in parts]),
            np.concatenate([[0], np.cumsum(sizes)]),
        )

    def __len__(self) -> int:
        """Count the findings."""
        return len(self.pattern_of)

    @overload
    def __getitem__(self, row: int) -> Finding: ...
    @overload
    def __getitem__(self, row: slice) -> list[Finding]: ...
    def __getitem__(self, row: int | slice) -> Finding | list[Finding]:
        """Make a finding, or some."""
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        pattern = self.patterns[self.pattern_of[row]]
        client, server = self.client[row], self.server[row]
        table = self.hosts.table
        ends = (
            None if end == NOBODY else table[end]
            for end in (int(self.client_row[row]), int(self.server_row[row]))
        )
        return Finding(
            self.ids[row],
            pattern.kind,
            pattern.severity,
            pattern.accepted,
            _filled(pattern.title, client, server),
            client,
            pattern.client_roles,
            server,
            pattern.server_roles,
            pattern.transport,
            pattern.port,
            tuple(self.flows_of(row).tolist()),
            pattern.rules,
            pattern.rows,
            pattern.rule_ids,
            pattern.caveats,
            _filled(pattern.reason, client, server),
            _filled(pattern.advice, client, server),
            (next(ends), next(ends)),
        )

    def flows_of(self, row: int) -> NDArray[np.int64]:
        """List the flows of one finding."""
        row %= len(self)
        return self.flows[self.starts[row] : self.starts[row + 1]]

    def shared(self, of: Callable[[Pattern], object]) -> NDArray[np.object_]:
        """Shape (n,): what patterns have; findings of one pattern share one object."""
        each = np.empty(len(self.patterns), dtype=object)
        each[:] = [of(pattern) for pattern in self.patterns]
        return each[self.pattern_of]

    def texts(self, of: Callable[[Pattern], str]) -> NDArray[np.object_]:
        """Shape (n,): a text of the patterns, with the labels of the ends in their places."""
        texts = self.shared(of)
        open_patterns = [CLIENT in of(each) or SERVER in of(each) for each in self.patterns]
        rows = np.flatnonzero(np.array(open_patterns, dtype=bool)[self.pattern_of])
        texts[rows] = [
            _filled(text, client, server)
            for text, client, server in zip(
                texts[rows], self.client[rows], self.server[rows], strict=True
            )
        ]
        return texts

    @property
    def severity(self) -> NDArray[np.int64]:
        """Shape (n,): values of Severity."""
        each = np.array([int(pattern.severity) for pattern in self.patterns], dtype=np.int64)
        return each[self.pattern_of]

    @cached_property
    def ids(self) -> list[str]:
        """Name the findings the same in every audit."""
        before = self.shared(lambda p: f"{p.kind}\x1f").tolist()
        after = self.shared(lambda p: f"\x1f{p.transport}\x1f{p.port}").tolist()
        ends = self.client.tolist(), self.server.tolist()
        sha256 = hashlib.sha256
        return [
            sha256(f"{kind}{client}\x1f{server}{service}".encode()).hexdigest()[:12]
            for kind, client, server, service in zip(before, *ends, after, strict=True)
        ]

    def select(self, rows: NDArray[np.int64]) -> Findings:
        """Narrow to some findings, or put them in another order."""
        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
        return replace(
            self,
            pattern_of=self.pattern_of[rows],
            client=self.client[rows],
            server=self.server[rows],
            client_row=self.client_row[rows],
            server_row=self.server_row[rows],
            flows=self.flows[np.repeat(self.starts[rows], sizes) + within],
            starts=starts,
        )


@dataclass(frozen=True, eq=False)
class FindingFlows(Mapping[str, Sequence[int]]):
    """finding_id -> the flow_ids that it rests on, in one block of memory."""

    findings: Findings

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.findings.ids)}

    def __getitem__(self, finding_id: str) -> list[int]:
        """List the flows of a finding."""
        flow_ids: list[int] = (self.findings.flows_of(self._row_of[finding_id]) + 1).tolist()
        return flow_ids

    def __iter__(self) -> Iterator[str]:
        """Name the findings in their order."""
        return iter(self.findings.ids)

    def __len__(self) -> int:
        """Count the findings."""
        return len(self.findings)


def _filled(text: str, client: str, server: str) -> str:
    return text.replace(CLIENT, client).replace(SERVER, server)
