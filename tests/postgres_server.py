"""A PostgreSQL server of one's own, on a Unix socket, that can be stopped and started."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "auditor"


@dataclass(frozen=True)
class Server:
    """A cluster in a directory."""

    directory: Path
    binaries: Path
    account: tuple[str, ...]
    """What a command begins with that must not run as root."""

    @property
    def url(self) -> str:
        """Address its database."""
        return f"postgresql://{USER}@/postgres?host={self.directory}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-c listen_addresses='' -k {self.directory} -F"
        log = self.directory / "log"
        self._control("start", "-w", "-l", str(log), "-o", options)

    def stop(self) -> None:
        """Stop as a power cut does."""
        self._control("stop", "-m", "immediate")

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs; fail with what it says."""
        done = subprocess.run(
            [*self.account, str(self.binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
            cwd="/",
        )
        assert done.returncode == 0, done.stdout

    def _control(self, what: str, *more: str) -> None:
        self.run("pg_ctl", what, "-D", str(self.directory / "data"), *more)


def _binaries() -> Path:
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/local/pgsql/bin")]
    if found := shutil.which("initdb"):
        places.append(Path(found).resolve().parent)
    for place in sorted(places, reverse=True):
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    pytest.skip("PostgreSQL's initdb is not installed")


def _account() -> tuple[str, ...]:
    if not hasattr(os, "geteuid"):
        pytest.skip("the server of these tests needs Unix sockets")
    if os.geteuid() != 0:
        return ()
    if shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser")
    for name in ("postgres", "nobody"):
        if subprocess.run(["id", name], capture_output=True, check=False).returncode == 0:
            return ("runuser", "-u", name, "--")
    pytest.skip("PostgreSQL does not run as root, and there is no other account")


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Make a cluster and start it, or skip where that cannot be done."""
    pytest.importorskip("psycopg", reason="needs the extra `postgresql`")
    binaries, account = _binaries(), _account()
    # The path of a Unix socket has at most 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if account:
            shutil.chown(directory, account[2])
        server = Server(directory, binaries, account)
        data = str(directory / "data")
        server.run("initdb", "-D", data, "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
