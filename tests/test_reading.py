"""Names in the heads of all flows: compiled readers find what the readers in Python find."""

from __future__ import annotations

from contextlib import suppress

import payloads
import pytest
from bent_heads import bent_flows
from conversations import Talk, flows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from shared import needs_shared
from test_recognition import captures
from test_recognition import flows_of as flows_in

from auditor.errors import AuditError
from auditor.evidence.own_names import OwnNames
from auditor.evidence.reading import read_own_names


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_bent_openings(seed: int) -> None:
    """In hellos and requests that were changed, cut, split and joined."""
    flows = bent_flows(seed)
    assert read_own_names(flows, many=True) == read_own_names(flows, many=False)


@needs_shared
def test_captures() -> None:
    """In every capture at hand, in which there are many names."""
    found = 0
    for path in captures():
        with suppress(AuditError):
            flows = flows_in(path)
            names = read_own_names(flows, many=False)
            assert read_own_names(flows, many=True) == names, path.name
            found += len(names.flow)
    assert found > 100


@pytest.mark.parametrize("many", [False, True])
def test_names_stand_by_flow_then_side(many: bool) -> None:
    """Of one flow, what endpoint a asked for comes first; equal names are one word."""
    hello, other = (payloads.tls_client_hello(name) for name in ("A.example", "b.example"))
    flows = flows_of(
        Talk("10.0.0.2", "10.0.0.1", port=443, head=hello, reply_head=other),
        Talk("10.0.0.1", "10.0.0.2", port=443),
        Talk("10.0.0.1", "10.0.0.2", port=443, head=payloads.tls_client_hello("a.example")),
    )
    names = read_own_names(flows, many=many)
    assert names.flow.tolist() == [0, 0, 2]
    assert [names.words[name] for name in names.name] == ["b.example", "a.example", "a.example"]
    assert sorted(names.words) == ["a.example", "b.example"]


@pytest.mark.parametrize("many", [False, True])
def test_no_flows(many: bool) -> None:
    """Where there are no flows there are no names."""
    assert read_own_names(bent_flows(1, 0), many=many) == OwnNames.of([])
