"""Findings in columns: each is what it would be alone."""

from __future__ import annotations

import hashlib
from operator import attrgetter

import numpy as np
import pytest
from judging import WATCHED, judge, site, tcp, unanswered

from auditor.judge.expect import expect
from auditor.judge.finding import FindingFlows, Findings
from auditor.judge.findings import find

PLACE = site("ddc1: 10.0.0.1 = ddc", "vda1: 10.0.0.2 = vda", "10.0.0.3 = sql-server")


@pytest.fixture
def found() -> Findings:
    """Find what some talks of a site are worth; two findings differ in their hosts alone."""
    judged = judge(
        PLACE,
        tcp("10.0.0.2", "10.0.0.3", 3333),
        tcp("192.0.2.1", "10.0.0.1", 4444),
        tcp("192.0.2.2", "10.0.0.1", 4444),
        unanswered("10.0.0.2", "10.0.0.1", 80),
        tcp("10.0.0.2", "10.0.0.3", 3333),
    )
    return find(judged, expect(judged, WATCHED))


def test_id_is_made_of_what_a_finding_is(found: Findings) -> None:
    """Kind, ends, transport and port make the identity, counts and words do not."""
    for each in found:
        parts = (each.kind, each.client, each.server, each.transport, str(each.port))
        assert each.id == hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def test_texts_name_the_ends(found: Findings) -> None:
    """What a pattern leaves open is filled for each finding, in columns as in items."""
    assert "\0" not in "".join(each.title + each.reason + each.advice for each in found)
    for name in ("title", "reason", "advice"):
        column = found.texts(attrgetter(name)).tolist()
        assert column == [getattr(each, name) for each in found]
    titles = [each.title for each in found]
    assert "not documented: 192.0.2.1 -> ddc1 tcp/4444" in titles
    assert "not documented: 192.0.2.2 -> ddc1 tcp/4444" in titles


def test_findings_that_differ_in_their_hosts_share_what_is_said(found: Findings) -> None:
    """A flood is put into words once."""
    rows = [row for row, each in enumerate(found) if each.port == 4444]
    assert len(rows) == 2
    assert found.pattern_of[rows[0]] == found.pattern_of[rows[1]]


def test_flows_of_findings_by_id(found: Findings) -> None:
    """Each id leads to the flow numbers, from 1; what is missing rests on none."""
    links = FindingFlows(found)
    assert list(links) == found.ids
    assert {each.id: [row + 1 for row in each.flows] for each in found} == dict(links)
    assert [1, 5] in links.values()
    assert all(not links[each.id] for each in found if each.kind == "missing")
    with pytest.raises(KeyError):
        links["nothing"]


def test_selected_findings_keep_all_that_is_theirs(found: Findings) -> None:
    """In another order, and fewer, they are the same findings."""
    rows = np.arange(len(found))[::-2]
    assert list(found.select(rows)) == [found[row] for row in rows.tolist()]
    assert found[-1] == found[len(found) - 1]
    assert list(found[1:3]) == [found[1], found[2]]


def test_the_gravest_come_first(found: Findings) -> None:
    """Then those of earlier flows; what is missing stands behind its equals."""
    order = [(-each.severity, each.flows or (1 << 62,)) for each in found]
    assert order == sorted(order)


def test_joined_with_nothing(found: Findings) -> None:
    """Parts without findings change nothing."""
    nothing = Findings.none(found.hosts)
    assert list(Findings.joined([nothing, found, nothing])) == list(found)
    assert len(Findings.joined([nothing])) == 0
