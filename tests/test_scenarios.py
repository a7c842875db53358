"""The worked audits: every flow and every absence comes out as a perfect auditor would say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from judged import JudgedFlow, covered, judged_flows
from scenarios import Absence, Expectation, Scenario, load_scenarios, write
from shared import SHARED, needs_shared

import auditor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = needs_shared

SCENARIOS = load_scenarios(SHARED / "scenarios")
"""Empty where the material is absent."""


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scenario], auditor.Report]:
    """Audit a scenario, once."""
    reports: dict[str, auditor.Report] = {}

    def report(scenario: Scenario) -> auditor.Report:
        if scenario.id not in reports:
            capture, site = write(scenario, tmp_path_factory.mktemp(scenario.id))
            reports[scenario.id] = auditor.audit(str(capture), hosts=str(site))
        return reports[scenario.id]

    return report


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        pytest.param(scenario, expected, id=f"{scenario.id}-flow{expected.index}")
        for scenario in SCENARIOS
        for expected in scenario.expectations
    ],
)
def test_flow(
    scenario: Scenario, expected: Expectation, audit: Callable[[Scenario], auditor.Report]
) -> None:
    """A flow of a worked audit gets the client, verdict, rows and caveats that are true of it."""
    flow = _find(judged_flows(audit(scenario)), scenario, expected)

    assert (flow.client, flow.server, flow.server_port) == (
        expected.client,
        expected.server,
        expected.port,
    )
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
    ("scenario", "expected"),
    [
        pytest.param(scenario, absence, id=f"{scenario.id}-absence{absence.index}")
        for scenario in SCENARIOS
        for absence in scenario.absences
    ],
)
def test_absence(
    scenario: Scenario, expected: Absence, audit: Callable[[Scenario], auditor.Report]
) -> None:
    """What a worked audit lacks is missing, what it need not have is not."""
    statuses = {
        group.status
        for group in covered(audit(scenario))
        if group.concerns(expected.source, expected.destination, expected.transport, expected.port)
    }
    if expected.missing:
        assert statuses == {"missing"}
    else:
        assert "missing" not in statuses
        assert statuses


@pytest.mark.skipif(not SCENARIOS, reason="needs a scenario to run")
def test_command_line_agrees(tmp_path: Path) -> None:
    """`auditor audit --format json` says of a worked audit what the Python API says."""
    scenario = SCENARIOS[0]
    capture, site = write(scenario, tmp_path)
    command = [sys.executable, "-m", "auditor", "audit", capture, "--hosts", site]
    ran = subprocess.run(
        [*map(str, command), "--format", "json", "--fail-on", "never"],
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    said = [(flow["server_port"], flow["verdict"]) for flow in json.loads(ran.stdout)["flows"]]

    assert said == [(expected.port, expected.verdict) for expected in scenario.expectations]
    assert not ran.stderr


def _find(flows: list[JudgedFlow], scenario: Scenario, expected: Expectation) -> JudgedFlow:
    """Find the one flow that the recipe of the same index made."""
    recipe = scenario.recipes[expected.index]
    portless = recipe.transport == "icmp"
    one = (recipe.sender, None if portless else recipe.sender_port)
    other = (recipe.receiver, None if portless else recipe.port)
    found = [f for f in flows if f.transport == recipe.transport and f.joins(one, other)]
    assert len(found) == 1
    return found[0]
