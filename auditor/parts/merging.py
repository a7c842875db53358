"""The whole, put together from its parts in the order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.decode.fragments import FragmentTable
from auditor.decode.part_duplicates import MergedDuplicates
from auditor.decode.tally import Tally
from auditor.evidence.names import NameCollector
from auditor.flows.merging import MergingTable
from auditor.flows.partial import PartTable
from auditor.parts.reduce import Before

if TYPE_CHECKING:
    from auditor.capture import CaptureFacts
    from auditor.decode.packets import Packets
    from auditor.flows.merging import Missing
    from auditor.parts.reduce import Partial


class Merger:
    """All that the parts so far came to."""

    def __init__(self, facts: CaptureFacts, *, leave_out: bool = False) -> None:
        """Begin without parts; what is found out about files goes into `facts`.

        leave_out: the parts leave out copies of packets.
        """
        self.facts = facts
        self.table = MergingTable()
        self.names = NameCollector()
        self.macs: dict[str, set[tuple[int, int]]] = {}
        self.tally = Tally()
        self.copies = MergedDuplicates()
        self._leave_out = leave_out
        self._fragments = FragmentTable(), FragmentTable()

    def warm_up(self) -> None:
        """Load what merges, while others read."""
        self.table.absorb(PartTable().part())

    def before(self, partial: Partial) -> Before | None:
        """Give what the part should have known of those before it; None if it knew enough."""
        pairs = zip(self._fragments, partial.missed, strict=True)
        wanting = any(table.may_know(missed) for table, missed in pairs)
        if not wanting and not (self._leave_out and self.copies.reaches_into(partial.copies)):
            return None
        plain, general = self._fragments
        return Before((plain.heads, general.heads), self.copies.recent)

    def absorb(self, partial: Partial, *, knowing: bool = False) -> Missing:
        """Take over the next part; the packets of the flows returned are still wanted.

        knowing: it was read knowing what was before it.
        """
        missing = self.table.absorb(partial.flows)
        self.names.take(partial.tellings)
        for mac, addresses in partial.macs.items():
            self.macs.setdefault(mac, set()).update(addresses)
        self.tally.add(partial.tally)
        self.copies.absorb(partial.copies, knowing=knowing)
        for table, heads in zip(self._fragments, partial.fragments, strict=True):
            table.resume(heads)
        _add_facts(self.facts, partial.facts)
        return missing

    def complete(self, packets: Packets) -> None:
        """Add packets that were missing."""
        self.table.complete(packets)


def _add_facts(facts: CaptureFacts, part: CaptureFacts) -> None:
    facts.frames += part.frames
    facts.bytes += part.bytes
    facts.truncated |= part.truncated
    facts.warnings += part.warnings
    facts.unreadable += part.unreadable
    if part.dropped is not None:
        facts.dropped = (facts.dropped or 0) + part.dropped
