"""Parts read by a crew, and put together in the order of time."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.parts.crew import WorkerLostError
from auditor.parts.merging import Merger
from auditor.parts.plan import PartFile, plan_parts
from auditor.parts.reduce import read_missing, read_part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.capture import Capture
    from auditor.capture.merge import Track
    from auditor.decode.part_duplicates import MergedDuplicates
    from auditor.decode.tally import Tally
    from auditor.engine import Engine
    from auditor.evidence.names import NameCollector
    from auditor.flows.merging import MergingTable
    from auditor.parts.crew import Crew, Errand
    from auditor.parts.plan import Part, Place
    from auditor.parts.reduce import Job, Partial

    Progress = Callable[[int, int, int], None]

_AHEAD = 2
"""Parts under way for each worker: what waits to be taken over is held in memory."""


@dataclass(slots=True)
class _Step:
    part: Part
    errand: Errand[Partial]
    _outcome: Partial | WorkerLostError | None = None

    def outcome(self) -> Partial | WorkerLostError:
        """Wait for the work, once."""
        if self._outcome is None:
            try:
                self._outcome = self.errand.result()
            except WorkerLostError as error:
                self._outcome = error
        return self._outcome

    def last(self) -> Place | None:
        """Where it ends, if any frame of it could be read."""
        outcome = self.outcome()
        return None if isinstance(outcome, WorkerLostError) else outcome.last


class PartsReader:
    """Has parts read ahead of the place where they are taken over."""

    def __init__(
        self,
        capture: Capture,
        tracks: Sequence[Track],
        crew: Crew,
        job: Job,
        engine: Engine,
    ) -> None:
        """Plan what is to be read: `tracks`, those of a capture."""
        files = [PartFile.of(track) for track in tracks]
        self.engine = engine
        self._crew, self._job = crew, job
        self._merger = Merger(capture.facts, leave_out=job.leave_out)
        self._waiting = deque(plan_parts(files, crew.size))
        self._steps: deque[_Step] = deque()
        self._size = capture.size() or 0
        self._done = 0

    @property
    def table(self) -> MergingTable:
        """The flows so far."""
        return self._merger.table

    @property
    def names(self) -> NameCollector:
        """The names so far."""
        return self._merger.names

    @property
    def tally(self) -> Tally:
        """The frames so far."""
        return self._merger.tally

    @property
    def copies(self) -> MergedDuplicates:
        """The copies of packets so far."""
        return self._merger.copies

    @property
    def macs(self) -> dict[str, set[tuple[int, int]]]:
        """The addresses behind watched MACs so far."""
        return self._merger.macs

    def read(self, progress: Progress | None = None) -> None:
        """Read everything; what cannot be read is named in the capture's facts."""
        with closing(self._crew):
            self._run(progress)

    def _run(self, progress: Progress | None) -> None:
        self._send_ahead()
        self._merger.warm_up()
        while (step := self._next()) is not None:
            step = self._joined(step)
            outcome = step.outcome()
            if not isinstance(outcome, WorkerLostError):
                self._take_over(step.part, outcome)
            elif self._halved(step.part):
                continue
            else:
                self._lose(step.part, f"expected frames, found that {outcome}")
            self._done += step.part.size
            if progress is not None:
                progress(self._done, self._size, self._merger.tally.frames)

    def _next(self) -> _Step | None:
        """Give the next step in time, with enough others under way."""
        self._send_ahead()
        return self._steps.popleft() if self._steps else None

    def _send_ahead(self) -> None:
        while self._waiting and len(self._steps) < _AHEAD * self._crew.size:
            self._steps.append(self._begin(self._waiting.popleft()))

    def _begin(self, part: Part) -> _Step:
        return _Step(part, self._crew.send(read_part, part, self._job))

    def _joined(self, step: _Step) -> _Step:
        """Join a step with those that begin before it ends: their frames are to be read as one."""
        part, last = step.part, step.last()
        while last is not None and (after := self._next()) is not None:
            if after.part.first > last:
                self._steps.appendleft(after)
                break
            part = part.joined(after.part)
            last = max(last, after.last() or last)
        return step if part is step.part else self._begin(part)

    def _take_over(self, part: Part, partial: Partial) -> None:
        job = self._job
        before = self._merger.before(partial)
        try:
            if before is not None:
                job = replace(job, before=before)
                partial = self._crew.send(read_part, part, job).result()
        except WorkerLostError as error:
            self._lose(part, f"expected to read it once more, found that {error}")
            return
        missing = self._merger.absorb(partial, knowing=before is not None)
        try:
            if len(missing.flows):
                for packets in self._crew.send(read_missing, part, job, missing).result():
                    self._merger.complete(packets)
        except WorkerLostError as error:
            count = len(missing.flows)
            flows = f"packets of {count:,} flow{'s' if count != 1 else ''}"
            flows += " that began in earlier captures"
            self._lose(part, f"expected {flows}, found that {error}")

    def _halved(self, part: Part) -> bool:
        """Have the files of a part read apart, so that less is lost; say whether that can be."""
        halves = part.halves()
        if len(halves) < 2:
            return False
        self._steps.extendleft(reversed([self._begin(half) for half in halves]))
        return True

    def _lose(self, part: Part, reason: str) -> None:
        self._merger.facts.unreadable += [f"{file.name}: {reason}" for file in part.files]
