"""Inference as a stage of the pipeline: between who the addresses are and what their flows mean."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.catalog.load import rules_directory
from auditor.infer.cluefile import CLUES_FILE, read_clues
from auditor.infer.propose import infer_roles
from auditor.infer.traces import Scene
from auditor.judge.orient import orient, outcomes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.evidence.names import Names
    from auditor.evidence.signatures import Recognised, SignatureSet
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.infer.clues import ClueBook
    from auditor.infer.propose import Proposal
    from auditor.judge.orient import Orientation
    from auditor.judge.rulebook import RuleBook


def load_clues(book: RuleBook, signatures: SignatureSet) -> ClueBook:
    """Read the shipped clues, on the ports that the site uses."""
    path = rules_directory() / CLUES_FILE
    return read_clues(path, book.catalog, signatures.protocols, book.rules)


def propose_roles(
    flows: Flows,
    names: Names,
    hosts: Hosts,
    book: RuleBook,
    signatures: SignatureSet,
    threshold: float | None = None,
) -> list[Proposal]:
    """Propose roles for hosts of which the site file says nothing.

    Flows are oriented with the roles known so far, so a caller that uses the proposals has to
    orient them again. threshold: as for infer_roles.
    """

    def server_by_payload(row: int) -> str:
        transport = int(flows.facts["transport"][row])
        return signatures.side_of_server(transport, flows.heads_a[row], flows.heads_b[row])

    orientation = orient(flows, hosts, book, server_by_payload)
    # Whether a rule expects an answer makes no difference to a clue.
    outcome = outcomes(flows, hosts, orientation, np.zeros(len(flows.facts), dtype=bool))
    recognised = recognise_flows(flows, orientation, signatures)
    scene = Scene(flows, hosts, names, orientation, outcome, recognised)
    return infer_roles(scene, load_clues(book, signatures), book.catalog, threshold)


def recognise_flows(
    flows: Flows, orientation: Orientation, signatures: SignatureSet
) -> list[Recognised | None]:
    """Name the protocol of every flow."""
    sides = zip(
        flows.facts["transport"].tolist(),
        orientation.client_is_a.tolist(),
        flows.heads_a,
        flows.heads_b,
        strict=True,
    )
    return [
        signatures.recognise(transport, *((a, b) if a_is_client else (b, a))) if a or b else None
        for transport, a_is_client, a, b in sides
    ]


def adopt(proposals: Iterable[Proposal], hosts: Hosts, threshold: float) -> Hosts:
    """Give hosts the roles that are proposed with at least so much confidence.

    Such a host has roles and is not `listed`: that is how an inferred role is known from a
    declared one.
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
