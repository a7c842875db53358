"""A second look at captures: the frames of a few flows of a report, and nothing else.

Frames at times at which none of the flows was open are not even decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING

import numpy as np

from auditor.capture import open_capture
from auditor.capture.sources import local_path
from auditor.decode.dissect import Decoder
from auditor.decode.duplicates import Duplicates
from auditor.errors import UsageError
from auditor.flows.keys import canonical_keys, quote_key
from auditor.records import Status
from auditor.report.wanted import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from auditor.capture import FrameBatch
    from auditor.decode.packets import Packets
    from auditor.report.wanted import Wanted


@dataclass(frozen=True, slots=True)
class PickedFrame:
    """A frame of a wanted flow."""

    flow_id: int
    index: int
    """1-based among the frames, or among the ICMP errors, of its flow."""
    place: Place
    time_ns: int
    wire_len: int
    linktype: int
    data: bytes
    """As captured."""
    from_client: bool
    error: bool
    """An ICMP error that quotes the flow; it belongs to none itself."""
    tcp_flags: int
    payload_len: int


def refuse_streams(sources: Collection[str]) -> None:
    """Raise UsageError if one of the sources can be read only once."""
    for source in sources:
        if source == "-":
            raise UsageError("standard input can be read only once: save it to a file first")
        path = local_path(source)
        if path is not None and path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"{source}: can be read only once: save it to a file first")


def picked_frames(
    files: Sequence[str],
    begins: dict[Place, Wanted | None],
    most: int,
    progress: Callable[[int, int, int], None] | None = None,
    *,
    dedup: bool = False,
) -> Iterator[PickedFrame]:
    """Read captures again, for the first `most` frames of each wanted flow, in time order.

    files: as CaptureInfo.files. Of ICMP errors that quote a flow as many are added. Raises
    CaptureError if nothing can be read any more, UsageError if nothing ever could be again.
    dedup: copies of packets are no frames of a flow, as AuditInfo.dedup says.
    """
    refuse_streams(files)
    flows = [flow for flow in begins.values() if flow is not None]
    if not flows:
        return
    since_ns = min(flow.first_ns for flow in flows)
    until_ns = max(flow.until_ns for flow in flows) + 1
    decoder, copies, seen = Decoder(), Duplicates(leave_out=True), 0
    with open_capture(files, since_ns=since_ns, until_ns=until_ns) as capture:
        picker = _Picker(begins, capture.facts.files, most)
        for batch in capture:
            seen += len(batch)
            frames = batch.select(picker.may_matter(batch.time_ns))
            if len(frames):
                packets = decoder.decode(frames)
                if dedup:
                    copies.mark(packets.rows)
                yield from picker.pick(packets)
            if progress is not None:
                progress(*capture.position(), seen)
            if not picker.unfinished:
                return


class _Follow:
    """A wanted flow, and how many of its frames were picked."""

    __slots__ = ("errors", "flow", "frames")

    def __init__(self, flow: Wanted) -> None:
        self.flow = flow
        self.frames = 0
        self.errors = 0

    def take(self, time_ns: int, most: int, *, error: bool) -> int:
        """Count a frame and give its number, 0 if it is not wanted."""
        flow = self.flow
        if error:
            wanted = flow.errors and self.errors < most and time_ns <= flow.until_ns
            self.errors += wanted
            return self.errors if wanted else 0
        wanted = self.frames < most and flow.first_ns <= time_ns <= flow.last_ns
        self.frames += wanted
        return self.frames if wanted else 0

    def is_complete(self, most: int) -> bool:
        """Say whether nothing more can come that is wanted."""
        flow = self.flow
        return self.frames >= min(most, flow.packets) and (not flow.errors or self.errors >= most)


class _Picker:
    def __init__(self, begins: dict[Place, Wanted | None], files: Sequence[str], most: int) -> None:
        self.unfinished = {flow.flow_id: flow for flow in begins.values() if flow is not None}
        self._begins = begins
        self._numbers = np.unique([place.number for place in begins])
        self._files = files
        self._most = most
        self._open = {
            flow.key: _Follow(flow) for flow in self.unfinished.values() if flow.key is not None
        }
        self._spans = self._open_spans()

    def may_matter(self, times: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark the times at which an unfinished flow was open."""
        starts, ends = self._spans
        begun = starts.searchsorted(times, "right")
        matter: NDArray[np.bool_] = times <= ends[begun]
        return matter

    def pick(self, packets: Packets) -> Iterator[PickedFrame]:
        """Pick from decoded frames, in their order."""
        frames = np.flatnonzero(packets.rows["status"] == Status.OK)
        keys, _ = canonical_keys(packets.rows[frames])
        begins = self._beginnings(packets.batch)
        errors = [(quote.row, quote_key(quote)[0]) for quote in packets.quotes]
        error_rows = {row for row, _ in errors}
        left = len(self.unfinished)
        for row, key in merge(zip(frames.tolist(), keys, strict=True), errors):
            if row in begins:
                self._begin(key, begins[row])
            follow = self._open.get(key)
            if follow is None:
                continue
            time_ns, error = int(packets.batch.time_ns[row]), row in error_rows
            index = follow.take(time_ns, self._most, error=error)
            if index:
                yield self._frame(packets, row, follow.flow, index, error=error)
            if follow.is_complete(self._most):
                del self._open[key]
                del self.unfinished[follow.flow.flow_id]
        if len(self.unfinished) < left:
            self._spans = self._open_spans()

    def _beginnings(self, batch: FrameBatch) -> dict[int, Wanted | None]:
        """Map rows of a batch to the flows that they begin."""
        found: dict[int, Wanted | None] = {}
        for row in np.flatnonzero(np.isin(batch.number, self._numbers)).tolist():
            place = Place(self._files[int(batch.capture[row])], int(batch.number[row]))
            if place in self._begins:
                found[row] = self._begins[place]
        return found

    def _begin(self, key: bytes, flow: Wanted | None) -> None:
        before = self._open.get(key)
        if before is not None:
            if before.flow is flow:
                return
            del self._open[key]
            del self.unfinished[before.flow.flow_id]
        # Where a clock stepped back, a flow's earliest frame can stand behind all that was wanted.
        if flow is not None and flow.flow_id in self.unfinished:
            self._open[key] = _Follow(flow)

    def _open_spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the sorted starts of unfinished flows, and behind each the latest end so far.

        The ends have one item more, the first, for times before every start.
        """
        spans = sorted((flow.first_ns, flow.until_ns) for flow in self.unfinished.values())
        ends = [-1, *(end for _, end in spans)]
        starts = np.array([start for start, _ in spans], np.int64)
        return starts, np.maximum.accumulate(np.array(ends, np.int64))

    def _frame(
        self, packets: Packets, row: int, flow: Wanted, index: int, *, error: bool
    ) -> PickedFrame:
        batch, packet = packets.batch, packets.rows[row]
        source = int(packet["src_hi"]), int(packet["src_lo"])
        same_port = flow.client_port is None or int(packet["src_port"]) == flow.client_port
        return PickedFrame(
            flow.flow_id,
            index,
            Place(self._files[int(batch.capture[row])], int(batch.number[row])),
            int(batch.time_ns[row]),
            int(batch.wire_len[row]),
            int(batch.linktype[row]),
            batch.frame(row),
            source == flow.client and same_port,
            error,
            int(packet["tcp_flags"]),
            int(packet["payload_len"]),
        )
