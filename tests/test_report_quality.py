"""What the report says of a capture's quality, and when it says nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.report.model import CaptureInfo
from auditor.report.quality import LossInfo, PairLoss, provenance, warnings

PLAIN = CaptureInfo(files=("a.pcap",), frames=1000)
LOSSY = replace(
    PLAIN, loss=LossInfo(1000, 23, 0.023, pairs=(PairLoss("vda1", "ddc1", 100, 14, 0.14),))
)


def said(capture: CaptureInfo, *, dedup: bool = False) -> list[str]:
    """List the warnings."""
    return list(warnings(capture, dedup=dedup))


def test_a_good_capture_is_not_mentioned() -> None:
    """Silence is the best news."""
    assert said(PLAIN) == []
    assert said(replace(PLAIN, loss=LossInfo(10_000, 9, 0.0009), duplicates=9)) == []


def test_loss_is_one_line_with_the_worst_pair() -> None:
    """Who suffers most is where to look first."""
    [line] = said(LOSSY)
    assert line == (
        "about 2.3 % of the data acknowledged was not captured; worst: vda1 -> ddc1 14 %"
    )


@pytest.mark.parametrize(("dropped", "beside"), [(0, True), (None, False), (5, False)])
def test_loss_before_the_capturing_side_is_called_so(dropped: int | None, beside: bool) -> None:
    """A counter at zero shows that the mirror port lost it; no counter shows nothing."""
    [line] = said(replace(LOSSY, dropped=dropped))
    assert ("never reached it" in line) is beside


def test_one_direction_is_said_from_a_hundredth_on() -> None:
    """Here and there a connection is seen from one side; that is no fault of the capture."""
    assert said(replace(PLAIN, loss=LossInfo(tcp_flows=1000, one_sided_flows=10))) == []
    [line] = said(replace(PLAIN, loss=LossInfo(tcp_flows=1000, one_sided_flows=11)))
    assert line.startswith("only one direction of 11 TCP flows was captured")


@pytest.mark.parametrize(
    ("duplicates", "dedup", "beginning"),
    [
        (500, False, "every packet stands at least twice"),
        (32, False, "32 frames (3.2 %) hold a packet again: a mirror port"),
        (32, True, "32 frames hold a packet again and are left out"),
    ],
)
def test_copies_are_said_with_what_can_be_done(
    duplicates: int, dedup: bool, beginning: str
) -> None:
    """Half the frames are copies where each stands twice."""
    [line] = said(replace(PLAIN, duplicates=duplicates), dedup=dedup)
    assert line.startswith(beginning)
    assert ("--dedup leaves copies out" in line) is not dedup


def test_verbose_gives_the_figures() -> None:
    """Also where they are none worth a warning."""
    told = dict(provenance(replace(LOSSY, dropped=7)))
    assert told["Loss"].startswith("23 of 1,000 acknowledgements")
    assert told["Loss"].endswith("dropped while capturing: 7")
    assert told["Worst"] == "vda1 -> ddc1 14 % of 100"
    assert "too few to tell" in dict(provenance(PLAIN))["Loss"]
    assert "Worst" not in dict(provenance(PLAIN))
