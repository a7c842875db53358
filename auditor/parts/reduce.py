"""What a worker does: read a part, and reduce it to what the whole needs of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor import __version__
from auditor.capture import Capture, CaptureFacts
from auditor.capture.merge import Track, Window
from auditor.decode.compiled import CompiledDecoder
from auditor.decode.compiled_tally import CompiledTally
from auditor.decode.packets import Packets
from auditor.decode.part_duplicates import PartDuplicates
from auditor.errors import UsageError
from auditor.evidence.compiled_tellings import telling_rows
from auditor.evidence.tellings import read_tellings
from auditor.flows.partial import PartTable, take_out
from auditor.flows.tcp import ACK, SYN
from auditor.kernel.flows import HEAD_PACKETS
from auditor.records import IPPROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from auditor.decode.fragments import Head
    from auditor.decode.part_duplicates import CopiesPart
    from auditor.decode.tally import Tally
    from auditor.evidence.tellings import Telling
    from auditor.flows.merging import Missing
    from auditor.flows.partial import FlowsPart
    from auditor.parts.plan import Part, Place

    Memory = dict[tuple[int, ...], Head]
    Fragments = tuple[Memory, Memory]
    """What the decoder's tables of first fragments remember, by datagram."""


@dataclass(frozen=True, slots=True)
class Before:
    """What one part leaves behind for the decoding of the next."""

    fragments: Fragments
    copies: NDArray[np.void]
    """RECENT, as auditor.kernel.duplicates has it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is wanted of every part."""

    window: Window
    macs: frozenset[str]
    leave_out: bool = False
    """Whether copies of packets count for nothing."""
    before: Before | None = None
    """What is remembered from the parts before, where that matters."""
    version: str = __version__
    """Who asks: workers of another version might count otherwise."""


@dataclass(slots=True)
class Partial:
    """What a part comes to."""

    flows: FlowsPart
    tellings: list[Telling]
    macs: dict[str, set[tuple[int, int]]]
    facts: CaptureFacts
    tally: Tally
    copies: CopiesPart
    fragments: Fragments
    missed: tuple[set[tuple[int, ...]], set[tuple[int, ...]]]
    """Datagrams whose first fragment no frame of the part had, by the decoder's tables."""

    @property
    def last(self) -> Place | None:
        """Where it ends."""
        spans = self.tally.spans
        return max(((last, index) for index, (_, last) in spans.items()), default=None)


@dataclass(slots=True)
class _Reading:
    """A part's packets, and the facts of its files."""

    part: Part
    job: Job
    facts: CaptureFacts = field(default_factory=CaptureFacts)
    decoder: CompiledDecoder = field(init=False)
    copies: PartDuplicates = field(init=False)

    def __post_init__(self) -> None:
        if self.job.version != __version__:
            raise UsageError(
                f"worker: expected citrix-traffic-auditor {self.job.version}, found {__version__}"
            )
        self.decoder = CompiledDecoder(self.job.macs)
        before = self.job.before
        known = None if before is None else before.copies
        self.copies = PartDuplicates(known, leave_out=self.job.leave_out)
        if before is not None:
            self.decoder.resume(*before.fragments)

    def __iter__(self) -> Iterator[Packets]:
        tracks = []
        for file in self.part.files:
            track = Track(file.recall(), file.index, self.job.window, self.facts)
            track.first_ns = file.first_ns
            tracks.append(track)
        with Capture(tracks, self.facts) as capture:
            capture.compiled = True
            for packets in map(self.decoder.decode, capture):
                self.copies.mark(packets.rows)
                yield packets


def read_part(part: Part, job: Job) -> Partial:
    """Read a part from its first frame to its last."""
    reading, table, tally = _Reading(part, job), PartTable(), CompiledTally()
    tellings: list[Telling] = []
    for packets in reading:
        table.update(packets)
        tellings += read_tellings(packets, telling_rows)
        tally.count(packets.batch, packets.rows["status"])
    plain, general = reading.decoder.fragments()
    return Partial(
        table.part(),
        tellings,
        reading.decoder.mac_addresses,
        reading.facts,
        tally,
        reading.copies.part(),
        (plain.heads, general.heads),
        (plain.missed, general.missed),
    )


def read_missing(part: Part, job: Job, missing: Missing) -> list[Packets]:
    """Read a part once more for the packets of some of its flows, and the errors that quote them.

    The job is that of the first reading, so that the flows have the same numbers.
    """
    return list(find_missing(_Reading(part, job), missing))


def find_missing(batches: Iterable[Packets], missing: Missing) -> Iterator[Packets]:
    """Choose the packets of some flows, numbered as a part's table numbers them."""
    table, chooser = PartTable(), _Chooser(missing)
    for packets in batches:
        slots, _ = table.place(packets)
        chosen = chooser.take(packets, slots, table)
        if len(chosen.rows) or chosen.quotes:
            yield chosen


class _Chooser:
    """Chooses packets of flows, and the payload in which heads may be looked for."""

    def __init__(self, missing: Missing) -> None:
        self._skip = np.full(int(missing.flows.max()) + 1, -1, np.int64)
        self._skip[missing.flows] = missing.skip
        self._whole = self._skip == 0
        """Flows of which no packet is known."""
        self._since = np.zeros(len(self._skip), np.int64)
        """Packets of each flow since it began, or since its latest opening SYN."""

    def _reserve(self, flows: int) -> None:
        more = flows - len(self._skip)
        if more > 0:
            self._skip = np.append(self._skip, np.full(more, -1, np.int64))
            self._whole = np.append(self._whole, np.zeros(more, np.bool_))
            self._since = np.append(self._since, np.zeros(more, np.int64))

    def take(self, packets: Packets, slots: NDArray[np.int64], table: PartTable) -> Packets:
        self._reserve(int(slots.max(initial=-1) >> 1) + 1)
        rows = packets.rows
        placed = np.flatnonzero(slots >= 0)
        wanted = placed[self._skip[slots[placed] >> 1] >= 0]
        flags = np.where(rows["transport"] == IPPROTO_TCP, rows["tcp_flags"], 0)
        places, bare = [], []
        for place, flow, flag in zip(
            wanted.tolist(), (slots[wanted] >> 1).tolist(), flags[wanted].tolist(), strict=True
        ):
            # Who merges may see another flow begin here; then its heads are looked for again.
            self._since[flow] = 1 if flag & (SYN | ACK) == SYN else self._since[flow] + 1
            if self._skip[flow] > 0:
                self._skip[flow] -= 1
                continue
            places.append(place)
            bare.append(self._since[flow] > HEAD_PACKETS)
        positions = np.array(places, np.int64)
        taken = take_out(packets, positions, np.array(bare, np.bool_))
        # Of flows some of whose packets are known, so are the control blocks.
        blocks = packets.batch.linked
        if blocks is not None:
            whole = self._whole[slots[positions] >> 1]
            linked = np.where(whole[:, None], blocks[positions], 0)
            taken = Packets(replace(taken.batch, linked=linked), taken.rows)
        quotes = [
            quote._replace(row=int(np.searchsorted(positions, quote.row)))
            for quote, flow in table.quoted
            if flow >= 0 and self._skip[flow] >= 0
        ]
        return Packets(taken.batch, taken.rows, quotes)
