"""Which path the packets take: compiled kernels, or plain Python for what is small.

Both give the same rows and the same flows. To load the kernels takes longer than plain Python
needs for a few megabytes, and pays from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from auditor.decode.dissect import Decoder
from auditor.decode.duplicates import Duplicates
from auditor.decode.tally import Tally
from auditor.evidence.names import NameCollector
from auditor.flows import FlowTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.decode.packets import Packets
    from auditor.flows import Flows

EngineName = Literal["auto", "compiled", "general"]

WORTH_COMPILED_BYTES = 8_000_000
"""Captures of this many bytes as stored repay the kernels."""

_Item = TypeVar("_Item")


class Table(Protocol):
    """Puts packets together to flows."""

    def update(self, packets: Packets) -> None:
        """Add the packets of a batch."""

    def finish(self) -> Flows:
        """Give the flows so far; the table may go on."""

    def close(self) -> Flows:
        """Give the flows, and keep none."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A decoder and a flow table that go together."""

    compiled: bool
    why: str
    """Why this one was taken, for people."""

    @property
    def name(self) -> str:
        """Name it as the option does."""
        return "compiled" if self.compiled else "general"

    def decoder(self, macs: frozenset[str] = frozenset()) -> Decoder:
        """Make a decoder that watches for some Ethernet addresses."""
        if not self.compiled:
            return Decoder(macs)
        from auditor.decode.compiled import CompiledDecoder  # noqa: PLC0415 - loads numba

        return CompiledDecoder(macs)

    def duplicates(self, *, leave_out: bool = False) -> Duplicates:
        """Make what finds copies of packets, to be counted alone or left out."""
        if not self.compiled:
            return Duplicates(leave_out=leave_out)
        from auditor.decode.compiled_duplicates import CompiledDuplicates  # noqa: PLC0415 - loads numba

        return CompiledDuplicates(leave_out=leave_out)

    def flow_table(self) -> Table:
        """Make a flow table."""
        if not self.compiled:
            return FlowTable()
        from auditor.flows.compiled import CompiledFlowTable  # noqa: PLC0415 - loads numba

        return CompiledFlowTable()

    def name_collector(self) -> NameCollector:
        """Make what collects the names that messages tell."""
        if not self.compiled:
            return NameCollector()
        from auditor.evidence.compiled_tellings import telling_rows  # noqa: PLC0415 - loads numba

        return NameCollector(choose=telling_rows)

    def tally(self) -> Tally:
        """Make what counts frames."""
        if not self.compiled:
            return Tally()
        from auditor.decode.compiled_tally import CompiledTally  # noqa: PLC0415 - loads numba

        return CompiledTally()

    def ahead(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Make the next item while one is worked on, where kernels leave the interpreter free."""
        return _ahead(items) if self.compiled else iter(items)


def choose_engine(wanted: EngineName, size: int | None) -> Engine:
    """Choose by the captures' size in bytes as stored, None = unknown, unless one is wanted."""
    if wanted == "general":
        return Engine(compiled=False, why="asked for")
    if wanted == "auto" and size is not None and size < WORTH_COMPILED_BYTES:
        return Engine(compiled=False, why="the captures are small")
    try:
        import_module("auditor.kernel.frames")
    except ImportError as error:
        if wanted == "compiled":
            raise
        return Engine(compiled=False, why=f"the compiler cannot be loaded ({error})")
    reason = "asked for" if wanted == "compiled" else "the captures are large"
    return Engine(compiled=True, why=reason if size is not None else "their size is unknown")


def _ahead(items: Iterable[_Item]) -> Iterator[_Item]:
    """Iterate in a thread, one item ahead; errors come where the item would have come."""
    ready: Queue[tuple[_Item | None, BaseException | None]] = Queue(1)
    stop = Event()

    def hand_over(item: _Item | None, error: BaseException | None) -> None:
        while not stop.is_set():
            try:
                ready.put((item, error), timeout=0.2)
            except Full:
                continue
            return

    def work() -> None:
        try:
            for item in items:
                hand_over(item, None)
                if stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the taker
            hand_over(None, error)
        else:
            hand_over(None, None)

    # A daemon, since nothing wakes a thread that waits for a pipe.
    thread = Thread(target=work, name="auditor-ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error = ready.get(timeout=0.2)
            except Empty:
                continue
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop.set()
        thread.join(timeout=1)
