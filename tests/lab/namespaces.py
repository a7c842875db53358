"""A network namespace without a name: it is gone as soon as nobody is in it or holds it open."""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are, those for root included."""

_CLONE_NEWNET = 0x4000_0000
_MINE = Path("/proc/thread-self/ns/net")


class LabError(Exception):
    """Something of the lab does not do what it should."""


class Namespace:
    """The network of one host.

    No name under /run/netns: nothing is left behind, even of a process that is killed.
    """

    def __init__(self) -> None:
        """Make a namespace that holds a loopback interface, down.

        A thread of its own makes it and ends, so that no other thread ever leaves its place.
        Raises LabError where the right to do so is missing.
        """
        made: list[int] = []
        maker = threading.Thread(target=_make, args=(made,))
        maker.start()
        maker.join()
        if not made:
            raise LabError("needs the right to make network namespaces")
        self._handle = made[0]

    @property
    def path(self) -> str:
        """The place by which ip and nsenter find it."""
        return f"/proc/{os.getpid()}/fd/{self._handle}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it: sockets that this thread makes belong to it, and stay there."""
        with _MINE.open("rb") as home:
            _enter(self._handle)
            try:
                yield
            finally:
                _enter(home.fileno())

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket:
        """Make a socket in it."""
        with self.entered():
            return socket(family, kind, protocol)

    def set(self, setting: str, value: str) -> None:
        """Write a setting under /proc/sys/net, which shows each thread its own namespace's."""
        with self.entered():
            Path("/proc/sys/net", setting).write_text(value, encoding="ascii")

    def run(self, *command: str, told: str = "") -> str:
        """Run a command in it, with `told` on its standard input; give what it prints."""
        ran = subprocess.run(
            self._inside(command),
            input=told, capture_output=True, text=True, check=False, env=_environment(),
        )  # fmt: skip
        if ran.returncode:
            raise LabError(f"{' '.join(command)}: {ran.stderr.strip()}")
        return ran.stdout

    def ip(self, *commands: str) -> None:
        """Run iproute2's ip in it, with these commands one after the other."""
        self.run("ip", "-batch", "-", told="\n".join(commands))

    def start(self, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a daemon in it that dies with this process, whatever becomes of that."""
        return subprocess.Popen(
            self._inside(["setpriv", "--pdeathsig", "KILL", "--", *command]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
        )

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)

    def _inside(self, command: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={self.path}", "--", *command]


def stop(child: subprocess.Popen[bytes], sign: int, patience_s: float = 60) -> None:
    """Ask a child to end, and end it where it does not."""
    if child.poll() is None:
        child.send_signal(sign)
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _environment() -> dict[str, str]:
    return os.environ | {"PATH": SYSTEM_PATH, "LC_ALL": "C"}


def _make(made: list[int]) -> None:
    if _libc().unshare(_CLONE_NEWNET) == 0:
        made.append(os.open(_MINE, os.O_RDONLY | os.O_CLOEXEC))


def _enter(handle: int) -> None:
    if _libc().setns(handle, _CLONE_NEWNET):
        raise LabError(f"cannot enter a network namespace: {os.strerror(ctypes.get_errno())}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
