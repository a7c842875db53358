"""The sample captures: made as they lie there, sound on the wire, judged as is known of them."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import build
import pytest
from judged import found, judged_flows
from soundness import needs_tshark, unsound
from truth import KnownFlow, load_truth

import auditor

if TYPE_CHECKING:
    from pathlib import Path

TRUTHS = {
    path.name.removesuffix(".truth.yaml"): load_truth(path)
    for path in sorted(build.HERE.glob("*.truth.yaml"))
}
SECTIONS = sorted(TRUTHS.keys() - {"branch-office", "lab"})

_PORTLESS_ROW = 212
_LOOPBACK_ROW = 248
_TABLE_ROWS = 170


@cache
def report(sample: str) -> auditor.Report:
    """Audit a sample, once."""
    capture = build.HERE / TRUTHS[sample].capture
    return auditor.audit(str(capture), hosts=str(build.HERE / f"{sample}.hosts.yaml"))


@pytest.mark.parametrize(
    ("sample", "known"),
    [
        pytest.param(sample, flow, id=f"{sample}-flow{number}")
        for sample, truth in TRUTHS.items()
        for number, flow in enumerate(truth.flows)
    ],
)
def test_flow(sample: str, known: KnownFlow) -> None:
    """A known flow of a sample is judged as it is known."""
    alike = [flow for flow in judged_flows(report(sample)) if flow.is_between(known)]
    assert any(flow.agrees(known) for flow in alike), alike


@pytest.mark.parametrize("sample", SECTIONS)
def test_flows_are_complete(sample: str) -> None:
    """A section's sample has the flows that are known, and no other."""
    known = [(f.client, f.server, f.transport, f.port) for f in TRUTHS[sample].flows]
    flows = judged_flows(report(sample))
    assert [(f.client, f.server, f.transport, f.server_port) for f in flows] == known


@pytest.mark.parametrize("sample", TRUTHS)
def test_findings(sample: str) -> None:
    """A sample's findings are the known ones; of what is missing, those that it is about."""
    truth = TRUTHS[sample]
    findings = found(report(sample))
    present = {finding for finding in findings if finding.kind != "missing"}
    assert present == set(truth.findings)
    assert truth.missing <= findings


def test_samples_reach_every_row() -> None:
    """The sections' samples cite every row that a flow can match, and the loopback row."""
    cited = {row for s in SECTIONS for flow in TRUTHS[s].flows for row in flow.rows}
    rules = auditor.load_catalog().rules
    table = {rule.row for rule in rules if rule.pack == "paper" and rule.origin == "table"}
    assert len(table) == _TABLE_ROWS
    assert table - cited == {_PORTLESS_ROW}
    assert _LOOPBACK_ROW in cited


def test_captures_are_as_made() -> None:
    """The captures are, byte for byte, what build.py makes; only the recording is not its own."""
    stale = [
        name
        for name, content in build.make().items()
        if (build.HERE / name).read_bytes() != content
    ]
    assert not stale
    captures = {path.name for path in build.HERE.glob("*.pcap*")}
    assert captures - build.make().keys() == {TRUTHS["lab"].capture}


def test_build_check_notices_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`build.py --check` is content with its own work, names what differs, and writes nothing."""
    made = {"one.pcap": b"one", "two.pcap": b"two"}
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "make", lambda: made)
    assert build.main([]) == 0
    capsys.readouterr()
    assert build.main(["--check"]) == 0
    (tmp_path / "two.pcap").write_bytes(b"changed")
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith("two.pcap: differs")
    assert (tmp_path / "two.pcap").read_bytes() == b"changed"


@needs_tshark
@pytest.mark.parametrize("sample", TRUTHS)
def test_captures_are_sound(sample: str) -> None:
    """Wireshark finds no wrong checksum in a sample, and nothing malformed."""
    assert not unsound(build.HERE / TRUTHS[sample].capture)


def test_hash_order_does_not_matter() -> None:
    """Captures made under another hash seed are the same."""
    script = "import build, zlib; print(*(zlib.crc32(made) for made in build.make().values()))"
    sums = set()
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True, check=True, text=True, cwd=build.HERE,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )  # fmt: skip
        sums.add(ran.stdout)
    assert len(sums) == 1
