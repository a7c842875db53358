"""Recognition of all flows together: as if each conversation were looked at by itself."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from bent_heads import bent_flows
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.decode.dissect import Decoder
from auditor.errors import AuditError
from auditor.evidence import candidates, many
from auditor.evidence.recognition import Recognition
from auditor.evidence.signatures import SignatureSet
from auditor.flows import Flows, FlowTable
from auditor.flows.headlist import HeadList

ROOT = Path(__file__).parents[1]
SIGNATURES = SignatureSet.load(ROOT / "rules" / "signatures.yaml")
SERVERS = {"": 0, "b": 1, "a": -1}


@pytest.fixture(autouse=True)
def _always_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let compiled checks answer however few payloads there are."""
    monkeypatch.setattr(candidates, "_WORTH_COMPILED", 1)


def agrees(flows: Flows, client_is_a: np.ndarray) -> bool:
    """Hold both ways of recognising flows against one conversation after another."""
    one_by_one, together = (Recognition(SIGNATURES, flows, many=many) for many in (False, True))
    rows = np.arange(len(flows.facts))
    heads = list(zip(flows.heads_a, flows.heads_b, strict=True))
    transports = flows.facts["transport"].tolist()
    for recognition in (one_by_one, together):
        number, found = recognition.conversations(client_is_a)
        for row, transport in enumerate(transports):
            client, server = heads[row] if client_is_a[row] else heads[row][::-1]
            if found[number[row]] != SIGNATURES.recognise(transport, client, server):
                return False
        expected = [
            SERVERS[SIGNATURES.side_of_server(transport, *heads[row])]
            for row, transport in enumerate(transports)
        ]
        if recognition.servers(rows).tolist() != expected:
            return False
    return True


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 2**40 - 1))
def test_bent_openings(seed: int, sides: int) -> None:
    """Forty flows at a time, whichever side is the client, are recognised alike in all ways."""
    flows = bent_flows(seed)
    client_is_a = np.array([sides >> row & 1 for row in range(len(flows.facts))], bool)
    assert agrees(flows, client_is_a)


@cache
def captures() -> list[Path]:
    """List the samples, and the real captures where they are."""
    found = sorted((ROOT / "sample_pcaps").glob("*.pcap*"))
    if SHARED.is_dir():
        found += sorted(each for each in (SHARED / "captures").iterdir() if each.is_file())
    return [path for path in found if path.suffix not in {".tsv", ".md"}]


@needs_shared
def test_captures() -> None:
    """Every capture at hand is recognised alike in all ways, both ways round."""
    read = 0
    for path in captures():
        with suppress(AuditError):
            flows = flows_of(path)
            for client_is_a in (True, False):
                assert agrees(flows, np.full(len(flows.facts), client_is_a)), path.name
            read += 1
    assert read > 100


def flows_of(path: Path) -> Flows:
    """Assemble the flows of one capture."""
    decoder, table = Decoder(), FlowTable()
    with open_capture([str(path)]) as capture:
        for batch in capture:
            table.update(decoder.decode(batch))
    return table.finish()


def test_nothing_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once roles turn some flows round, only those are read again."""
    flows = bent_flows(7)
    client_is_a = np.ones(len(flows.facts), bool)
    recognition = Recognition(SIGNATURES, flows, many=False)
    asked = []

    def best(side: str, transport: int, heads: tuple[bytes, ...], _below: int) -> None:
        asked.append((side, transport, heads))

    monkeypatch.setattr(SIGNATURES, "best", best)
    recognition.conversations(client_is_a)
    with_heads = len(asked)
    assert with_heads > len(flows.facts)
    recognition.conversations(client_is_a)
    assert len(asked) == with_heads
    client_is_a[3] = False
    recognition.conversations(client_is_a)
    assert [heads for _, _, heads in asked[with_heads:]] == [
        heads for heads in (flows.heads_a[3], flows.heads_b[3]) if heads
    ]


def test_no_flows() -> None:
    """Nothing is recognised in nothing."""
    flows = bent_flows(1, 0)
    assert agrees(flows, np.zeros(0, bool))


def test_blocks_hold_all_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed parts have the same heads in the same order, wherever they lay before."""
    monkeypatch.setattr(many, "_BLOCK", 7)
    flows = bent_flows(11)
    rows = np.arange(0, 40, 3)[::-1].copy()
    packed = [heads for _, block in many.blocks(flows.heads_a, rows) for heads in block]
    assert packed == [flows.heads_a[row] for row in rows.tolist()]
    apart = HeadList(np.empty(0, np.uint8), *(np.zeros((5, 3), kind) for kind in ("i8", "i4")))
    (part,) = many.blocks(apart, np.arange(5))
    assert list(part[1]) == [()] * 5
