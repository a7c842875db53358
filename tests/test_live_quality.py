"""What a watch says of a poor mirror: frames that come twice, data that never came."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mangled import mangled, thinned, twice
from watching import watched

from auditor.live.tick import Limits
from auditor.pipeline import audit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from capture_files import Frame

    from auditor.report.model import CaptureInfo, Report

SAMPLE = Path(__file__).parents[1] / "sample_pcaps" / "branch-office.pcapng"
SITE = SAMPLE.with_suffix(".hosts.yaml")
TICKS = pytest.mark.parametrize("tick_s", [10.0, 1.0])


def live(capture: str, tick_s: float, *, dedup: bool = False) -> Report:
    """Watch a capture with ticks of a length, in windows of a minute."""
    return watched(Path(capture), SITE, limits=Limits(tick_s=tick_s, calm_ticks=1), dedup=dedup)[0]


def quality(capture: CaptureInfo) -> tuple[object, ...]:
    """Give what a capture says of losses and copies.

    Not how many flows there are: one that became another record meanwhile counts in both.
    """
    loss = capture.loss
    return (
        (loss.acks, loss.gaps, loss.share, loss.one_sided_flows),
        loss.pairs,
        capture.duplicates,
        capture.frames_by_status["duplicate"],
    )


@TICKS
def test_what_never_came_is_told_as_an_audit_tells_it(tmp_path: Path, tick_s: float) -> None:
    """However ticks cut the flows, in all and by pair of hosts; and it weakens what is missing."""
    poor = thinned(SAMPLE, tmp_path / "thinned.pcap")
    report, expected = live(poor, tick_s), audit(poor, hosts=SITE)
    assert expected.capture.loss.gaps > 0
    assert expected.capture.loss.pairs
    assert quality(report.capture) == quality(expected.capture)
    assert "strong" not in set(report.coverage["strength"])


@TICKS
def test_a_whole_mirror_says_nothing_of_its_quality(tick_s: float) -> None:
    """Flows that are cut by ticks and windows neither lack data nor a direction."""
    report, windows = watched(
        SAMPLE, SITE, window_s=30.0, limits=Limits(tick_s=tick_s, calm_ticks=1)
    )
    expected = audit(SAMPLE, hosts=SITE).capture
    assert quality(report.capture) == quality(expected)
    assert 1 <= report.capture.loss.tcp_flows / expected.loss.tcp_flows < 1.1
    assert all(window.report.capture.loss.one_sided_flows == 0 for window in windows)
    assert sum(window.report.capture.loss.acks for window in windows) == report.capture.loss.acks


@TICKS
def test_one_direction_alone_is_told(tmp_path: Path, tick_s: float) -> None:
    """A mirror of one direction has as many such flows as an audit counts."""

    def outwards(each: Frame, row: np.void) -> Iterator[Frame]:
        if row["src_lo"] > row["dst_lo"]:
            yield each

    poor = mangled(SAMPLE, tmp_path / "one-sided.pcap", outwards)
    report, expected = live(poor, tick_s), audit(poor, hosts=SITE)
    assert expected.capture.loss.one_sided_flows > 10
    assert quality(report.capture) == quality(expected.capture)


@pytest.mark.parametrize("dedup", [False, True])
def test_copies_are_counted_and_only_left_out_on_demand(tmp_path: Path, *, dedup: bool) -> None:
    """Their share is that of an audit, and so are the counts of packets and the findings."""
    poor = mangled(SAMPLE, tmp_path / "doubled.pcap", twice)
    report, expected = live(poor, 10.0, dedup=dedup), audit(poor, hosts=SITE, dedup=dedup)
    assert report.capture.duplicate_share > 0.45
    assert report.audit.dedup == dedup
    assert quality(report.capture) == quality(expected.capture)
    for column in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        assert report.flows[column].sum() == expected.flows[column].sum()
    assert set(report.findings["finding_id"]) == set(expected.findings["finding_id"])


def test_copies_of_windows_add_up(tmp_path: Path) -> None:
    """Each window counts its own, and the totals go with it."""
    poor = Path(mangled(SAMPLE, tmp_path / "doubled.pcap", twice))
    report, windows = watched(poor, SITE, window_s=30.0)
    assert len(windows) > 3
    own = [window.report.capture.duplicates for window in windows]
    assert sum(own) == report.capture.duplicates == windows[-1].counters.duplicates
    assert min(own[:-1]) > 0
