"""Worked audits of our own, in the format of the material's: one per difficulty of the paper."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from judged import JudgedFlow, covered, judged_flows
from scenarios import Absence, Expectation, Recipe, Scenario, load_scenarios, write

import auditor

CASES = load_scenarios(Path(__file__).with_name("cases"))


@cache
def report(case: Scenario) -> auditor.Report:
    """Audit a case, once."""
    with TemporaryDirectory() as directory:
        capture, site = write(case, Path(directory))
        return auditor.audit(str(capture), hosts=str(site))


@pytest.mark.parametrize(
    ("case", "recipe", "expected"),
    [
        pytest.param(case, recipe, expected, id=f"{case.id}-{expected.index}")
        for case in CASES
        for recipe, expected in zip(case.recipes, case.expectations, strict=True)
    ],
)
def test_flow(case: Scenario, recipe: Recipe, expected: Expectation) -> None:
    """A flow gets the client, outcome, verdict, rows and caveats that are true of it."""
    flow = _made_by(recipe, judged_flows(report(case)))
    ends = (flow.client, flow.server, flow.server_port)
    assert ends == (expected.client, expected.server, expected.port)
    assert flow.verdict == expected.verdict
    if expected.verdict == "documented":
        assert flow.outcome == expected.outcome
    if expected.every_row:
        assert expected.rows <= flow.rows <= expected.rows | expected.optional_rows
    else:
        assert expected.rows & flow.rows
    assert expected.caveats <= flow.caveats
    assert flow.verification != "contradicted"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param(case, absence, id=f"{case.id}-{absence.index}")
        for case in CASES
        for absence in case.absences
    ],
)
def test_absence(case: Scenario, expected: Absence) -> None:
    """What a case lacks is missing, what it need not have is not; either way it is mentioned."""
    pair = (expected.source, expected.destination, expected.transport, expected.port)
    statuses = {group.status for group in covered(report(case)) if group.concerns(*pair)}
    assert statuses
    assert ("missing" in statuses) == expected.missing


def _made_by(recipe: Recipe, flows: list[JudgedFlow]) -> JudgedFlow:
    portless = recipe.transport == "icmp"
    one = (recipe.sender, None if portless else recipe.sender_port)
    other = (recipe.receiver, None if portless else recipe.port)
    (found,) = [f for f in flows if f.transport == recipe.transport and f.joins(one, other)]
    return found
