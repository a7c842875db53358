"""A sample capture cut into many files, in the middle of its flows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from invoked import auditor
from pcap_files import pcap
from wire import Frame

from auditor.capture import open_capture

if TYPE_CHECKING:
    from invoked import Run

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"
SAMPLE = SAMPLES / "branch-office.pcapng"
SITE = SAMPLES / "branch-office.hosts.yaml"


def cut_sample(directory: Path, count: int) -> Path:
    """Cut it; give the directory."""
    frames = []
    with open_capture([str(SAMPLE)]) as capture:
        for batch in capture:
            times = batch.time_ns.tolist()
            frames += [Frame(time, batch.frame(row), 0) for row, time in enumerate(times)]
    directory.mkdir()
    bounds = [len(frames) * number // count for number in range(count + 1)]
    for number in range(count):
        piece = frames[bounds[number] : bounds[number + 1]]
        assert piece
        (directory / f"{number:04}.pcap").write_bytes(pcap(piece, nanoseconds=True))
    return directory


def audit(directory: Path, *options: object) -> Run:
    """Audit such a directory."""
    return auditor("audit", directory, "--hosts", SITE, "--format", "json", *options)


def report(run: Run) -> bytes:
    """Give the JSON without what tells of the tool and its time."""
    told = json.loads(run.stdout)
    del told["audit"]
    return json.dumps(told).encode()
