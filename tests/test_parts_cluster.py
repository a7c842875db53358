"""Captures read by the workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from pieces import audit, cut_sample, report

from auditor.errors import UsageError
from auditor.parts import cluster
from auditor.parts.cluster import Cluster
from auditor.parts.crew import WorkerLostError

distributed = pytest.importorskip("distributed")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Start a scheduler with two workers on this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as local:
        yield local.scheduler_address


def die() -> None:
    """End as the system ends a process for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def other_version() -> str:
    """Answer as a worker with another version would."""
    return "0.0.0"


def test_a_cluster_reports_what_one_process_does(tmp_path: Path, address: str) -> None:
    """Two hundred files, cut in the middle of flows, give the same bytes."""
    directory = cut_sample(tmp_path / "cut", 200)
    audit(directory, "--cluster", address)  # the first on a machine says that it compiles
    alone, together = audit(directory), audit(directory, "--cluster", address)
    assert together.status == alone.status
    assert together.stderr == alone.stderr
    assert report(together) == report(alone)


def test_work_is_done_elsewhere(address: str) -> None:
    """By as many workers as there are; what they raise comes through."""
    crew = Cluster(address)
    assert crew.size == 2
    assert crew.send(os.getpid).result() != os.getpid()
    with pytest.raises(ValueError, match="invalid literal"):
        crew.send(int, "x").result()
    crew.close()


def test_another_version_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers with another version of this program are named."""
    monkeypatch.setattr(cluster, "_version", other_version)
    with pytest.raises(UsageError, match=r"on every worker, found 0\.0\.0 on tcp://"):
        Cluster(address)


def test_a_scheduler_must_answer() -> None:
    """Nobody there, and what is no address, ends in one line."""
    with pytest.raises(UsageError, match=r"--cluster tcp://127\.0\.0\.1:1: expected a scheduler"):
        Cluster("tcp://127.0.0.1:1", patience_s=0.5)
    with pytest.raises(UsageError, match="expected a scheduler, found"):
        Cluster("nowhere://x", patience_s=0.5)


def test_a_scheduler_must_have_workers() -> None:
    """Without any the wait ends."""
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(UsageError, match=r"expected a worker within 0\.5 s, found none"),
    ):
        Cluster(empty.scheduler_address, patience_s=0.5)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_work_that_kills_is_lost(address: str) -> None:
    """Dask tries several workers; then the work is given up."""
    crew = Cluster(address)
    with pytest.raises(WorkerLostError, match="the workers that read it died"):
        crew.send(die).result()
    assert crew.send(os.getpid).result() != os.getpid()
    crew.close()
