"""auditor.explain.wireshark and its child: a dissection, or one line why there is none."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import payloads
import pytest
from pcap_files import pcapng
from small_office import DDC, VDA, needs_tshark
from traffic import Tcp, Wire

from auditor.explain import wireshark
from auditor.explain.wireshark import NotAvailableError, dissect
from auditor.pipeline import audit
from auditor.report.picking import picked_frames
from auditor.report.wanted import wanted_flows

if TYPE_CHECKING:
    from auditor.report.picking import PickedFrame

posix = pytest.mark.skipif(sys.platform == "win32", reason="stands in for tshark by a script")

ENDED = "TSharkCrashException: TShark|tshark gave 0 of 9 frames"
"""Whether pyshark learns of a failure depends on who sees the process end first."""


@pytest.fixture
def frames(tmp_path: Path) -> list[PickedFrame]:
    """Pick the frames of one TLS connection."""
    wire = Wire()
    hello = payloads.tls_client_hello("store.example")
    Tcp(wire, VDA, DDC, 443).connect().send(hello).answer(payloads.tls_server_flight()).close()
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    report = audit(path)
    return list(picked_frames(report.capture.files, wanted_flows(report.tables["flows"], [1]), 100))


def stand_in(directory: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a shell script in the place of tshark."""
    # pyshark takes the directory from the path and the name from itself.
    path = directory / "tshark"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(wireshark, "find_tshark", lambda: str(path))


def is_running(pid: int) -> bool:
    """Say whether a process is there, and no mere corpse that waits for its parent."""
    with suppress(OSError):
        os.kill(pid, 0)
        with suppress(FileNotFoundError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return True
    return False


def has_ended(pid: int) -> bool:
    """Wait a little for a process to end."""
    for _ in range(40):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


@needs_tshark
def test_wireshark_dissects_each_frame(frames: list[PickedFrame]) -> None:
    """The layers of every frame come in order, with what the upper ones begin with."""
    found = dissect(frames)
    assert len(found) == len(frames)
    assert found[0].protocols == "eth:ethertype:ip:tcp"
    assert found[3].protocols.endswith(":tcp:tls")
    assert any("Client Hello" in detail for detail in found[3].details)
    assert found[2].details == ()


@needs_tshark
def test_a_config_file_in_the_working_directory_means_nothing(
    frames: list[PickedFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's config.ini neither breaks the dissection nor names another tshark."""
    (tmp_path / "config.ini").write_text("[tshark]\ntshark_path = /bin/false\n")
    monkeypatch.chdir(tmp_path)
    assert len(dissect(frames)) == len(frames)


def test_without_tshark_the_reason_is_said(
    frames: list[PickedFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not installed is no error of ours."""
    monkeypatch.setattr(wireshark, "find_tshark", lambda: None)
    with pytest.raises(NotAvailableError, match=r"^tshark is not installed$"):
        dissect(frames)


@posix
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 2", ENDED),
        ("echo nonsense", "tshark gave 0 of 9 frames"),
        ("echo '<packet><x></x></packet>'", "AttributeError: "),
        ("kill -9 $$", ENDED),
    ],
)
def test_whatever_goes_wrong_is_one_line(
    frames: list[PickedFrame],
    script: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tshark that fails, prints something else, or is killed, gives a reason."""
    stand_in(tmp_path, script, monkeypatch)
    with pytest.raises(NotAvailableError) as caught:
        dissect(frames)
    assert re.match(reason, str(caught.value))
    assert "\n" not in str(caught.value)


@posix
def test_patience_ends_and_leaves_no_process(
    frames: list[PickedFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tshark that hangs is ended with its time."""
    noted = tmp_path / "pid"
    stand_in(tmp_path, f"echo $$ > {noted}\nexec sleep 60", monkeypatch)
    with pytest.raises(NotAvailableError, match=r"^no answer within 1.0 s$"):
        dissect(frames, patience_s=1.0)
    assert has_ended(int(noted.read_text()))


@posix
def test_a_child_that_cannot_give_up_is_ended_with_all_it_started(
    frames: list[PickedFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its patience and a grace the whole family ends."""
    noted = tmp_path / "pid"
    (tmp_path / "hanging_child.py").write_text(
        "import subprocess, time\n"
        "from pathlib import Path\n"
        f"Path({str(noted)!r}).write_text(str(subprocess.Popen(['sleep', '60']).pid))\n"
        "time.sleep(60)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(wireshark, "_CHILD", "hanging_child")
    monkeypatch.setattr(wireshark, "_GRACE_S", 0.5)
    stand_in(tmp_path, "exit 0", monkeypatch)
    with pytest.raises(NotAvailableError, match=r"^no answer within 0.5 s$"):
        dissect(frames, patience_s=0.5)
    assert has_ended(int(noted.read_text()))


@posix
@pytest.mark.parametrize(
    "answer", ["", "nonsense", "[]", "{}", '{"frames": [{}]}', '{"frames": 3}']
)
def test_a_child_that_answers_nonsense_is_no_answer(
    frames: list[PickedFrame], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anything but the agreed JSON is as good as nothing."""
    (tmp_path / "odd_child.py").write_text(f"print({answer!r})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(wireshark, "_CHILD", "odd_child")
    stand_in(tmp_path, "exit 0", monkeypatch)
    with pytest.raises(NotAvailableError, match=r"^pyshark ended without an answer$"):
        dissect(frames)


@posix
def test_a_missing_pyshark_is_named(
    frames: list[PickedFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library that is lacking is in the reason."""
    (tmp_path / "pyshark.py").write_text("raise ModuleNotFoundError(name='lxml')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stand_in(tmp_path, "exit 0", monkeypatch)
    with pytest.raises(NotAvailableError, match=r"^lxml is not installed$"):
        dissect(frames)


@posix
def test_a_python_that_cannot_be_started_is_named(
    frames: list[PickedFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside another program there may be no interpreter to start."""
    stand_in(tmp_path, "exit 0", monkeypatch)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(NotAvailableError, match=r"^Python cannot be started: No such file"):
        dissect(frames)


def test_an_answer_is_read_as_it_is_written() -> None:
    """Protocols and details come through."""
    answer = json.dumps({"frames": [{"protocols": "eth:ip", "details": ["a", "b"]}]})
    [found] = wireshark._read(answer.encode(), 1)
    assert (found.protocols, found.details) == ("eth:ip", ("a", "b"))
