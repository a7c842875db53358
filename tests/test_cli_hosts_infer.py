"""`auditor hosts infer`: where the draft goes, and what is said when something is amiss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import build
from invoked import auditor

from auditor.catalog.load import load_catalog
from auditor.errors import EXIT_CLEAN, EXIT_INPUT, EXIT_USAGE
from auditor.site.load import load_site

if TYPE_CHECKING:
    from pathlib import Path

CAPTURE = build.HERE / "cloud.pcap"


def test_prints_a_site_file(tmp_path: Path) -> None:
    """Standard output is a site file and nothing else."""
    run = auditor("hosts", "infer", CAPTURE)
    path = tmp_path / "site.yaml"
    path.write_text(run.stdout, encoding="utf-8")
    roles = {role for host in load_site(path, load_catalog()).hosts for role in host.roles}
    assert (run.status, run.stderr) == (EXIT_CLEAN, "")
    assert roles == {"cloud-connector", "citrix-cloud"}


def test_writes_a_file_that_check_accepts(tmp_path: Path) -> None:
    """--output writes the same text, which `hosts check` finds without mistakes."""
    path = tmp_path / "site.yaml"
    run = auditor("hosts", "infer", CAPTURE, "--output", path)
    assert (run.status, run.stdout) == (EXIT_CLEAN, "")
    assert path.read_text(encoding="utf-8") == auditor("hosts", "infer", CAPTURE).stdout
    assert auditor("hosts", "check", path).stdout.startswith(f"{path}: no mistakes")


def test_threshold_moves_entries() -> None:
    """A higher threshold turns entries into comments."""
    lines = auditor("hosts", "infer", CAPTURE, "--threshold", "0.9").stdout.splitlines()
    assert not [line for line in lines if line.startswith("  -") and "cloud" in line]
    assert [line for line in lines if line.startswith("#   -") and "citrix-cloud" in line]


def test_refuses_what_cannot_be(tmp_path: Path) -> None:
    """A threshold above 1, a directory that is not there, a span that runs backwards: status 2."""
    for arguments in (
        ("--threshold", "70"),
        ("--output", tmp_path / "nowhere" / "site.yaml"),
        ("--since", "2026-03-02", "--until", "2026-03-01"),
        ("--output", tmp_path),
    ):
        run = auditor("hosts", "infer", CAPTURE, *arguments)
        assert (run.status, run.stdout) == (EXIT_USAGE, "")
        assert run.stderr


def test_names_what_cannot_be_read(tmp_path: Path) -> None:
    """Of several captures the unreadable one is named, the draft is made of the rest: status 3."""
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"not a capture at all")
    run = auditor("hosts", "infer", CAPTURE, broken)
    assert run.status == EXIT_INPUT
    assert str(broken) in run.stderr
    assert "cloud-connector" in run.stdout


def test_keeps_a_file_that_may_hold_corrections(tmp_path: Path) -> None:
    """A site file that is there already is replaced only with --force."""
    path = tmp_path / "site.yaml"
    path.write_text("hosts: []\n", encoding="utf-8")
    run = auditor("hosts", "infer", CAPTURE, "--output", path)
    assert run.status == EXIT_USAGE
    assert "is there already" in run.stderr
    assert path.read_text(encoding="utf-8") == "hosts: []\n"
    assert auditor("hosts", "infer", CAPTURE, "--output", path, "--force").status == EXIT_CLEAN
    assert "cloud-connector" in path.read_text(encoding="utf-8")
