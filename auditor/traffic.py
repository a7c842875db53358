"""From captures to flows and names: every stage that sees frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.capture import open_capture
from auditor.engine import Engine, choose_engine
from auditor.errors import UsageError
from auditor.kernel.notice import tell
from auditor.partitions.find import find_partitions
from auditor.report.model import CaptureInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from auditor.capture import Capture
    from auditor.capture.batch import FrameBatch
    from auditor.capture.merge import Track
    from auditor.decode.packets import Packets
    from auditor.engine import EngineName
    from auditor.evidence.names import Names
    from auditor.flows import Flows
    from auditor.parts.reading import PartsReader

    Progress = Callable[[int, int, int], None]
    """Called with bytes read, bytes in all (0 = unknown) and frames so far."""


@dataclass
class Traffic:
    """What the captures held, before anybody judges it."""

    flows: Flows
    names: Names
    macs: dict[str, set[tuple[int, int]]]
    capture: CaptureInfo
    watched_s: float
    """Seconds that some capture covers: captures with a gap between them did not watch the gap."""
    interrupted: bool
    engine: Engine


@dataclass(frozen=True, slots=True)
class Reading:
    """How captures are read; what comes out is the same, unless copies are left out."""

    engine: EngineName = "auto"
    announce: Callable[[str], None] | None = None
    """Is told once if something has to be compiled, and why others cannot help to read."""
    dedup: bool = False
    """Copies of packets count for nothing but their own number."""
    workers: int = 1
    """Processes that read; 0 = as many as there are processors."""
    cluster: str | None = None
    """Address of a Dask scheduler whose workers read."""


READING = Reading()


class _Alone:
    """All that this process has read by itself."""

    def __init__(self, capture: Capture, reading: Reading, macs: frozenset[str]) -> None:
        self.engine = choose_engine(reading.engine, capture.size())
        self.table = self.engine.flow_table()
        self.names = self.engine.name_collector()
        self.tally = self.engine.tally()
        self.copies = self.engine.duplicates(leave_out=reading.dedup)
        self._capture = capture
        self._decoder = self.engine.decoder(macs)

    @property
    def macs(self) -> dict[str, set[tuple[int, int]]]:
        return self._decoder.mac_addresses

    def read(self, progress: Progress | None) -> None:
        self._capture.compiled = self.engine.compiled
        for packets in self.engine.ahead(map(self._decode, self._capture)):
            self.table.update(packets)
            self.names.observe(packets)
            self.tally.count(packets.batch, packets.rows["status"])
            if progress is not None:
                progress(*self._capture.position(), self.tally.frames)

    def _decode(self, batch: FrameBatch) -> Packets:
        packets = self._decoder.decode(batch)
        self.copies.mark(packets.rows)
        return packets


def read_traffic(
    sources: Sequence[str],
    *,
    macs: frozenset[str] = frozenset(),
    since_ns: int | None = None,
    until_ns: int | None = None,
    progress: Progress | None = None,
    reading: Reading = READING,
) -> Traffic:
    """Read captures; after an interruption give what was read so far.

    macs: hardware addresses whose IP addresses are to be noted.
    """
    partitions = find_partitions(sources)
    if partitions:
        return _read_back(partitions, since_ns, until_ns, progress)
    interrupted = False
    tell(reading.announce)
    with open_capture(sources, since_ns=since_ns, until_ns=until_ns) as capture:
        gathered = _gather(capture, reading, macs)
        try:
            gathered.read(progress)
        except KeyboardInterrupt:
            interrupted = True
        flows = gathered.table.close()
        names = gathered.names.finish(flows)
        capture.facts.warnings += _shortcomings(flows, names)
        tally = gathered.tally
        info = CaptureInfo.of(
            capture.facts,
            first_ns=tally.first_ns,
            last_ns=tally.last_ns,
            frames_by_status=tally.by_status(),
            duplicates=gathered.copies.count,
        )
    return Traffic(
        flows, names, gathered.macs, info, tally.watched_s(), interrupted, gathered.engine
    )


def _read_back(
    paths: Sequence[Path], since_ns: int | None, until_ns: int | None, progress: Progress | None
) -> Traffic:
    """Read the flows that a watch wrote."""
    try:
        from auditor.partitions.read import read_partitions  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"{paths[0]}: to read flows of a watch needs {error.name}, which is not installed: "
            "pip install 'citrix-traffic-auditor[parquet]'"
        ) from error
    found = read_partitions(paths, since_ns=since_ns, until_ns=until_ns, progress=progress)
    engine = Engine(compiled=False, why="flows of a watch hold no frames")
    return Traffic(
        found.flows,
        found.names,
        found.macs,
        found.capture,
        found.watched_s,
        found.interrupted,
        engine,
    )


def _gather(capture: Capture, reading: Reading, macs: frozenset[str]) -> _Alone | PartsReader:
    """Choose who reads: others too, if that is wanted, can be, and helps."""
    if reading.workers == 1 and reading.cluster is None:
        return _Alone(capture, reading, macs)
    tracks = capture.apart()
    if len(capture.facts.files) < 2:
        obstacle = "there is one capture, and captures are not divided"
    elif tracks is None:
        obstacle = "standard input and pipes can be read only once"
    elif reading.engine == "general":
        obstacle = "the general engine knows no parts"
    else:
        return _share_out(capture, tracks, reading, macs)
    return _decline(capture, reading, macs, obstacle)


def _share_out(
    capture: Capture, tracks: Sequence[Track], reading: Reading, macs: frozenset[str]
) -> _Alone | PartsReader:
    """Let others read as far as that helps."""
    from auditor.parts.assembly import assemble  # noqa: PLC0415 - one process needs none of this
    from auditor.parts.crew import available_processors  # noqa: PLC0415 - as above
    from auditor.parts.worth import useful_workers  # noqa: PLC0415 - as above

    wanted = workers = reading.workers or available_processors()
    if reading.cluster is None:
        workers = useful_workers(tracks, wanted)
        if workers == 1:
            alone = _Alone(capture, reading, macs)
            if wanted > 1:
                why = f"{alone.engine.why}; {wanted} workers would not be quicker than one process"
                alone.engine = replace(alone.engine, why=why)
            return alone
    engine = choose_engine("auto", None)
    if not engine.compiled:
        return _decline(capture, reading, macs, engine.why)
    from auditor.parts.reading import PartsReader  # noqa: PLC0415 - loads the kernels
    from auditor.parts.reduce import Job  # noqa: PLC0415 - as above

    crew = assemble(workers, reading.cluster)
    why = f"{crew.size} workers read"
    if workers < wanted:
        why += f", {wanted} would have too little to do"
    job = Job(capture.window, macs, reading.dedup)
    return PartsReader(capture, tracks, crew, job, replace(engine, why=why))


def _decline(capture: Capture, reading: Reading, macs: frozenset[str], obstacle: str) -> _Alone:
    """Say why nobody helps, and read alone."""
    if reading.announce is not None:
        asked = f"--workers {reading.workers}" if reading.cluster is None else "--cluster"
        reading.announce(f"{asked}: one process reads, since {obstacle}")
    return _Alone(capture, reading, macs)


def _shortcomings(flows: Flows, names: Names) -> list[str]:
    """Say what the bounds on memory left out."""
    counts = (
        (flows.clipped_heads, "sides of flows kept 64 bytes of payload only"),
        (names.forgotten, "host names were not kept"),
    )
    return [f"memory bound: {count:,} {what}" for count, what in counts if count]
