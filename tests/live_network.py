"""A network of a test's own: a namespace with two interfaces that are joined, and a sender."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from capture_files import frames_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from capture_files import Frame

    from auditor.capture.live import LiveSource

NEAR, FAR = "near0", "far0"
"""What is sent from one end is heard at the other."""

_CLONE_NEWNET = 0x4000_0000
_PATIENCE_S = 60


@contextmanager
def private_network() -> Iterator[None]:
    """Be in a new network namespace, with NEAR, FAR and lo up; skip where that cannot be had."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("needs root and iproute2, to make interfaces of its own")
    libc = ctypes.CDLL(None, use_errno=True)
    # Of this thread alone, as namespaces are.
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        if libc.unshare(_CLONE_NEWNET):
            pytest.skip("needs the right to make network namespaces")
        try:
            for scope in ("all", "default"):  # no frames but those of the test
                Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")
            ip("link set lo up")
            make_pair()
            yield
        finally:
            assert libc.setns(home.fileno(), _CLONE_NEWNET) == 0


def ip(command: str) -> None:
    """Run ip with these words."""
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)


def make_pair() -> None:
    """Make the two interfaces, and wait until they carry frames."""
    ip(f"link add {NEAR} type veth peer name {FAR}")
    ip(f"link set {NEAR} up")
    ip(f"link set {FAR} up")
    wait_for_state(FAR, "UP")


def wait_for_state(interface: str, state: str) -> None:
    """Wait until the kernel says so of an interface; it takes its time to notice a link."""
    from auditor.capture.live.interfaces import interface_state  # noqa: PLC0415 - Linux alone

    ends_s = time.monotonic() + _PATIENCE_S
    while interface_state(interface).name != state:
        assert time.monotonic() < ends_s
        time.sleep(0.02)


def send(frames: Sequence[bytes], interface: str = NEAR) -> None:
    """Send frames as they are, once the interface has noticed that it can."""
    wait_for_state(interface, "UP")
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for frame in frames:
            sender.send(frame)


def receive(sources: LiveSource | Sequence[LiveSource], count: int) -> list[Frame]:
    """Read until there are so many frames, of each source in turn; fewer when patience ends."""
    each = sources if isinstance(sources, Sequence) else [sources]
    frames: list[Frame] = []
    ends_s = time.monotonic() + _PATIENCE_S
    while len(frames) < count and time.monotonic() < ends_s:
        for source in each:
            batch = source.read()
            if batch:
                frames += frames_in([batch])
    return frames


def read_until(source: LiveSource, met: Callable[[], bool]) -> list[Frame]:
    """Read until something is the case; fail when patience ends."""
    frames: list[Frame] = []
    ends_s = time.monotonic() + _PATIENCE_S
    while not met():
        assert time.monotonic() < ends_s
        batch = source.read()
        if batch:
            frames += frames_in([batch])
    return frames


def read_until_told(source: LiveSource, words: str) -> list[str]:
    """Read until a notice holds these words; return all notices up to it."""
    told: list[str] = []

    def is_told() -> bool:
        told.extend(source.notices())
        return any(words in line for line in told)

    read_until(source, is_told)
    return told


def udp_frame(number: int, *, port: int = 9, size: int = 60, tags: Sequence[int] = ()) -> bytes:
    """Make a UDP datagram from a port of its own, behind VLAN tags with these ids."""
    payload = struct.pack(">I", number).ljust(max(4, size - 42), b".")
    udp = struct.pack(">HHHH", 10_000 + number % 50_000, port, 8 + len(payload), 0)
    addresses = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2")
    ipv4 = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(payload), number & 0xFFFF, 0, 64, 17, 0)
    shim = b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags)
    macs = bytes.fromhex("020000000002 020000000001")
    return macs + shim + b"\x08\x00" + ipv4 + addresses + udp + payload
