"""Captures read by processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

import pytest
from pieces import audit, cut_sample, report

from auditor.parts.assembly import assemble
from auditor.parts.crew import WorkerLostError, available_processors
from auditor.parts.processes import Processes, _copies
from auditor.parts.reduce import read_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from auditor.parts.plan import Part
    from auditor.parts.reduce import Job, Partial


@pytest.fixture(params=["copied", "begun anew"])
def processes(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Processes]:
    """Start two processes, at once or when work comes."""
    if request.param == "begun anew":
        monkeypatch.setattr("auditor.parts.processes._copies", lambda _: None)
    crew = Processes(2)
    yield crew
    crew.close()


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let captures of any size be worth as many workers as are wanted."""
    monkeypatch.setattr("auditor.parts.worth.useful_workers", lambda _, wanted: wanted)


def die(*_: object) -> None:
    """End as the system ends a process for want of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(path: Path) -> int:
    """End so if nobody did before."""
    if not path.exists():
        path.touch()
        die()
    return os.getpid()


def exhaust() -> None:
    """Fail as Python does for want of memory."""
    raise MemoryError


def read_but_one(part: Part, job: Job) -> Partial:
    """Read a part, but for that with the hundredth file: that one kills."""
    if any(file.index == 99 for file in part.files):
        die()
    return read_part(part, job)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_death_is_tried_twice(processes: Processes, tmp_path: Path) -> None:
    """Work whose process died is done again alone; work that kills is lost, and nothing else."""
    killed = processes.send(die)
    others = [processes.send(os.getpid) for _ in range(4)]
    with pytest.raises(WorkerLostError, match="the process that read it died, twice"):
        killed.result()
    mine = os.getpid()
    assert all(other.result() != mine for other in others)
    assert processes.send(die_once, tmp_path / "once").result() != mine
    assert processes.send(os.getpid).result() != mine


def test_want_of_memory_is_a_loss_too(processes: Processes) -> None:
    """As when the system kills."""
    with pytest.raises(WorkerLostError, match="ran out of memory, twice"):
        processes.send(exhaust).result()


def test_large_results_come_whole(processes: Processes) -> None:
    """Shared memory or a pipe: what is handed over is what was made."""
    assert processes.send(bytes, 5_000_000).result() == bytes(5_000_000)


def test_errors_come_through(processes: Processes) -> None:
    """What work raises reaches who asked for it."""
    with pytest.raises(ValueError, match="invalid literal"):
        processes.send(int, "x").result()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux alone")
def test_a_process_with_threads_is_not_copied() -> None:
    """Another thread might hold a lock that nobody would ever release in the copy."""
    done = Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(done.wait)
        assert _copies(2) is None
        done.set()


LEFT_ALONE = """
import os, signal
from auditor.parts.processes import Processes
if __name__ == "__main__":
    crew = Processes(2)
    print(*{crew.send(os.getpid).result() for _ in range(9)}, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_processes_end_with_who_began_them() -> None:
    """Even where that was killed, and could not send them home."""
    # They hold the other end of this pipe: it ends when the last of them does.
    run = subprocess.run(
        [sys.executable, "-c", LEFT_ALONE], stdout=subprocess.PIPE, check=False, timeout=120
    )
    assert run.returncode == -signal.SIGKILL
    assert run.stdout.split()


def test_crews_are_as_large_as_wanted() -> None:
    """As many processes as are asked for, whatever the machine has."""
    crew = assemble(3, None)
    assert crew.size == 3
    crew.close()
    assert available_processors() >= 1


@pytest.mark.usefixtures("busy")
def test_two_processes_report_what_one_does(tmp_path: Path) -> None:
    """Two hundred files, cut in the middle of flows, give the same bytes."""
    directory = cut_sample(tmp_path / "cut", 200)
    audit(directory, "--workers", "2")  # the first on a machine says that it compiles
    alone, together = audit(directory), audit(directory, "--workers", "2")
    assert together.status == alone.status
    assert together.stderr == alone.stderr
    assert report(together) == report(alone)


@pytest.mark.usefixtures("busy")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_a_killed_process_costs_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is reported, the loss named, and the exit status is that of unreadable input."""
    monkeypatch.setattr("auditor.parts.reading.read_part", read_but_one)
    directory = cut_sample(tmp_path / "cut", 120)
    run = audit(directory, "--workers", "2")
    lost = (
        f"{directory}/0099.pcap: expected frames, found that the process that read it died, twice"
    )
    assert lost in run.stderr.splitlines()[0]
    assert run.stderr.count("died") == 1
    assert run.status == 3
    alone = json.loads(audit(directory).stdout)["capture"]["frames"]
    left = json.loads(run.stdout)["capture"]["frames"]
    assert alone - 30 < left < alone
