"""An annotated capture: the frames that findings rest on, each with what was found in a comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.capture.sources import find_captures, local_path
from auditor.capture.write import PcapngWriter
from auditor.errors import UsageError
from auditor.report.comments import Comments
from auditor.report.picking import picked_frames, refuse_streams
from auditor.report.wanted import wanted_flows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path
    from typing import IO

    from auditor.report.model import Report
    from auditor.report.picking import PickedFrame

FRAMES_PER_FLOW = 20
FLOWS_PER_FINDING = 5


@dataclass(frozen=True, slots=True)
class Written:
    """What an evidence file holds."""

    frames: int
    flows: int
    lost: int
    """Flows of which no frame was found again: the capture changed since it was audited."""


def check_evidence(path: Path, sources: Sequence[str]) -> None:
    """Raise UsageError, before anything is read, where an evidence file cannot come to be."""
    refuse_streams(sources)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path}: expected a directory to write into, found none")
    if path.is_dir():
        raise UsageError(f"{path}: expected a file to write, found a directory")
    _refuse_source(path, find_captures(sources).names)


def save_evidence(
    report: Report,
    path: Path,
    *,
    frames: int = FRAMES_PER_FLOW,
    flows: int = FLOWS_PER_FINDING,
    progress: Callable[[int, int, int], None] | None = None,
) -> Written:
    """Write the first `frames` frames of the first `flows` flows of each finding, as pcapng.

    The captures are read once more. Raises CaptureError where that fails, UsageError where it
    never could, or where the file cannot be written.
    """
    _refuse_source(path, report.capture.files)
    comments = Comments(report, flows)
    begins = wanted_flows(report.tables["flows"], comments.flow_ids)
    picked = picked_frames(report.capture.files, begins, frames, progress, dedup=report.audit.dedup)
    try:
        with path.open("wb") as out:
            return _write(report, comments, picked, out)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write(
    report: Report, comments: Comments, picked: Iterable[PickedFrame], out: IO[bytes]
) -> Written:
    about = report.audit
    application = f"{about.tool} {about.version}"
    writer = PcapngWriter(out, application=application, comment=comments.of_file())
    frames, seen = 0, set()
    for frame in picked:
        writer.write(
            frame.data,
            time_ns=frame.time_ns,
            wire_len=frame.wire_len,
            linktype=frame.linktype,
            comment=comments.of_frame(frame),
        )
        frames += 1
        seen.add(frame.flow_id)
    return Written(frames, len(seen), len(comments.flow_ids - seen))


def _refuse_source(path: Path, names: Collection[str]) -> None:
    local = [place for name in names if (place := local_path(name)) is not None]
    if path.exists() and any(path.samefile(place) for place in local if place.exists()):
        raise UsageError(f"{path}: is one of the captures that are read; name another file")
