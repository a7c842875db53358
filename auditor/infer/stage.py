"""Inference as a stage of the pipeline: proposals from a first judgement, roles for a second."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.catalog.load import rules_directory
from auditor.infer.cluefile import CLUES_FILE, read_clues
from auditor.infer.propose import infer_roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.evidence.names import Names
    from auditor.evidence.signatures import SignatureSet
    from auditor.hosts import Hosts
    from auditor.infer.clues import ClueBook
    from auditor.infer.propose import Proposal
    from auditor.judge.judged import Judged
    from auditor.judge.rulebook import RuleBook


def load_clues(book: RuleBook, signatures: SignatureSet) -> ClueBook:
    """Read the shipped clues, on the ports that the site uses."""
    path = rules_directory() / CLUES_FILE
    return read_clues(path, book.catalog, signatures.protocols, book.rules)


def propose_roles(
    judged: Judged,
    names: Names,
    signatures: SignatureSet,
    threshold: float | None = None,
) -> list[Proposal]:
    """Propose roles by the shipped clues; everything else as for infer_roles."""
    if all(host.listed or host.special for host in judged.hosts.table):
        return []
    clues = load_clues(judged.book, signatures)
    return infer_roles(judged, names, clues, signatures, threshold)


def adopt(proposals: Iterable[Proposal], hosts: Hosts, threshold: float) -> Hosts:
    """Give hosts the roles that are proposed with at least so much confidence.

    Such a host has roles and is not `listed`: so an inferred role is told from a declared one.
    """
    roles: dict[int, set[str]] = {}
    for proposal in proposals:
        if proposal.confidence >= threshold:
            roles.setdefault(proposal.host, set()).add(proposal.role)
    table = [
        replace(host, roles=host.roles | roles[row]) if row in roles else host
        for row, host in enumerate(hosts.table)
    ]
    return replace(hosts, table=table)
