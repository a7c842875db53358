"""What a poor capture says of itself: copies, holes, one direction; from file to report."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from invoked import auditor
from mangled import cut, mangled, thinned, twice

from auditor.pipeline import audit, read, read_flows
from auditor.report.evidence import save_evidence
from auditor.report.writers import show
from auditor.traffic import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from capture_files import Frame

    from auditor.engine import EngineName
    from auditor.report.model import FlowReport, Report

SAMPLE = Path(__file__).parents[1] / "sample_pcaps" / "branch-office.pcapng"
SITE = SAMPLE.with_suffix(".hosts.yaml")
TOLD = ["client_ip", "client_port", "server_ip", "server_port", "transport", "outcome"]
COUNTS = ["packets_out", "packets_in"]


def warnings_of(report: Report | FlowReport) -> str:
    """Give what the terminal report warns of."""
    out = io.StringIO()
    show(report, out, "table")
    return " ".join(line[2:] for line in out.getvalue().splitlines() if line[:2] in ("! ", "  "))


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Write the sample in each way once."""
    here = tmp_path_factory.mktemp("poor")

    def outwards(each: Frame, row: np.void) -> Iterator[Frame]:
        if row["src_lo"] > row["dst_lo"]:
            yield each

    return {
        "doubled": mangled(SAMPLE, here / "doubled.pcap", twice),
        "thinned": thinned(SAMPLE, here / "thinned.pcap"),
        "one-sided": mangled(SAMPLE, here / "one-sided.pcap", outwards),
        "cut": mangled(SAMPLE, here / "cut.pcap", cut),
    }


def test_a_whole_capture_says_nothing_of_its_quality() -> None:
    """Nothing is lost in the sample, nothing stands in it twice, both directions are there."""
    capture = audit(SAMPLE, hosts=SITE).capture
    assert (capture.duplicates, capture.loss.gaps, capture.loss.one_sided_flows) == (0, 0, 0)
    assert capture.loss.acks > 100


@pytest.mark.parametrize("engine", ["general", "compiled"])
def test_copies_are_counted_and_only_left_out_on_demand(
    poor: dict[str, str], engine: EngineName
) -> None:
    """Counts are Wireshark's unless asked otherwise; left out, the flows are as without copies."""
    whole = read(SAMPLE)
    doubled = read(poor["doubled"], reading=Reading(engine))
    assert doubled.capture.duplicate_share > 0.45
    assert doubled.capture.frames_by_status["duplicate"] == 0
    assert "--dedup leaves copies out" in warnings_of(doubled)
    single = read(poor["doubled"], reading=Reading(engine, dedup=True))
    assert single.capture.frames_by_status["duplicate"] == single.capture.duplicates
    assert single.capture.duplicates == doubled.capture.duplicates
    assert single.audit.dedup
    assert "are left out" in warnings_of(single)
    for report in (doubled, single):
        assert report.flows[TOLD].equals(whole.flows[TOLD])
    # IPv6 has no identification: bare acknowledgements are not told there.
    old = (whole.flows["transport"] == "tcp") & ~whole.flows["client_ip"].str.contains(":")
    assert old.sum() > 100
    assert single.flows.loc[old, COUNTS].equals(whole.flows.loc[old, COUNTS])
    assert doubled.flows.loc[old, COUNTS].equals(2 * whole.flows.loc[old, COUNTS])


def test_copies_change_no_finding(poor: dict[str, str]) -> None:
    """A doubled capture is audited like the plain one, with and without its copies."""
    names = ["finding_id", "kind", "severity", "flows"]
    expected = audit(SAMPLE, hosts=SITE).findings[names]
    for dedup in (False, True):
        assert audit(poor["doubled"], hosts=SITE, dedup=dedup).findings[names].equals(expected)


def test_evidence_leaves_out_what_the_audit_left_out(poor: dict[str, str], tmp_path: Path) -> None:
    """The frames that are written are those that the flows count."""
    written = {}
    for dedup in (False, True):
        report = audit(poor["doubled"], hosts=SITE, dedup=dedup)
        target = tmp_path / f"{dedup}.pcapng"
        assert save_evidence(report, target, frames=1000).lost == 0
        written[dedup] = read(target)
    assert written[False].capture.duplicate_share > 0.45
    assert written[True].capture.duplicates == 0


