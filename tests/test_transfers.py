"""TFTP transfers, which come from another port than the one that was asked."""

from __future__ import annotations

from conversations import Talk, flows_of

from auditor.catalog.load import load_catalog, rules_directory
from auditor.evidence.names import NameCollector
from auditor.hosts import resolve
from auditor.judge.judged import judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener
from auditor.judge.vocabulary import OUTCOMES

TARGET, SERVER, OTHER = "10.0.0.5", "10.0.0.1", "10.0.0.9"
BOOK = RuleBook(load_catalog())
LISTENER = Listener.load(rules_directory())


def clients_and_outcomes(*talks: Talk) -> list[tuple[str, str, int]]:
    """Judge, and give client, outcome and the number of cited rows of each flow."""
    flows = flows_of(*talks)
    judged = judge_flows(flows, NameCollector().finish(flows), resolve(flows), BOOK, LISTENER)
    return [
        (
            judged.hosts.table[int(judged.orientation.client[row])].address,
            OUTCOMES[judged.outcome[row]].value,
            len(judged.judgements[int(judged.kinds.kind_of[row])].rows),
        )
        for row in range(len(talks))
    ]


def test_transfer_from_a_new_port_answers_the_request() -> None:
    """The request counts as answered, and the transfer is its client's, judged by the request."""
    request = Talk(TARGET, SERVER, "udp", 69, from_port=2070, replies=False)
    transfer = Talk(SERVER, TARGET, "udp", 2070, from_port=50123, start_s=0.1)
    assert clients_and_outcomes(request, transfer) == [
        (TARGET, "answered", 1),
        (TARGET, "answered", 1),
    ]


def test_datagrams_of_another_host_are_no_transfer() -> None:
    """What a third host sends to the port that asked is not taken for the answer."""
    request = Talk(TARGET, SERVER, "udp", 69, from_port=2070, replies=False)
    stray = Talk(OTHER, TARGET, "udp", 2070, from_port=50123, start_s=0.1)
    assert clients_and_outcomes(request, stray) == [
        (TARGET, "unanswered", 1),
        (OTHER, "answered", 0),
    ]
