"""Captures read into flows and names, and how long somebody watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pcap_files import pcap
from wire import Frame

from auditor.traffic import read_traffic

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
START = 1_772_438_400 * SECOND


def capture(path: Path, *seconds: int) -> str:
    """Write a capture with a frame at each of some seconds."""
    frames = [Frame(START + second * SECOND, b"\0" * 60, 0) for second in seconds]
    path.write_bytes(pcap(frames))
    return str(path)


@pytest.mark.parametrize(
    ("spans", "watched_s"),
    [
        ([(0, 10)], 10),
        ([(0, 10), (1_000_000, 1_000_005)], 15),
        ([(0, 10), (5, 20)], 20),
        ([(0, 30), (5, 20)], 30),
        ([(7,)], 0),
    ],
    ids=["one", "apart", "overlapping", "within", "one frame"],
)
def test_gap_between_captures_is_not_watched(
    tmp_path: Path, spans: list[tuple[int, ...]], watched_s: float
) -> None:
    """What nobody captured shows no absence: only the time that captures cover counts."""
    paths = [capture(tmp_path / f"{n}.pcap", *span) for n, span in enumerate(spans)]
    assert read_traffic(paths).watched_s == watched_s


def test_frames_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    """Every frame has one status, and their counts add up."""
    traffic = read_traffic([capture(tmp_path / "x.pcap", 0, 1)])
    assert traffic.capture.frames_by_status["not-ip"] == 2
    assert sum(traffic.capture.frames_by_status.values()) == traffic.capture.frames
