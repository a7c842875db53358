"""auditor.partitions: flows that a watch wrote are judged again, and come to the same findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from test_watch import NAMES, coverage_of, findings_of
from watching import sample, watched

import auditor
from auditor.live.intake import Limits
from auditor.live.store import FlowStore

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")

if TYPE_CHECKING:
    from pathlib import Path


def written(name: str, directory: Path, tick_s: float = 10.0) -> Path:
    """Watch a sample capture and write its flows."""
    store = FlowStore(directory, lambda _: None)
    watched(*sample(name), limits=Limits(tick_s=tick_s), flow_sink=store)
    assert not store.lost
    return directory


@pytest.mark.parametrize("tick_s", [10.0, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_an_audit_of_the_flows_says_what_one_of_the_capture_says(
    name: str, tick_s: float, tmp_path: Path
) -> None:
    """Findings, coverage, and every flow: parts are one flow again, however ticks cut them."""
    capture, hosts = sample(name)
    read = auditor.audit(written(name, tmp_path / "flows", tick_s), hosts=hosts)
    expected = auditor.audit(capture, hosts=hosts)
    assert findings_of(read) == findings_of(expected)
    assert coverage_of(read) == coverage_of(expected)
    same = [each for each in expected.flows.columns if each != "capture"]
    assert repr(read.flows[same].to_dict("records")) == repr(
        expected.flows[same].to_dict("records")
    )
    assert repr(read.hosts.to_dict("records")) == repr(expected.hosts.to_dict("records"))


def test_without_a_site_file_roles_are_inferred_as_from_the_capture(tmp_path: Path) -> None:
    """The first payloads are there to infer from."""
    capture, _ = sample("cvad")
    read = auditor.audit(written("cvad", tmp_path / "flows"))
    assert findings_of(read) == findings_of(auditor.audit(capture))