def test_the_command_line_leaves_copies_out(poor: dict[str, str]) -> None:
    """Every verb that reads captures takes --dedup, and says in JSON that it did."""
    done = auditor("audit", poor["doubled"], "--dedup", "--format", "json", "--fail-on", "never")
    told = json.loads(done.stdout)
    assert told["audit"]["dedup"] is True
    assert told["capture"]["duplicates"] == told["capture"]["frames_by_status"]["duplicate"] > 0
    assert auditor("hosts", "infer", poor["doubled"], "--dedup").status == 0
    whole = auditor("explain", poor["doubled"], "--flow", "1", "--format", "json")
    single = auditor("explain", poor["doubled"], "--flow", "1", "--format", "json", "--dedup")
    packets = [json.loads(each.stdout)["flow"]["packets_out"] for each in (whole, single)]
    assert packets[0] == 2 * packets[1]
    assert auditor("explain", "443", "--dedup").status == 2


def test_python_leaves_copies_out(poor: dict[str, str]) -> None:
    """As the command line does."""
    counts = [
        read_flows(poor["doubled"], dedup=dedup)[COUNTS].sum().sum() for dedup in (True, False)
    ]
    assert 1.8 < counts[1] / counts[0] <= 2


def test_loss_is_estimated_and_said(poor: dict[str, str]) -> None:
    """Of the data that was acknowledged about as much is missing as was lost."""
    report = audit(poor["thinned"], hosts=SITE)
    loss = report.capture.loss
    assert loss.share is not None
    assert 0.08 < loss.share < 0.2
    assert loss.pairs
    assert all(pair.acks >= 20 and pair.gaps for pair in loss.pairs)
    shares = [pair.share for pair in loss.pairs]
    assert shares == sorted(shares, reverse=True)
    assert "of the data acknowledged was not captured; worst: " in warnings_of(report)


def test_loss_weakens_what_is_missing(poor: dict[str, str]) -> None:
    """What may have been lost is not called missing with certainty."""
    whole, lossy = audit(SAMPLE, hosts=SITE).coverage, audit(poor["thinned"], hosts=SITE).coverage
    missing = whole["status"] == "missing"
    assert "strong" in set(whole.loc[missing, "strength"])
    still = lossy[lossy["status"] == "missing"]
    assert set(still["strength"]) == {"weak"}
    assert still["why"].str.contains(" % of the traffic was not captured").all()


def test_one_direction_is_told_from_loss(poor: dict[str, str]) -> None:
    """Where nothing of a sender was captured, its data is not called lost."""
    report = audit(poor["one-sided"], hosts=SITE)
    assert report.capture.loss.acks == 0
    assert report.capture.loss.share is None
    assert report.capture.loss.one_sided_flows > 50
    assert "only one direction of" in warnings_of(report)


def test_a_snap_length_is_no_loss(poor: dict[str, str]) -> None:
    """A segment is as long as its headers say, whatever the capture kept of it."""
    whole, cut_short = (read(source).capture.loss for source in (SAMPLE, poor["cut"]))
    assert (cut_short.acks, cut_short.gaps) == (whole.acks, 0)


def test_loss_is_told_by_capture(poor: dict[str, str]) -> None:
    """Of several captures each answers for the flows that begin in it."""
    out = io.StringIO()
    later = poor["thinned"]
    show(read([poor["cut"], later]), out, "json")
    told = json.loads(out.getvalue())["capture"]
    assert [own["capture"] for own in told["loss_by_capture"]] == [poor["cut"], later]
    assert sum(own["gaps"] for own in told["loss_by_capture"]) == told["gaps"]
    out = io.StringIO()
    show(read(later), out, "json")
    alone = json.loads(out.getvalue())["capture"]
    assert alone["loss_by_capture"] == []
    assert alone["loss_share"] == alone["gaps"] / alone["acks"]
    assert {"client", "server", "acks", "gaps", "share"} == set(alone["loss"][0])
