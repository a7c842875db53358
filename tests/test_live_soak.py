"""A watch under load: whole processes, on interfaces of the test's own; no time is asserted."""

from __future__ import annotations

import json
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fcntl", reason="rings are Linux's")
pytest.importorskip("prometheus_client", reason="needs the extra live")

import soak
from capture_files import frames_in
from live_network import FAR, NEAR, ip, private_network, send, udp_frame
from watching import sample

import auditor
from auditor.capture import open_capture

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS, NEW_FLOWS = 60, 2000
METRICS = "127.0.0.1:9479"


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with private_network():
        yield


def test_a_minute_of_new_flows(tmp_path: Path) -> None:
    """Every frame is counted, as seen or as dropped; memory and the flow table do not grow."""
    load = soak.Load(SECONDS, new_flows=NEW_FLOWS)
    capture = soak.make_capture(load, tmp_path)
    open_flows: list[int] = []

    def ask(_line: str) -> None:
        with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=30) as answer:
            told = re.search(r"^auditor_table_flows\S* (\S+)", answer.read().decode(), re.MULTILINE)
        assert told
        open_flows.append(int(float(told[1])))

    options = ["--ring-mb", "256", "--window", "20s", "--metrics", METRICS]
    found = soak.measure(load, capture, options, say=ask)

    assert found.sent > SECONDS * NEW_FLOWS
    assert found.seen + found.dropped == found.sent
    assert found.report["capture"]["frames_by_status"]["ok"] == found.seen
    # What a starved machine drops, it tells.
    strengths = {row["strength"] for row in found.report["coverage"]}
    assert not found.dropped or "strong" not in strengths
    early, late = (
        statistics.median(each.rss_mb for each in found.usage if first <= each.at_s < last)
        for first, last in ((20, 40), (40, 62))
    )
    assert late < 1.1 * early
    # Each conversation is over after some seconds, and forgotten at the second tick after that,
    # of ten seconds or a little more: there are some 45,000 at most. Where a FIN was dropped, not.
    assert found.dropped or max(open_flows) < SECONDS * NEW_FLOWS * 0.75


def test_frames_that_the_kernel_drops_are_told(tmp_path: Path) -> None:
    """While the watch stands still its ring overflows: the report says so, and absences weaken."""
    capture, hosts = sample("branch-office")
    with open_capture([str(capture)]) as opened:
        frames = [frame.data for frame in frames_in(opened)]
    for end in (NEAR, FAR):
        ip(f"link set {end} mtu 65000")
    out = tmp_path / "report.json"
    command = [sys.executable, "-m", "auditor", "live", FAR, "--hosts", str(hosts)]
    command += ["--ring-mb", "1", "--format", "json", "--output", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stderr is not None
        while "watching" not in watch.stderr.readline():
            assert watch.poll() is None
        watch.send_signal(signal.SIGSTOP)
        while "T" not in _state(watch.pid):
            time.sleep(0.01)
        burst = [udp_frame(number, size=1400) for number in range(3000)]
        sent = [*burst, *frames]
        for first in range(0, len(sent), 200):  # the kernel queues so many between two interfaces
            send(sent[first : first + 200])
        watch.send_signal(signal.SIGCONT)
        watch.send_signal(signal.SIGTERM)
        watch.communicate(timeout=120)
    report = json.loads(out.read_text(encoding="utf-8"))
    assert watch.returncode in {0, 1}
    assert report["capture"]["frames"] > 0
    assert report["capture"]["dropped"] > 0
    assert report["capture"]["frames"] + report["capture"]["dropped"] == len(sent)
    assert "strong" in set(auditor.audit(capture, hosts=hosts).coverage["strength"])
    assert "strong" not in {row["strength"] for row in report["coverage"]}
    missing = [row for row in report["findings"] if row["kind"] == "missing"]
    assert missing
    assert "high" not in {row["severity"] for row in missing}


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
