"""Everything decided of every flow, side by side: the input of coverage and findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from auditor.judge.kinds import kinds_of
from auditor.judge.naming import name_flows
from auditor.judge.orient import orient, outcomes
from auditor.judge.transfers import join_transfers
from auditor.judge.verdict import Judge
from auditor.judge.verify import Payloads
from auditor.judge.vocabulary import ATTEMPTED, OUTCOMES, Outcome, Verdict
from auditor.records import IPPROTO_UDP

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from auditor.evidence.names import Names
    from auditor.flows import Flows
    from auditor.hosts import Hosts
    from auditor.judge.kinds import Kinds
    from auditor.judge.naming import Naming
    from auditor.judge.orient import Orientation
    from auditor.judge.rulebook import RuleBook
    from auditor.judge.verdict import Judgement
    from auditor.judge.verify import Listener


@dataclass(frozen=True)
class Judged:
    """Flows with all that is derived from them; arrays have shape (n flows,)."""

    flows: Flows
    hosts: Hosts
    book: RuleBook
    orientation: Orientation
    naming: Naming
    kinds: Kinds
    judgements: list[Judgement]
    """One per kind."""
    outcome: NDArray[np.uint8]
    """Indices into OUTCOMES."""
    payloads: Payloads
    service_port: NDArray[np.uint32]
    """The port by which each flow is judged."""

    def having(self, verdicts: Collection[Verdict]) -> NDArray[np.bool_]:
        """Mark the flows with one of some verdicts."""
        return self.kinds.per_flow(j.verdict in verdicts for j in self.judgements)

    def with_outcome(self, wanted: Collection[Outcome]) -> NDArray[np.bool_]:
        """Mark the flows with one of some outcomes."""
        among = np.array([outcome in wanted for outcome in OUTCOMES], dtype=bool)
        return among[self.outcome]

    @property
    def attempted(self) -> NDArray[np.bool_]:
        """Mark the flows that reached nobody."""
        return self.with_outcome(ATTEMPTED)


def judge_flows(
    flows: Flows,
    names: Names,
    hosts: Hosts,
    book: RuleBook,
    listener: Listener | None = None,
) -> Judged:
    """Orient the flows, name their servers, and give each kind of flow its verdict.

    listener: recognises payloads; without one none is.
    """
    hint = None if listener is None else partial(listener.servers, flows)
    orientation = orient(flows, hosts, book, hint)
    ports = listener.promises.ports_of(IPPROTO_UDP, "tftp") if listener else ()
    orientation, transfers = join_transfers(flows, hosts, orientation, ports)
    naming = name_flows(flows, names, hosts, orientation, book)
    interval = book.index.lookup(flows.facts["transport"], transfers.service_port)
    kinds = kinds_of(
        hosts,
        orientation.client,
        orientation.server,
        interval,
        naming.name_class,
        naming.classes,
    )
    judge = Judge(book)
    judgements = [judge.judge(kind) for kind in kinds.kinds]
    expects_no_answer = kinds.per_flow(judgement.one_way for judgement in judgements)
    outcome = outcomes(flows, hosts, orientation, expects_no_answer)
    outcome[transfers.answered] = OUTCOMES.index(Outcome.ANSWERED)
    payloads = listener.listen(flows, orientation, transfers.service_port) if listener else None
    return Judged(
        flows,
        hosts,
        book,
        orientation,
        naming,
        kinds,
        judgements,
        outcome,
        payloads or Payloads.unheard(len(flows.facts)),
        transfers.service_port,
    )
