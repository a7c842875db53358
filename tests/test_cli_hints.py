"""What the command line does for somebody who asked for the wrong thing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from invoked import auditor

SAMPLES = Path(__file__).resolve().parents[1] / "sample_pcaps"
BRANCH = SAMPLES / "branch-office.pcapng"
FULL = Path("/dev/full")


def test_unknown_suffix_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """A file name that promises another format is wrong usage, not a table under its name."""
    run = auditor("audit", BRANCH, "--output", tmp_path / "report.html")
    assert run.status == 2
    assert "no report is written as .html" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_site_file_of_another_site_is_said_aloud() -> None:
    """Where no address is listed, the report says that nothing was judged."""
    run = auditor("audit", BRANCH, "--hosts", SAMPLES / "adc.hosts.yaml")
    assert "addresses seen is in the site file: nothing is judged" in run.stdout


def test_time_asked_for_is_told_and_carried_on() -> None:
    """A report of a part of the time says so, and its hints keep to the same part."""
    since = "2026-03-02 08:02"
    run = auditor("audit", BRANCH, "--since", since, "--fail-on", "never")
    words = " ".join(run.stdout.split())
    assert "only frames since 2026-03-02T08:02:00.000000000Z" in words
    assert "--since 2026-03-02T08:02:00.000000000Z" in words
    asked = json.loads(auditor("audit", BRANCH, "--since", since, "--format", "json").stdout)
    assert asked["audit"]["since"] == "2026-03-02T08:02:00.000000000Z"
    assert asked["audit"]["until"] is None


def test_export_goes_by_the_suffix(tmp_path: Path) -> None:
    """The catalog is exported in the format that the file's name promises."""
    path = tmp_path / "catalog.json"
    assert auditor("catalog", "export", "--output", path).status == 0
    assert json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_full_disk_behind_standard_output_is_one_line() -> None:
    """A report that cannot be written ends in a line and exit status 3, not in a traceback."""
    command = [sys.executable, "-m", "auditor", "audit", str(BRANCH)]
    with FULL.open("wb") as full:
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 3
    assert run.stderr.startswith("auditor: standard output: cannot be written")
    assert "Traceback" not in run.stderr
