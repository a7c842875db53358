"""Inference as a stage of the pipeline: proposals from a first judgement, roles for a second."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.catalog.load import rules_directory
from auditor.infer.cluefile import CLUES_FILE, read_clues
from auditor.infer.propose import infer_roles

if TYPE_CHECKING:
    from auditor.evidence.names import Names
    from auditor.evidence.signatures import SignatureSet
    from auditor.hosts import Hosts
    from auditor.infer.clues import ClueBook
    from auditor.infer.propose import Proposal
    from auditor.judge.judged import Judged
    from auditor.judge.rulebook import RuleBook


@dataclass(frozen=True)
class Inference:
    """What hosts seem to be, and from when on that counts."""

    proposals: tuple[Proposal, ...] = ()
    """By row of Hosts.table, then the surest first; also those that are not sure enough."""
    threshold: float = 1.0

    def sure(self) -> dict[int, list[Proposal]]:
        """Map rows of Hosts.table to the proposals that are sure enough, the surest first."""
        found: dict[int, list[Proposal]] = defaultdict(list)
        for proposal in self.proposals:
            if proposal.confidence >= self.threshold:
                found[proposal.host].append(proposal)
        return dict(found)

    def adopted(self, hosts: Hosts) -> Hosts:
        """Give hosts the roles that are sure enough.

        Such a host has roles and is not `listed`: so an inferred role is told from a declared one.
        """
        return hosts.with_roles(
            {
                row: hosts.parties[hosts.party[row]].roles.union(each.role for each in proposals)
                for row, proposals in self.sure().items()
            }
        )


def infer(
    judged: Judged, names: Names, clues: ClueBook, threshold: float | None = None
) -> Inference:
    """Propose roles for hosts that the site file does not list, by clues.

    judged: with the declared roles alone; whoever adopts proposals judges again. threshold: from
    which confidence on a role counts as known, 0 to 1; None = as the clues say.
    """
    sure = clues.threshold / 100 if threshold is None else threshold
    return Inference(tuple(infer_roles(judged, names, clues, sure)), sure)


def load_clues(book: RuleBook, signatures: SignatureSet) -> ClueBook:
    """Read the shipped clues, on the ports that the site uses."""
    path = rules_directory() / CLUES_FILE
    return read_clues(path, book.catalog, signatures.protocols, book.rules)
