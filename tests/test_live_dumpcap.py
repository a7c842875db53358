"""Frames through dumpcap, on interfaces of the test's own, and how it is found and understood."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from capture_files import frame, frames_in, pcap
from live_network import (
    FAR,
    NEAR,
    ip,
    make_pair,
    private_network,
    read_until,
    read_until_told,
    receive,
    send,
    udp_frame,
)

from auditor.capture.live import InterfaceState, LiveOptions
from auditor.capture.live import dumpcap as live_dumpcap
from auditor.capture.live.dumpcap import DumpcapSource
from auditor.capture.live.dumpcap_child import find_dumpcap, list_devices
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = LiveOptions(ring_mb=2)

needs_dumpcap = pytest.mark.skipif(not shutil.which("dumpcap"), reason="needs Wireshark's dumpcap")


@pytest.fixture
def network() -> Iterator[None]:
    """Be in a network of the test's own."""
    with private_network():
        yield


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended may wait for somebody to take note."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _stand_in(tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a dumpcap in place that says these words and ends."""
    program = tmp_path / "dumpcap"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{words}\nEND\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(live_dumpcap, "find_dumpcap", lambda: str(program))


@needs_dumpcap
@pytest.mark.usefixtures("network")
def test_frames_arrive_as_they_were_sent() -> None:
    """Those that the filter passes, VLAN tags in place; losses are told at the end."""
    source = DumpcapSource(FAR, LiveOptions(ring_mb=2, bpf="udp or vlan"))
    sent = [
        udp_frame(number, size=60 + number, tags=[7] if number % 3 else []) for number in range(100)
    ]

    send([bytes(60), *sent])
    frames = receive(source, len(sent))

    assert [each.data for each in frames] == sent
    assert [each.number for each in frames] == list(range(1, len(sent) + 1))
    assert {each.linktype for each in frames} == {1}
    assert source.read() is None
    assert source.dropped is None
    source.close()
    assert source.dropped == 0


@needs_dumpcap
@pytest.mark.usefixtures("network")
def test_an_interface_that_is_down_at_first_is_waited_for() -> None:
    """It is tried again and again."""
    ip(f"link set {FAR} down")
    source = DumpcapSource(FAR, OPTIONS)
    assert source.state == InterfaceState.DOWN
    assert "down; waiting" in source.notices()[0]

    ip(f"link set {FAR} up")
    read_until_told(source, "up again")
    send([udp_frame(1)])

    assert [each.data for each in receive(source, 1)] == [udp_frame(1)]
    source.close()


@needs_dumpcap
@pytest.mark.usefixtures("network")
def test_an_interface_that_is_made_anew_is_listened_to_again() -> None:
    """By another dumpcap; numbers go on."""
    source = DumpcapSource(FAR, OPTIONS)
    send([udp_frame(1)])
    receive(source, 1)

    ip(f"link del {FAR}")
    read_until(source, lambda: source.state == InterfaceState.GONE)
    make_pair()
    read_until_told(source, "up again")
    send([udp_frame(2)])

    (frame,) = receive(source, 1)
    assert (frame.data, frame.number) == (udp_frame(2), 2)
    source.close()


@needs_dumpcap
@pytest.mark.usefixtures("network")
def test_what_dumpcap_refuses_is_told_in_our_words() -> None:
    """An interface that there is not, and a filter that is none."""
    with pytest.raises(CaptureError, match=rf"^nosuch0: expected one of .*{NEAR}.*, found none$"):
        DumpcapSource("nosuch0", OPTIONS)
    with pytest.raises(UsageError, match=r"^--bpf 'tcp prt': can't parse filter expression"):
        DumpcapSource(FAR, LiveOptions(ring_mb=2, bpf="tcp prt"))


@needs_dumpcap
@pytest.mark.usefixtures("network")
def test_no_dumpcap_is_left_behind() -> None:
    """By a program that ends without closing the source."""
    script = f"""
from auditor.capture.live import LiveOptions
from auditor.capture.live.dumpcap import DumpcapSource

source = DumpcapSource("{FAR}", LiveOptions(ring_mb=2))
print(source._child._child.pid)
raise SystemExit
"""
    told = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout
    ends_s = time.monotonic() + 60
    while is_running(int(told)):
        assert time.monotonic() < ends_s
        time.sleep(0.05)


@needs_dumpcap
def test_dumpcap_names_the_interfaces() -> None:
    """As they are given to it."""
    program = find_dumpcap()
    assert program

    assert "lo" in list_devices(program)


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell, for a stand-in")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            'dumpcap: You do not have permission to capture on device "eth9".\nPlease check',
            r"eth9: expected to be allowed to listen, found .*permission.*; .*",
        ),
        (
            "Capturing on 'eth9'\ndumpcap: There was a fire.",
            r"eth9: expected dumpcap to listen there, found: There was a fire\.",
        ),
        ("", r"eth9: expected dumpcap to listen there, found: it gave no reason"),
    ],
)
def test_its_last_words_become_the_reason(
    words: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, with what to grant where that is it."""
    _stand_in(tmp_path, words, monkeypatch)

    with pytest.raises(CaptureError, match=f"^{expected}$"):
        DumpcapSource("eth9", OPTIONS)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals, for a stand-in")
def test_what_dumpcap_still_writes_when_a_watch_ends_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked to end; its last frames are numbered on, and then there is nothing left."""
    sent = [frame(udp_frame(number)) for number in range(5)]
    first, whole = tmp_path / "first.pcap", tmp_path / "whole.pcap"
    first.write_bytes(pcap(sent[:2]))
    whole.write_bytes(pcap(sent))
    program = tmp_path / "dumpcap"
    program.write_text(
        f"""#!{sys.executable}
import signal, sys
from pathlib import Path

signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGINT}})
first, whole = (Path(name).read_bytes() for name in ({str(first)!r}, {str(whole)!r}))
sys.stdout.buffer.write(first)
sys.stdout.buffer.flush()
signal.sigwait({{signal.SIGINT}})
sys.stdout.buffer.write(whole[len(first):])
"""
    )
    program.chmod(0o755)
    monkeypatch.setattr(live_dumpcap, "find_dumpcap", lambda: str(program))
    source = DumpcapSource("eth9", OPTIONS)
    frames = receive(source, 2)

    frames += frames_in(source.rest())
    source.close()

    assert [each.data for each in frames] == [each.data for each in sent]
    assert [each.number for each in frames] == [1, 2, 3, 4, 5]
    assert list(source.rest()) == []


def test_without_dumpcap_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words for this system."""
    monkeypatch.setattr(live_dumpcap, "find_dumpcap", lambda: None)

    with pytest.raises(CaptureError, match=r"^eth9: expected dumpcap, found none; "):
        DumpcapSource("eth9", OPTIONS)


def test_dumpcap_is_found_where_wireshark_puts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under Windows it is not on the path."""
    home = tmp_path / "Wireshark" / "dumpcap.exe"
    home.parent.mkdir()
    home.touch()
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setenv("ProgramFiles", str(tmp_path))

    assert find_dumpcap() == str(home)
